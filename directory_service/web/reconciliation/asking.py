"""Reconciliation queries as descriptions, and candidates as the API writes them.

A query of a type is asked of that type; of none, of practitioners and structures together, the best first.  Values of
properties that we do not know are left aside, as the specification has it; values that are lists count by their first.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from directory_service.errors import AnnuaireError, InvalidInput
from directory_service.index.query import View
from directory_service.matching import Candidate, Description, Kind, candidates, describe
from directory_service.matching.addresses import look_alikes
from directory_service.matching.description import beside
from directory_service.model.confusable import How
from directory_service.web.reconciliation.types import MAILBOX, ORGANIZATION, PRACTITIONER, PROPERTIES, TYPES

if TYPE_CHECKING:
    from directory_service.index.directory import Directory

Answer = dict[str, Any]
MOST: Final = 25  # candidates of one query
USUAL: Final = 5
_LONGEST: Final = 200
_KINDS: Final = {PRACTITIONER: Kind.PERSON, ORGANIZATION: Kind.STRUCTURE}
_OF_LIKENESS: Final = {How.CHARACTERS: 80, How.REORDERED: 75, How.LETTER: 60, How.DOMAIN: 60}
_KNOWN: Final = {"query", "type", "limit", "properties", "type_strict"}


def reconcile(directory: Directory, query: object) -> list[Answer]:
    """The candidates of one query of version 0.2.  Raises InvalidInput."""
    asked = _object(query)
    if not asked.keys() <= _KNOWN:
        raise InvalidInput(f"champ inconnu ; les champs sont : {', '.join(sorted(_KNOWN))}", where="query")
    if not asked.get("query") and not asked.get("properties"):
        raise InvalidInput("une requête dit `query`, ou au moins une propriété", where="query")
    limit = _limit(asked.get("limit"))
    text = _text(asked.get("query"))
    fields = _fields(asked.get("properties"))
    found = [a for kind in _types(asked.get("type")) for a in _ASK[kind](directory, text, fields, limit)]
    return _ranked(found)[:limit]


def _ranked(found: list[Answer]) -> list[Answer]:
    """Of one match of each type, none is sure."""
    if sum(a["match"] for a in found) > 1 and len({a["type"][0]["id"] for a in found if a["match"]}) > 1:
        found = [{**a, "match": False} for a in found]
    return sorted(found, key=lambda a: -a["score"])


def _object(value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise InvalidInput("une requête est un objet JSON", where="query")
    return value


def _limit(value: object) -> int:
    if value is None:
        return USUAL
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 1:
        raise InvalidInput(f"un nombre de 1 à {MOST} est attendu", where="limit")
    return min(int(value), MOST)


def _text(value: object) -> str:
    if not isinstance(value, str | None):
        raise InvalidInput("un texte est attendu", where="query")
    return (value or "")[:_LONGEST]


def _types(value: object) -> list[str]:
    """Those asked for; a type of another service is none of ours, and finds nothing."""
    if value in (None, "", []):
        return [PRACTITIONER, ORGANIZATION]
    named = value if isinstance(value, list) else [value]
    if not all(isinstance(n, str) for n in named):
        raise InvalidInput("un type est le texte de son identifiant", where="type")
    return [n for n in dict.fromkeys(named) if n in TYPES]


def _fields(properties: object) -> dict[str, str]:
    """The fields that properties fill; of two that fill one (``rpps`` and ``adeli``), the first counts."""
    found: dict[str, str] = {}
    if not isinstance(properties, list | None):
        raise InvalidInput("une liste est attendue", where="properties")
    for said in properties or ():
        if not isinstance(said, dict) or not isinstance(said.get("pid"), str) or "v" not in said:
            raise InvalidInput("une propriété est {pid, v}", where="properties")
        known = PROPERTIES.get(said["pid"])
        value = _value(said["v"])
        if known and known.field and value:
            found.setdefault(known.field, value)
    return found


def _value(value: object) -> str:
    """A property's value as text: of several the first, of an entity its name or its number."""
    if isinstance(value, list):
        value = value[0] if value else ""
    if isinstance(value, dict):
        name, entity = value.get("name"), value.get("id")
        value = name or (entity.rpartition("/")[2] if isinstance(entity, str) else "")
    if isinstance(value, bool) or value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value)[:_LONGEST] if isinstance(value, str | int | float) else ""


# --- each type -------------------------------------------------------------------------------------------------------


def _described(text: str, fields: Mapping[str, str]) -> Description:
    """A surname without a given name is one beside the text, which may be the given name."""
    if text and "family" in fields and not fields.keys() & {"given", "name"}:
        others = {name: value for name, value in fields.items() if name != "family"}
        return describe({"text": beside(text, fields["family"]), **others})
    return describe({"text": text, **fields})


def _matched(kind: Kind, directory: Directory, text: str, fields: Mapping[str, str], limit: int) -> list[Answer]:
    return [_answer(c) for c in candidates(directory, _described(text, fields), kind=kind, limit=limit).candidates]


def _answer(c: Candidate) -> Answer:
    kind = TYPES[PRACTITIONER if c.kind is Kind.PERSON else ORGANIZATION]
    name, _, more = c.label.partition(", ")
    return {
        "id": kind.entity(c.id),
        "name": name,
        "description": more,
        "type": [kind.short],
        "score": c.confidence,
        "match": c.match,
        "features": [{"id": f.field.value, "value": round(f.weight, 1)} for f in c.features],
    }


def _mailboxes(directory: Directory, text: str, fields: Mapping[str, str], limit: int) -> list[Answer]:
    """By the address, or one nearly it; of a name, the boxes of whom it means."""
    d = _described(text, fields)
    if d.address:
        return _of_address(directory, d.address)
    found = candidates(directory, d, limit=limit) if d else None
    return [
        _box(b["address"], c.label, c.confidence, c.match and len(c.record["mailboxes"]) == 1)
        for c in (found.candidates if found else ())
        for b in sorted(c.record["mailboxes"], key=lambda b: not b["preferred"])
    ]


def _of_address(directory: Directory, address: str) -> list[Answer]:
    try:
        record = directory.mailbox(address, View.ANONYMOUS)
    except AnnuaireError:
        near = look_alikes(directory, address) if "@" in address else ()
        return [_box(x.address, x.label, _OF_LIKENESS[x.how], False) for x in near]
    held = ", ".join(dict.fromkeys(h["label"] for h in record["holders"] if h["listed"] and not h["until"]))
    return [_box(record["address"], held or "fermée", 100 if held else 90, bool(held))]


def _box(address: str, label: str, score: int, match: bool) -> Answer:
    kind = TYPES[MAILBOX]
    return {
        "id": kind.entity(address),
        "name": address,
        "description": label,
        "type": [kind.short],
        "score": score,
        "match": match,
        "features": [],
    }


_ASK: Final = {type_: partial(_matched, kind) for type_, kind in _KINDS.items()} | {MAILBOX: _mailboxes}
