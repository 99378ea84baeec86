"""Schemas of what is said about lists of others: lines of an address book, reconciliation, the right mailbox.  PURE.

Those of the Reconciliation API are in the words of its version 0.2, which names the members.
"""

from __future__ import annotations

from typing import Final

from directory_service.matching import AddressState, Kind, Outcome
from directory_service.matching.description import FIELDS, LONGEST
from directory_service.matching.weights import Field, Way
from directory_service.model.confusable import How
from directory_service.model.mailboxes import MailboxType
from directory_service.model.publication import PURPOSES
from directory_service.model.rightbox import DECIDERS, REASONS, Fit
from directory_service.web.openapi.people import BUILD
from directory_service.web.openapi.terms import (
    FLAG,
    INSTANT,
    NUMBER,
    TEXT,
    WHOLE,
    Schema,
    listed,
    mapped,
    or_null,
    record,
    ref,
    told,
    word,
)
from directory_service.web.reconciliation.types import TYPES

_TEXT_OR_NULL: Final = or_null(TEXT)
_PERCENT: Final[Schema] = {"type": "integer", "minimum": 0, "maximum": 100}

# What ``matching.describe`` takes.  No ``maxLength``: spaces that are dropped do not count.
DESCRIPTION: Final[Schema] = {
    "type": "object",
    "properties": {name: told(f"{LONGEST} caractères au plus, sans les espaces en trop", TEXT) for name in FIELDS},
    "additionalProperties": False,
}

_NAMED: Final = record({"id": TEXT, "name": TEXT})
_TYPED: Final = record({"id": word(TYPES), "name": TEXT})
_SERVICE: Final = record({"service_url": TEXT, "service_path": TEXT})
_QUERY: Final[Schema] = {
    "type": "object",
    "properties": {
        "query": or_null(TEXT),
        "type": or_null({"anyOf": [TEXT, listed(TEXT)]}),
        "limit": or_null({"type": "number", "minimum": 1}),
        "properties": or_null(
            listed({"type": "object", "properties": {"pid": TEXT, "v": {}}, "required": ["pid", "v"]})
        ),
        "type_strict": {},
    },
    "additionalProperties": False,
}
_EXTENSION: Final[Schema] = {
    "type": "object",
    "properties": {
        "ids": {**listed(TEXT), "maxItems": 500},
        "properties": {**listed({"type": "object", "properties": {"id": TEXT}, "required": ["id"]}), "maxItems": 30},
    },
    "required": ["ids", "properties"],
}
ASKED: Final[Schema] = {
    "type": "object",
    "properties": {
        "queries": {**mapped(_QUERY), "maxProperties": 50},
        "query": {"anyOf": [TEXT, _QUERY]},
        "extend": _EXTENSION,
    },
    "additionalProperties": False,
    "maxProperties": 1,
}

