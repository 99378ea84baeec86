"""Item 10 of the foundation: for a sample of people, LDAP, JSON and the exports say the same.

One table maps every field of the JSON to the attribute that says it over LDAP.  A field or an attribute that is in
neither the table nor the list of exceptions fails the test: whatever is added to one face is thought of for the other.
"""

from __future__ import annotations

import json
import random
import urllib.request
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import ldap
import ldif
import pytest
from e2e.installation import Installation

SUFFIX = "o=annuaire-sante,c=fr"
SAMPLE = 40  # people, and as many mailboxes

Json = dict[str, Any]
Attributes = dict[str, list[bytes]]


def _each(items: Iterable[Json], *path: str) -> list[str]:
    """The value at ``path`` of each item, those that are empty left out."""
    found = []
    for item in items:
        value: Any = item
        for name in path:
            value = value.get(name) if isinstance(value, dict) else None
        found += value if isinstance(value, list) else [value]
    return [str(v) for v in found if v not in (None, "")]


def _activities(*path: str) -> Callable[[Json], list[str]]:
    return lambda person: _each(person["activities"], *path)


def _specialties(*path: str) -> Callable[[Json], list[str]]:
    return lambda person: _each(person["specialties"], *path)


def _field(*path: str) -> Callable[[Json], list[str]]:
    return lambda record: _each([record], *path)


# attribute: what the JSON of a practitioner says of it
PRACTITIONER: dict[str, Callable[[Json], list[str]]] = {
    "asNationalId": _field("id"),
    "asRpps": _field("rpps"),
    "asAdeli": _field("adeli"),
    "asStatus": _field("status"),
    "personalTitle": _field("title"),
    "sn": _field("family_name"),
    "givenName": _field("given_names"),
    "asProfessionCode": _field("profession", "code"),
    "title": _field("profession", "label"),
    "asCategoryCode": _field("category"),
    "asSpecialtyCode": _specialties("code"),
    "asSpecialty": _specialties("label"),
    "asStructureId": _activities("structure", "id"),
    "asFiness": _activities("structure", "finess"),
    "asSiret": _activities("structure", "siret"),
    "o": _activities("structure", "name"),
    "asModeCode": _activities("mode"),
    "asSectorCode": _activities("sector"),
    "postalCode": _activities("address", "postcode"),
    "l": _activities("address", "city"),
    "telephoneNumber": _activities("phones"),
    "mail": lambda person: _each(person["mailboxes"], "address"),
}


def ask(here: Installation, path: str) -> Json:
    with urllib.request.urlopen(here.http + path, timeout=10) as answer:
        return json.load(answer)


@pytest.fixture(scope="module")
def peer(served: Installation) -> Iterable[Any]:
    connection = ldap.initialize(served.ldap)
    connection.set_option(ldap.OPT_NETWORK_TIMEOUT, 5)
    yield connection
    connection.unbind_s()


@pytest.fixture(scope="module")
def people(served: Installation, tmp_path_factory: pytest.TempPathFactory) -> list[Json]:
    """The NDJSON export, shuffled, then cut: active or not, with mail or without."""
    out = tmp_path_factory.mktemp("export") / "people.ndjson"
    served.run("export", "ndjson", "--out", str(out))
    found = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    random.Random(7).shuffle(found)
    return found


@pytest.fixture(scope="module")
def exported(served: Installation, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Attributes]:
    out = tmp_path_factory.mktemp("export") / "all.ldif"
    served.run("export", "ldif", "--out", str(out))
    return read_ldif(out)


def read_ldif(path: Path) -> dict[str, Attributes]:
    with path.open("rb") as stream:
        parser = ldif.LDIFRecordList(stream)
        parser.parse()
    return dict(parser.all_records)


def entry(peer: Any, branch: str, text: str) -> list[tuple[str, Attributes]]:
    return peer.search_s(f"ou={branch},{SUFFIX}", ldap.SCOPE_ONELEVEL, text)


def texts(values: Iterable[bytes]) -> list[str]:
    return sorted(v.decode() for v in values)


def test_ndjson_is_what_the_route_answers(served: Installation, people: list[Json]) -> None:
    for person in people[:SAMPLE]:
        answer = ask(served, f"/v1/practitioners/{quote(person['id'])}")
        assert {"build": answer["build"], **person} == answer
