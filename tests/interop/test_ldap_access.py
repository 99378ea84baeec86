"""Who is told what (issue 3 point 4), over a real socket: hidden attributes, ranges, unlisted mailboxes, both faces."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
import web_world as world
from flask.testing import FlaskClient
from ldap_support import (
    BAL,
    Client,
    Reply,
    Serving,
    bind,
    compare,
    dns,
    mails,
    paged,
    search,
    served,
    sort_result,
    sorting,
    window,
)
from record_factories import SUFFIX

from directory_service.errors import NotFound
from directory_service.index.directory import Directory
from directory_service.index.query import Equal, Query, Scope, View
from directory_service.ldap.access import ACCESS, Access, Rule
from directory_service.ldap.limits import LdapSettings
from directory_service.ldap.server import Operators
from directory_service.web.app import create_app

OPERATOR = f"cn=essai,ou=operateurs,{SUFFIX}"
PHONE = "telephoneNumber"
HIDDEN, ABSENT = "cachee@medecin.mssante.fr", "bachee@medecin.mssante.fr"  # of one length, and next to one another
HIDDEN_DN, ABSENT_DN = (f"uid={world.PAUL}:{address},{BAL}" for address in (HIDDEN, ABSENT))
PAUL = f"uid={world.PAUL},ou=personnes,{SUFFIX}"


@pytest.fixture(scope="module")
def port(serving: Serving) -> Iterator[int]:
    """A server that keeps telephone numbers and dates of creation to operators."""
    kept = Rule(View.OPERATOR, View.ANONYMOUS, View.ANONYMOUS)
    access = Access({**ACCESS.rules, PHONE: kept, "createTimestamp": kept})
    with served(serving.directory, LdapSettings(suffix=SUFFIX, access=access), Operators(serving.directory)) as p:
        yield p


def anonymous(port: int, data: bytes) -> list[Reply]:
    with Client(port) as client:
        return client.ask(data)


def operator(serving: Serving, port: int, data: bytes) -> list[Reply]:
    with Client(port) as client:
        assert client.ask(bind(OPERATOR, serving.secret))[0].code == 0
        return client.ask(data)


@pytest.mark.parametrize("attributes", [(), ("*", "+"), (PHONE,), ("TelephoneNumber", "cn"), ("2.5.4.20", "cn")])
def test_an_attribute_that_may_not_be_read_is_in_no_answer(
    serving: Serving, port: int, attributes: tuple[str, ...]
) -> None:
    asked = search("(mail=jean.dupont@medecin.mssante.fr)", attributes=attributes)
    assert PHONE not in anonymous(port, asked)[0].attributes
    assert PHONE in operator(serving, port, asked)[0].attributes


@pytest.mark.parametrize("attributes", [("+",), ("*", "+"), ("createTimestamp",), ("2.5.18.1", "cn")])
def test_nor_is_an_operational_one(serving: Serving, port: int, attributes: tuple[str, ...]) -> None:
    asked = search("(mail=jean.dupont@medecin.mssante.fr)", attributes=attributes)
    assert "createTimestamp" not in anonymous(port, asked)[0].attributes
    assert "createTimestamp" in operator(serving, port, asked)[0].attributes


@pytest.mark.parametrize(
    "asked", ["({}=*)", "({}=0472000000)", "({}=0472*)", "({}>=0)", "({}<=9)", "(!({}=0))", "(!({}=*))",
              "({}~=0472000000)", "(&(mail=jean.dupont@medecin.mssante.fr)({}=0472000000))"]
)  # fmt: skip
def test_a_filter_does_not_tell_what_an_answer_would_not(serving: Serving, port: int, asked: str) -> None:
    for name in (PHONE, "telephonenumber", "2.5.4.20"):
        found = anonymous(port, search(asked.format(name)))
        assert (dns(found), found[-1].code) == ([], 0)


def test_nor_does_a_compare(serving: Serving, port: int) -> None:
    codes = [anonymous(port, compare(PAUL, PHONE, value))[0].code for value in ("0472000000", "0472000001")]
    assert codes == [16, 16]
    assert operator(serving, port, compare(PAUL, PHONE, "0472000000"))[0].code == 6


@pytest.mark.parametrize(
    "asked", ["(asRpps>=1)", "(uid<=9)", "(modifyTimestamp>=20200101000000Z)", "(asSince>=20200101000000Z)",
              "(!(createTimestamp<=20200101000000Z))", "(!(asNationalId>=1))", "(asAdeli<=9)"]
)  # fmt: skip
def test_ranges_over_numbers_and_dates_are_for_operators(serving: Serving, asked: str) -> None:
    found = anonymous(serving.port, search(asked))
    assert (dns(found), found[-1].code) == ([], 0)
    assert dns(operator(serving, serving.port, search(asked)))


@pytest.mark.parametrize("name", ["asRpps", "uid", "asSince", "modifyTimestamp", "2.5.18.1"])
def test_so_are_orders_by_them(serving: Serving, name: str) -> None:
    """Entries in the order of what one may not range over tell as much (RFC 2891); and a list by it, even more."""
    for controls, code in (([sorting(name)], 12), ([sorting(name, critical=False)], 0)):
        done = anonymous(serving.port, search("(sn=dupont)", 1, *controls))[-1]
        assert (done.code, sort_result(done)[0]) == (code, 16)
    listing = search("(sn=dupont)", 1, sorting(name, critical=False), window(0, 9))
    assert anonymous(serving.port, listing)[-1].code == 76
    found = operator(serving, serving.port, search("(sn=dupont)", 1, sorting(name)))
    assert (found[-1].code, sort_result(found[-1])[0]) == (0, 0) and dns(found)


# --- unlisted mailboxes (liste rouge) -------------------------------------------------------------------------------

_QUESTIONS: dict[str, Callable[[str, str], bytes]] = {
    "equality": lambda address, _dn: search(f"(mail={address})"),
    "from the root": lambda address, _dn: search(f"(mail={address})", base=""),
    "start": lambda address, _dn: search(f"(mail={address[:6]}*)"),
    "anywhere": lambda address, _dn: search(f"(mail=*{address[:6]}*)"),
    "one of several": lambda address, _dn: search(f"(|(mail={address})(mail=nobody@x.fr))"),
    "and its holder": lambda address, _dn: search(f"(&(mail={address})(sn=MARTIN))"),
    "uid": lambda address, _dn: search(f"(uid={world.PAUL}:{address})"),
    "by name": lambda _address, dn: search(base=dn, scope=0),
    "below": lambda _address, dn: search(base=dn, scope=1),
    "no attributes": lambda address, _dn: search(f"(mail={address})", attributes=["1.1"]),
    "page": lambda address, _dn: search(f"(mail={address[:6]}*)", 1, paged(10)),
    "estimate": lambda address, _dn: search(f"(mail={address[:6]}*)", 1, paged(0)),
    "compare": lambda address, dn: compare(dn, "mail", address),
    "compare another": lambda _address, dn: compare(dn, "sn", "MARTIN"),
}


@pytest.mark.parametrize("question", _QUESTIONS.values(), ids=list(_QUESTIONS))
@pytest.mark.parametrize("bound", [False, True], ids=["anonymous", "operator"])
def test_hidden_and_absent_are_the_same_octets(
    serving: Serving, bound: bool, question: Callable[[str, str], bytes]
) -> None:
    hidden, absent = question(HIDDEN, HIDDEN_DN), question(ABSENT, ABSENT_DN)
    with Client(serving.port) as client:
        if bound:
            assert client.ask(bind(OPERATOR, serving.secret))[0].code == 0
        told = []
        for asked in (hidden, absent):
            client.send(asked)
            data = b""
            while not data.endswith(b"\x04\x00") and b"1.2.840.113556" not in data:
                data += client.socket.recv(65536)
            told.append(data)
    assert told[0] == told[1]
    assert HIDDEN.encode() not in told[0]


def test_its_holder_is_found_without_it(serving: Serving) -> None:
    """Whoever has an unlisted mailbox is still a practitioner, like one who has none."""
    found = operator(serving, serving.port, search(base=PAUL, scope=0, attributes=["*", "+"]))
    assert dns(found) == [PAUL]
    assert mails(found) == set()


def steps(directory: Directory, ask: Callable[[], object]) -> int:
    """Instructions that SQLite runs for a question."""
    connection = directory._reader(time.monotonic()).connection
    counted = [0]

    def count() -> int:
        counted[0] += 1
        return 0

    connection.set_progress_handler(count, 1)
    try:
        ask()
    finally:
        connection.set_progress_handler(None, 0)
    return counted[0]


def refused(ask: Callable[[], object]) -> None:
    with pytest.raises(NotFound):
        ask()


@pytest.mark.parametrize("view", [View.ANONYMOUS, View.OPERATOR])
def test_hidden_and_absent_take_the_same_steps(serving: Serving, view: View) -> None:
    """No clock is as exact: what SQLite does for a hidden address is what it does for one that never was."""
    directory = serving.directory

    def by_address(address: str) -> Callable[[], object]:
        return lambda: directory.search(Query(BAL.lower(), Scope.SUBTREE, Equal("mail", address.encode()), 10), view)

    def by_name(address: str) -> Callable[[], object]:
        name = f"uid={world.PAUL}:{address},{BAL}".lower()
        return lambda: refused(lambda: directory.search(Query(name, Scope.BASE, Equal("sn", b"x"), 1), view))

    def record(address: str) -> Callable[[], object]:
        return lambda: refused(lambda: directory.mailbox(address, view))

    for question in (by_address, by_name, record):
        for _ in range(2):  # the first may find another state of the build
            counts = [steps(directory, question(address)) for address in (HIDDEN, ABSENT)]
        assert counts[0] == counts[1], question.__name__
    shown = [steps(directory, by_address(a)) for a in ("jean.dupont@medecin.mssante.fr", HIDDEN)]
    assert shown[0] > shown[1]


@pytest.mark.parametrize(
    "path",
    ["/v1/mailboxes/{}", "/v1/suggest?q={}", "/v1/search?address={}", "/v1/search?q={}", "/v1/suggest?q=martin+{}"],
)
def test_hidden_and_absent_are_the_same_json(serving: Serving, path: str) -> None:
    """Nor does the total count it."""
    client: FlaskClient = create_app(serving.directory).test_client()
    for headers in ({}, {"Authorization": f"Bearer {serving.secret}"}):
        hidden, absent = (client.get(path.format(a), headers=headers) for a in (HIDDEN, ABSENT))
        assert (hidden.status, hidden.data) == (absent.status, absent.data)


def test_hidden_and_absent_have_the_same_verdict(serving: Serving) -> None:
    client: FlaskClient = create_app(serving.directory).test_client()
    for who in ({}, {"person": world.PAUL}, {"name": "Paul MARTIN"}):
        bodies = [client.post("/v1/verify", json={"address": a} | who).json for a in (HIDDEN, ABSENT)]
        assert [body.pop("at") and body.pop("address") for body in bodies] == [HIDDEN, ABSENT]
        assert bodies[0] == bodies[1] and bodies[0]["verdict"] == "unknown_address"
