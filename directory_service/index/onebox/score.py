"""How well one person fits the box: which reading of each word holds of her, and her place in the answer.  PURE.

A person is her tokens, as ``entry.tags`` has them.  What names sound like or are mistyped as is compared word by word
(``model.likeness``), since the tokens that find it find more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from directory_service.entries.finding import Kind
from directory_service.index.onebox import Box
from directory_service.index.onebox.readings import Field, Reading, Word
from directory_service.index.onebox.tiers import IDENTIFIED, tier_of
from directory_service.model.likeness import Likeness, grade
from directory_service.model.phonetics import mistyped_short, within

# Within a tier: what a word costs by how it fits and by what it is of.  Words that need not be found cost less.
COSTS: Final[Mapping[Likeness, int]] = {
    Likeness.EXACT: 0,
    Likeness.PREFIX: 10,
    Likeness.NICKNAME: 20,
    Likeness.INITIAL: 20,
    Likeness.SOUND: 30,
    Likeness.TYPO: 40,
    Likeness.INSIDE: 60,
}
FIELD_COSTS: Final[Mapping[Field, int]] = {Field.FAMILY: 0, Field.GIVEN: 1}
OTHER_FIELD: Final = 2
PART_COST: Final = 1  # what was found is one word of a longer name
SECOND_ERROR_COST: Final = 5  # two typing errors, not one
SKIPPED_COST: Final = 3  # a particle that is not part of what was found


class Fit(NamedTuple):
    """What a word was found as; ``token`` is empty where no token of the person says so."""

    field: Field
    likeness: Likeness
    token: str = ""


class Match(NamedTuple):
    """``fits`` of the words of the box, in their order; None for one that need not be found and was not."""

    tier: int
    fine: int
    fits: tuple[Fit | None, ...]


def match(box: Box, tags: str, keyed: Sequence[Fit | None], inside: Sequence[Fit | None] = ()) -> Match | None:
    """``tags`` stand between spaces.  ``keyed``: for each word, what its keys found of this person; ``inside``: where
    else it stands in her texts.  None where a word that must be found is not."""
    fits: list[Fit | None] = []
    surname = Likeness.NONE
    for n, word in enumerate(box.words):
        fit = keyed[n] if keyed and keyed[n] is not None else _fit(word, tags, box)
        if fit is None and inside:
            fit = inside[n]
        if fit is None and not word.skipped:
            return None
        fits.append(fit)
        surname = min(surname, _surname(word, tags, fit))
    needed = [fit for word, fit in zip(box.words, fits, strict=True) if fit and not word.skipped]
    worst = max((fit.likeness for fit in needed), default=Likeness.EXACT)
    return Match(IDENTIFIED if any(keyed) else tier_of(worst, surname), _fine(box, fits, tags), tuple(fits))


def _fine(box: Box, fits: Sequence[Fit | None], tags: str) -> int:
    named = _NAMED if len(box.needed) > 1 else _FAMILY
    return sum(_cost(word, fit, tags, named, box) for word, fit in zip(box.words, fits, strict=True))


def _cost(word: Word, fit: Fit | None, tags: str, named: Mapping[Field, str], box: Box) -> int:
    if fit is None:
        return SKIPPED_COST
    if word.skipped:
        return COSTS[fit.likeness]
    kind = named.get(fit.field)
    part = PART_COST if kind and _is_part(word, fit, tags, kind) else 0
    second = SECOND_ERROR_COST if fit.likeness is Likeness.TYPO and _has_two_errors(word, fit, box) else 0
    return COSTS[fit.likeness] + FIELD_COSTS.get(fit.field, OTHER_FIELD) + part + second


def _has_two_errors(word: Word, fit: Fit, box: Box) -> bool:
    return fit.field in _NAMED and not any(within(way, fit.token[1:], 1) for way in box.ways_of(word))


def _is_part(word: Word, fit: Fit, tags: str, kind: str) -> bool:
    """Whether what was found is one of several words of a name: *COSTA* of *DA COSTA*.  A name has a token of all its
    words, and what was typed beside this word may be the rest of it."""
    if fit.likeness > Likeness.PREFIX:
        return False
    held = [r.token for r in word.close if r.field is fit.field and r.likeness is Likeness.EXACT and _holds(r, tags)]
    longest = max((*held, fit.token), key=len)
    return any(len(name) > len(longest) and longest[1:] in name for name in tags.split() if name.startswith(kind))


_FAMILY: Final[Mapping[Field, str]] = {Field.FAMILY: Kind.FAMILY.value}
# Where several words were typed.
_NAMED: Final[Mapping[Field, str]] = {**_FAMILY, Field.GIVEN: Kind.GIVEN.value}


def _fit(word: Word, tags: str, box: Box) -> Fit | None:
    """The best reading that holds."""
    for reading in word.close:
        if _holds(reading, tags):
            return Fit(reading.field, reading.likeness, _token_of(reading, tags))
    return None if word.skipped else _loose(word, tags, box)


def _loose(word: Word, tags: str, box: Box) -> Fit | None:
    """By sound or with errors: names compared, the rest by its tokens."""
    found = _like_name(box.ways_of(word), tags) if word.is_loose else None
    for reading in word.loose:
        if found and found.likeness <= reading.likeness:
            break
        if _holds(reading, tags):
            return Fit(reading.field, reading.likeness, reading.token)
    return found


def _like_name(ways: Sequence[str], tags: str) -> Fit | None:
    best: Fit | None = None
    for token in tags.split():
        field = _NAME_KINDS.get(token[0])
        if field is None:
            continue
        likeness = min(_likeness(way, token[1:]) for way in ways)
        if likeness in (Likeness.SOUND, Likeness.TYPO) and (best is None or likeness < best.likeness):
            best = Fit(field, likeness, token)
    return best


def _likeness(way: str, word: str) -> Likeness:
    """As ``likeness`` has it; a short name may be mistyped too, since what is found so comes last."""
    found = grade(way, word)
    return Likeness.TYPO if found > Likeness.TYPO and mistyped_short(way, word) else found


_NAME_KINDS: Final = {Kind.FAMILY.value: Field.FAMILY, Kind.GIVEN.value: Field.GIVEN}


def _surname(word: Word, tags: str, fit: Fit | None) -> Likeness:
    """How well the family name fits this word, whatever else fits it better."""
    if fit and fit.field is Field.FAMILY:
        return fit.likeness
    held = (r for r in word.close if r.field is Field.FAMILY)
    return next((r.likeness for r in held if _holds(r, tags)), Likeness.NONE)


def _holds(reading: Reading, tags: str) -> bool:
    if f" {reading.token}" not in tags:
        return False
    if not reading.starts and f" {reading.token} " not in tags:
        return False
    return all(f" {token} " in tags for token in reading.others)


def _token_of(reading: Reading, tags: str) -> str:
    """The token of the person that a beginning found."""
    if not reading.starts:
        return reading.token
    start = tags.index(f" {reading.token}") + 1
    return tags[start : tags.index(" ", start)]
