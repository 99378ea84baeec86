"""What people call a profession, a specialty, a département, a street or a town, taken for the values that they mean.
PURE.

Entries hold the label of the nomenclature (*Masseur-Kinésithérapeute*), people and programs ask for *kiné*.  An
assertion that is such a word, whole, is true of each label that is called so: the filter is widened before it is
planned, and the index holds nothing more.  The words are the search box's (``model.vocabulary``).

Streets (*12 bis bd Foch*) and towns with their post office (*METZ CEDEX 01*) are asked for as the register has them,
too.

Labels that go with a code and are few (*Salarié*) are looked up by the tokens of the codes that bear them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import islice, product
from typing import Final

from directory_service.entries.attributes import LABELS, label_tokens
from directory_service.index.plan.logic import any_of
from directory_service.index.plan.pieces import holder_of, pattern_of
from directory_service.index.query import Equal, Filter, HasTag, Substrings
from directory_service.model.names import fold
from directory_service.model.streets import other_streets
from directory_service.model.towns import town_of_post
from directory_service.model.vocabulary import System, labels_called

_SYSTEMS: Final = {"title": System.PROFESSION, "asSpecialty": System.SPECIALTY}
_LONGEST: Final = 128  # octets: no label is longer
_MOST: Final = 8  # ways of what is asked for in several components
_LEAST: Final = 3  # octets of a component: *as* is an aide-soignant, and in half of all words


def with_values_called(asked: Filter) -> Filter:
    """``asked``, or any of the values that are called what it asks for; only ``asked`` where there is none."""
    match asked:
        case Equal(name, value) if name in _SYSTEMS or name == "st":
            return any_of([asked, *_called(name, value)])
        case Equal(name, value) if name in _WRITTEN:
            return any_of([asked, *(Equal(name, way) for way in _otherwise(name, value))])
        case Substrings(name) if name in _WRITTEN:
            return any_of([asked, *_parts_otherwise(asked)])
        case Substrings(name) if name in _SYSTEMS and len(only := _components(asked)) == 1:
            return any_of([asked, *(_called(name, only[0]) if len(only[0]) >= _LEAST else ())])
        case _:
            return asked


def with_labels_found(asked: Filter) -> Filter:
    """``with_values_called`` where entries are looked for: labels by the codes that bear them, which have tokens."""
    match asked:
        case Equal(name) | Substrings(name) if name in LABELS and (pattern := pattern_of(asked)):
            holds = holder_of(pattern)
            return any_of([HasTag(token) for label, token in label_tokens(name).items() if holds(f"^{label}$")])
        case _:
            return with_values_called(asked)


def _components(asked: Substrings) -> list[bytes]:
    return [part for part in (asked.initial, *asked.any, asked.final) if part]


def _post_office(value: str) -> tuple[str, ...]:
    return tuple(filter(None, (town_of_post(value),)))


_WRITTEN: Final[dict[str, Callable[[str], tuple[str, ...]]]] = {"street": other_streets, "l": _post_office}


def _otherwise(name: str, value: bytes) -> Iterator[bytes]:
    if len(value) <= _LONGEST:
        yield from (way.encode() for way in _WRITTEN[name](value.decode(errors="replace")))


def _parts_otherwise(asked: Substrings) -> Iterator[Substrings]:
    """Each component as it is, or otherwise."""
    parts = (asked.initial, *asked.any, asked.final)
    if sum(map(len, parts)) <= _LONGEST:
        ways = product(*((part, *_otherwise(asked.attribute, part)) for part in parts))
        for first, *middle, last in islice(ways, 1, _MOST):
            yield replace(asked, initial=first, any=tuple(middle), final=last)


def _called(name: str, value: bytes) -> Iterable[Equal]:
    if len(value) > _LONGEST:
        return
    said = value.decode(errors="replace").strip()
    if name == "st":
        meant: Iterable[str] = (f"0{said}",) if len(said) == 1 and said.isascii() and said.isdigit() else ()
    else:
        meant = labels_called(said, _SYSTEMS[name])
    yield from (Equal(name, label.encode()) for label in meant if fold(label) != fold(said))
