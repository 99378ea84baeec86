"""The numbers that may have been meant by one that is false: mistyped, misread, or read by a scanner.  PURE.

Check digits make this worth while: of all that one error may have made of an RPPS number, one in ten is a number at
all.  What is offered is for a person to judge, never used in place of what was typed; whether a number was issued is
another's knowledge.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Final, NamedTuple

from directory_service.model.identifiers import (
    ANNOUNCED,
    adeli_key_ok,
    adeli_plausible,
    is_adeli,
    is_finess,
    is_rpps,
    is_siret,
)

LONGEST: Final = 24  # characters of a text that may be a number

# What a scanner, or a reader, takes for a digit.
_SEEN: Final = str.maketrans(
    {"O": "0", "Q": "0", "D": "0", "I": "1", "L": "1", "|": "1", "!": "1", "Z": "2", "S": "5", "G": "6", "B": "8"}
)
# Digits taken for one another: beside it on either keyboard, or written alike.
_ALIKE: Final = {
    "0": "6891", "1": "2470", "2": "1357", "3": "24568", "4": "13567", "5": "246839", "6": "35790", "7": "14689",
    "8": "035679", "9": "034678",
}  # fmt: skip
_LETTERS: Final = "0123456789ABCDEF"  # of a département, in the second place of an ADELI or FINESS number


class Form(NamedTuple):
    """A kind of number: its type digit, its length without it, and whether a text is one."""

    scheme: str
    length: int
    holds: Callable[[str], bool]
    lettered: bool = False  # the second place may be a letter


def is_sound_adeli(value: str) -> bool:
    """Whether it is an ADELI number, by its key and what its parts say."""
    return is_adeli(value) and adeli_key_ok(value) and adeli_plausible(value)


PERSONS: Final = (Form("8", 11, is_rpps), Form("0", 9, is_sound_adeli, lettered=True))
STRUCTURES: Final = (Form("1", 9, is_finess, lettered=True), Form("3", 14, is_siret))

Tiers = tuple[tuple[str, ...], ...]


def near_numbers(number: str) -> tuple[str, ...]:
    """The valid numbers of one national id (type digit ``8`` RPPS or ``0`` ADELI, then the number) that one wrong
    character or two swapped neighbours may have made of it; without itself, in order.  Empty for other types and
    lengths: a digit left out or doubled is another matter."""
    value = number[1:]
    forms = [form for form in PERSONS if number.startswith(form.scheme) and len(value) == form.length]
    found = {form.scheme + v for form in forms for _, v in _same_length(value, form) if v != value and form.holds(v)}
    return tuple(sorted(found))


def meant_persons(text: str) -> Tiers:
    """National ids (``8`` + RPPS, ``0`` + ADELI) that may have been meant, in tiers: of letters read for digits, of the
    likely errors (neighbours swapped, a key beside the right one, a digit twice or once too few), of any other one."""
    return _meant(text, PERSONS)


def meant_structures(text: str) -> Tiers:
    """The same for structures: ``1`` + FINESS, ``3`` + SIRET."""
    return _meant(text, STRUCTURES)


def _meant(text: str, forms: tuple[Form, ...]) -> Tiers:
    compact = re.sub(r"[\s.\-_/]+", "", ANNOUNCED.sub("", text.strip())).upper()
    if not compact.isascii() or len(compact) > LONGEST or 4 * sum(map(str.isdigit, compact)) < len(compact):
        return ()
    tiers: tuple[list[str], ...] = ([], [], [])
    seen = {compact, *(form.scheme + compact for form in forms)}
    candidates = [(tier, form.scheme + v) for form in forms for value in _values(compact, form)
                  for tier, v in _read(value, form) if form.holds(v)]  # fmt: skip
    for tier, number in sorted(candidates, key=lambda found: found[0]):
        if number not in seen:
            tiers[tier].append(number)
            seen.add(number)
    return tuple(map(tuple, tiers))


def _values(compact: str, form: Form) -> Iterator[str]:
    """The text as a number of this form, its type digit taken off where there may be one."""
    yield compact
    if compact.startswith(form.scheme) and len(compact) in (form.length, form.length + 1, form.length + 2):
        yield compact[1:]


def _read(value: str, form: Form) -> Iterator[tuple[int, str]]:
    """Candidates with their tier, valid or not."""
    seen = value.translate(_SEEN)
    if form.lettered and value[1:2] in ("A", "B"):
        seen = seen[:1] + value[1] + seen[2:]
    if len(seen) == form.length:
        yield 0, seen
        yield from _same_length(seen, form)
    elif len(seen) == form.length + 1:
        yield from _one_less(seen)
    elif len(seen) == form.length - 1:
        yield from _one_more(seen)


def _same_length(value: str, form: Form) -> Iterator[tuple[int, str]]:
    for at, (a, b) in enumerate(pairwise(value)):
        yield 1, value[:at] + b + a + value[at + 2 :]
    for at, was in enumerate(value):
        for c in _LETTERS if form.lettered and at == 1 else "0123456789":
            yield 1 if c in _ALIKE.get(was, "") else 2, value[:at] + c + value[at + 1 :]


def _one_less(value: str) -> Iterator[tuple[int, str]]:
    for at, was in enumerate(value):
        yield 1 if was in value[at - 1 : at] + value[at + 1 : at + 2] else 2, value[:at] + value[at + 1 :]


def _one_more(value: str) -> Iterator[tuple[int, str]]:
    for at in range(len(value) + 1):
        for c in "0123456789":
            yield 1 if c in value[max(at - 1, 0) : at + 1] else 2, value[:at] + c + value[at:]
