"""Server-side sort (RFC 2891) over a real socket: raw bytes, ldapsearch, python-ldap and ldap3."""

from __future__ import annotations

import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import ldap
import pytest
from ldap.controls import SimplePagedResultsControl
from ldap.controls.sss import SSSRequestControl
from ldap_support import (
    BAL,
    SORT,
    SORTED,
    Client,
    Serving,
    bind,
    column,
    cookie_of,
    dns,
    paged,
    search,
    served,
    sort_result,
    sorting,
)
from record_factories import SUFFIX

from directory_service.entries.attributes import column as text_of
from directory_service.entries.entry import BAL as BOXES
from directory_service.entries.entry import Entry, entry_id
from directory_service.index.directory import Directory
from directory_service.index.writer import write_entries
from directory_service.ldap.ber import octets, partial_attribute, sequence
from directory_service.ldap.messages import Control
from directory_service.model.names import squash

OPERATOR = f"cn=essai,ou=operateurs,{SUFFIX}"
CABINETS = "(mail=*@cabinet.mssante.fr)"
NAMES = ["sn", "givenName", "cn", "mail"]


def least(values: list[str]) -> tuple[bool, str]:
    """RFC 2891 2.2: the least value; none is larger than all."""
    return (not values, min(map(squash, values), default=""))


@pytest.fixture
def client(serving: Serving) -> Iterator[Client]:
    """An operator, whose limit holds the whole town."""
    with Client(serving.port) as connection:
        assert connection.ask(bind(OPERATOR, serving.secret))[0].code == 0
        yield connection


@pytest.mark.parametrize("rule", ["", ":2.5.13.3", ":caseIgnoreOrderingMatch", ":asNameMatch"])
@pytest.mark.parametrize("name", ["sn", "cn", "givenName", "surname", "2.5.4.4"])
def test_entries_come_in_the_order_of_the_least_value(client: Client, name: str, rule: str) -> None:
    found = client.ask(search("(mail=*)", 1, sorting(name + rule), attributes=NAMES))
    held = [least(v) for v in column(found, {"surname": "sn", "2.5.4.4": "sn"}.get(name, name))]
    assert len(held) > 300 and held == sorted(held)
    assert (found[-1].code, sort_result(found[-1])) == (0, (0, ""))


@pytest.mark.parametrize("name", ["sn", "mail", "createTimestamp", "asSince"])
def test_reverse_order_is_the_order_reversed(client: Client, name: str) -> None:
    asked = {"attributes": ["mail", name]}
    up, down = (client.ask(search(CABINETS, 1, sorting(key), **asked)) for key in (name, "-" + name))
    values = column(up, name)
    assert values == sorted(values) and len(values) > 2
    assert column(down, name) == values[::-1]


def test_entries_without_a_value_are_last_and_first_in_reverse(client: Client) -> None:
    """RFC 2891 2.2: NULL is larger than any value."""
    for key, reverse in (("givenName", False), ("-givenName", True)):
        held = column(client.ask(search("(mail=*)", 1, sorting(key), attributes=NAMES)), "givenName")
        without = [not values for values in held]
        assert any(without) and without == sorted(without, reverse=reverse)


def test_several_keys_decide_one_after_the_other_each_in_its_direction(client: Client) -> None:
    found = client.ask(search("(mail=*)", 1, sorting("sn", "-givenName", "mail"), attributes=NAMES))
    rows = list(zip(column(found, "sn"), column(found, "givenName"), column(found, "mail"), strict=True))
    by_given = sorted(sorted(rows, key=lambda r: r[2]), key=lambda r: least(r[1]), reverse=True)
    by_given.sort(key=lambda r: least(r[2]))
    by_given.sort(key=lambda r: least(r[1]), reverse=True)
    assert rows == sorted(by_given, key=lambda r: least(r[0]))
    assert len({tuple(r[0]) for r in rows}) < len(rows)


