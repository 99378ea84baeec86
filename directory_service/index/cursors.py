"""The place of a page in the answer of ``/v1/search``, as it is and as the cursor of the next page has it.  PURE."""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from typing import NamedTuple

from directory_service.errors import InvalidInput


class Rank(NamedTuple):
    """A place in the order of an answer: the tier, what the words cost within it, the class of nearness, the entry."""

    tier: int
    fine: int
    near: int
    id: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page starts: after ``rank``, of the answer to the question that ``digest`` is of; and the total, the same
    on every page.  Of a sorted answer ``rank.tier`` counts those shown before."""

    rank: Rank
    total: int
    exact: bool
    digest: int


def digest_of(*asked: object) -> int:
    """What a cursor remembers of its question: no other may go on with it."""
    return int.from_bytes(hashlib.blake2s(repr(asked).encode(), digest_size=4).digest())


def write_cursor(place: Place) -> str:
    text = ".".join(map(str, (*place.rank, place.total, int(place.exact), place.digest)))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def parse_cursor(cursor: str, digest: int) -> Place:
    """Raises InvalidInput for what we did not write, or wrote for another question."""
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        tier, fine, near, after, total, exact, of = map(int, text.split("."))
    except (ValueError, binascii.Error):
        raise InvalidInput("marque de page illisible", where="paramètre cursor") from None
    if not all(0 <= n < 1 << 62 for n in (tier, fine, near, after, total)):
        raise InvalidInput("marque de page illisible", where="paramètre cursor")
    if of != digest:
        raise InvalidInput("cette marque de page est celle d'une autre recherche", where="paramètre cursor")
    return Place(Rank(tier, fine, near, after), total, bool(exact), of)