_LOOKALIKES: Final = listed(record({"address": TEXT, "how": word(How), "said": TEXT, "label": TEXT}))
_OTHER: Final = record(
    {"address": TEXT, "state": word(AddressState), "said": TEXT, "until": _TEXT_OR_NULL, "lookalikes": _LOOKALIKES}
)
MATCHING: Final[dict[str, Schema]] = {
    "Line": record(
        {
            "build": BUILD,
            "address": _TEXT_OR_NULL,
            "state": told("Ce qu'est devenue l'adresse", word(AddressState)),
            "said": told("Le même en français", TEXT),
            "until": told("Depuis quand elle n'est plus en service", _TEXT_OR_NULL),
            "holders": told("Qui la tient aujourd'hui", listed(TEXT)),
            "lookalikes": _LOOKALIKES,
            "outcome": told("Ce que valent les candidats", word(Outcome)),
            "confidence": _PERCENT,
            "candidates": listed(ref("Candidate")),
            "mailbox": told("Où lui écrire aujourd'hui", _TEXT_OR_NULL),
            "mailboxes": listed(TEXT),
            "others": told("Les autres adresses de la ligne", listed(_OTHER)),
        }
    ),
    "LineAnswer": {"anyOf": [ref("Line"), ref("Problem")]},
    "Candidate": record(
        {
            "id": TEXT,
            "type": word(Kind),
            "label": TEXT,
            "confidence": _PERCENT,
            "match": told("C'est sûrement lui", FLAG),
            "features": listed(record({"field": word(Field), "how": word(Way), "said": TEXT})),
        }
    ),
    "ReconciliationService": record(
        {
            "versions": listed(TEXT),
            "name": TEXT,
            "identifierSpace": TEXT,
            "schemaSpace": TEXT,
            "documentation": TEXT,
            "defaultTypes": listed(record({"id": word(TYPES), "name": TEXT, "description": TEXT})),
            "view": record({"url": TEXT}),
            "preview": record({"url": TEXT, "width": WHOLE, "height": WHOLE}),
            "suggest": record(dict.fromkeys(("entity", "property", "type"), _SERVICE)),
            "extend": record({"propose_properties": _SERVICE, "property_settings": {**listed({}), "maxItems": 0}}),
            "standardizedScore": FLAG,
            "batchSize": WHOLE,
        }
    ),
    "Reconciled": record(
        {
            "result": listed(
                record(
                    {"id": TEXT, "name": TEXT, "description": TEXT, "type": listed(_TYPED), "score": _PERCENT,
                     "match": FLAG, "features": listed(record({"id": word(Field), "value": NUMBER}))}
                )
            )
        },
        {"error": told("Pourquoi cette requête du lot n'a pas pu être lue", ref("Problem"))},
    ),
    "ReconciledBatch": mapped(ref("Reconciled")),
    "Extension": record(
        {
            "meta": listed(record({"id": TEXT, "name": TEXT}, {"type": _TYPED})),
            "rows": told(
                "De chaque entité, les valeurs de chaque propriété",
                mapped(mapped(listed({"anyOf": [record({"str": TEXT}), _NAMED]}))),
            ),
        }
    ),
    "ReconciliationSuggestions": record(
        {"result": listed(record({"id": TEXT, "name": TEXT}, {"description": TEXT, "notable": listed(_TYPED)}))}
    ),
    "ReconciliationProperties": record(
        {"type": TEXT, "properties": listed(_NAMED)}, {"limit": WHOLE}
    ),
    "RightMailboxes": record(
        {
            "build": BUILD,
            "holder": told("idNat_PS ou idNat_Struct", TEXT),
            "purpose": or_null(word(PURPOSES)),
            "structure": _TEXT_OR_NULL,
            "service": _TEXT_OR_NULL,
            "recommended": told("L'adresse où écrire ; null quand rien ne le dit", _TEXT_OR_NULL),
            "ambiguous": FLAG,
            "would_decide": told(
                "Ce qui trancherait", listed(record({"code": word(DECIDERS), "text": TEXT}))
            ),
            "total": WHOLE,
            "items": listed(ref("RightMailbox")),
        },
        {"resolved_from": told("L'ancien numéro demandé", TEXT)},
    ),
    "RightMailbox": record(
        {
            "address": TEXT,
            "type": word(MailboxType),
            "fit": told("Convient-elle ?", word(Fit)),
            "reasons": listed(record({"code": word(REASONS), "text": TEXT})),
            "structures": listed(ref("NamedStructure")),
            "service": _TEXT_OR_NULL,
            "purposes": listed(word(PURPOSES)),
            "preferred": FLAG,
            "rank": or_null(WHOLE),
            "paperless": or_null(FLAG),
            "since": or_null(INSTANT),
            "operator": _TEXT_OR_NULL,
            "unlisted": told("Liste rouge", FLAG),
            "certificate": told("A un certificat valide", FLAG),
        }
    ),
}  # fmt: skip
