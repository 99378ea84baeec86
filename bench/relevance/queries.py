"""What may be typed for somebody who is known, by class: a table of functions, each giving one question or none.

A question says what was typed of each fact, so that others whom the same words fit as well can be told
(``Asked.fits``): nobody could have meant the one rather than the other.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from bench.relevance.targets import Person
from directory_service.model.names import fold, squash, words
from directory_service.model.nicknames import nicknames

FAMILIES: Final = Path(__file__).parent.parent / "data" / "surname_families.txt"
LEAST: Final = 5  # letters of a prefix


@dataclass(frozen=True, slots=True)
class Asked:
    """``text`` as typed.  ``family`` and ``given`` are what was typed of the names, squashed ("" for nothing)."""

    text: str
    family: str = ""
    given: str = ""
    town: str = ""
    profession: str = ""
    starts: bool = False  # names need only start as typed

    def fits(self, target: Person, other: Person) -> bool:
        """Whether nothing that was typed tells ``other`` from the one meant: same names as hers, or as typed."""
        return (
            self._is(self.family, target.name[0], other.name[0])
            and self._is(self.given, target.name[1], other.name[1])
            and (not self.town or self.town in other.towns)
            and (not self.profession or self.profession == other.profession)
        )

    def _is(self, typed: str, meant: str, other: str) -> bool:
        if not typed:
            return True
        return other in (meant, typed) or (self.starts and other.startswith(typed))


Make = Callable[[Person, random.Random], Asked | None]


def _named(family: str, given: str, **more: str | bool) -> Asked:
    return Asked(f"{family} {given}".strip().lower(), squash(family), squash(given), **more)  # type: ignore[arg-type]


def prefix(p: Person, rng: random.Random) -> Asked | None:
    """5 letters of the family name or more, and the given name."""
    family = squash(p.family)
    if len(family) < LEAST:
        return None
    return _named(family[: rng.randint(LEAST, len(family))], fold(p.given), starts=True)


def prefixes(p: Person, rng: random.Random) -> Asked | None:
    """3 letters of the given name or more."""
    family, given = squash(p.family), squash(p.given)
    if len(family) < LEAST or len(given) < 4:
        return None
    return _named(family[: rng.randint(LEAST, len(family))], given[: rng.randint(3, len(given))], starts=True)


def whole(p: Person, rng: random.Random) -> Asked | None:
    return _named(p.family, p.given)


def reordered(p: Person, rng: random.Random) -> Asked | None:
    typed = _named(p.family, p.given)
    return Asked(f"{p.given} {p.family}".lower(), typed.family, typed.given)


def initial(p: Person, rng: random.Random) -> Asked | None:
    """``j dupont``."""
    given = squash(p.given)[:1]
    return Asked(f"{given} {p.family.lower()}", squash(p.family), given, starts=True)


def initials(p: Person, rng: random.Random) -> Asked | None:
    """``jp dupont``."""
    given = words(p.given)
    if len(given) < 2:
        return None
    return Asked(f"{''.join(w[0] for w in given)} {p.family.lower()}", squash(p.family), squash(p.given))


def with_town(p: Person, rng: random.Random) -> Asked | None:
    if not p.towns:
        return None
    town = rng.choice(p.towns)
    return Asked(f"{p.family} {town}".lower(), squash(p.family), town=town)


def with_profession(p: Person, rng: random.Random) -> Asked | None:
    if not p.profession:
        return None
    return Asked(f"{p.family} {fold(p.profession)}".lower(), squash(p.family), profession=p.profession)


def without_accents(p: Person, rng: random.Random) -> Asked | None:
    if f"{p.family}{p.given}".isascii():
        return None
    return _named(" ".join(words(p.family)), " ".join(words(p.given)))


def without_hyphens(p: Person, rng: random.Random) -> Asked | None:
    if "-" not in p.family + p.given:
        return None
    by = rng.choice(("", " "))
    return _named(p.family.replace("-", by), p.given.replace("-", by))


def one_given(p: Person, rng: random.Random) -> Asked | None:
    """One of several given names."""
    parts = p.given.split()
    return (
        Asked(f"{p.family} {(one := rng.choice(parts))}".lower(), squash(p.family), squash(one), starts=True)
        if (len(parts) > 1)
        else None
    )


_PARTICLES: Final = ("de la ", "van der ", "de saint ", "de ", "du ", "des ", "le ", "el ", "von ", "d'", "l'")


def without_particle(p: Person, rng: random.Random) -> Asked | None:
    family = p.family.lower()
    start = next((s for s in _PARTICLES if family.startswith(s)), None)
    if start is None:
        return None
    bare = family.removeprefix(start)
    typed = rng.choice((bare, squash(family)))
    return Asked(f"{typed} {p.given.lower()}", squash(p.family), squash(p.given))


def saint(p: Person, rng: random.Random) -> Asked | None:
    """``st`` for ``saint``."""
    family = fold(p.family)
    if "saint" not in family.split():
        return None
    return Asked(f"{family.replace('saint', 'st')} {p.given.lower()}", squash(p.family), squash(p.given))


@cache
def _nicknames() -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = {}
    for nickname, names in nicknames().items():
        for name in names:
            found.setdefault(name, []).append(nickname)
    return found


def nickname(p: Person, rng: random.Random) -> Asked | None:
    known = _nicknames().get(squash(p.given))
    if not known:
        return None
    return Asked(f"{p.family.lower()} {rng.choice(known)}", squash(p.family), squash(p.given))


def birth_name(p: Person, rng: random.Random) -> Asked | None:
    """One half of a name of two."""
    halves = p.family.split("-")
    if len(halves) != 2:
        return None
    return Asked(f"{(half := rng.choice(halves))} {p.given}".lower(), squash(half), squash(p.given))


# --- errors ----------------------------------------------------------------------------------------------------------

_ROWS: Final = ("azertyuiop", "qsdfghjklm", "wxcvbn")  # the French keyboard
LONG: Final = 8


def _neighbour(letter: str, rng: random.Random) -> str:
    for row in _ROWS:
        at = row.find(letter)
        if at >= 0:
            return rng.choice([row[n] for n in (at - 1, at + 1) if 0 <= n < len(row)])
    return "e"


def spoilt(word: str, at: int, rng: random.Random) -> str:
    """One letter left out, doubled, exchanged with the next, its neighbour on the keyboard, or any other."""
    head, one, tail = word[:at], word[at], word[at + 1 :]
    ways = [
        head + tail,
        head + one + one + tail,
        head + _neighbour(one, rng) + tail,
        head + rng.choice("aeinrst") + tail,
    ]
    if tail:
        ways.append(head + tail[0] + one + tail[1:])
    return rng.choice([way for way in ways if way != word])


def _typo(place: Callable[[str, random.Random], int]) -> Make:
    def make(p: Person, rng: random.Random) -> Asked | None:
        family = squash(p.family)
        if len(family) < LEAST or not family.isalpha() or not family.isascii():
            return None
        return _named(spoilt(family, place(family, rng), rng), fold(p.given))

    return make


def typo_in_given(p: Person, rng: random.Random) -> Asked | None:
    first, *others = fold(p.given).split()
    if len(first) < LEAST or not first.isascii():
        return None
    return _named(fold(p.family), " ".join((spoilt(first, rng.randrange(len(first)), rng), *others)))


_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"


def any_error(word: str, rng: random.Random) -> str:
    """Another word: a letter added, left out, changed, or exchanged with the next, anywhere."""
    at, put, letter = rng.randrange(len(word)), rng.randrange(len(word) + 1), rng.choice(_LETTERS)
    head, one, tail = word[:at], word[at], word[at + 1 :]
    ways = [
        word[:put] + letter + word[put:],
        head + tail,
        head + letter + tail,
        head + tail[:1] + one + tail[1:],
    ]
    return rng.choice([way for way in ways if way != word])


def two_typos(p: Person, rng: random.Random) -> Asked | None:
    """Anywhere in a long family name: at its first letter, in both of its halves, in one."""
    family = squash(p.family)
    if len(family) < LONG or not family.isascii() or not family.isalpha():
        return None
    twice = any_error(any_error(family, rng), rng)
    return _named(twice, fold(p.given)) if twice != family else None


def typos_in_half(p: Person, rng: random.Random) -> Asked | None:
    """In the first four letters of a long family name, or in the last four."""
    family = squash(p.family)
    if len(family) < LONG or not family.isascii():
        return None
    half = rng.choice((0, len(family) - 4))
    once = spoilt(family, half + rng.randrange(3), rng)
    twice = spoilt(once, min(half + rng.randrange(3), len(once) - 1), rng)
    return _named(twice, fold(p.given)) if twice != family else None


# --- by ear ----------------------------------------------------------------------------------------------------------


@cache
def _families() -> Mapping[str, list[str]]:
    lines = FAMILIES.read_text(encoding="utf-8").lower().splitlines()
    return {name: [other for other in line.split() if other != name] for line in lines for name in line.split()}


def variant(p: Person, rng: random.Random) -> Asked | None:
    """Another spelling that is borne, of the bench's families."""
    others = _families().get(squash(p.family))
    return _named(rng.choice(others), fold(p.given)) if others else None


