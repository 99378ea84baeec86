"""Whether a name, as somebody wrote it, is the name of a holder; and if not, what differs.  PURE.

People write names in any order, without accents or hyphens, with a title in front, with one of several given names,
or with initials; without the particle; under one of two names that a hyphen or *née* joins (*nom d'usage*).  Given
names may be fewer than the registry has, never others.
No phonetics here, and a near miss is not a match: proof is not a search.  ``differences`` only says where to look.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from enum import StrEnum

from directory_service.model.names import fold, squash, words

TITLES = frozenset("dr docteur pr prof professeur m mr monsieur mme madame mlle mademoiselle me maitre".split())  # noqa: SIM905
# Between a name of birth and one of marriage, in either order.
_JOINING = frozenset("nee ne epouse epoux ep ex veuve vve divorcee".split())  # noqa: SIM905
# Particles that people leave out or put in.  Articles (LE GOFF) are the name.  ``d`` alone may be an initial: it is
# left out of the registry's name, never of what was written.
_PARTICLES = frozenset({"de", "du", "des"})
_HYPHEN = re.compile(r"\s*[-\u2010-\u2015/]\s*")


class NameMatch(StrEnum):
    FULL = "name_matches"
    PART = "part_of_surname"  # one of two names that are joined, and the given name
    INITIALS = "initials_match"  # a given name was reduced to its first letter
    SURNAME = "surname_only"  # no given name was written
    NONE = "other_name"


_STRENGTH = (NameMatch.NONE, NameMatch.SURNAME, NameMatch.INITIALS, NameMatch.PART, NameMatch.FULL)
GIVEN, FAMILY, LETTER = "given_name_differs", "surname_differs", "one_letter_differs"


def compare_person(written: str, family_name: str, given_names: str) -> NameMatch:
    """The strongest reading of ``written`` as this person's name: surname first or last, given names around it."""
    asked, given = words(written), words(given_names)
    found = max(_readings(asked, squash(family_name), given), key=_STRENGTH.index, default=NameMatch.NONE)
    return found if found is not NameMatch.NONE else _by_usage(asked, family_name, given)


def compare_structure(written: str, names: tuple[str, ...]) -> NameMatch:
    """A structure's name in full, whatever the spaces and accents."""
    asked = squash(written)
    return NameMatch.FULL if asked and any(asked == squash(name) for name in names) else NameMatch.NONE


def differences(written: str, family_name: str, given_names: str) -> tuple[str, ...]:
    """What keeps ``written`` from being this person's name, when it nearly is: codes of ``verdicts.REASONS``.  Nothing
    when neither part of the name is right, or a letter from it."""
    asked, family, given = words(written), squash(family_name), words(given_names)
    found: list[tuple[str, ...]] = []
    for taken, rest in _splits(asked):
        name = "".join(taken)
        right, near = name == family, _one_letter(name, family)
        fits = _reading(rest, given) in (NameMatch.FULL, NameMatch.INITIALS) and bool(rest)
        if right and rest:
            found.append((GIVEN, LETTER) if _near_given(rest, given) else (GIVEN,))
        elif near and (fits or not rest):
            found.append((FAMILY, LETTER))
        elif fits and given and any(len(word) > 1 for word in rest):
            found.append((FAMILY,))
    return max(found, key=len, default=())


def structure_differences(written: str, names: tuple[str, ...]) -> tuple[str, ...]:
    asked = squash(written)
    return (LETTER,) if any(_one_letter(asked, squash(name)) for name in names) else ()


# --- readings --------------------------------------------------------------------------------------------------------


def _readings(asked: list[str], family: str, given: list[str]) -> Iterator[NameMatch]:
    if family:
        yield from (_reading(rest, given) for taken, rest in _splits(asked) if "".join(taken) == family)


def _by_usage(asked: list[str], family_name: str, given: list[str]) -> NameMatch:
    """With the particle left out or put in, or under one of two names.  A given name must confirm it: less of the
    surname is there."""
    folded = words(family_name)
    bare = {"".join(_bare(folded, {*_PARTICLES, "d"}))}
    parts = [part for part in _parts(family_name) if len(part) > 1]
    readings = [
        reading if name in bare else NameMatch.PART
        for taken, rest in _splits(asked)
        for name in (_written_surnames(taken) & {*bare, *parts} if rest else ())
        if (reading := _reading(rest, given)) is NameMatch.FULL or (reading is NameMatch.INITIALS and name in bare)
    ]
    if _is_of_two_names(asked, {*bare, *parts, "".join(folded)}, given):
        readings.append(NameMatch.PART)
    return max(readings, key=_STRENGTH.index, default=NameMatch.NONE) if given else NameMatch.NONE


