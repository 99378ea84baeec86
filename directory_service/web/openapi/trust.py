"""Schemas of what is said about trust: verdicts, operators and what they publish, the log, the feed, the service.
PURE."""

from __future__ import annotations

from typing import Final

from directory_service.model.mailboxes import MailboxType
from directory_service.model.publication import HIGHEST_RANK, LONGEST, MOST_CONTACTS, PURPOSES
from directory_service.model.trust import ACTIVE, SUSPENDED, WITHDRAWN
from directory_service.trust.verdicts import REASONS, Outcome
from directory_service.web.openapi.people import BUILD
from directory_service.web.openapi.terms import (
    FLAG,
    INSTANT,
    NUMBER,
    SHA256,
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

_TEXT_OR_NULL: Final = or_null(TEXT)
_INSTANT_OR_NULL: Final = or_null(INSTANT)
_STATUS: Final = word((ACTIVE, SUSPENDED, WITHDRAWN))
_JWS: Final = told("JWS en forme compacte", {**TEXT, "pattern": r"^[\w-]+\.[\w-]*\.[\w-]+$"})
_SECONDS: Final = or_null(WHOLE)

PROBLEM: Final = record(
    {"type": TEXT, "title": TEXT, "status": WHOLE},
    {
        "detail": TEXT,
        "where": told("Le paramètre, le champ ou la ligne en cause", TEXT),
        "suggestions": told("Ce que l'on voulait peut-être dire", listed(TEXT)),
        "build": TEXT,
    },
)


def _longest(field: str) -> Schema:
    return {**TEXT, "maxLength": LONGEST[field]}


# What an operator may send; the rules between the fields are words (docs/reference/publication.md).
_PUBLISHED: Final[dict[str, Schema]] = {
    "service": _longest("service"),
    "description": _longest("description"),
    "responsible": _longest("responsible"),
    "paperless": FLAG,
    "unlisted": FLAG,
    "preferred": FLAG,
    "rank": {"type": "integer", "minimum": 1, "maximum": HIGHEST_RANK},
    "purposes": listed(word(PURPOSES)),
    "contacts": {**listed(ref("Contact")), "maxItems": MOST_CONTACTS},
}
_HOLDER: Final = record({}, {"person": _longest("person"), "structure": _longest("structure")})
_DONE: Final[dict[str, Schema]] = {
    "changed": FLAG,
    "act": told("Ce qui a été fait ; null : rien à changer", _TEXT_OR_NULL),
    "version": TEXT,
}

_VERDICT: Final[dict[str, Schema]] = {
    "verdict": word(map(str, Outcome)),
    "address": TEXT,
    "reasons": listed(record({"code": word(REASONS), "text": TEXT})),
    "at": INSTANT,
    "build": BUILD,
}

TRUST: Final[dict[str, Schema]] = {
    "Problem": PROBLEM,
    "Verdict": record(
        _VERDICT,
        {
            "holder": record({"id": TEXT, "label": TEXT}),
            "since": INSTANT,
            "until": INSTANT,
            "operator": TEXT,
            "freshness": record({"source": TEXT, "seen": _INSTANT_OR_NULL}),
            "receipt": _JWS,
            "receipt_salts": mapped(TEXT),
        },
    ),
    "VerdictLine": {"anyOf": [ref("Verdict"), ref("Problem")]},
    "Range": record({"build": BUILD, "range": TEXT, "verdicts": mapped(word(map(str, Outcome)))}),
    "KeySet": record({"keys": listed({"type": "object", "properties": {"kid": TEXT, "kty": TEXT, "alg": TEXT},
                                      "required": ["kid", "kty"], "additionalProperties": True})}),
    "OperatorBrief": record(
        {"name": TEXT, "label": TEXT, "structure": _TEXT_OR_NULL, "status": _STATUS, "since": INSTANT, "domains": WHOLE}
    ),
    "Operators": record({"build": BUILD, "items": listed(ref("OperatorBrief"))}),
    "Span": record({"since": INSTANT, "until": _INSTANT_OR_NULL}),
    "Operator": record(
        {
            "build": BUILD,
            "name": TEXT,
            "label": TEXT,
            "structure": _TEXT_OR_NULL,
            "status": _STATUS,
            "since": INSTANT,
            "source": word(("manual", "whitelist")),
            "subjects": listed(TEXT),
            "suspensions": listed(ref("Span")),
            "domains": listed(
                record(
                    {"name": TEXT, "since": INSTANT, "until": _INSTANT_OR_NULL, "source": TEXT},
                    {"subject": TEXT, "description": TEXT, "updated": TEXT},
                )
            ),
        },
        {
            "contacts": told(
                "Pour les opérateurs seulement",
                record(
                    {
                        "responsible": TEXT,
                        "support": TEXT,
                        "domains": listed(
                            record({"domain": TEXT, "subject": TEXT, "responsible": TEXT, "support": TEXT})
                        ),
                    }
                ),
            )
        },
    ),
    "ContactsChanged": record(
        {"name": TEXT, "changed": FLAG, "contacts": record({"responsible": TEXT, "support": TEXT})}
    ),
    "NewSecret": record({"name": TEXT, "secret": told("Dit une seule fois", TEXT)}),
    "Domain": record(
        {
            "build": BUILD,
            "name": TEXT,
            "trusted": FLAG,
            "operators": listed(
                record(
                    {"name": TEXT, "label": TEXT, "status": _STATUS, "since": INSTANT, "until": _INSTANT_OR_NULL}
                )
            ),
        }
    ),
    "Publication": record({"type": word(MailboxType), "holder": _HOLDER}, _PUBLISHED),
    "PublicationPatch": record(
        {},
        {name: or_null(schema) for name, schema in
         {"type": word(MailboxType), "holder": _HOLDER, **_PUBLISHED}.items()},
    ),
    "Published": record(
        {"build": BUILD, "address": TEXT, "status": word(("open", "closed")), "version": TEXT,
         "publication": ref("Publication")}
    ),
    "Done": record(
        {"address": TEXT, "status": word(("open", "closed")), **_DONE, "seq": WHOLE},
        {"publication": ref("Publication")},
    ),
    "Outcome": record({"line": WHOLE, "status": WHOLE}, {**_DONE, "problem": ref("Problem")}),
    "Changes": record({"build": BUILD, "items": listed(ref("Change")), "next": TEXT, "more": FLAG}),
    "Change": record(
        {
            "seq": WHOLE,
            "at": INSTANT,
            "kind": word(("mailbox", "practitioner", "organization")),
            "id": TEXT,
            "op": word(("put", "close", "delete")),
        },
        {"record": {"anyOf": [ref("Mailbox"), ref("Practitioner"), ref("Organization")]}},
    ),
    "LogHead": record({"size": WHOLE, "root": SHA256, "at": INSTANT, "jws": _JWS}),
    "Inclusion": record(
        {"leaf": WHOLE, "size": WHOLE, "hash": SHA256, "path": listed(SHA256), "root": SHA256}
    ),
    "Consistency": record(
        {"from": WHOLE, "to": WHOLE, "path": listed(SHA256), "from_root": SHA256, "to_root": SHA256}
    ),
    "LogEntries": record(
        {
            "start": WHOLE,
            "items": listed(
                record({"leaf": WHOLE, "hash": SHA256}, {"data": told("Pour les opérateurs seulement", TEXT)})
            ),
        }
    ),
    "Source": record(
        {
            "name": TEXT,
            "run": or_null(WHOLE),
            "rows": or_null(WHOLE),
            "as_of": _TEXT_OR_NULL,
            "finished_at": _TEXT_OR_NULL,
            "published": TEXT,
            "rhythm_hours": or_null(NUMBER),
            "age_seconds": _SECONDS,
            "published_age_seconds": _SECONDS,
            "silent": FLAG,
        }
    ),
    "Anomaly": record(
        {"kind": word(("silent_source", "mass_withdrawal", "vanished_domain", "silent_operator")),
         "since": TEXT},
        {"source": TEXT, "operator": _TEXT_OR_NULL, "domain": TEXT, "hours": NUMBER, "rhythm_hours": NUMBER,
         "days": WHOLE, "rhythm_days": WHOLE, "closed": WHOLE, "percent": NUMBER},
    ),
    "Status": record(
        {
            "build": BUILD,
            "built_at": INSTANT,
            "at": INSTANT,
            "age_seconds": _SECONDS,
            "counts": mapped(WHOLE),
            "sources": listed(ref("Source")),
            "anomalies": listed(ref("Anomaly")),
            "anomalies_total": WHOLE,
            "white_list": FLAG,
            "quality": record({"matching": ref("MatchingQuality")}),
        },
        {"operators": told("Pour les opérateurs seulement", listed(ref("OperatorFares")))},
    ),
    "MatchingQuality": record(
        {
            "measured": TEXT,
            "command": TEXT,
            "model": TEXT,
            "measures": listed(
                record(
                    {"name": TEXT, "pairs": WHOLE, "found": WHOLE, "false": WHOLE, "precision": NUMBER,
                     "recall": NUMBER, "f1": NUMBER},
                    {"recall_with_review": NUMBER},
                )
            ),
        }
    ),
    "OperatorFares": record(
        {"operator": _TEXT_OR_NULL, "domains": WHOLE, "mailboxes": WHOLE, "last_change": TEXT,
         "age_seconds": _SECONDS, "rhythm_days": or_null(WHOLE), "anomalies": listed(TEXT)}
    ),
    "Alive": record({"status": TEXT}),
    "Ready": record({"status": TEXT, "build": BUILD}),
}  # fmt: skip
