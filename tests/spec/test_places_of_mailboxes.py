"""A person is found by where a mailbox of hers is used, as suggestions say, and never by where an unlisted one is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from index_world import write_index
from record_factories import SUFFIX, make_binding, make_practitioner, make_role
from search_world import LYON, place

from directory_service.entries.mailboxes import mailbox_entries
from directory_service.entries.people import practitioner_entry
from directory_service.index.directory import Directory
from directory_service.index.query import Equal, Filter, Or, Present, Query, Scope, Substrings, View
from directory_service.model.mailboxes import Binding
from directory_service.model.people import Practitioner
from directory_service.web.app import create_app

AURILLAC = place(20, "AURILLAC", "15000", ("15", "Cantal"), "CENTRE HOSPITALIER D'AURILLAC", "150000016")
QUIMPER = place(21, "QUIMPER", "29000", ("29", "Finistère"), "CLINIQUE DE L'ODET", "290000017")
AT_LYON = make_practitioner(30, family_name="FEILLET", given_names="ANNE", roles=[make_role(LYON)])
NOWHERE = make_practitioner(31, family_name="FEILLET", given_names="MARC", roles=[])


def boxes_of(person: Practitioner) -> list[Binding]:
    held = make_binding(person.pk, f"a{person.pk}@x.fr", practitioner=person, organization=AURILLAC)
    hidden = make_binding(
        100 + person.pk, f"b{person.pk}@x.fr", practitioner=person, organization=QUIMPER, unlisted=True
    )
    return [held, hidden]


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Directory]:
    entries = []
    for person in (AT_LYON, NOWHERE):
        entries.append(practitioner_entry(person, boxes_of(person), SUFFIX))
        entries += [entry for box in boxes_of(person) for entry in mailbox_entries([box], SUFFIX)]
    folder: Path = tmp_path_factory.mktemp("places")
    with closing(Directory(write_index(folder, entries), SUFFIX)) as found:
        yield found


@pytest.fixture(scope="module")
def client(directory: Directory) -> FlaskClient:
    return create_app(directory).test_client()


def found(client: FlaskClient, **asked: str) -> list[str]:
    return [item["id"] for item in client.get("/v1/search", query_string=asked).json["items"]]


BOTH = {AT_LYON.national_id, NOWHERE.national_id}


@pytest.mark.parametrize("said", ["aurillac", "aurill", "15000", "15", "cantal", "ch aurillac", "150000016"])
def test_the_place_of_a_mailbox_finds_her(client: FlaskClient, said: str) -> None:
    assert set(found(client, q=f"feillet {said}")) == BOTH


@pytest.mark.parametrize(
    "criterion",
    [
        {"city": "Aurillac"},
        {"postcode": "15000"},
        {"department": "15"},
        {"structure": "centre hospitalier aurillac"},
        {"structure": "150000016"},
    ],
)
def test_criteria_and_counts_know_it(client: FlaskClient, criterion: dict[str, str]) -> None:
    assert set(found(client, **criterion)) == BOTH
    counted = client.get("/v1/search", query_string={"q": "feillet", "facets": "department"}).json["facets"]
    assert {"value": "15", "label": "Cantal", "count": 2} in counted["department"]


@pytest.mark.parametrize("said", ["quimper", "29000", "29", "finistere", "odet", "290000017", "quimp"])
def test_that_of_an_unlisted_one_finds_nobody(client: FlaskClient, said: str) -> None:
    assert found(client, q=f"feillet {said}") == []
    for name in ("city", "postcode", "department", "structure"):
        assert found(client, **{name: said}) == []


def test_what_is_told_of_it_is_hers(client: FlaskClient) -> None:
    """The record has the name of the structure, not the town."""

    def told(q: str) -> list[tuple[str, str | None]]:
        item = client.get("/v1/search", query_string={"q": q, "explain": "true", "limit": "1"}).json["items"][0]
        return [(word["field"], word["text"]) for word in item["match"]["words"][1:]]

    assert told("anne aurillac feillet")[0] == ("city", None)
    assert told("feillet ch") == [("structure", "CENTRE HOSPITALIER D'AURILLAC")]
    assert told("feillet lyon") == [("city", "LYON")]


@pytest.mark.parametrize(
    "asked",
    [
        Equal("l", b"Aurillac"),
        Substrings("l", b"auri", (), b""),
        Equal("postalCode", b"15000"),
        Equal("asFiness", b"150000016"),
        Substrings("o", b"", (b"aurillac",), b""),
        Or((Equal("l", b"Aurillac"), Substrings("street", b"", (b"aurillac",), b""))),
    ],
)
def test_ldap_finds_people_by_what_their_entries_show(directory: Directory, asked: Filter) -> None:
    def hits(branch: str, filter_: Filter) -> int:
        return len(directory.search(Query(f"ou={branch},{SUFFIX}", Scope.ONE, filter_, 10), View.ANONYMOUS).hits)

    assert hits("personnes", asked) == 0 and hits("personnes", Present("sn")) == 2
    assert hits("bal", asked) == 2
