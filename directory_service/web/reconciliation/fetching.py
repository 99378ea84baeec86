"""Records of entities, and what their properties hold: the data extension, the preview and the suggestions."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import orjson

from directory_service.errors import InvalidInput, NotFound
from directory_service.index.criteria import Criteria
from directory_service.index.query import And, InText, Part, Query, Scope, View
from directory_service.matching import Kind
from directory_service.matching.candidates import label_of
from directory_service.model.names import words
from directory_service.web.reconciliation.types import (
    MAILBOX,
    ORGANIZATION,
    PRACTITIONER,
    PROPERTIES,
    TYPES,
    Property,
    Record,
    Type,
    parse_entity,
)

if TYPE_CHECKING:
    from directory_service.index.directory import Directory

MOST_ENTITIES: Final = 500  # of one extension
MOST_PROPERTIES: Final = 30
SUGGESTED: Final = 10
PUBLIC: Final = View.ANONYMOUS


def record_of(directory: Directory, entity: str) -> tuple[Type, Record] | None:
    """The public's record of an entity; None for one that is not there, or that nobody may see."""
    parsed = parse_entity(entity)
    if parsed is None:
        return None
    kind, identifier = parsed
    try:
        return kind, _READ[kind.id](directory, identifier)
    except (NotFound, InvalidInput):
        return None


def _practitioner(directory: Directory, identifier: str) -> Record:
    record: Record = orjson.loads(directory.practitioner(identifier, PUBLIC)[0].json)
    return record


def _organization(directory: Directory, identifier: str) -> Record:
    record: Record = orjson.loads(directory.organization(identifier, PUBLIC).json)
    return record


def _mailbox(directory: Directory, identifier: str) -> Record:
    return directory.mailbox(identifier, PUBLIC)


_READ: Final = {PRACTITIONER: _practitioner, ORGANIZATION: _organization, MAILBOX: _mailbox}


# --- data extension --------------------------------------------------------------------------------------------------


def extend(directory: Directory, asked: object) -> dict[str, Any]:
    """``{"ids":[…],"properties":[{"id":…}]}`` answered by the values of each property of each entity."""
    ids, wanted = _asked(asked)
    with directory.held():
        rows = {entity: _row(directory, entity, wanted) for entity in ids}
    return {"meta": [_meta(name) for name in wanted], "rows": rows}


def _asked(asked: object) -> tuple[list[str], list[str]]:
    ids = asked.get("ids") if isinstance(asked, dict) else None
    named = asked.get("properties") if isinstance(asked, dict) else None
    if not isinstance(ids, list) or not isinstance(named, list) or not all(isinstance(i, str) for i in ids):
        raise InvalidInput("une extension est {ids, properties}", where="extend")
    if len(ids) > MOST_ENTITIES or len(named) > MOST_PROPERTIES:
        raise InvalidInput(f"au plus {MOST_ENTITIES} entités et {MOST_PROPERTIES} propriétés", where="extend")
    if not all(isinstance(p, dict) and isinstance(p.get("id"), str) for p in named):
        raise InvalidInput("une propriété est {id}", where="extend")
    return ids, [p["id"] for p in named]


def _meta(name: str) -> dict[str, Any]:
    known = PROPERTIES.get(name)
    told: dict[str, Any] = {"id": name, "name": known.name if known else name}
    return {**told, "type": TYPES[known.refers].short} if known and known.refers else told


def _row(directory: Directory, entity: str, wanted: Sequence[str]) -> dict[str, list[object]]:
    found = record_of(directory, entity)
    return {name: _values(PROPERTIES.get(name), found) for name in wanted}


def _values(known: Property | None, found: tuple[Type, Record] | None) -> list[object]:
    if known is None or found is None or found[0].id not in known.of:
        return []
    told = {orjson.dumps(v): v for v in known.values(found[1])}  # each once
    return [v if isinstance(v, dict) else {"str": str(v)} for v in told.values()]


def proposed(type_id: str, limit: int | None) -> dict[str, Any]:
    """What may be fetched for entities of a type; of an unknown one, all."""
    known = [p.as_dict() for p in PROPERTIES.values() if type_id not in TYPES or type_id in p.of]
    return {"type": type_id, "properties": known[:limit], **({"limit": limit} if limit else {})}


# --- suggestions -----------------------------------------------------------------------------------------------------