# How people write what they hear: anywhere, then at the end.  Made without looking at ``model.phonetics``.
_HEARD: Final = (
    ("eau", "o"), ("au", "o"), ("ph", "f"), ("qu", "k"), ("ai", "e"), ("ain", "in"), ("ein", "in"), ("en", "an"),
    ("an", "en"), ("y", "i"), ("i", "y"), ("th", "t"), ("ll", "l"), ("nn", "n"), ("rr", "r"), ("tt", "t"), ("ff", "f"),
    ("mm", "m"), ("z", "s"), ("ss", "c"), ("ch", "sch"), ("eu", "oeu"), ("c", "k"), ("gu", "g"),
)  # fmt: skip
_ENDING: Final = (
    ("t", "d"), ("d", "t"), ("t", ""), ("d", ""), ("s", ""), ("x", ""), ("eau", "eaux"), ("eau", "aud"), ("ot", "eau"),
    ("aud", "ault"), ("et", "ey"), ("et", "ay"), ("er", "ez"), ("er", "et"), ("in", "ain"), ("on", "ont"),
    ("ard", "art"), ("e", "es"), ("elle", "el"),
)  # fmt: skip


def by_ear(p: Person, rng: random.Random) -> Asked | None:
    """A spelling made by one of the rules above, borne or not."""
    family = squash(p.family)
    made = {family.replace(old, new, 1) for old, new in _HEARD if old in family[1:]}
    made |= {family.removesuffix(old) + new for old, new in _ENDING if family.endswith(old) and len(family) > LEAST}
    found = sorted(word for word in made - {family} if len(word) >= 4)
    return _named(rng.choice(found), fold(p.given)) if found and family.isascii() else None


CLASSES: Final[Mapping[str, Make]] = {
    "family and given name": whole,
    "given and family name": reordered,
    "5+ letters and given name": prefix,
    "5+ letters, 3+ of the given name": prefixes,
    "initial and family name": initial,
    "initials of a compound": initials,
    "one of several given names": one_given,
    "family name and town": with_town,
    "family name and profession": with_profession,
    "accents dropped": without_accents,
    "hyphens dropped": without_hyphens,
    "particle dropped or glued": without_particle,
    "St for Saint": saint,
    "one half of two names": birth_name,
    "nickname": nickname,
    "typing error, first letter": _typo(lambda name, rng: 0),
    "typing error, within": _typo(lambda name, rng: rng.randrange(1, len(name) - 1)),
    "typing error, last letter": _typo(lambda name, rng: len(name) - 1),
    "typing error in the given name": typo_in_given,
    "two errors anywhere in a long name": two_typos,
    "two errors in one half of a long name": typos_in_half,
    "another borne spelling": variant,
    "written as heard": by_ear,
}
GOALS: Final = {"5+ letters and given name": 0.99, "another borne spelling": 0.90, "written as heard": 0.90} | {
    name: 0.95 for name in CLASSES if name.startswith("typing error")
}
