"""Harvesting (ldap-clients.md §5, decision 0011): who walks the directory is stopped, who types is not."""

from __future__ import annotations

import csv
import gzip
import itertools
import random
from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path

import pytest
from ldap_support import Client, Serving, bind, dns, limits_met, paged, search, served
from record_factories import SUFFIX

import importers
from directory_service.ldap.filters import parse_filter
from directory_service.ldap.limits import LdapSettings
from directory_service.ldap.server import Operators
from directory_service.ldap.server.harvest import harvest_of, is_exact
from directory_service.trust import harvest as harvests
from directory_service.trust.harvest import Harvest

JEAN = "(mail=jean.dupont@medecin.mssante.fr)"
OPERATOR = f"cn=essai,ou=operateurs,{SUFFIX}"
ADMIN_LIMIT = 11
SETTINGS = LdapSettings(suffix=SUFFIX, harvest_anonymous=60, harvest_operator=0, entries_anonymous=20)


def prefixes() -> Iterator[bytes]:
    letters = "abcdefghijklmnopqrstuvwxyz"
    for n in (1, 2):
        for start in map("".join, itertools.product(letters, repeat=n)):
            yield search(f"(|(sn={start}*)(givenName={start}*)(mail={start}*))")


def ranges() -> Iterator[bytes]:
    for low in range(100, 400, 5):
        yield search(f"(&(mail>=p{low})(mail<=p{low + 5}))")


def pages() -> Iterator[bytes]:
    """Each search in pages: every letter has a total of its own."""
    for letter in "abcdefghijklmnopqrstuvwxyz":
        yield search(f"(sn={letter}*)", 1, paged(20))


@pytest.mark.parametrize("walk", [prefixes, ranges, pages])
def test_a_walk_ends_in_exact_look_ups_only(serving: Serving, walk: Callable[[], Iterator[bytes]]) -> None:
    before = limits_met("harvest")
    seen, refused = set[str](), None
    with served(serving.directory, SETTINGS, Operators(serving.directory)) as port:
        for asked in walk():
            with Client(port) as client:  # a connection each, as Thunderbird does: that changes nothing
                found = client.ask(asked)
            seen.update(dns(found))
            if found[-1].code == ADMIN_LIMIT:
                refused = found[-1]
                break
        assert refused is not None and "adresses et identifiants exacts" in refused.text
        assert dns([refused]) == [] and 60 <= len(seen) <= 60 + 20
        with Client(port) as client:
            _exact_look_ups_still_answer(client)
            # Another client of the same address who says who it is has a budget of its own.
            assert client.ask(bind(OPERATOR, serving.secret))[0].code == 0
            assert client.ask(search("(sn=a*)"))[-1].code == 0
    assert limits_met("harvest") > before


def _exact_look_ups_still_answer(client: Client) -> None:
    """§1.4: Postfix defers mail on every code but 0."""
    for exact in (JEAN, "(|(mail=jean.dupont@medecin.mssante.fr)(mail=x@y.fr))", "(mail=nobody@nowhere.fr)",
                  "(uid=nobody)"):  # fmt: skip
        assert client.ask(search(exact))[-1].code == 0
    assert client.ask(search(JEAN, 1, paged(10)))[-1].code == 0
    assert client.ask(search(base="", scope=0))[-1].code == 0
    assert client.ask(search("(cn=*dupont*)"))[-1].code == ADMIN_LIMIT


def test_addresses_looked_up_one_by_one_are_not_counted(serving: Serving) -> None:
    with served(serving.directory, SETTINGS) as port, Client(port) as client:
        for n in range(100, 300):
            found = client.ask(search(f"(mail=p{n}@medecin.mssante.fr)"))
            assert (len(dns(found)), found[-1].code) == (1, 0)
        assert client.ask(search("(cn=*dupont*)"))[-1].code == 0


def test_the_same_entries_again_and_again_are_counted_once(serving: Serving) -> None:
    with served(serving.directory, SETTINGS) as port, Client(port) as client:
        for _ in range(50):
            found = client.ask(search("(sn=martin*)"))
            assert len(dns(found)) == 20 and found[-1].code == 4


def typed(text: str) -> str:
    """Thunderbird's filter."""
    starred = "*".join(text.split())
    return f"(|(cn=*{starred}*)(mail=*{text}*)(givenName=*{starred}*)(sn=*{text}*))"


def test_a_day_of_typing_never_meets_it(serving: Serving) -> None:
    """Two hundred recipients, a question at each of eight keystrokes, with the settings that are the default.  What
    was typed before is not asked again here: its entries would not count twice."""
    settings = LdapSettings(suffix=SUFFIX)
    asked = sorted({name[:length] for name in recipients() for length in range(1, 9)})
    assert len(asked) > 500
    with served(serving.directory, settings) as port, Client(port) as client:
        for at in range(0, len(asked), 16):
            block = asked[at : at + 16]
            client.send(b"".join(search(typed(text), n, size=100) for n, text in enumerate(block, 1)))
            assert {r.code for r in client.read(len(block)) if r.code is not None} <= {0, 4}
    # The town is small; a country is not.  Were every answer full and none like another, it would still be less.
    assert len(asked) * settings.entries_anonymous < settings.harvest_anonymous