def test_case_exact_ordering_compares_characters(client: Client) -> None:
    exact = column(client.ask(search("(mail=*)", 1, sorting("sn:caseExactOrderingMatch"), attributes=["sn"])), "sn")
    assert exact == sorted(exact)
    assert exact != sorted(exact, key=least)  # accents do count: ŒUVRARD is after NGUYEN by neither


def test_times_sort_by_their_own_rule_only(client: Client) -> None:
    ok = client.ask(search(CABINETS, 1, sorting("asSince:2.5.13.28"), attributes=["asSince"]))
    assert sort_result(ok[-1])[0] == 0
    assert client.ask(search(CABINETS, 1, sorting("asSince:2.5.13.3")))[-1].code == 12


@pytest.mark.parametrize(
    ("keys", "code", "about"),
    [
        pytest.param(["nothing"], 16, "nothing", id="unknown attribute"),
        pytest.param(["sn", "nothing"], 16, "nothing", id="unknown attribute, second"),
        pytest.param(["cn:2.5.13.2"], 18, "cn", id="a rule that orders nothing"),
        pytest.param(["cn:1.2.3"], 18, "cn", id="unknown rule"),
        pytest.param(["cn:2.5.13.28"], 18, "cn", id="a rule for another syntax"),
        pytest.param(["asPaperless"], 18, "asPaperless", id="values without an order"),
        pytest.param(["objectClass"], 18, "objectClass", id="classes have no order"),
        pytest.param(["cn", "commonName"], 53, "commonName", id="the same attribute twice"),
        pytest.param(["cn", "sn", "o", "l", "st", "title", "mail", "ou", "uid"], 53, "uid", id="nine keys"),
    ],
)
def test_what_cannot_be_sorted_by(client: Client, keys: list[str], code: int, about: str) -> None:
    """RFC 2891 2, cases 3 and 4: critical, nothing; else, everything as it comes, and why."""
    refused = client.ask(search(CABINETS, 1, sorting(*keys)))
    assert [r.code for r in refused] == [12]
    assert sort_result(refused[0]) == (code, about)
    unsorted = client.ask(search(CABINETS, 2, sorting(*keys, critical=False)))
    assert unsorted[-1].code == 0 and sort_result(unsorted[-1]) == (code, about)
    assert dns(unsorted) == dns(client.ask(search(CABINETS, 3)))


def test_nothing_is_said_of_the_order_of_nothing(client: Client) -> None:
    """RFC 2891 2, case 6."""
    [done] = client.ask(search("(mail=nobody@nowhere)", 1, sorting("cn")))
    assert (done.code, done.controls) == (0, {})


@pytest.mark.parametrize(
    "value",
    [None, b"", b"\x30\x00", b"\x30\x01", sequence(sequence()), sequence(octets("cn")),
     sequence(sequence(octets("cn"))) + b"\x00", sequence(sequence(octets("cn"), b"\x83\x00")),
     sequence(sequence(octets("cn"), b"\x81\x00"))],
    ids=["no value", "empty", "no key", "cut", "empty key", "no sequence", "trailing", "unknown field", "no boolean"],
)  # fmt: skip
def test_a_malformed_sort_control_is_2_and_the_connection_goes_on(client: Client, value: bytes | None) -> None:
    for critical in (True, False):
        assert [r.code for r in client.ask(search(CABINETS, 1, Control(SORT, critical, value)))] == [2]
    assert client.ask(search(CABINETS, 2))[-1].code == 0


def test_the_whole_result_is_sorted_before_it_is_cut(serving: Serving) -> None:
    """A hundred, or the three asked for, are the first of all and not of some hundred."""
    with Client(serving.port) as stranger, Client(serving.port) as known:
        known.ask(bind(OPERATOR, serving.secret))
        every = dns(known.ask(search("(cn=*)", 1, sorting("cn"))))
        for size, wanted in ((0, 100), (3, 3)):
            found = stranger.ask(search("(cn=*)", 2, sorting("cn:2.5.13.3"), size=size))
            assert (dns(found), found[-1].code) == (every[:wanted], 4)
            assert sort_result(found[-1])[0] == 0


