"""Assertions as pieces of search text, and pieces as the terms that find them in the ``trigram`` index.  PURE.

A search text is ``^value$^value$``.  An equality is then the piece ``^value$``, an initial component ``^value``, a
final one ``value$``.  A piece of three letters or more is in a text only if all its three-letter terms are; one of two
letters, only if a term that starts (or, for a final one, ends) with it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from directory_service.entries.attributes import ATTRIBUTES, Attribute, MatchRule, prepare
from directory_service.index.plan.fours import fours
from directory_service.index.query import Approx, Equal, Substrings

# The rarest terms of a pattern that are looked up: with more, a search takes longer and leaves hardly less to check.
MOST_TERMS: Final = 3
_MANY: Final = 2_000  # candidates: more take longer to look at than the lists of a third word
FOURS_GAIN: Final = 8  # entries with three letters, for one that has a fourth after or before them
SAMPLED: Final = 50  # one entry in this many is counted to know which terms are rare
# Letters that texts are made of, by rule; texts of MAIL and EXACT keep punctuation.  Others are counted by the writer.
_WORD: Final = "abcdefghijklmnopqrstuvwxyz0123456789"
PRINTABLE: Final = "".join(chr(c) for c in range(32, 127) if not chr(c).isupper())
_LETTERS: Final = {MatchRule.NAME: _WORD + "$", MatchRule.TEXT: _WORD + " $"}
# Past this many letters of other scripts, two letters are no longer worth an index.
_MOST_LETTERS: Final = 400

_SUBSTRINGS_OF: Final = frozenset(
    (MatchRule.NAME, MatchRule.TEXT, MatchRule.MAIL, MatchRule.EXACT, MatchRule.DIGITS)
)  # rules that have a substring rule


Leaf = Equal | Approx | Substrings


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


@lru_cache(maxsize=4096)
def pattern_of(leaf: Leaf) -> Pattern | None:
    """The pattern of an equality or a substring assertion.  None when it is Undefined: a value of the wrong syntax,
    nothing to compare, or an attribute without a substring rule."""
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
    each term occurs; and of its names: the suffix, normalised.  Compared by identity: one a build."""

    letters: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)
    suffix: str = ""

    def count(self, term: str) -> int:
        return self.counts.get(term, 0)

    def entries(self, terms: Terms) -> int:
        """About how many entries have these terms: at most those of the rarest."""
        if terms.every:
            return min(map(self.count, terms.every)) * SAMPLED
        return sum(map(self.count, terms.some)) * SAMPLED


@lru_cache(maxsize=4096)
def terms_of(pieces: tuple[str, ...], rule: MatchRule, lexicon: Lexicon) -> Terms | None:
    """None: nothing to look up."""
    usable = [term for term in dict.fromkeys(_cut(pieces, 3)) if "\0" not in term]
    if usable:
        return Terms(every=tuple(sorted(usable, key=lexicon.count)[:MOST_TERMS]))
    short = next((piece for piece in pieces if len(piece) == 2 and "\0" not in piece), None)
    letters = _LETTERS.get(rule, PRINTABLE) + lexicon.letters
    if short is None or len(letters) > _MOST_LETTERS:
        return None
    if short[1] == "$":
        return Terms(some=tuple(c + short for c in letters + "^"))
    return Terms(some=tuple(short + c for c in letters))


Groups = tuple[tuple[str, ...], ...]  # one of each group


@lru_cache(maxsize=4096)
def fours_of(pieces: tuple[str, ...], rule: MatchRule, lexicon: Lexicon) -> Groups:
    """Terms of the ``names`` index: a text that holds the pieces has one of each group.  Of each piece the end, by
    which a name leaves commoner ones, and the rarest letters, as far as counts of three tell; of a piece of three
    letters, all that a fourth may be, where the others find many.  None when every piece is shorter than four letters,
    or when one of three is so rare that it finds less."""
    found: dict[str, int] = {}
    for piece in pieces:
        usable = [text for text in dict.fromkeys(_cut((piece,), 4)) if "\0" not in text]
        counted = [(min(lexicon.count(text[:3]), lexicon.count(text[1:])), text) for text in usable]
        found.update((text, count) for count, text in [*counted[-1:], *sorted(counted)[:2]])
    if not found:
        return ()
    rarest, threes = min(found.values()), [piece for piece in pieces if len(piece) == 3 and "\0" not in piece]
    if any(lexicon.count(piece) * FOURS_GAIN < rarest for piece in threes):
        return ()
    many = rarest * SAMPLED > FOURS_GAIN * _MANY
    wider = [_completed(piece, rule, lexicon) for piece in threes] if many and rule is MatchRule.NAME else []
    return (*[tuple(fours(text)) for text in found], *wider)


def _completed(piece: str, rule: MatchRule, lexicon: Lexicon) -> tuple[str, ...]:
    letters = _LETTERS[rule] + lexicon.letters
    texts = [c + piece for c in letters + "^"] if piece[-1] == "$" else [piece + c for c in letters]
    return tuple(term for text in texts for term in fours(text))


def _cut(pieces: Iterable[str], size: int) -> list[str]:
    return [piece[i : i + size] for piece in pieces for i in range(len(piece) - size + 1)]
