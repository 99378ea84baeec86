"""Which of the holders of an address a question means: by any number ever issued to them, or by name.

The record of the mailbox answers nearly always; the directory is asked only to tell somebody else's number from
nobody's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from directory_service.errors import InvalidInput, NotFound
from directory_service.index.query import View
from directory_service.model.identifiers import is_finess, is_siren, is_siret, parse_person_id, structure_keys
from directory_service.trust.naming import (
    NameMatch,
    compare_person,
    compare_structure,
    differences,
    structure_differences,
)
from directory_service.trust.verdicts import Reason, reason

if TYPE_CHECKING:
    from directory_service.index.directory import Directory, Hit

# Structure numbers whose key tells a mistyped one, by the type digit of idNat_Struct.
_KEYED = {"1": (is_finess,), "2": (is_siren,), "3": (is_siret,)}


@dataclass(frozen=True, slots=True)
class Holding:
    """One stretch of time during which somebody held the address."""

    id: str  # in force
    ids: tuple[str, ...]  # every one that means this holder
    known: bool  # to a professional register
    label: str
    family_name: str
    given_names: str
    names: tuple[str, ...]  # of a structure: its names, and with the service
    since: str
    until: str  # empty while open
    status: str
    status_since: str
    source: str  # that says so

    @classmethod
    def of(cls, record: dict[str, Any]) -> Holding:
        """From one holder of ``entries.mailbox_record``."""
        return cls(
            id=record["id"],
            ids=tuple(i.casefold() for i in record["ids"]),
            known=record["known"],
            label=record["label"],
            family_name=record["family_name"] or "",
            given_names=record["given_names"] or "",
            names=tuple(record["names"]),
            since=record["since"] or "",
            until=record["until"] or "",
            status=record["status"] or "",
            status_since=record["status_since"] or "",
            source=record["source"],
        )

    def open_at(self, instant: str) -> bool:
        return self.since <= instant and (not self.until or instant < self.until)

    def inactive_at(self, instant: str) -> bool:
        return self.status == "inactive" and self.status_since <= instant


@dataclass(frozen=True, slots=True)
class Picked:
    """The holdings that the person asked about may claim, and what was found on the way.  ``person`` is False when
    nobody of that identifier exists; ``asked`` when the question named anybody, ``by_name`` when by name only."""

    holdings: tuple[Holding, ...]
    reasons: tuple[Reason, ...] = ()
    person: bool = True
    asked: bool = True
    by_name: bool = False


def is_name(text: str) -> bool:
    return not any(c.isdigit() for c in text) and any(c.isalpha() for c in text)


def pick(directory: Directory, holdings: list[Holding], person: str, name: str, view: View) -> Picked:
    """``person`` is any identifier ever issued to the person (or structure), ``name`` her name; "" where not given."""
    if not person:
        return _by_name(holdings, name) if name else Picked(tuple(holdings), asked=False)
    picked = _by_identifier(directory, holdings, person, view)
    if not name or not picked.holdings:
        return picked
    named = _by_name(picked.holdings, name)
    return Picked(named.holdings, (*picked.reasons, *named.reasons))


def _by_name(holdings: Sequence[Holding], name: str) -> Picked:
    found = [(h, match) for h in holdings if (match := _compare(name, h)) is not NameMatch.NONE]
    # Of two holders of one surname, the one whose given name was written is meant.
    best = [h for h, match in found if match is NameMatch.FULL] or [h for h, _ in found]
    said = [str(match) for h, match in found if h in best] or [str(NameMatch.NONE), *_near(holdings, name)]
    return Picked(tuple(best), tuple(reason(code) for code in dict.fromkeys(said)), by_name=True)


def _near(holdings: Sequence[Holding], name: str) -> tuple[str, ...]:
    """What differs from the holder's name, if it is nearly that; of several holders nobody knows which was meant."""
    if len({h.id for h in holdings}) != 1:
        return ()
    h = holdings[0]
    if h.family_name:
        return differences(name, h.family_name, h.given_names)
    return structure_differences(name, h.names)


def _compare(name: str, holding: Holding) -> NameMatch:
    if holding.family_name:
        return compare_person(name, holding.family_name, holding.given_names)
    return compare_structure(name, holding.names)


def _by_identifier(directory: Directory, holdings: list[Holding], text: str, view: View) -> Picked:
    """By the numbers that the record of the mailbox holds; another one is looked up only to tell somebody else's
    from nobody's."""
    parsed = parse_person_id(text)
    # An ADELI and a FINESS number look the same: the text may mean a person or a structure.
    keys = [key[1:] for key in structure_keys(text)]
    asked = {i.casefold() for i in (*keys, *([parsed.national] if parsed else []))}
    held = tuple(h for h in holdings if asked & set(h.ids))
    if held:
        former = all(h.id.casefold() not in asked for h in held)
        return Picked(held, tuple(map(reason, ["identifier_matches", *["former_identifier"] * former])))
    found = _find_ids(directory, text, view)
    held = tuple(h for h in holdings if h.id in found)  # by SIRET where FINESS is the number in force
    if held:
        return Picked(held, (reason("identifier_matches"),))
    sound = parsed is not None or any(form(key[1:]) for key in keys for form in _KEYED.get(key[:1], ()))
    said = () if found else (reason("identifier_unknown" if sound else "identifier_malformed"),)
    return Picked((), said, person=bool(found))


def _find_ids(directory: Directory, text: str, view: View) -> set[str]:
    """National ids in force of the person and of the structure that the text numbers."""
    looks = (lambda: directory.practitioner(text, view)[0], lambda: directory.organization(text, view))
    return {str(orjson.loads(hit.json)["id"]) for hit in map(_found, looks) if hit}


def _found(look: Callable[[], Hit]) -> Hit | None:
    try:
        return look()
    except (NotFound, InvalidInput):
        return None
