"""The ways to ask: the one box of ``/v1/search``, ``/v1/suggest``, an address book's LDAP filter, and ``~=``.

All of one process and of one ``Directory``, which is what every face asks; what the wire adds is not measured here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import orjson

from bench.relevance.targets import Person, read_person
from bench.requests import escape
from bench.workload import thunderbird_filter
from directory_service.index.directory import Criteria, Directory
from directory_service.index.query import Query, Scope, View
from directory_service.ldap.filters import parse_filter

SHOWN: Final = 10  # answers that are looked at

Ask = Callable[[str], list[Person]]


def ways(directory: Directory) -> Mapping[str, Ask]:
    """Way ► the first people that it answers with."""

    def search(text: str) -> list[Person]:
        return [read_person(hit.json) for hit in directory.find(Criteria(q=text), View.ANONYMOUS, SHOWN, None).hits]

    def suggest(text: str) -> list[Person]:
        return [_holder(hit.json) for hit in directory.suggest(text, SHOWN, View.ANONYMOUS).hits]

    def ldap(made: str, branch: str) -> list[bytes]:
        query = Query(f"ou={branch},{directory.suffix}", Scope.ONE, parse_filter(made), SHOWN)
        return [hit.json for hit in directory.search(query, View.ANONYMOUS).hits]

    return {
        "search": search,
        "suggest": suggest,
        "address book": lambda text: [_holder(found) for found in ldap(thunderbird_filter(text), "bal")],
        "~=": lambda text: [read_person(found) for found in ldap(f"(cn~={escape(text)})", "personnes")],
    }


def _holder(found: bytes) -> Person:
    """Of the JSON of ``ou=bal``: no towns there."""
    person = orjson.loads(found).get("person") or {}
    profession = (person.get("profession") or {}).get("label") or ""
    return Person(
        person.get("id") or "", person.get("family_name") or "", person.get("given_names") or "", profession, (), True
    )


# What only search can answer, and what a substring cannot express.
ONLY_SEARCH: Final = ("family name and town", "family name and profession")
NOT_LITERAL: Final = frozenset(
    ("nickname", "initials of a compound", "St for Saint", "another borne spelling", "written as heard")
)


def asked_of(way: str, name: str) -> bool:
    """Whether questions of this class are for this way."""
    if name in ONLY_SEARCH:
        return way == "search"
    if way in ("suggest", "address book"):
        return name not in NOT_LITERAL and "error" not in name
    return way == "search" or not name.startswith(("5+", "initial "))
