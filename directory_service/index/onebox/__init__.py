"""The one box of ``/v1/search``: what was typed, in any order, understood word by word.  PURE.

``understand`` gives a ``Box``: words, each with its readings (``readings``, ``shapes``).  ``tiers`` turns it into what
is looked up, best first; ``score`` says of one person which reading of each word holds, and how well; ``facets``
counts; ``explain`` tells.  Reading the index is ``index.finder``'s.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import pairwise, permutations
from typing import Final

from directory_service.entries.attributes import tag
from directory_service.entries.finding import words_of
from directory_service.errors import InvalidInput
from directory_service.index.onebox.readings import (
    LEAST_TOWN,
    Field,
    Keys,
    Near,
    Reading,
    Word,
    loosely,
    mistakes,
    of_name_begun,
    of_pair,
    of_phrase,
    of_run,
    of_run_begun,
    of_unfinished,
    of_word,
)
from directory_service.index.onebox.shapes import (
    ANNOUNCING,
    compact,
    is_address,
    is_district,
    is_misread,
    is_number,
    national,
    near_keys,
    near_structures,
    number_at,
    of_address,
    of_number,
    with_district,
)
from directory_service.model.likeness import Likeness
from directory_service.model.names import SAINTS
from directory_service.model.names import words as folded
from directory_service.model.phonetics import PARTICLES
from directory_service.model.streets import is_street, with_street
from directory_service.model.towns import CEDEX
from directory_service.model.vocabulary import is_known, skipped, titles

MOST_WORDS: Final = 12  # what people type has four; a pasted paragraph is no search
_ALL_PAIRS: Final = 5  # words, of which each may go with each; of more, neighbours only
_LONGEST_RUN: Final = 5  # words of the name of a town
_ELIDED: Final = re.compile(r"\b([dDlL])['’`](?=\w)")
_ANNOUNCED: Final = re.compile(r"[:=°#,;()\[\]{}<>\"«»]+")  # before numbers and around them
_GLUED: Final = re.compile(r"^(rpps|adeli|finess|siret|siren)(?=[0-9])", re.ASCII | re.I)
_AROUND: Final = "<>\"';,"  # an address: as mail clients write it
_SHORT: Final = {"à": "a", "À": "a", "M.": "m", "m.": "m"}  # words of one letter that are no initials
_BEFORE_NAMES: Final = "dlmno"  # letters with an apostrophe, which few people type
_TO: Final = "a"  # *médecin a Lyon*: between words, no initial
_MARK: Final = "\x02"  # before a word that was elided


@dataclass(frozen=True)
class Box:
    """What was typed.  ``exact``: nothing that only begins so, sounds so or is mistyped so."""

    words: tuple[Word, ...]
    glued: tuple[str, ...] = ()  # particles with the word after them, as one
    exact: bool = False
    titled: tuple[str, ...] = ()  # tokens of those who bear a title that was typed: they come first

    @property
    def most(self) -> Likeness:
        """The least likeness that is looked for at first."""
        return Likeness.EXACT if self.exact else Likeness.INITIAL

    @cached_property
    def needed(self) -> tuple[Word, ...]:
        """Words that must be found."""
        return tuple(word for word in self.words if not word.skipped)

    @cached_property
    def begun(self) -> tuple[Box, Box] | None:
        """The words that are long enough, and all of them with what the others may become
        (``readings.of_unfinished``); None where there are not both."""
        more = {word.typed: tuple(of_unfinished(word.typed)) for word in self.needed}
        others = replace(self, words=tuple(word for word in self.words if not more.get(word.typed)))
        if self.exact or not any(more.values()) or not others.needed:
            return None
        return others, replace(self, words=tuple(_with(word, more.get(word.typed, ())) for word in self.words))

    def loosened(self, near: Near) -> Box:
        """The same, with readings by sound and by typing errors."""
        return replace(self, words=tuple(self._loosened(word, near) for word in self.words))

    def _loosened(self, word: Word, near: Near) -> Word:
        if is_number(word.typed) or is_misread(word.typed):
            keys, readings = near_keys(word.typed), near_structures(word.typed)
            return replace(word, keys=(*word.keys, *keys), readings=(*word.readings, *readings))
        if word.part or word.skipped or is_known(word.typed):
            return word
        ways = self.ways_of(word)
        more = sorted((r for text in ways for r in loosely(text)), key=_order)
        found = tuple(token for text in ways for token in mistakes(text, near))
        return replace(word, readings=tuple(dict.fromkeys((*word.readings, *more))), mistakes=found)

    def ways_of(self, word: Word) -> tuple[str, ...]:
        """The word, and with the particles before it."""
        return (word.typed, *(glued for glued in self.glued if glued.endswith(word.typed)))


def _with(word: Word, more: Sequence[Reading]) -> Word:
    return replace(word, readings=tuple(sorted(dict.fromkeys((*word.readings, *more)), key=_order))) if more else word


@lru_cache(maxsize=256)
def understand(text: str, *, exact: bool = False) -> Box:
    """Raises InvalidInput for more than ``MOST_WORDS`` words."""
    if exact:  # the same words
        return replace(understand(text), exact=True)
    plain, others = _cut(text)
    if len(plain) + len(others) > MOST_WORDS:
        raise InvalidInput(f"au plus {MOST_WORDS} mots", where="paramètre q")
    typed = tuple(dict.fromkeys(word.removeprefix(_MARK) for word in plain))
    away = {word for word in typed if len(word) > 1 and (word in skipped() or word in PARTICLES)}
    away |= {word for word in typed if _MARK + word in plain}
    away |= {word for word in typed[1:] if word == _TO and (word != typed[-1] or others)}
    if len(away) == len(typed) and not others:
        away = set()
    readings = _together(typed, away)
    last = folded(text)[-1:]
    if last and SAINTS.get(last[0]) in readings:  # *ste* is Sainte, or how Stéphanie begins where nothing follows
        readings[SAINTS[last[0]]] += of_name_begun(last[0])
    words = tuple(_word(word, readings[word], skip=word in away) for word in typed)
    titled = (tag("p", code) for word in typed if word in away for code in titles().get(word, ()))
    return Box(
        (*words, *(with_district(word, typed) for word in others)),
        _glued(typed, away),
        titled=tuple(dict.fromkeys(titled)),
    )


def _word(typed: str, readings: Sequence[Reading], *, skip: bool) -> Word:
    own = () if skip else tuple(of_word(typed))
    found: dict[tuple[object, ...], Reading] = {}
    for reading in sorted((*own, *readings), key=_order):
        found.setdefault((reading.token, reading.starts, reading.others), reading)  # the closest likeness
    return Word(typed, tuple(found.values()), skipped=skip)


_FIELDS: Final = tuple(Field)


def _order(reading: Reading) -> tuple[int, int]:
    return reading.likeness, _FIELDS.index(reading.field)


def _cut(text: str) -> tuple[list[str], list[Word]]:
    """Folded words, and those that have a shape.  An announced number is told by its shape."""
    raw = [piece for word in with_street(national(text)).split() for piece in _pieces(word)]
    plain: list[str] = []
    others: list[Word] = []
    at = 0
    while at < len(raw):
        here, at = raw[at], at + 1
        if at > 1 and raw[at - 2].casefold() == CEDEX and is_district(here):
            continue  # of a post office
        if is_number(here) or is_district(here):
            size = number_at(raw, at - 1)
            behind = raw[at - 1 + size : at + size]
            others.append(of_number(compact(raw[at - 1 : at - 1 + size]), at_door=any(map(is_street, behind))))
            at += size - 1
        elif is_misread(here):
            others.append(of_number(compact((here,))))
        elif is_address(here):
            others.append(of_address(here))
        elif _announces(raw[at - 1 :]):
            continue
        elif here in _SHORT:
            plain.append(_MARK + _SHORT[here])
        else:
            mark = _MARK if here.startswith(_MARK) else ""
            plain += [mark + word for word in words_of(here.removeprefix(_MARK))]
    return plain, list({word.typed: word for word in others}.values())


def _pieces(word: str) -> list[str]:
    """What stands between two spaces, as words; an address whole, less what it was copied with."""
    if "@" in word:
        return [word.removeprefix("mailto:").strip(_AROUND)]
    pieces = _ANNOUNCED.sub(" ", _ELIDED.sub(rf"{_MARK}\1 ", word)).split()
    return [part for piece in pieces for part in _GLUED.sub(r"\1 ", piece.strip("'’`")).split()]


def _announces(texts: Sequence[str]) -> bool:
    """*RPPS*, *n° FINESS*: before a number, nothing to be found."""
    first = next((n for n, text in enumerate(texts) if text.casefold() not in ANNOUNCING), len(texts))
    return 0 < first < len(texts) and (is_number(texts[first]) or is_misread(texts[first]))


def _together(words: Sequence[str], away: set[str]) -> dict[str, list[Reading]]:
    """For each word, the readings of what it is part of."""
    found: dict[str, list[Reading]] = {word: [] for word in words}
    for said, reading in of_phrase(frozenset(words)):
        for word in said:
            found[word].append(reading)
    for several in filter(_may_be_one, (*_pairs(words), *_particles(words, away))):
        for word in several:
            found[word] += of_pair("".join(several))
    for size in range(2, _LONGEST_RUN + 1):
        for start in range(len(words) - size + 1):
            run = words[start : start + size]
            for word in run if size > 2 or _may_be_one(run) else ():
                found[word] += of_run("".join(run))
            for word in run if _is_begun(run, last=start + size == len(words)) else ():
                found[word].append(of_run_begun("".join(run)))
    return found


def _is_begun(run: Sequence[str], *, last: bool) -> bool:
    """A town that is being typed, whose words do not tell it one by one: *l hay*, *villeneuve d as*, *aix en p*."""
    letters = len(run[0]) > 1 or run[0] in _BEFORE_NAMES
    return letters and (any(len(word) == 1 for word in run) or (last and len(run[-1]) < LEAST_TOWN))


def _may_be_one(words: Sequence[str]) -> bool:
    """One letter is how some names begin (*D'Essai*, *N'Guessan*, *O'Connor*); any other is an initial: *f roux* is no
    *Froux*."""
    first, *others = words
    return (len(first) > 1 or first in _BEFORE_NAMES) and all(len(word) > 1 for word in others)


def _pairs(words: Sequence[str]) -> Iterator[tuple[str, ...]]:
    if len(words) <= _ALL_PAIRS:
        yield from permutations(words, 2)
    else:
        for one, other in pairwise(words):
            yield from ((one, other), (other, one))


def _particles(words: Sequence[str], away: set[str]) -> Iterator[tuple[str, ...]]:
    """Two particles and a name: ``de la tour``."""
    particles = [word for word in words if word in away and word in PARTICLES][:3]
    for first, second in permutations(particles, 2):
        yield from ((first, second, word) for word in words if word not in away)


def _glued(words: Sequence[str], away: set[str]) -> tuple[str, ...]:
    """Particles with the word that they stand before."""
    found, before = [], ""
    for word in words:
        if word in away and word in PARTICLES:
            before += word
        else:
            found += [before + word] if before else []
            before = ""
    return tuple(found)


__all__ = ["MOST_WORDS", "Box", "Field", "Keys", "Reading", "Word", "understand"]
