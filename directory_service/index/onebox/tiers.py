"""The tiers of an answer, best first, and the FTS5 expressions on ``tag`` that find each.  PURE.

A person's tier goes by the word that fits least, and by how well her family name fits any word.  ``TIERS`` is the whole
table; ``score`` puts one person in it, ``expressions`` finds all of a tier.  Where both can, they agree (a test holds
it).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from directory_service.index.onebox import Box
from directory_service.index.onebox.readings import Field, Reading, Word
from directory_service.index.plan.starts import asked_start, quoted
from directory_service.model.likeness import Likeness

_EXACT, _PREFIX, _INITIAL = Likeness.EXACT, Likeness.PREFIX, Likeness.INITIAL


class Tier(NamedTuple):
    """All words fit at least as ``worst`` says; the family name fits one of them as ``surname`` says (None: or not)."""

    name: str
    worst: Likeness
    surname: Likeness | None = None


IDENTIFIED: Final = 0  # the tier of who was found by a key
TIERS: Final = (
    Tier("identified", Likeness.INSIDE),  # a number or an address, or the beginning of one
    Tier("exact_surname", _EXACT, _EXACT),
    Tier("exact", _EXACT),
    Tier("prefix_whole_surname", _PREFIX, _EXACT),
    Tier("prefix_surname", _PREFIX, _PREFIX),
    Tier("prefix", _PREFIX),
    Tier("initial_surname", _INITIAL, _EXACT),  # initials and nicknames
    Tier("initial", _INITIAL),
    Tier("sound_surname", Likeness.SOUND, Likeness.SOUND),
    Tier("sound", Likeness.SOUND),
    Tier("typo_surname", Likeness.TYPO, Likeness.TYPO),
    Tier("typo", Likeness.TYPO),
    Tier("inside", Likeness.INSIDE),
)
FIRST_RELAXED: Final = next(n for n, tier in enumerate(TIERS) if tier.worst > _INITIAL and n != IDENTIFIED)


def tier_of(worst: Likeness, surname: Likeness) -> int:
    """The place in ``TIERS`` of who was not found by a key."""
    for number, tier in enumerate(TIERS):
        if number != IDENTIFIED and worst <= tier.worst and (tier.surname is None or surname <= tier.surname):
            return number
    return len(TIERS) - 1


class Near(NamedTuple):
    """Tokens of who is near, the nearest first: classes 0, 1…; whoever has none of them is in the last."""

    classes: tuple[tuple[str, ...], ...] = ()

    def of(self, tags: str) -> int:
        """``tags`` stand between spaces."""
        return next((n for n, held in enumerate(self.classes) if any(f" {t} " in tags for t in held)), self.last)

    @property
    def last(self) -> int:
        return len(self.classes)


def everyone(box: Box, most: Likeness) -> str | None:
    """Who has, for every word, a reading up to ``most``; None when there cannot be anybody."""
    parts = [whoever_has(word, most) for word in box.needed]
    return _joined(" AND ", parts) if parts and all(parts) else None


def whoever_has(word: Word, most: Likeness) -> str:
    """Empty where no token says so.  Remembered with the word: there may be a thousand readings."""
    if most not in word.written:
        wrong = [quoted(token) for token in word.mistakes] if most >= Likeness.TYPO else []
        word.written[most] = _joined(" OR ", [_any(word.up_to(most)), *wrong])
    return word.written[most]


def _surnamed(box: Box, most: Likeness) -> str:
    family = (r for word in box.words for r in word.up_to(most) if r.field is Field.FAMILY)
    return _any(family)


class Part(NamedTuple):
    """What finds the people of one tier and one class of nearness, and no others."""

    tier: int
    near: int
    expression: str


def expressions(box: Box, near: Near, more: str = "") -> list[Part]:
    """The tiers that need nothing but tokens, in order.  ``more``: an expression that must hold too."""
    found: list[Part] = []
    for number, tier in enumerate(TIERS[:FIRST_RELAXED]):
        whole = everyone(box, tier.worst) if number != IDENTIFIED and tier.worst <= box.most else None
        if whole is None:
            continue
        surname = _surnamed(box, tier.surname) if tier.surname is not None else ""
        if tier.surname is not None and not surname:
            continue
        asked, earlier = _joined(" AND ", (whole, surname, more)), _before(box, number)
        for place in range(near.last + 1):
            wanted, others = _placed(near, place)
            inside = _joined(" AND ", (asked, wanted))
            before = _joined(" OR ", (*earlier, others))
            found.append(Part(number, place, f"({inside} NOT {before})" if before else inside))
    return found


def _before(box: Box, number: int) -> tuple[str | None, str | None]:
    """Who is in an earlier tier, given that every word fits as this tier says: whom the less demanding likeness before
    it covers, and whose family name an earlier tier of the same likeness asked for."""
    tier = TIERS[number]
    earlier = [t for n, t in enumerate(TIERS[:number]) if n != IDENTIFIED]
    closer = [t.worst for t in earlier if t.worst < tier.worst]
    names = [t.surname for t in earlier if t.worst == tier.worst and t.surname is not None]
    return everyone(box, max(closer)) if closer else None, _surnamed(box, max(names)) if names else None


def _placed(near: Near, place: int) -> tuple[str, str]:
    """What is asked of, and what excludes, people of this class."""
    wanted = _either(near.classes[place]) if place < near.last else ""
    return wanted, _either(token for held in near.classes[:place] for token in held)


def with_tokens(*expressions_: str) -> str:
    return _joined(" AND ", expressions_)


def _any(readings: Iterable[Reading]) -> str:
    """Beginnings that another beginning covers, and words that one covers, are not looked up again."""
    held = list(readings)
    starts = {r.token for r in held if r.starts}
    return _joined(" OR ", dict.fromkeys(_one(r) for r in held if r.starts or r.others or r.token not in starts))


def _one(reading: Reading) -> str:
    if reading.starts:
        return asked_start(reading.token)
    return _joined(" AND ", [quoted(t) for t in (reading.token, *reading.others)])


def _either(tokens: Iterable[str]) -> str:
    return _joined(" OR ", [quoted(t) for t in tokens])


def _joined(word: str, parts: Iterable[str | None]) -> str:
    known: Sequence[str] = [part for part in parts if part]
    return f"({word.join(known)})" if len(known) > 1 else known[0] if known else ""
