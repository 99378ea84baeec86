"""How an older file may tell of a person otherwise than the registry does today.  Pure: texts and a number in, texts
out.

Each person who stands in the ADELI file suffers each kind with the same chance (``rate``), drawn from her number and
the seed of the sample: her name is mistyped, abridged or the one she had; she has moved since; the link table lacks
her. ``truth.csv`` still says who she is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from importers.sample.numbers import mixed

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_PARTICLES = ("DE LA ", "VAN DER ", "DE SAINT ", "DE ", "DU ", "DES ", "LE ", "EL ", "VON ", "D'", "L'")


@dataclass(frozen=True, slots=True)
class Variant:
    """What is other about one person's row; ``seed`` draws the details."""

    family: bool = False
    given: bool = False
    moved: bool = False
    unlinked: bool = False
    seed: int = 0


SAME = Variant()


def variant_of(person: int, seed: int, rate: float) -> Variant:
    if rate <= 0:
        return SAME
    family, given, moved, unlinked = (mixed(person * 8 + kind, seed) / 2**32 < rate for kind in range(4))
    return Variant(family, given, moved, unlinked, mixed(person * 8 + 7, seed))


def other_family(name: str, birth: str, seed: int) -> str:
    """The name at birth where there was another; else mistyped, without its particle, half of it, or lengthened."""
    if birth != name and seed % 2:
        return birth
    ways: tuple[Callable[[str, int], str], ...] = (mistype, mistype, _abridge, _lengthen)
    return ways[seed // 2 % len(ways)](name, seed // 8)


def other_given(name: str, seed: int) -> str:
    ways: tuple[Callable[[str, int], str], ...] = (mistype, _initials, _first, _second)
    return ways[seed // 2 % len(ways)](name, seed // 8)


def mistype(name: str, seed: int) -> str:
    """One letter exchanged with its neighbour, left out, doubled or taken for another."""
    spots = [n for n in range(1, len(name) - 1) if name[n].isalpha() and name[n + 1].isalpha()]
    if not spots:
        return name
    at = spots[seed // 4 % len(spots)]
    head, one, two, tail = name[:at], name[at], name[at + 1], name[at + 2 :]
    wrong = _LETTERS[seed // 64 % 26]
    return (head + two + one + tail, head + two + tail, head + one + one + two + tail,
            head + (wrong.upper() if one.isupper() else wrong) + two + tail)[seed % 4]  # fmt: skip


def _abridge(name: str, seed: int) -> str:
    for particle in _PARTICLES:
        if name.startswith(particle) and len(name) > len(particle) + 2:
            return name.removeprefix(particle) if seed % 2 else name.replace(" ", "").replace("'", "")
    parts = name.split("-")
    return parts[seed % len(parts)] if len(parts) > 1 else mistype(name, seed)


def _lengthen(name: str, seed: int) -> str:
    """A compound of two names where one is used today."""
    more = ("MARTIN", "BERNARD", "PETIT", "ROUX", "FAURE", "GARNIER", "LEGRAND", "MOREL")[seed // 2 % 8]
    return f"{name}-{more}" if seed % 2 else f"{more}-{name}"


def _initials(name: str, _: int) -> str:
    return " ".join(part[:1] for part in name.replace("-", " ").split())


def _first(name: str, seed: int) -> str:
    """The first of several given names; else one more."""
    parts = name.split()
    return parts[0] if len(parts) > 1 else f"{name} {('MARIE', 'ANNE', 'LOUISE', 'JEAN')[seed % 4]}"


def _second(name: str, seed: int) -> str:
    """Halves of a given name the other way round, or spaced otherwise."""
    parts = name.replace("-", " ").split()
    return " ".join(parts[::-1] if seed % 2 else parts) if len(parts) > 1 else mistype(name, seed)
