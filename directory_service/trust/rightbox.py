"""The mailboxes of a practitioner or of a structure for a purpose, read from one build; ``model.rightbox`` chooses.

Nobody but the staff is shown unlisted mailboxes here: who may verify one knows its address, and is not told by whom it
is held.  They stand after everything else in the index, so that for the others no step depends on them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson

from directory_service.errors import InvalidInput, NotFound
from directory_service.index.query import Equal, Part, Query, Scope, View
from directory_service.model.identifiers import parse_person_id
from directory_service.model.mailboxes import MailboxType, domain_of
from directory_service.model.rightbox import DECIDERS, REASONS, Box, Choice, Judged, Need, choose
from directory_service.trust.domains import operators_by_domain

if TYPE_CHECKING:
    from directory_service.index.directory import Directory

_MOST: Final = 1_000  # boxes of one holder; the largest hospitals have hundreds
MOST_SHOWN: Final = 100

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """``purpose`` is a word of ``model.publication.PURPOSES``; ``structure`` any number of one; "" where not given."""

    purpose: str = ""
    structure: str = ""
    service: str = ""


def practitioner_mailboxes(directory: Directory, number: str, asked: Asked, view: View) -> tuple[str, Record]:
    """The build and the answer.  Raises NotFound; InvalidInput for a structure that nobody knows."""
    with directory.held() as build:
        if addresses := directory.held_under(number, view):
            return build.id, _answer(directory, _unregistered(number), asked, view, addresses)
        hit, former = directory.practitioner(number, view)
        record = orjson.loads(hit.json)
        answer = _answer(directory, record, asked, view)
        return build.id, answer | ({"resolved_from": former} if former else {})


def _unregistered(number: str) -> Record:
    """Of whom only mailboxes know."""
    person = parse_person_id(number)
    return {"id": person.national if person else number, "status": "active"}


def organization_mailboxes(directory: Directory, number: str, asked: Asked, view: View) -> tuple[str, Record]:
    """Those that the structure itself holds.  Raises NotFound."""
    with directory.held() as build:
        record = orjson.loads(directory.organization(number, view).json)
        return build.id, _answer(directory, record, asked, view)


def choice_of(directory: Directory, record: Record, purpose: str, view: View) -> Choice:
    """Among those of a person or structure whose JSON this is."""
    return choose(_boxes(directory, record, view), Need(purpose))


def _answer(
    directory: Directory, record: Record, asked: Asked, view: View, addresses: Sequence[str] | None = None
) -> Record:
    need = Need(asked.purpose, _structure(directory, asked.structure, view), asked.service)
    found = _boxes(directory, record, view, addresses)
    choice = choose(found, need)
    return {
        "holder": record["id"],
        "purpose": need.purpose or None,
        "structure": need.structure or None,
        "service": need.service or None,
        "recommended": choice.recommended,
        "ambiguous": choice.ambiguous,
        "would_decide": [{"code": code, "text": DECIDERS[code]} for code in choice.would_decide],
        "total": len(found),
        "items": _items(choice, found),
    }


def _structure(directory: Directory, number: str, view: View) -> str:
    if not number:
        return ""
    try:
        return str(orjson.loads(directory.organization(number, view).json)["id"])
    except NotFound:
        raise InvalidInput("aucune structure ne porte ce numéro", where="paramètre structure") from None


def _items(choice: Choice, records: dict[Box, Record]) -> list[Record]:
    return [_item(judged, records[judged.box]) for judged in choice.boxes[:MOST_SHOWN]]


def _item(judged: Judged, said: Record) -> Record:
    box = judged.box
    return {
        "address": box.address,
        "type": box.type.value,
        "fit": judged.fit.value,
        "reasons": [{"code": code, "text": REASONS[code]} for code in judged.reasons],
        "structures": said["structures"],
        "service": box.service or None,
        "purposes": [*box.purposes],
        "preferred": box.preferred,
        "rank": box.rank,
        "paperless": box.paperless,
        "since": said["since"],
        "operator": said["operator"],
        "unlisted": said["unlisted"],
        "certificate": box.certificate,
    }


def _boxes(
    directory: Directory, record: Record, view: View, addresses: Sequence[str] | None = None
) -> dict[Box, Record]:
    """Every box that this view may see, with what is shown of it besides."""
    at = {a["structure"]["id"] for a in record.get("activities", ()) if a["structure"]}
    if addresses is None:
        branch = f"ou=bal,{directory.suffix}"
        held = Query(branch, Scope.ONE, Equal("uid", record["id"].encode()), _MOST, part=Part.JSON, kept=False)
        addresses = list(dict.fromkeys(orjson.loads(hit.json)["address"] for hit in directory.search(held, view).hits))
    read = operators_by_domain(directory)
    found = (_box(directory, address, record, at, read, view) for address in addresses)
    return dict(filter(None, found))


def _is_of(holder: Record, number: str) -> bool:
    """Who is in no registry goes by the address, and by the numbers that the source wrote."""
    return holder["id"] == number or (not holder["known"] and number in holder["ids"])


def _box(
    directory: Directory,
    address: str,
    record: Record,
    at: set[str],
    trusts: Callable[[str], list[str] | None],
    view: View,
) -> tuple[Box, Record] | None:
    """None: the address is another's by now, or not for this view."""
    try:
        said = directory.mailbox(address, view)
    except NotFound:
        return None
    holder = next((h for h in said["holders"] if _is_of(h, record["id"]) and not h["until"]), None)
    if holder is None:
        return None
    structures = tuple(place["id"] for place in holder["structures"])
    operators = trusts(domain_of(address))
    # Who opened the binding that is open, where that was an operator and not an extract.
    published = {span[5] for span in holder["spans"] if span[1] is None and span[5]}
    box = Box(
        address,
        MailboxType(said["type"]),
        structures=structures,
        service=holder["service"] or holder["description"] or "",
        purposes=tuple(said["purposes"]),
        preferred=holder["preferred"],
        rank=holder["rank"],
        paperless=holder["paperless"],
        active=record["status"] == "active",
        trusted=None if operators is None else bool(operators),
        operator_left=bool(operators and published and not published & set(operators)),
        activity=bool(at & set(structures)) if at and structures else None,
        certificate=bool(directory.certificates_of(address)),
    )
    return box, {**said, "structures": holder["structures"], "since": holder["since"]}
