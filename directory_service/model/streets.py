"""Streets as people write them: *12 bis bd du Gal Leclerc* for the *12 B Boulevard DU GENERAL LECLERC* of the register.
PURE.

The register has the type of a street in full, the repetition of a number as one letter, and what a street is named
after in full or short, as each commune does.  What is shown stays as it is: these are ways of asking.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import islice, pairwise, product
from types import MappingProxyType
from typing import Final

from directory_service.model.names import fold, words

# The first way of each is what stands in the register; of the second table, any of them may.
_TYPES: Final = (
    ("allee", "all"), ("avenue", "av", "ave"), ("boulevard", "bd", "bld", "blvd", "bvd"),
    ("chemin", "che", "chem", "ch"), ("cours", "crs"), ("esplanade", "esp"), ("faubourg", "fg", "fbg"),
    ("hameau", "ham"), ("impasse", "imp"), ("lotissement", "lot"), ("montee", "mte"), ("passage", "pas"),
    ("place", "pl"), ("promenade", "pro", "prom"), ("quai", "qua"), ("residence", "res"), ("route", "rte"),
    ("rue", "r"), ("square", "sq"), ("zone artisanale", "za"), ("zone industrielle", "zi"),
)  # fmt: skip
_NAMESAKES: Final = (
    ("docteur", "dr"), ("professeur", "pr", "prof"), ("general", "gal", "gen"), ("marechal", "mal"),
    ("president", "pdt"), ("capitaine", "cap", "cne"), ("commandant", "cdt"), ("colonel", "col"),
    ("lieutenant", "lt"), ("sergent", "sgt"),
)  # fmt: skip
REPETITIONS: Final = MappingProxyType({"bis": "b", "ter": "t", "quater": "q"})  # as typed, and in the register
_LETTERED: Final = re.compile(r"([0-9]{1,4})([abctq])", re.ASCII)  # *118a*
_SHORT: Final = 3  # letters
_MOST: Final = 8  # ways of one street: three of its words may be written otherwise


def _ways() -> Mapping[str, tuple[str, ...]]:
    """For each word, the others that may stand in the register."""
    found: dict[str, tuple[str, ...]] = {short: (whole,) for whole, *shorts in _TYPES for short in shorts}
    found |= {word: tuple(w for w in group[:2] if w != word) for group in _NAMESAKES for word in group}
    return MappingProxyType(found | {word: (letter,) for word, letter in REPETITIONS.items()})


_WAYS: Final = _ways()
_BEGINNINGS: Final = frozenset(whole.split()[0] for whole, *_ in _TYPES)
# *69 ch* is a hospital, *62 pas de calais* and *46 lot* are départements.
_AMBIGUOUS: Final = frozenset(("ch", "pas", "lot", "pro", "res", "ham", "esp"))
_ACCENTED: Final = ("allée", "montée", "résidence")
_AFTER: Final = "|".join(sorted({way for group in _TYPES for way in group} - _AMBIGUOUS | {*_ACCENTED}))
# A number, the repetition, and the type of a street behind both; or a repetition alone.
_REPEATED: Final = "|".join(REPETITIONS)
_END: Final = r"\b(?!['’@-])"
_DOOR: Final = re.compile(
    rf"(?<![\w.@-])([0-9]{{1,4}}) *(?:(?:{_REPEATED}|[abctq])?[ ,]+({_AFTER}){_END}\.?|(?:{_REPEATED}){_END})",
    re.IGNORECASE,
)


def other_ways(word: str, before: str) -> tuple[str, ...]:
    """How else a folded word of a street may stand in the register, after the word ``before`` it: *bis* is one only
    behind a number."""
    return () if word in REPETITIONS and not before.isdigit() else _WAYS.get(word, ())


def is_street(word: str) -> bool:
    """*Rue*, *allée*, *zone*: the type of a street, or how one begins, as ``with_street`` writes it."""
    return fold(word) in _BEGINNINGS or fold(word) in _AMBIGUOUS


def with_street(text: str) -> str:
    """What was typed, less the repetition of a house, and the type of the street behind the number in full: *12 bis, bd
    Foch* is *12 boulevard Foch*."""
    return _DOOR.sub(lambda found: f"{found[1]} {_typed_type(found[2])}", text)


def _typed_type(typed: str | None) -> str:
    folded = fold(typed) if typed else ""
    return next(iter(_WAYS.get(folded, ())), folded)


def is_inside_others(way: str) -> bool:
    """*dr* is, of *ANDRE*: it says something as a whole word alone."""
    return len(way) <= _SHORT


def street_words(text: str) -> list[str]:
    """The folded words; *12bis* is two."""
    return [part for word in words(text) for part in _apart(word)]


def _apart(word: str) -> Sequence[str]:
    for repetition in REPETITIONS:
        number = word.removesuffix(repetition)
        if number != word and number.isdigit():
            return number, repetition
    glued = _LETTERED.fullmatch(word)
    return glued.groups() if glued else (word,)


@lru_cache(maxsize=1024)
def other_streets(text: str) -> tuple[str, ...]:
    """What ``fold`` might give of this street, or of a part of its name, as the register has it; not what it gives."""
    found = street_words(text)
    each = [(word, *other_ways(word, before)) for before, word in pairwise(("", *found))]
    own = " ".join(words(text))
    ways = (way for way in map(" ".join, islice(product(*each), _MOST)) if way != own)
    return tuple(way for way in ways if len(found) > 1 or not is_inside_others(way))