def _is_of_two_names(asked: list[str], families: set[str], given: list[str]) -> bool:
    """``Marie Durand née Dupont`` is both Marie Durand and Marie Dupont."""
    before, *after = _runs_between(asked)
    if len(after) != 1 or not before or not after[0]:
        return False
    if any("".join(taken) in families and _reading(rest, given) is NameMatch.FULL and rest
           for taken, rest in _splits(before)):  # fmt: skip
        return True
    first = any(_reading(some, given) is NameMatch.FULL for some, _ in _splits(before))
    both = any("".join([*other, *after[0]]) in families for some, other in _splits(before)
               if _reading(some, given) is NameMatch.FULL)  # fmt: skip
    return both or (first and "".join(after[0]) in families)


def _bare(name: Sequence[str], particles: set[str] | frozenset[str]) -> Sequence[str]:
    return name[1:] if len(name) > 1 and name[0] in particles else name


def _written_surnames(taken: list[str]) -> set[str]:
    """What was written for a surname, with and without its particle."""
    return {"".join(taken), "".join(_bare(taken, _PARTICLES))}


def _parts(family_name: str) -> list[str]:
    """The names that a hyphen, a slash or ``née`` joins, each and all in the other order; none for a single one."""
    pieces = [words(piece) for piece in _HYPHEN.split(family_name)]
    pieces = [run for piece in pieces for run in _runs_between(piece)]
    joined = ["".join(piece) for piece in pieces if piece]
    return [*joined, "".join(reversed(joined))] if len(joined) > 1 else []


def _runs_between(name: list[str]) -> Iterator[list[str]]:
    run: list[str] = []
    for word in name:
        if word in _JOINING:
            yield run
            run = []
        else:
            run.append(word)
    yield run


def _splits(asked: list[str]) -> Iterator[tuple[list[str], list[str]]]:
    """Surname and the rest, the surname at either end, for the words with and without a title."""
    for some in _untitled(asked):
        for n in range(1, len(some) + 1):
            yield some[:n], some[n:]
            yield some[-n:], some[:-n]


def _untitled(asked: list[str]) -> list[list[str]]:
    """The words as they stand, and without the title in front or behind: ``M`` may be a title or an initial."""
    found = [asked]
    if len(asked) > 1 and asked[0] in TITLES:
        found.append(asked[1:])
    if len(asked) > 1 and asked[-1] in TITLES:
        found.append(asked[:-1])
    return found


def _reading(rest: list[str], given: list[str]) -> NameMatch:
    if not rest:
        return NameMatch.SURNAME if given else NameMatch.FULL
    if "".join(rest) == "".join(given) or _follows(rest, given, whole=True):
        return NameMatch.FULL
    initials = "".join(g[0] for g in given)
    if _follows(rest, given, whole=False) or (len(rest) == 1 and len(rest[0]) > 1 and initials.startswith(rest[0])):
        return NameMatch.INITIALS
    return NameMatch.NONE


def _follows(rest: list[str], given: list[str], *, whole: bool) -> bool:
    """Whether the words are some of the given names, in their order, each whole or as its first letter.  Given names
    written as one word (``jeanpierre``) count too."""
    left = iter([*given])
    if all(any(_is(word, g, whole) for g in left) for word in rest):
        return True
    return whole and len(rest) == 1 and fold(rest[0]) in _runs(given)


def _is(word: str, given: str, whole: bool) -> bool:
    return word == given or (not whole and len(word) == 1 and given.startswith(word))


def _runs(given: list[str]) -> set[str]:
    return {"".join(given[i:j]) for i in range(len(given)) for j in range(i + 2, len(given) + 1)}


# --- near misses -----------------------------------------------------------------------------------------------------


def _near_given(rest: list[str], given: list[str]) -> bool:
    name = "".join(rest)
    return _one_letter(name, "".join(given)) or any(_one_letter(name, g) for g in given)


def _one_letter(a: str, b: str) -> bool:
    """Whether one letter changed, added, left out or swapped with its neighbour makes one the other; names of three
    letters or fewer are always near some other."""
    if a == b or min(len(a), len(b)) < 4 or abs(len(a) - len(b)) > 1:
        return False
    start = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    one, other = a[start:], b[start:]
    return one[1:] == other[1:] or one[1:] == other or one == other[1:] or (
        one[2:] == other[2:] and one[:2] == other[1::-1]
    )  # fmt: skip