def test_pages_of_a_sorted_search_are_the_sorted_whole(client: Client) -> None:
    """RFC 2891 3.  The response control comes with each page, and the cookie is of this order."""
    whole = dns(client.ask(search("(mail=*)", 1, sorting("sn", "-givenName"))))
    seen: list[str] = []
    cookie = first = b""
    for number in range(20):
        got = client.ask(search("(mail=*)", 10 + number, sorting("sn", "-givenName"), paged(50, cookie)))
        assert got[-1].code == 0 and sort_result(got[-1])[0] == 0
        seen += dns(got)
        cookie = cookie_of(got[-1])
        first = first or cookie
        if not cookie:
            break
    assert seen == whole and len(seen) > 300
    for keys in (["sn"], ["-sn", "-givenName"], []):
        others = [sorting(*keys)] if keys else []
        assert client.ask(search("(mail=*)", 50, *others, paged(50, first)))[-1].code == 2


def test_pages_of_a_sorted_search_are_no_way_round_the_limit(serving: Serving) -> None:
    with Client(serving.port) as stranger:
        total, cookie, code = 0, b"", 0
        for number in range(10):
            got = stranger.ask(search("(mail=*)", 1 + number, sorting("cn"), paged(40, cookie)))
            total, code, cookie = total + len(dns(got)), got[-1].code or 0, cookie_of(got[-1])
            if not cookie:
                break
        assert (total, code) == (100, 4)


def test_a_key_look_up_is_sorted_too(client: Client) -> None:
    found = client.ask(search("(mail=jean.dupont@medecin.mssante.fr)", 1, sorting("cn")))
    assert len(dns(found)) == 1 and sort_result(found[-1])[0] == 0
    assert SORTED not in client.ask(search("(mail=jean.dupont@medecin.mssante.fr)", 2))[-1].controls


# --- more than can be sorted ------------------------------------------------------------------------------------------


LETTERS = "zyxwvutsrqponmlkjihgfedcba"


def name_of(n: int) -> tuple[str, str]:
    """Family and given name; neither goes with the rank, nor with the other."""
    return f"{LETTERS[n % 26]}{n % 10}", f"{LETTERS[n * 7 % 25]}{n}"


def least_cn(n: int) -> str:
    family, given = name_of(n)
    return min(family + given, given + family)


