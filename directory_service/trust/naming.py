"""Whether a name, as somebody wrote it, is the name of a holder.  PURE.

People write names in any order, without accents or hyphens, with a title in front, with one of several given names,
or with initials.  The surname must be there whole; given names may be fewer than the registry has, never others.
No phonetics and no spelling distance here: a near miss is not a match, and proof is not a search.
"""

from __future__ import annotations

from enum import StrEnum

from directory_service.model.names import fold, squash, words

_TITLES = frozenset("dr docteur pr prof professeur m mr monsieur mme madame mlle mademoiselle me maitre".split())  # noqa: SIM905


class NameMatch(StrEnum):
    FULL = "name_matches"
    INITIALS = "initials_match"  # a given name was reduced to its first letter
    SURNAME = "surname_only"  # no given name was written
    NONE = "other_name"


_STRENGTH = (NameMatch.NONE, NameMatch.SURNAME, NameMatch.INITIALS, NameMatch.FULL)


def compare_person(written: str, family_name: str, given_names: str) -> NameMatch:
    """The strongest reading of ``written`` as this person's name: surname first or last, given names around it."""
    asked, family = words(written), squash(family_name)
    if not family:
        return NameMatch.NONE
    readings = [_reading(rest, words(given_names)) for a in _untitled(asked) for rest in _without(a, family)]
    return max(readings, key=_STRENGTH.index, default=NameMatch.NONE)


def compare_structure(written: str, names: tuple[str, ...]) -> NameMatch:
    """A structure's name in full, whatever the spaces and accents."""
    asked = squash(written)
    return NameMatch.FULL if asked and any(asked == squash(name) for name in names) else NameMatch.NONE


def _untitled(asked: list[str]) -> list[list[str]]:
    """The words as they stand, and without the title in front or behind: ``M`` may be a title or an initial."""
    found = [asked]
    if len(asked) > 1 and asked[0] in _TITLES:
        found.append(asked[1:])
    if len(asked) > 1 and asked[-1] in _TITLES:
        found.append(asked[:-1])
    return found


def _without(asked: list[str], family: str) -> list[list[str]]:
    """What is left of the words once the surname is taken off one end."""
    return [
        rest
        for n in range(1, len(asked) + 1)
        for taken, rest in ((asked[:n], asked[n:]), (asked[-n:], asked[:-n]))
        if "".join(taken) == family
    ]


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
