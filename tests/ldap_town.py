"""A real registry and index of three hundred people around ``web_world``, for the tests of the LDAP face; and a way to
hold its searches back, so that what happens meanwhile can be seen: nothing here stands in for our own code."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import web_world as world
from record_factories import SUFFIX, rpps

from directory_service.index.directory import Directory, Result
from directory_service.index.query import Filter, Query, View
from directory_service.index.writer import build_index
from directory_service.registry.engine import open_registry, writing
from directory_service.registry.tables import activity, binding, identifier, mailbox, practitioner
from directory_service.registry.upgrading import upgrade

_FAMILIES = ("MARTIN", "DUBOIS", "LEFÈVRE", "D'AUBIGNÉ", "LE GOFF", "PRÉ-LATOUR", "ŒUVRARD", "NGUYEN", "DE LA TOUR")
_GIVEN = ("ANNE-LAURE", "ZOÉ", "HÉLÈNE", "PIERRE", "MOHAMED", "JEAN-PIERRE", "LOUISE")


def build_town(folder: Path, people: int = 300) -> tuple[Directory, str]:
    """``web_world`` and more practitioners, each with a mailbox ``p<n>@medecin.mssante.fr``; the caller closes the
    directory.  Second: the operator's secret."""
    engine = open_registry(f"sqlite:///{folder / 'registry.sqlite'}")
    upgrade(engine)
    with writing(engine) as connection:
        world._write(connection)
        secret = world._add_operator(connection)
        stamps = {"created_at": world.START, "changed_at": world.START}
        for n in range(100, 100 + people):
            family, given = _FAMILIES[n % len(_FAMILIES)], _GIVEN[n % len(_GIVEN)]
            person = world._person(n, f"8{rpps(n)}", family, given, "active", world.START)
            world._insert(connection, practitioner, [person | stamps])
            world._insert(connection, identifier, [world._number(n, "8", rpps(n), True)])
            world._insert(connection, activity, [world._activity(n)])
            box = world._box(n, f"p{n}@medecin.mssante.fr", "PER", False, ((n, None, world.START, None),))
            world._insert(connection, mailbox, [box])
            world._insert(connection, binding, [_held(n, family, given)])
    build_index(engine, folder / "index", SUFFIX, workers=1)
    engine.dispose()
    return Directory(folder / "index", SUFFIX), secret


def _held(n: int, family: str, given: str) -> dict[str, object]:
    names = {"practitioner_id": n, "national_id": f"8{rpps(n)}", "family_name": family, "given_names": given}
    return world._held(n, None, None, world.START, None) | names | {"profession_code": "10"}


class Gate:
    """A directory whose searches, key look-ups apart, wait until ``open`` is set.  ``asked`` counts them."""

    def __init__(self, directory: Directory) -> None:
        self.directory = directory
        self.open = threading.Event()
        self.asked = 0

    def search(self, query: Query, view: View) -> Result:
        if not self.is_point(query):
            self.asked += 1
            assert self.open.wait(60)
        return self.directory.search(query, view)

    def is_point(self, query: Query) -> bool:
        return self.directory.is_point(query)

    def is_quick(self, query: Query) -> bool:
        return False

    def value_tests(self, item: Filter) -> dict[str, Callable[[bytes], bool]]:
        return self.directory.value_tests(item)
