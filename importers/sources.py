"""The sources that this installation knows: folders of ``importers`` with a ``source.py``, then what other installed
packages bring by the entry point ``annuaire.sources``.

Found once a process, at its first import of a file; a source that does not hold together stops it, with its name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib import import_module, resources
from importlib.metadata import entry_points

import importers
from directory_service.errors import AnnuaireError
from importers.rows import Layout
from importers.source import Kind, Source

GROUP = "annuaire.sources"
_NAME = re.compile(r"[a-z0-9_]+\.[a-z0-9_]+", re.ASCII)
_MOST_PEOPLE = 8  # who vouches for a person is a byte (``importers.known``)


@cache
def sources() -> tuple[Source, ...]:
    """Every source, in the order of import.  Raises AnnuaireError for one that does not hold together."""
    found = sorted((*_own(), *_of_others()), key=lambda s: (s.order, s.layout.id))
    _check(found)
    return tuple(found)


def _own() -> Iterator[Source]:
    for folder in resources.files(importers).iterdir():  # not `find_spec`, which would load every package
        if folder.joinpath("source.py").is_file():
            yield from import_module(f"importers.{folder.name}.source").SOURCES


def _of_others() -> Iterator[Source]:
    for entry in entry_points(group=GROUP):
        try:
            found = tuple(entry.load())
        except Exception as error:  # whatever their package does
            raise _refused(entry.value, f"son chargement a échoué ({type(error).__name__})") from error
        if not all(isinstance(source, Source) for source in found):
            raise _refused(entry.value, "une suite de Source est attendue")
        yield from found


def _check(found: Iterable[Source]) -> None:
    seen: set[str] = set()
    for source in found:
        layout = source.layout
        names = {layout.id, *source.people.values(), *filter(None, [source.mailboxes])}
        if layout.id in seen:
            raise _refused(layout.id, "une autre porte ce nom")
        if bad := sorted(name for name in names if not _NAME.fullmatch(name)):
            raise _refused(layout.id, f"un nom est fait de deux mots et d'un point, vu : {', '.join(bad)}")
        if (source.kind is Kind.PEOPLE) != bool(source.people):
            raise _refused(layout.id, "« people » nomme les sources de personnes, et celles-là seulement")
        if missing := _missing(source, layout):
            raise _refused(layout.id, f"champs absents de la table : {', '.join(missing)}")
        seen.add(layout.id)
    people = dict.fromkeys(name for source in found for name in source.people.values())
    if len(people) > _MOST_PEOPLE:
        raise _refused(list(people)[-1], f"{_MOST_PEOPLE} sources de personnes au plus")


def _missing(source: Source, layout: Layout) -> list[str]:
    """Fields without which the rows of a kind cannot be told from one another."""
    needed = {Kind.LINKS: ("adeli", "rpps"), Kind.MAILBOXES: ("address",)}.get(source.kind, layout.key)
    named = {f.name for f in layout.fields}
    return [name for name in (*needed, *(["address"] if source.mailboxes else [])) if name not in named]


def _refused(name: str, why: str) -> AnnuaireError:
    return AnnuaireError(f"source refusée : {why}", where=name)


def source_of(layout: Layout) -> Source:
    return next(source for source in sources() if source.layout.id == layout.id)


@cache
def people_sources() -> tuple[str, ...]:
    """Names of the sources that say that a person practises, the one to believe first (RG_EXP_030)."""
    return tuple(dict.fromkeys(name for source in sources() for name in source.people.values()))


@cache
def vouching() -> Mapping[str, int]:
    """Those sources, a bit each."""
    return {name: 1 << rank for rank, name in enumerate(people_sources())}


@cache
def person_sources() -> tuple[str, ...]:
    """Sources whose records are of people: those, and those of details."""
    return (*people_sources(), *(s.layout.id for s in sources() if s.kind is Kind.DETAILS))


@cache
def box_sources() -> tuple[str, ...]:
    """Sources of mailboxes, the one to believe first."""
    own = ((s.mailboxes or s.layout.id) for s in sources() if s.mailboxes or s.kind is Kind.MAILBOXES)
    return tuple(dict.fromkeys(own))


@cache
def without_field(name: str) -> frozenset[str]:
    """Sources of people whose layout has not this field: they say nothing of it, rather than that it is empty."""
    lacking = (s for s in sources() if all(f.name != name for f in s.layout.fields))
    return frozenset(source for s in lacking for source in s.people.values())