def suggest_entities(directory: Directory, prefix: str, type_id: str = "") -> list[dict[str, Any]]:
    """Practitioners, then structures, mailboxes first where an address is typed; of one type where it is said."""
    found = _entities(directory, prefix) if prefix.strip() else []
    return [e for e in found if type_id not in TYPES or e["notable"][0]["id"] == type_id]


def _entities(directory: Directory, prefix: str) -> list[dict[str, Any]]:
    people = directory.find(Criteria(q=prefix), PUBLIC, SUGGESTED, None).hits
    found = [_suggestion(TYPES[PRACTITIONER], Kind.PERSON, orjson.loads(h.json)) for h in people]
    asked = And(tuple(InText(("org", "place"), w) for w in words(prefix)))
    query = Query(f"ou=structures,{directory.suffix}", Scope.ONE, asked, SUGGESTED, part=Part.JSON)
    places = directory.search(query, PUBLIC).hits if asked.items else []
    found += [_suggestion(TYPES[ORGANIZATION], Kind.STRUCTURE, orjson.loads(h.json)) for h in places]
    if "@" in prefix:
        boxes = [orjson.loads(h.json) for h in directory.suggest(prefix, SUGGESTED, PUBLIC).hits]
        found = [_box(b["address"], b["label"]) for b in boxes] + found
    return found[: 2 * SUGGESTED]


def _suggestion(kind: Type, matched: Kind, record: Record) -> dict[str, Any]:
    name, _, more = label_of(matched, record).partition(", ")
    return {"id": kind.entity(record["id"]), "name": name, "description": more, "notable": [kind.short]}


def _box(address: str, label: str) -> dict[str, Any]:
    kind = TYPES[MAILBOX]
    return {"id": kind.entity(address), "name": address, "description": label, "notable": [kind.short]}


def suggest_among(prefix: str, known: Sequence[dict[str, str]]) -> list[dict[str, str]]:
    """Types or properties in whose name or id a word starts so."""
    asked = words(prefix)
    return [k for k in known if all(any(w.startswith(a) for w in words(f"{k['name']} {k['id']}")) for a in asked)]


# --- preview ---------------------------------------------------------------------------------------------------------

_PREVIEWED: Final = ("profession", "specialty", "rpps", "structure", "finess", "town", "mailbox", "holder", "status")
_STATES: Final = {
    PRACTITIONER: {"active": "en exercice", "inactive": "n'exerce plus"},
    ORGANIZATION: {"active": "ouverte", "inactive": "fermée"},
    MAILBOX: {"open": "ouverte", "closed": "fermée"},
}
_PAGE: Final = (
    '<!doctype html><html lang="fr"><head><meta charset="utf-8"><title>{title}</title><style>body{{font:14px/1.4 '
    "system-ui,sans-serif;margin:.6rem;color:#161616}}h1{{font-size:1rem;margin:0 0 .4rem}}dl{{margin:0;display:grid;"
    "grid-template-columns:auto 1fr;gap:.1rem .6rem}}dt{{color:#595959}}dd{{margin:0}}</style></head><body>"
    "<h1>{title}</h1><dl>{facts}</dl></body></html>"
)


def preview(directory: Directory, entity: str) -> str:
    """A page of a few lines for the frame in which clients show an entity.  Raises NotFound."""
    found = record_of(directory, entity)
    if found is None:
        raise NotFound("aucune entité ne porte ce nom")
    kind, record = found
    facts = "".join(
        f"<dt>{html.escape(PROPERTIES[name].name)}</dt><dd>{html.escape(', '.join(texts))}</dd>"
        for name in _PREVIEWED
        if (texts := _texts(name, found))
    )
    return _PAGE.format(title=html.escape(_title(kind, record)), facts=facts)


def _title(kind: Type, record: Record) -> str:
    if kind.id == MAILBOX:
        return str(record["address"])
    return label_of(Kind.PERSON if kind.id == PRACTITIONER else Kind.STRUCTURE, record)


def _texts(name: str, found: tuple[Type, Record]) -> list[str]:
    """What a property holds, in the words of people."""
    texts = [_shown(v) for v in _values(PROPERTIES[name], found)]
    return [_STATES[found[0].id].get(text, text) for text in texts] if name == "status" else texts


def _shown(value: object) -> str:
    return str(value.get("str") or value.get("name")) if isinstance(value, dict) else str(value)
