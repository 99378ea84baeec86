"""Schemas of what the directory holds: practitioners, organizations, mailboxes, and pages of them (contract.md §3).
PURE."""

from __future__ import annotations

from typing import Final

from directory_service.index.onebox import Field
from directory_service.index.onebox.facets import FACETS
from directory_service.model.confusable import How
from directory_service.model.homonyms import Grade
from directory_service.model.likeness import Likeness
from directory_service.model.mailboxes import MailboxType
from directory_service.model.people import Status
from directory_service.web.openapi.terms import (
    FLAG,
    INSTANT,
    SHA256,
    TEXT,
    WHOLE,
    Schema,
    listed,
    or_null,
    record,
    ref,
    told,
    word,
)

BUILD: Final = told("État de l'annuaire dont vient la réponse", TEXT)
CURSOR: Final = told("Curseur de la page suivante ; null à la dernière", or_null(TEXT))
_TEXT_OR_NULL: Final = or_null(TEXT)
_INSTANT_OR_NULL: Final = or_null(INSTANT)
_CODED_OR_NULL: Final = or_null(ref("Coded"))
_TYPE: Final = word(MailboxType)

_LINES: Final = ("recipient", "point", "street", "distribution", "cedex", "postcode", "city", "city_code", "country")
_PLACE: Final = record(
    {"id": TEXT, "name": TEXT, "finess": _TEXT_OR_NULL, "siret": _TEXT_OR_NULL},
)
_PRACTITIONER: Final[dict[str, Schema]] = {
    "id": told("idNat_PS", TEXT),
    "rpps": _TEXT_OR_NULL,
    "adeli": told("Tous les numéros ADELI jamais portés", listed(TEXT)),
    "status": word(Status),
    "status_since": _INSTANT_OR_NULL,
    "title": _CODED_OR_NULL,
    "family_name": TEXT,
    "given_names": TEXT,
    "profession": _CODED_OR_NULL,
    "category": _CODED_OR_NULL,
    "specialties": listed(ref("Specialty")),
    "activities": listed(ref("Activity")),
    "mailboxes": listed(ref("MailboxBrief")),
    "sources": listed(record({"name": TEXT, "run": or_null(WHOLE), "seen": _INSTANT_OR_NULL})),
}
_ORGANIZATION: Final[dict[str, Schema]] = {
    "id": told("idNat_Struct", _TEXT_OR_NULL),
    "technical_id": TEXT,
    "name": _TEXT_OR_NULL,
    "trade_name": _TEXT_OR_NULL,
    "finess": _TEXT_OR_NULL,
    "finess_legal": _TEXT_OR_NULL,
    "siret": _TEXT_OR_NULL,
    "siren": _TEXT_OR_NULL,
    "former_id": _TEXT_OR_NULL,
    "status": word(Status),
    "sector": _CODED_OR_NULL,
    "address": or_null(ref("PostalAddress")),
    "phones": listed(TEXT),
    "fax": _TEXT_OR_NULL,
    "email": _TEXT_OR_NULL,
    "mailboxes": listed(ref("MailboxBrief")),
}
_MAILBOX: Final[dict[str, Schema]] = {
    "address": TEXT,
    "type": or_null(_TYPE),
    "status": word(("open", "closed")),
    "since": _INSTANT_OR_NULL,
    "until": _INSTANT_OR_NULL,
    "operator": _TEXT_OR_NULL,
    "unlisted": told("Liste rouge", FLAG),
    "purposes": listed(TEXT),
    "contacts": listed(ref("Contact")),
    "version": told("Pour `If-Match`", _TEXT_OR_NULL),
    "changed": _INSTANT_OR_NULL,
    "holders": listed(ref("Holder")),
}
# What tells homonyms apart (docs/reference/search.md).
_SHIELD: Final[dict[str, Schema]] = {
    "grade": told("Peut-on prendre cette personne pour une autre ?", word(Grade)),
    "apart": told("Ce qui la distingue ; null : son nom suffit", _TEXT_OR_NULL),
    "mistaken": told(
        "Les adresses que l'on prendrait pour la sienne", listed(record({"address": TEXT, "by": word(How)}))
    ),
}
_FACETS: Final[dict[str, Schema]] = {name: ref("Facet") for name in FACETS}
_BY: Final = or_null(record({"run": or_null(WHOLE), "operator": _TEXT_OR_NULL}))
_BOX: Final[dict[str, Schema]] = {
    "label": TEXT,
    "address": TEXT,
    "type": _TYPE,
    "hint": TEXT,
    "place": _TEXT_OR_NULL,
    "town": _TEXT_OR_NULL,
}
_HOLDER: Final[dict[str, Schema]] = {
    "person": ref("SuggestedPerson"),
    "structure": record({"id": _TEXT_OR_NULL, "name": _TEXT_OR_NULL}),
}

