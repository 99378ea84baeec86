"""*St* and *Saint* before another word are one, whichever is typed and whichever the register has: suggestions and LDAP
alike (``/v1/search`` and ``~=``: tests/spec/test_search.py)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import orjson
import pytest
import search_world as world
from record_factories import SUFFIX, make_binding, make_organization, make_practitioner

from directory_service.entries.mailboxes import mailbox_entries
from directory_service.index.directory import Directory
from directory_service.index.query import Query, Scope, View
from directory_service.ldap.filters import parse_filter
from directory_service.model.mailboxes import MailboxType

BAL = f"ou=bal,{SUFFIX}"
PEOPLE = (
    ("SAINT-GERMAIN", "PAUL"),
    ("ST PIERRE", "ANNE"),
    ("SAINTE CROIX", "LUC"),
    ("AUGUSTE", "GERMAINE"),
    ("SAINT", "JEAN"),
)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Directory]:
    entries = []
    for n, (family, given) in enumerate(PEOPLE, 400):
        person = make_practitioner(n, family_name=family, given_names=given)
        entries += mailbox_entries([make_binding(n, f"boite{n}@a.mssante.fr", practitioner=person)], SUFFIX)
    ward = make_organization(9, name="CLINIQUE SAINT JOSEPH")
    box = make_binding(900, "boite900@a.mssante.fr", type=MailboxType.ORGANIZATIONAL, organization=ward)
    entries += mailbox_entries([box], SUFFIX)
    with closing(world.build(tmp_path_factory.mktemp("saints"), entries)) as made:
        yield made


def told(directory: Directory, written: str) -> set[str]:
    hits = directory.search(Query(BAL, Scope.ONE, parse_filter(written), 10), View.ANONYMOUS).hits
    return {orjson.loads(hit.json)["address"].partition("@")[0] for hit in hits}


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("st germain", "boite400"),
        ("st ger", "boite400"),
        ("saint germain", "boite400"),
        ("stgermain", "boite400"),
        ("paul st germain", "boite400"),
        ("saint pierre", "boite401"),
        ("saint-pie", "boite401"),
        ("ste croix", "boite402"),
        ("st joseph", "boite900"),
        ("clinique st jo", "boite900"),
    ],
)
def test_saint_is_found_as_it_is_typed(directory: Directory, typed: str, meant: str) -> None:
    first, *_ = directory.suggest(typed, 5, View.ANONYMOUS).hits
    assert orjson.loads(first.json)["address"].startswith(f"{meant}@")
    words = typed.replace(" ", "*")
    assert meant in told(directory, f"(|(cn=*{words}*)(mail=*{typed}*)(sn=*{typed}*))")


def test_exact_filters_know_it_and_exact_rules_do_not(directory: Directory) -> None:
    for way in ("sn=ST GERMAIN", "sn=saint-germain", "sn:asNameMatch:=st germain", "cn=paul st germain"):
        assert told(directory, f"({way})") == {"boite400"}, way
    assert told(directory, "(sn:caseIgnoreMatch:=SAINT-GERMAIN)") == {"boite400"}
    assert told(directory, "(sn:caseIgnoreMatch:=ST GERMAIN)") == set()


def test_structures_are_found_by_both(directory: Directory) -> None:
    for asked in ("o=clinique st joseph", "o=*Saint-Joseph*", "o=clinique st j*"):
        assert told(directory, f"({asked})") == {"boite900"}, asked
    assert told(directory, "(o:caseIgnoreMatch:=clinique st joseph)") == set()


def test_nobody_else_is(directory: Directory) -> None:
    assert told(directory, "(sn=ST)") == set()  # by itself it is no Saint
    assert told(directory, "(sn=*st*germain*)") == {"boite400"}
    assert told(directory, "(sn=saint)") == {"boite404"}
