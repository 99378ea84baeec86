"""On what two records are compared, and how alike they are on it: a table of functions, each of one comparison.  PURE.

Every function gives the name of the level reached, the surest first in ``LEVELS``, or nothing where one side is silent.
Names are compared as French names: hyphens, accents, apostrophes and particles fold away (``model.names``), what sounds
alike or is one typing error away is near (``model.phonetics``), a compound shares its parts, and a woman may practise
under another name than before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Final

from directory_service.model import phonetics
from directory_service.model.names import squash, words
from importers.reconcile.candidate import Candidate
from importers.reconcile.weights import UNKNOWN, Levels

# Comparison ► its levels, in the order of the model.
LEVELS: Final[Mapping[str, tuple[str, ...]]] = {
    "family": ("same", "near", "part", "other_woman", "other"),
    "given": ("same", "begins", "near", "initials", "shared", "other"),
    "civility": ("same", "other"),
    "profession": ("same", "other"),
    "place": ("few", "some", "many", "postcode", "department", "elsewhere"),
    "mailbox": ("held", "named", "other"),
}
FEW: Final = 10  # people at a structure: a practice
SOME: Final = 100  # a clinic; beyond, namesakes of one profession are no surprise
_INITIALS: Final = 2  # letters at most of given names written as initials
_SHORTEST: Final = 3  # letters of a part of a name that says something
_HALF: Final = 4  # letters at the beginning, or the end, that are right in a long name with two errors

Crowds = Mapping[str, int]  # structure key ► people who work there


def family(a: Candidate, b: Candidate) -> str:
    """``near``: mistyped or heard alike; ``part``: a compound and one of its halves."""
    one, other = squash(a.family_name), squash(b.family_name)
    if not one or not other:
        return ""
    if one == other:
        return "same"
    if near(one, other):
        return "near"
    if parts(a.family_name) & parts(b.family_name):
        return "part"
    return "other_woman" if "MME" in (a.civility, b.civility) else "other"


def given(a: Candidate, b: Candidate) -> str:
    """``begins``: one has more given names than the other; ``shared``: a given name or a half of one in common, no more
    (``JEAN`` and ``JEAN-PAUL`` are father and son)."""
    one, other = words(a.given_names), words(b.given_names)
    if not one or not other:
        return ""
    if squash(a.given_names) == squash(b.given_names):
        return "same"
    if _begins(a.given_names, b.given_names) or _begins(b.given_names, a.given_names):
        return "begins"
    if near(squash(a.given_names), squash(b.given_names)) or (one[0] != other[0] and near(one[0], other[0])):
        return "near"
    if _initials(one, other) or _initials(other, one):
        return "initials"
    return "shared" if {w for w in one if len(w) >= _SHORTEST} & set(other) else "other"


def civility(a: Candidate, b: Candidate) -> str:
    return ("same" if a.civility == b.civility else "other") if a.civility and b.civility else ""


def profession(a: Candidate, b: Candidate) -> str:
    if not a.professions or not b.professions:
        return ""
    return "same" if a.professions & b.professions else "other"


def place(a: Candidate, b: Candidate, crowds: Crowds) -> str:
    """The smallest structure where both exercise one profession; else how near they work."""
    if shared := a.structures & b.structures:
        crowd = min(crowds.get(key, SOME + 1) for _, key in shared)
        return "few" if crowd <= FEW else "some" if crowd <= SOME else "many"
    if a.places & b.places:
        return "postcode"
    if a.departments & b.departments:
        return "department"
    return "elsewhere" if a.departments and b.departments else ""


def mailbox(a: Candidate, b: Candidate) -> str:
    """``named``: the address of one spells the names of the other, which her own record does not.  Most have none that
    both sources know: that says next to nothing, and is a level of its own."""
    if a.mailboxes & b.mailboxes:
        return "held"
    if squash(a.family_name) != squash(b.family_name) and (_spells(a, b) or _spells(b, a)):
        return "named"
    return "other"


def compare(a: Candidate, b: Candidate, crowds: Crowds) -> Levels:
    """The levels of a pair, in the order of ``LEVELS``."""
    reached = [*(_COMPARE[name](a, b) for name in _COMPARE), place(a, b, crowds), mailbox(a, b)]
    return tuple(each.index(level) if level else UNKNOWN for each, level in zip(LEVELS.values(), reached, strict=True))


def plausible(a: Candidate, b: Candidate) -> bool:
    """Whether names leave room for one person: what is compared no further need not be read.  Asked of all that work in
    one place: what cannot be near is told by its length and its ends."""
    if given_fits(squash(a.given_names), squash(b.given_names)):
        return True
    if _may_be_near(squash(a.family_name), squash(b.family_name)):
        return True
    return bool(parts(a.family_name) & parts(b.family_name))


@lru_cache(maxsize=100_000)
def given_fits(one: str, other: str) -> bool:
    """Squashed given names, one of which may be how the other was written."""
    if len(one) <= _INITIALS or len(other) <= _INITIALS:
        return one[:1] == other[:1]
    return one.startswith(other) or other.startswith(one) or _may_be_near(one, other)


def _may_be_near(one: str, other: str) -> bool:
    ends = one[:2] == other[:2] or one[-2:] == other[-2:]
    return ends and abs(len(one) - len(other)) <= 2 and near(one, other)


def near(one: str, other: str) -> bool:
    """``phonetics.near`` has a side, the one that was typed, and forgives nothing of a short one: here the shorter.
    Two errors are taken for one name only where half of it is right: a search may offer more than a merge may take."""
    typed, word = sorted((one, other), key=lambda name: (len(name), name))
    if not phonetics.near(typed, word):
        return False
    if typed[:_HALF] == word[:_HALF] or typed[-_HALF:] == word[-_HALF:]:
        return True
    return phonetics.within(typed, word, 1) or phonetics.sounds_alike(typed, word)


_COMPARE: Final[Mapping[str, Callable[[Candidate, Candidate], str]]] = {
    "family": family,
    "given": given,
    "civility": civility,
    "profession": profession,
}


@lru_cache(maxsize=20_000)
def parts(name: str) -> frozenset[str]:
    """The words of a family name that say something, each also with the particles before it."""
    found, before = set(), ""
    for word in words(name):
        before += word
        if word not in phonetics.PARTICLES:
            found |= {w for w in (word, before) if len(w) >= _SHORTEST}
            before = ""
    return frozenset(found)


def _begins(short: str, long: str) -> bool:
    first, rest = [[squash(name) for name in text.split()] for text in (short, long)]
    return len(first) < len(rest) and first == rest[: len(first)] and len(first[0]) > 1


def _initials(short: list[str], long: list[str]) -> bool:
    """``J P`` for ``JEAN PIERRE``, ``J`` too."""
    return len(short) <= len(long) and all(
        len(s) == 1 and word.startswith(s) for s, word in zip(short, long, strict=False)
    )


def _spells(named: Candidate, holder: Candidate) -> bool:
    family_name, given_name = squash(named.family_name), squash(named.given_names)
    if len(family_name) < _SHORTEST or len(given_name) < _SHORTEST:
        return False
    wanted = {given_name + family_name, family_name + given_name}
    return any(squash(address.partition("@")[0].rstrip("0123456789")) in wanted for address in holder.mailboxes)
