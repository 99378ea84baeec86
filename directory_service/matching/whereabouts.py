"""Where somebody works, as it is shown: what is said of one place together, and which place is asked about.  PURE."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from directory_service.matching.terms import telling

Activity = Mapping[str, Any]
Place = Sequence[Activity]  # the activities in one structure, at one address


def places(person: Mapping[str, Any]) -> list[Place]:
    """In the order of the record."""
    found: dict[tuple[str, ...], list[Activity]] = {}
    for activity in person["activities"]:
        found.setdefault(_which(activity), []).append(activity)
    return list(found.values())


def place_meant(found: Sequence[Place], asked: str, *, department: str = "", structure: str = "") -> Place | None:
    """The place that the filters name and most words of the text speak of; None where neither is of any of them."""
    words = telling(asked)

    def strength(place: Place) -> tuple[bool, bool, int]:
        address = _where(place[0])[1]
        return (
            bool(structure) and any(structure in map(s.get, ("id", "finess", "siret")) for s in _structures(place)),
            bool(department) and department == (address.get("department") or {}).get("code"),
            _spoken_of(words, place),
        )

    best = max(found, key=strength, default=None)
    return best if best and any(strength(best)) else None


def box_at(person: Mapping[str, Any], place: Place | None) -> Mapping[str, Any] | None:
    """Her mailbox in the structure of a place; else the first of all."""
    boxes: Sequence[Mapping[str, Any]] = person["mailboxes"]
    there = {s.get("id") for s in _structures(place or ())} - {None}
    used = (box for box in boxes if not there.isdisjoint(s["id"] for s in box["structures"]))
    return next(used, boxes[0] if boxes else None)


def _where(activity: Activity) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Structure and address; empty where nothing is known."""
    return activity["structure"] or {}, activity["address"] or {}


def _structures(place: Place) -> list[Mapping[str, Any]]:
    return [_where(activity)[0] for activity in place]


def _which(activity: Activity) -> tuple[str, ...]:
    """ADELI numbers a structure in its own way: of one name and SIRET it is the same one."""
    structure, address = _where(activity)
    siret, name = structure.get("siret"), structure.get("name")
    which = (siret, name) if siret and name else (structure.get("id") or "",)
    return (*which, *(address.get(part) or "" for part in ("street", "postcode", "city")))


def _spoken_of(asked: Sequence[str], place: Place) -> int:
    """How many of the words are words of the place, or begin one."""
    structure, address = _where(place[0])
    texts = *map(structure.get, ("name", "trade_name")), *map(address.get, ("postcode", "cedex", "city"))
    there = telling(" ".join(filter(None, texts)))
    return sum(any(word.startswith(start) for word in there) for start in asked)
