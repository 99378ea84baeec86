"""All holders of a shared mailbox are given to who asks for its address (ldap-clients.md §1.4): Postfix defers the mail
where a search ends in 4."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import web_world as world
from ldap_support import BAL, Client, Serving, dns, limits_met, paged, search, served, sorting
from record_factories import SUFFIX, rpps

from directory_service.index.directory import Directory
from directory_service.index.writer import build_index
from directory_service.ldap.limits import LdapSettings
from directory_service.registry.engine import open_registry, writing
from directory_service.registry.tables import binding, identifier, mailbox, practitioner
from directory_service.registry.upgrading import upgrade

HOLDERS = 130
SHARED = "commune@partage.mssante.fr"
ASKED = f"(mail={SHARED})"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    folder = tmp_path_factory.mktemp("shared")
    engine = open_registry(f"sqlite:///{folder / 'registry.sqlite'}")
    upgrade(engine)
    world.fill(engine, white_list=False)
    with writing(engine) as connection:
        world._insert(connection, mailbox, [world._box(900, SHARED, "PER", False, ((1, None, world.START, None),))])
        for n in range(100, 100 + HOLDERS):
            person = world._person(n, f"8{rpps(n)}", "MARTIN", "ANNE", "active", world.START)
            stamps = {"created_at": world.START, "changed_at": world.START}
            world._insert(connection, practitioner, [person | stamps])
            world._insert(connection, identifier, [world._number(n, "8", rpps(n), True)])
            held = world._held(900, None, None, world.START, None) | {"practitioner_id": n, "profession_code": "10"}
            names = {"national_id": f"8{rpps(n)}", "family_name": "MARTIN", "given_names": "ANNE"}
            world._insert(connection, binding, [held | names])
    build_index(engine, folder / "index", SUFFIX, workers=1)
    engine.dispose()
    directory = Directory(folder / "index", SUFFIX)
    with served(directory) as port:
        yield Serving(port, "", directory)
    directory.close()


@pytest.mark.parametrize(("base", "scope"), [(BAL, 1), (BAL, 2), (SUFFIX, 2), ("", 2)])
@pytest.mark.parametrize("asked", [
    ASKED, f"(rfc822Mailbox={SHARED.upper()})", f"(&{ASKED}(asStatus=active))", f"(&(objectClass=*)(cn=*mar*){ASKED})",
    f"(|{ASKED}(mail=personne@partage.mssante.fr))",
])  # fmt: skip
def test_all_holders_of_an_address(shared: Serving, asked: str, base: str, scope: int) -> None:
    with Client(shared.port) as client:
        found = client.ask(search(asked, base=base, scope=scope))
    boxes = [dn for dn in dns(found) if dn.endswith(BAL)]
    assert (len(boxes), found[-1].code) == (HOLDERS, 0)


def test_pages_and_orders_hold_all_holders_too(shared: Serving) -> None:
    with Client(shared.port) as client:
        found = client.ask(search(ASKED, 1, paged(500)))
        assert (len(dns(found)), found[-1].code) == (HOLDERS, 0)
        found = client.ask(search(ASKED, 2, sorting("cn")))
        assert (len(dns(found)), found[-1].code) == (HOLDERS, 0)


def test_the_limit_of_the_client_is_kept(shared: Serving) -> None:
    before = limits_met("entries")
    with Client(shared.port) as client:
        found = client.ask(search(ASKED, size=110))
    assert (len(dns(found)), found[-1].code) == (110, 4)
    assert limits_met("entries") == before


@pytest.mark.parametrize("asked", ["(mail=commune@*)", f"(|{ASKED}(sn=martin))", f"(!{ASKED})", "(cn=anne martin)"])
def test_what_names_no_address_meets_the_browse_limit(shared: Serving, asked: str) -> None:
    with Client(shared.port) as client:
        found = client.ask(search(asked))
    assert len(dns(found)) <= 100


def test_what_one_search_may_look_at_bounds_holders_too(shared: Serving) -> None:
    with served(shared.directory, LdapSettings(suffix=SUFFIX, candidates=120)) as port, Client(port) as client:
        found = client.ask(search(ASKED))
    assert (len(dns(found)), found[-1].code) == (120, 4)
