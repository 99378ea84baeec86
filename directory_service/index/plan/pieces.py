"""Assertions as pieces of search text, and pieces as the terms that find them in the ``trigram`` index.  PURE.

A search text is ``^value$^value$``.  An equality is then the piece ``^value$``, an initial component ``^value``, a
final one ``value$``.  A piece of three letters or more is in a text only if all its three-letter terms are; one of two
letters, only if a term that starts (or, for a final one, ends) with it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, NamedTuple

from directory_service.entries.attributes import ATTRIBUTES, Attribute, prepare
from directory_service.entries.comparing import MatchRule
from directory_service.entries.rules import in_order
from directory_service.index.plan.fours import terms
from directory_service.index.query import Approx, Equal, Substrings

# The rarest terms of a pattern that are looked up: with more, a search takes longer and leaves hardly less to check.
MOST_TERMS: Final = 3
RARE: Final = 200  # mailboxes with some letters: lists of fewer are not counted
_SUPPOSED: Final = 50  # mailboxes that such a list holds
_MANY: Final = (300, 2_000)  # mailboxes of the shortest list; of more, another list is sooner read than candidates
FEW_LISTS: Final = 2
MOST_LISTS: Final = FEW_LISTS + len(_MANY)
LISTED: Final = 250  # places of a list that are read in the time that one entry takes
SAMPLED: Final = 50  # one entry in this many is counted to know which terms are rare
# What is longer, ten times the longest name, is not remembered: a message may be one value of 64 KiB, and all that is
# remembered by number would be of those.
_LONG: Final = 512
# Letters that texts are made of, by rule; texts of MAIL and EXACT keep punctuation.  Others are counted by the writer.
_WORD: Final = "abcdefghijklmnopqrstuvwxyz0123456789"
PRINTABLE: Final = "".join(chr(c) for c in range(32, 127) if not chr(c).isupper())
_LETTERS: Final = {MatchRule.NAME: _WORD + "$", MatchRule.TEXT: _WORD + " $"}
# Past this many letters of other scripts, two letters are no longer worth an index.
_MOST_LETTERS: Final = 400

_SUBSTRINGS_OF: Final = frozenset(
    (MatchRule.NAME, MatchRule.TEXT, MatchRule.MAIL, MatchRule.EXACT, MatchRule.DIGITS)
)  # rules that have a substring rule

TextLeaf = Equal | Approx | Substrings


@dataclass(frozen=True, slots=True)
class Pattern:
    """Pieces that one value holds in this order, without overlap; the first at its start if ``head``, the last at its
    end if ``tail``.  Never empty."""

    pieces: tuple[str, ...]
    head: bool = False
    tail: bool = False

    @property
    def is_equality(self) -> bool:
        return self.head and self.tail and len(self.pieces) == 1

    def anchored(self) -> Pattern:
        """The same, at the start of the value."""
        return self if self.head else Pattern(("^" + self.pieces[0], *self.pieces[1:]), True, self.tail)


def holder_of(pattern: Pattern) -> Callable[[str], bool]:
    """Whether one value holds it, between its bounds: ``^value$``."""
    pieces = pattern.pieces
    if pattern.is_equality:
        return lambda value: value == pieces[0]
    start, end = pieces[0] if pattern.head else "^", pieces[-1] if pattern.tail else "$"
    return in_order(start, pieces[pattern.head : len(pieces) - pattern.tail], end)


def pattern_of(leaf: TextLeaf) -> Pattern | None:
    """The pattern of an equality or a substring assertion.  None when it is Undefined: a value of the wrong syntax,
    nothing to compare, or an attribute without a substring rule."""
    try:
        return _short_pattern(leaf)
    except _TooLongError:
        return _pattern(leaf)


class _TooLongError(Exception):
    """What raises is not remembered, and what is remembered need not be measured again."""


@lru_cache(maxsize=4096)
def _short_pattern(leaf: TextLeaf) -> Pattern | None:
    if _octets_of(leaf) > _LONG:
        raise _TooLongError
    return _pattern(leaf)


def _octets_of(leaf: TextLeaf) -> int:
    if isinstance(leaf, Substrings):
        return len(leaf.initial) + sum(map(len, leaf.any)) + len(leaf.final)
    return len(leaf.value)


def _are_long(pieces: tuple[str, ...]) -> bool:
    return sum(map(len, pieces)) > _LONG


def _pattern(leaf: TextLeaf) -> Pattern | None:
    attribute = ATTRIBUTES[leaf.attribute.lower()]
    if not isinstance(leaf, Substrings):
        prepared = prepare(attribute, leaf.value)
        return Pattern((f"^{prepared}$",), True, True) if prepared else None
    return _substrings(attribute, leaf.initial, leaf.any, leaf.final) if attribute.rule in _SUBSTRINGS_OF else None


def _substrings(attribute: Attribute, initial: bytes, middle: Iterable[bytes], final: bytes) -> Pattern | None:
    """Components with nothing to compare (``-`` in a name) ask for nothing, unless no other is left."""
    components = [("^", initial, ""), *(("", part, "") for part in middle), ("", final, "$")]
    if not all(_is_text(raw) for _, raw, _ in components):
        return None
    prepared = [(head, prepare(attribute, raw) if raw else None, tail) for head, raw, tail in components]
    pieces = tuple(head + text + tail for head, text, tail in prepared if text)
    return Pattern(pieces, bool(prepared[0][1]), bool(prepared[-1][1])) if pieces else None


def _is_text(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Terms:
    """Three-letter terms: a text that holds the pattern has all of ``every`` and, unless empty, one of ``some``."""

    every: tuple[str, ...] = ()
    some: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Lexicon:
    """What a build knows of its texts: letters that are not ``PRINTABLE``, and in how many of one entry in ``SAMPLED``
    each term occurs; and of its names: the suffix, normalised.  Compared by identity: one a build, and one for its
    unlisted mailboxes, whose letters are not among those (``whole`` is False)."""

    letters: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)
    suffix: str = ""
    fours: Mapping[str, int] = field(default_factory=dict)  # mailboxes of each term of ``names`` that has many
    mailboxes: int = 0  # about how many there are
    whole: bool = True  # texts have no other letters

    def count(self, term: str) -> int:
        return self.counts.get(term, 0)

    def holding(self, letters: str, column: str) -> int:
        """About how many mailboxes have these two to four letters in such a text."""
        return sum([self.fours.get(t, _SUPPOSED) for t in terms(letters, column)])

    def entries(self, terms: Terms) -> int:
        """About how many entries have these terms: at most those of the rarest."""
        if terms.every:
            return min(map(self.count, terms.every)) * SAMPLED
        return sum(map(self.count, terms.some)) * SAMPLED


def terms_of(pieces: tuple[str, ...], rule: MatchRule, lexicon: Lexicon) -> Terms | None:
    """None: nothing to look up."""
    return (_terms.__wrapped__ if _are_long(pieces) else _terms)(pieces, rule, lexicon)


@lru_cache(maxsize=4096)
def _terms(pieces: tuple[str, ...], rule: MatchRule, lexicon: Lexicon) -> Terms | None:
    usable = [term for term in dict.fromkeys(_cut(pieces, 3)) if "\0" not in term]
    if usable:
        return Terms(every=tuple(sorted(usable, key=lexicon.count)[:MOST_TERMS]))
    short = next((piece for piece in pieces if len(piece) == 2 and "\0" not in piece), None)
    letters = _LETTERS.get(rule, PRINTABLE) + lexicon.letters
    if short is None or not lexicon.whole or len(letters) > _MOST_LETTERS:
        return None
    if short[1] == "$":
        return Terms(some=tuple(c + short for c in letters + "^"))
    return Terms(some=tuple(short + c for c in letters))


class Fours(NamedTuple):
    """Two to four letters each, the rarest first, whose lists meet in about so many mailboxes at most, after as many
    places of those lists as ``places`` were read."""

    texts: tuple[str, ...]
    mailboxes: int
    places: int


def fours_of(pieces: tuple[str, ...], column: str, lexicon: Lexicon, most: int = MOST_LISTS) -> Fours | None:
    """What finds these pieces in the ``names`` index: a mailbox that holds them all has each of these texts.  The
    rarest four letters of the rarest piece; of another, then of the same, as long as their lists are sooner read than
    the entries that they spare.  A piece of two or three letters is one text.  None when all have a single letter."""
    return (_fours.__wrapped__ if _are_long(pieces) else _fours)(pieces, column, lexicon, most)


@lru_cache(maxsize=4096)
def _fours(pieces: tuple[str, ...], column: str, lexicon: Lexicon, most: int) -> Fours | None:
    counted = [sorted(_counted(piece, column, lexicon)) for piece in pieces if len(piece) > 1 and "\0" not in piece]
    if not counted:
        return None
    in_turn = counted[0] if len(counted) == 1 else _in_turn(counted)
    least = in_turn[0][0]
    most = min(most, FEW_LISTS + sum([least > many for many in _MANY]))
    chosen = {text: count for count, text in in_turn[:most] if count <= LISTED * least}
    return Fours(tuple(chosen), least, sum(chosen.values()))


def _in_turn(counted: Sequence[list[tuple[int, str]]]) -> list[tuple[int, str]]:
    """The rarest of each, then the next of each."""
    return [each for n in range(MOST_LISTS) for each in sorted([found[n] for found in counted if len(found) > n])]


def _counted(piece: str, column: str, lexicon: Lexicon) -> set[tuple[int, str]]:
    """Each two to four letters of a piece, and about how many mailboxes have them: the term of some letters is part of
    that of all."""
    size, each, counts = min(4, len(piece)), terms(piece, column), lexicon.fours
    starts = range(len(piece) - size + 1)
    return {
        (sum([counts.get(whole[i : i + size - 1], _SUPPOSED) for whole in each]), piece[i : i + size]) for i in starts
    }


def forget_terms() -> None:
    """What was remembered with a lexicon."""
    _terms.cache_clear()
    _fours.cache_clear()


def _cut(pieces: Iterable[str], size: int) -> list[str]:
    return [piece[i : i + size] for piece in pieces for i in range(len(piece) - size + 1)]