def box(n: int) -> Entry:
    """An entry of ou=bal."""
    family, given = name_of(n)
    cns, dn = [f"{family} {given}", f"{given} {family}"], f"uid={n},{BAL}"
    held = {"objectClass": ["top", "inetOrgPerson"], "cn": cns, "sn": [family], "mail": [f"p{n}@x.fr"]}
    held["title"] = [given]
    ber = octets(dn) + sequence(*(partial_attribute(k, [v.encode() for v in vs]) for k, vs in held.items()))
    texts = text_of([family]), text_of(sorted(map(squash, cns))), "", f"^p{n}@x.fr$", "", "", text_of([given]), ""
    now = "20260101000000Z"
    return Entry(entry_id(BOXES, 1, n), dn, 0, *texts, "", (f"mp{n}@x.fr", f"u{n}"), ber, b"{}", now, now)


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a server of 12,000 boxes: more than one search sorts."""
    folder = tmp_path_factory.mktemp("crowd")
    write_entries(folder / "1.sqlite", [box(n) for n in range(1, 12_001)], SUFFIX)
    with closing(Directory(folder, SUFFIX)) as directory, served(directory) as port:
        yield port


def test_sogo_gets_the_first_entries_of_the_whole_branch(crowd: int) -> None:
    """ldap-clients.md §2: ``(cn=*)`` with the sort control critical, rule 2.5.13.3 on cn."""
    every = sorted(map(least_cn, range(1, 12_001)))
    with Client(crowd) as client:
        found = client.ask(search("(cn=*)", 1, sorting("cn:2.5.13.3"), attributes=["cn"]))
        assert (found[-1].code, sort_result(found[-1])) == (4, (0, ""))
        assert [min(map(squash, v)) for v in column(found, "cn")] == every[:100]
        down = client.ask(search("(cn=*)", 2, sorting("-cn"), attributes=["cn"]))
        assert [min(map(squash, v)) for v in column(down, "cn")] == every[:-101:-1]
        seen: list[str] = []
        cookie = b""
        for number in range(3):
            page = client.ask(search("(cn=*)", 10 + number, sorting("cn"), paged(40, cookie), attributes=["cn"]))
            seen += [min(map(squash, v)) for v in column(page, "cn")]
            cookie = cookie_of(page[-1])
        assert seen == every[:100]


def test_equals_by_an_indexed_first_key_are_ordered_by_the_second(crowd: int) -> None:
    with Client(crowd) as client:
        found = client.ask(search("(cn=*)", 1, sorting("sn", "-title"), attributes=["sn", "title"]))
        every = sorted(sorted(map(name_of, range(1, 12_001)), key=lambda r: r[1], reverse=True), key=lambda r: r[0])
        rows = zip(column(found, "sn"), column(found, "title"), strict=True)
        assert [(s, t) for [s], [t] in rows] == every[:100]


def test_more_than_can_be_sorted_is_refused_when_critical_and_said_when_not(crowd: int) -> None:
    with Client(crowd) as client:
        [refused] = client.ask(search("(cn=*)", 1, sorting("title")))
        assert (refused.code, sort_result(refused)[0]) == (12, 11)
        found = client.ask(search("(cn=*)", 2, sorting("title", critical=False)))
        assert (len(dns(found)), found[-1].code, sort_result(found[-1])[0]) == (100, 4, 11)
        few = client.ask(search("(cn=*z1*)", 3, sorting("title")))
        assert sort_result(few[-1])[0] == 0


# --- clients ----------------------------------------------------------------------------------------------------------


def test_python_ldap_sorts_and_pages(serving: Serving) -> None:
    connection = ldap.initialize(serving.url)
    connection.simple_bind_s(OPERATOR, serving.secret)
    controls = [SSSRequestControl(criticality=True, ordering_rules=["-sn"]), SimplePagedResultsControl(True, 400, "")]
    number = connection.search_ext(BAL, ldap.SCOPE_SUBTREE, "(mail=*)", ["sn"], serverctrls=controls)
    _, entries, _, answered = connection.result3(number)
    held = [squash(found["sn"][0].decode()) for _, found in entries]
    assert held == sorted(held, reverse=True)
    assert {c.controlType for c in answered} >= {SORTED}
    connection.unbind_s()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # ldap3 2.9.1 asks pyasn1 for its old names
def test_ldap3_sorts(serving: Serving) -> None:
    import ldap3

    with ldap3.Connection(ldap3.Server("127.0.0.1", serving.port), OPERATOR, serving.secret) as connection:
        control = (SORT, True, sorting("sn").value)
        assert connection.search(BAL, "(mail=*)", attributes=["sn"], controls=[control])
        held = [squash(e.sn.value) for e in connection.entries]
        assert held == sorted(held)


def test_ldapsearch_sorts(serving: Serving, program: Callable[[str], str]) -> None:
    command = [program("ldapsearch"), "-x", "-H", serving.url, "-b", BAL, "-D", OPERATOR, "-w", serving.secret, "-LLL",
               "-o", "ldif-wrap=no"]  # fmt: skip

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=60, check=False)

    found = run("-E", "!sss=cn:2.5.13.3/-mail", CABINETS, "mail")
    assert found.returncode == 0 and "sortResult: (0)" in found.stdout
    refused = run("-E", "!sss=nothing", CABINETS)
    assert refused.returncode == 12 and "sortResult: (16)" in refused.stdout


def test_a_build_of_another_version_is_not_read(tmp_path: Path) -> None:
    """It may lack what searches look up: until the follower has replaced it, there is no answer."""
    path = write_entries(tmp_path / "1.sqlite", [box(1)], SUFFIX)
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE meta SET value = '1' WHERE key = 'version'")
    with closing(Directory(tmp_path, SUFFIX)) as directory, served(directory) as port, Client(port) as client:
        assert client.ask(search("(cn=*z1*)", 1))[-1].code == 52
