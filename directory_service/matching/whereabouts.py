"""Where somebody works, as it is shown: what is said of one place together, and first the place asked about.  PURE."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from directory_service.matching.terms import telling

Activity = Mapping[str, Any]
Place = Sequence[Activity]  # the activities in one structure, at one address


def places(person: Mapping[str, Any], asked: str = "", *, department: str = "", structure: str = "") -> Sequence[Place]:
    """In the order of the record, but for the place that the filters name and most words of the text speak of."""
    found: dict[tuple[str, ...], list[Activity]] = {}
    for activity in person["activities"]:
        found.setdefault(_which(activity), []).append(activity)
    words = telling(asked)
    if not (words or department or structure):
        return list(found.values())

    def strength(place: Place) -> tuple[bool, bool, int]:
        address, where = place[0]["address"] or {}, place[0]["structure"] or {}
        return (
            bool(structure) and structure in (where.get("id"), where.get("finess"), where.get("siret")),
            bool(department) and department == (address.get("department") or {}).get("code"),
            _spoken_of(words, place),
        )

    return sorted(found.values(), key=strength, reverse=True)


def _which(activity: Activity) -> tuple[str, ...]:
    address, structure = activity["address"] or {}, activity["structure"] or {}
    return (structure.get("id") or "", *(address.get(part) or "" for part in ("street", "postcode", "city")))


def _spoken_of(asked: Sequence[str], place: Place) -> int:
    """How many of the words are words of the place, or begin one."""
    address, structure = place[0]["address"] or {}, place[0]["structure"] or {}
    texts = (
        *(structure.get(p) for p in ("name", "trade_name")),
        *(address.get(p) for p in ("postcode", "cedex", "city")),
    )
    there = telling(" ".join(text for text in texts if text))
    return sum(any(word.startswith(start) for word in there) for start in asked)