PEOPLE: Final[dict[str, Schema]] = {
    "Coded": record({"code": TEXT, "label": TEXT}),
    "Specialty": record({"code": TEXT, "label": TEXT, "type": _CODED_OR_NULL}),
    "PostalAddress": record({**dict.fromkeys(_LINES, _TEXT_OR_NULL), "department": _CODED_OR_NULL}),
    "Activity": record(
        {
            "profession": _CODED_OR_NULL,
            "category": _CODED_OR_NULL,
            "structure": or_null(_PLACE),
            "address": or_null(ref("PostalAddress")),
            "mode": _CODED_OR_NULL,
            "sector": _CODED_OR_NULL,
            "role": _CODED_OR_NULL,
            "phones": listed(TEXT),
        }
    ),
    "MailboxBrief": record(
        {
            "address": TEXT,
            "type": _TYPE,
            "paperless": or_null(FLAG),
            "preferred": FLAG,
            "since": _INSTANT_OR_NULL,
            "operator": _TEXT_OR_NULL,
            "service": _TEXT_OR_NULL,
            "structures": listed(ref("NamedStructure")),
        }
    ),
    "Practitioner": record(_PRACTITIONER),
    "PractitionerAnswer": record(
        {"build": BUILD, **_PRACTITIONER}, {"resolved_from": told("L'ancien numéro demandé", TEXT)}
    ),
    "Organization": record(_ORGANIZATION),
    "OrganizationAnswer": record({"build": BUILD, **_ORGANIZATION}),
    "Suggestion": record({**_BOX, **_SHIELD}, _HOLDER),
    "FoundMailbox": record(_BOX, _HOLDER),
    "MailboxPage": record(
        {
            "build": BUILD,
            "items": listed(ref("FoundMailbox")),
            "next": CURSOR,
            "partial": told("Vrai : la recherche s'est arrêtée avant d'avoir tout regardé ; précisez-la", FLAG),
        }
    ),
    "SuggestedPerson": record(
        {
            "id": TEXT,
            "rpps": _TEXT_OR_NULL,
            "family_name": TEXT,
            "given_names": TEXT,
            "profession": _CODED_OR_NULL,
            "specialty": _CODED_OR_NULL,
        }
    ),
    "Suggestions": record({"build": BUILD, "items": listed(ref("Suggestion"))}),
    "SearchPage": record(
        {
            "build": BUILD,
            "items": listed(ref("FoundPractitioner")),
            "total": WHOLE,
            "total_exact": told("Faux : il y en a au moins `total`", FLAG),
            "relaxed": told("Vrai : personne ne convient qu'à peu près (son, faute de frappe, milieu de mot)", FLAG),
            "next": CURSOR,
        },
        {
            "facets": told("Celles de `facets`, la valeur la plus fréquente d'abord", record({}, _FACETS)),
            "facets_exact": told("Faux : il y en a au moins autant", FLAG),
        },
    ),
    "FoundPractitioner": record(
        {},
        {**_PRACTITIONER, **_SHIELD, "match": told("Avec `explain`", ref("Why"))},
        description="Une fiche, et ce qui la distingue de ses homonymes ; avec `fields`, les membres demandés",
    ),
    "Facet": listed(record({"value": TEXT, "label": TEXT, "count": WHOLE})),
    "Why": record(
        {
            "tier": told("Comment toute la boîte convient ; null sans `q`", _TEXT_OR_NULL),
            "words": listed(
                record(
                    {
                        "word": TEXT,
                        "field": word(Field),
                        "match": word(each.name.lower() for each in Likeness),
                        "text": _TEXT_OR_NULL,
                    }
                )
            ),
        }
    ),
    "Contact": record({"system": TEXT, "value": TEXT}),
    "Holder": record(
        {
            "id": told("idNat_PS ou idNat_Struct ; vide pour qui n'est dans aucun répertoire", TEXT),
            "ids": listed(TEXT),
            "kind": word(("person", "structure")),
            "known": FLAG,
            "label": TEXT,
            "family_name": _TEXT_OR_NULL,
            "given_names": _TEXT_OR_NULL,
            "names": listed(TEXT),
            "status": word(Status),
            "status_since": _INSTANT_OR_NULL,
            "since": _INSTANT_OR_NULL,
            "until": _INSTANT_OR_NULL,
            "listed": FLAG,
            "structure": or_null(ref("NamedStructure")),
            "structures": listed(ref("NamedStructure")),
            "service": _TEXT_OR_NULL,
            "description": _TEXT_OR_NULL,
            "responsible": _TEXT_OR_NULL,
            "paperless": or_null(FLAG),
            "preferred": FLAG,
            "rank": or_null(WHOLE),
            "source": TEXT,
        }
    ),
    "NamedStructure": record({"id": _TEXT_OR_NULL, "name": _TEXT_OR_NULL}),
    "Mailbox": record(_MAILBOX),
    "MailboxAnswer": record(
        {"build": BUILD, **_MAILBOX},
        {"at": told("L'instant demandé", INSTANT), "certificates": listed(ref("Certificate"))},
    ),
    "Binding": record(
        {
            "holder": record({"id": TEXT, "kind": word(("person", "structure")), "label": TEXT}),
            "structure": _TEXT_OR_NULL,
            "from": INSTANT,
            "until": _INSTANT_OR_NULL,
            "source": TEXT,
            "opened_by": _BY,
            "closed_by": _BY,
        }
    ),
    "History": record({"build": BUILD, "items": listed(ref("Binding")), "address": TEXT}),
    "Certificate": record(
        {
            "sha256": SHA256,
            "issuer": TEXT,
            "serial": TEXT,
            "not_before": INSTANT,
            "not_after": INSTANT,
            "uses": listed(TEXT),
        },
        {"der": told("En base64", TEXT)},
    ),
    "Certificates": record({"build": BUILD, "items": listed(ref("Certificate"))}),
    "CertificatesChanged": record(
        {"address": TEXT, "changed": FLAG, **dict.fromkeys(("published", "added", "removed"), listed(SHA256))}
    ),
}