def recipients() -> list[str]:
    """Two hundred names drawn by their frequency in the country."""
    with gzip.open(resources.files(importers) / "data" / "noms.csv.gz", "rt", encoding="utf-8") as lines:
        names = {row["nom"].lower(): int(row["naissances"]) for row in csv.DictReader(lines)}
    return random.Random(5).choices(list(names), list(names.values()), k=200)


# --- the counts -----------------------------------------------------------------------------------------------------


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize("size", [10, 1_000, 50_000, 210_000])
def test_counts_are_good_to_two_percent(size: int, tmp_path: Path) -> None:
    """With one salt of all: one in ten thousand gives more than that."""
    path, settings = tmp_path / "harvest", LdapSettings()
    harvest_of(settings, path).close()
    with path.open("r+b") as shared:
        shared.write(b"always this salt")
    harvest = harvest_of(settings, path)
    client = harvest.client("192.0.2.1")
    for start in range(0, size, 100):
        harvest.count(client, [(1 << 36) + n for n in range(start, start + 100) if n < size])
    assert harvest.counted(client) == pytest.approx(size, rel=0.02, abs=2)
    assert harvest.spent(client) == (size > 200_000)


def test_a_day_later_it_starts_again() -> None:
    clock = Clock()
    harvest = Harvest(50, 0, 86_400.0, clock=clock)
    client = harvest.client("192.0.2.1")
    harvest.count(client, range(100))
    clock.now += 86_399
    assert harvest.spent(client) and harvest.renewed_in(client) == 1
    clock.now += 1
    assert not harvest.spent(client)
    harvest.count(client, range(10))
    assert harvest.counted(client) == 10 and not harvest.spent(client)


def test_processes_count_together(tmp_path: Path) -> None:
    one, other = (Harvest(50, 0, 86_400.0, tmp_path / "harvest") for _ in range(2))
    client = one.client("192.0.2.1")
    one.count(client, range(40))
    other.count(client, range(20, 60))
    assert one.counted(client) == other.counted(client) == pytest.approx(60, abs=2)
    assert one.spent(client) and other.spent(client)
    assert b"192.0.2.1" not in (tmp_path / "harvest").read_bytes()


def test_a_harvester_is_not_forgotten_for_all_the_strangers_that_come() -> None:
    harvest = Harvest(5_000, 0, 86_400.0)
    walker = harvest.client("192.0.2.1")
    harvest.count(walker, range(4_000))
    for n in range(9_000):
        harvest.count(harvest.client(f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}"), [n])
    harvest.count(walker, range(4_000, 6_000))
    assert harvest.spent(walker)


def test_whose_day_is_over_gives_way_before_who_was_given_least_today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(harvests, "SLOTS", 4)  # which everybody shares
    clock = Clock()
    harvest = Harvest(50, 0, 86_400.0, clock=clock)
    harvest.count(harvest.client("192.0.2.1"), range(40))
    clock.now += 86_400
    today = [harvest.client(f"192.0.2.{n}") for n in range(2, 6)]
    for client in today:
        harvest.count(client, range(10))
    assert [harvest.counted(client) for client in today] == [10] * 4


def test_a_clock_that_is_set_back_stops_nobody_for_longer_than_a_day() -> None:
    clock = Clock()
    harvest = Harvest(50, 0, 86_400.0, clock=clock)
    client = harvest.client("192.0.2.1")
    harvest.count(client, range(100))
    clock.now -= 86_400
    assert not harvest.spent(client)


def test_who_is_one_client() -> None:
    harvest = harvest_of(LdapSettings(harvest_anonymous=1, harvest_operator=2))
    assert [harvest.client("192.0.2.1", name).budget for name in ("", "essai")] == [1, 2]
    assert harvest.client("192.0.2.1", "essai") == harvest.client("2001:db8::1", "essai")
    assert harvest.client("192.0.2.1") != harvest.client("192.0.2.2")
    assert harvest.client("2001:db8::1") == harvest.client("2001:db8::ffff:1")
    assert harvest.client("2001:db8::1") != harvest.client("2001:db8:0:1::1")


@pytest.mark.parametrize(
    ("text", "exact"),
    [("(mail=a@b)", True), ("(|(mail=a@b)(mail=c@d))", True), ("(mail=a*)", False), ("(cn=a)", False), ("(|)", False),
     ("(|(mail=a@b)(cn=c))", False), ("(!(mail=a@b))", False), ("(&(mail=a@b))", False)],
)  # fmt: skip
def test_what_is_about_whole_addresses(text: str, exact: bool) -> None:
    assert is_exact(parse_filter(text)) == exact
