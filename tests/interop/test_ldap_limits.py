"""Each limit of ldap-clients.md §4, over a real socket: the result code that says so, and the metric that counts it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
from ldap_support import (
    Client,
    Reply,
    Serving,
    bind,
    dns,
    extended,
    limits_met,
    paged,
    replies,
    request,
    search,
    served,
)
from ldap_town import Gate
from prometheus_client import REGISTRY
from proxy_headers import LOCAL, binary, line
from record_factories import SUFFIX

from directory_service.index.directory import Directory
from directory_service.ldap.ber import tlv
from directory_service.ldap.limits import LdapSettings, Limits
from directory_service.ldap.messages import Control
from directory_service.ldap.server import Operators
from directory_service.model.networks import Networks

OPERATOR = f"cn=essai,ou=operateurs,{SUFFIX}"
JEAN = "(mail=jean.dupont@medecin.mssante.fr)"
EVERY = "(mail=*)"
SLOW = "(cn=*martin*)"
WHOAMI = "1.3.6.1.4.1.4203.1.11.3"


@contextmanager
def limited(serving: Serving, limit: str, codec: Limits | None = None, directory: Directory | Gate | None = None,
            **settings: float) -> Iterator[int]:  # fmt: skip
    """The port of a server with these limits; afterwards, this one was met and counted."""
    before = limits_met(limit)
    chosen = LdapSettings(suffix=SUFFIX, limits=codec or Limits(), **settings)  # type: ignore[arg-type]
    with served(directory or serving.directory, chosen, Operators(serving.directory)) as port:
        yield port
    assert limits_met(limit) > before


def ask(port: int, data: bytes, finals: int = 1) -> list[Reply]:
    with Client(port) as client:
        return client.ask(data, finals)


def last(port: int, data: bytes) -> int | None:
    return ask(port, data)[-1].code


def wide(octets: int) -> bytes:
    return search(f"(cn={'a' * octets})")


# --- what one request may hold --------------------------------------------------------------------------------------


def test_pdu_of_a_stranger(serving: Serving) -> None:
    with limited(serving, "pdu", Limits(pdu_anonymous=500)) as port:
        assert last(port, wide(300)) == 0
        [notice] = ask(port, wide(500)[:20])  # told by its length alone, before it is sent
        assert (notice.message_id, notice.code) == (0, 2)
        with Client(port) as client:  # nor does it help to bind as nobody
            assert client.ask(bind())[0].code == 0
            assert client.ask(wide(500)[:20])[-1].message_id == 0


def test_pdu_of_an_operator(serving: Serving) -> None:
    with limited(serving, "pdu", Limits(pdu_anonymous=500, pdu_bound=1000)) as port, Client(port) as client:
        assert client.ask(bind(OPERATOR, serving.secret))[0].code == 0
        assert client.ask(wide(600))[-1].code == 0
        assert client.ask(wide(1000))[-1].message_id == 0


def test_filter_depth(serving: Serving) -> None:
    with limited(serving, "filter_depth", Limits(filter_depth=3)) as port:
        assert last(port, search("(&(|(cn=a)))")) == 0
        assert last(port, search("(&(|(!(cn=a))))")) == 2


def test_filter_terms(serving: Serving) -> None:
    with limited(serving, "filter_terms", Limits(filter_terms=4)) as port:
        assert last(port, search("(|(cn=a)(cn=b)(cn=c)(cn=d))")) == 0
        assert last(port, search("(|(cn=a)(cn=b)(cn=c)(cn=d)(cn=e))")) == 2


def test_connectives_are_no_terms_but_as_few(serving: Serving) -> None:
    with limited(serving, "filter_terms", Limits(filter_terms=4)) as port:
        assert last(port, search("(|(&(cn=a))(&(!(cn=b))(cn=c)(cn=d)))")) == 0
        assert last(port, search("(|(&)(&)(|)(|))")) == 2


THUNDERBIRD = (
    "(|(cn=*{0}*)(givenName=*{0}*)(sn=*{0}*)(mozillaNickname=*{0}*)(mail=*{0}*)(mozillaSecondEmail=*{0}*)"
    "(&(description=*{0}*))(o=*{0}*)(ou=*{0}*)(title=*{0}*)(mozillaWorkUrl=*{0}*)(mozillaHomeUrl=*{0}*))"
)
ROUNDCUBE = "(|(cn=*{0}*)(givenName=*{0}*)(sn=*{0}*)(mail=*{0}*))"


@pytest.mark.parametrize(("word", "words"), [(THUNDERBIRD, 5), (ROUNDCUBE, 15)])
def test_as_many_words_as_the_setting_says(serving: Serving, word: str, words: int) -> None:
    """Thunderbird's search window and Roundcube, which also wraps what it sends."""
    asked = "".join(word.format(f"mot{n}") for n in range(words))
    with served(serving.directory) as port:
        assert last(port, search(f"(&(objectClass=inetOrgPerson)(&{asked}))")) == 0


def test_substring_components(serving: Serving) -> None:
    with limited(serving, "substring_components", Limits(substring_components=3)) as port:
        assert last(port, search("(cn=a*b*c)")) == 0
        assert last(port, search("(cn=a*b*c*d)")) == 2


def test_requested_attributes(serving: Serving) -> None:
    with limited(serving, "requested_attributes", Limits(requested_attributes=3)) as port:
        assert last(port, search(JEAN, attributes=["a", "b", "c"])) == 0
        assert last(port, search(JEAN, attributes=["a", "b", "c", "d"])) == 2


def test_controls(serving: Serving) -> None:
    with limited(serving, "controls", Limits(controls=2)) as port:
        more = [Control(f"1.2.{n}", False, None) for n in range(3)]
        assert last(port, search(JEAN, 1, *more[:2])) == 0
        assert last(port, search(JEAN, 1, *more)) == 2


# --- what one search may give and take ------------------------------------------------------------------------------


def test_entries_of_a_stranger_and_of_an_operator(serving: Serving) -> None:
    with limited(serving, "entries", entries_anonymous=5, entries_operator=7) as port, Client(port) as client:
        found = client.ask(search(EVERY))
        assert (len(dns(found)), found[-1].code) == (5, 4)
        client.ask(bind(OPERATOR, serving.secret))
        found = client.ask(search(EVERY, size=100))
        assert (len(dns(found)), found[-1].code) == (7, 4)


def test_a_limit_that_the_client_sets_is_its_own(serving: Serving) -> None:
    before = limits_met("entries")
    with served(serving.directory) as port:
        found = ask(port, search(EVERY, size=3))
        assert (len(dns(found)), found[-1].code) == (3, 4)
    assert limits_met("entries") == before


def test_paged_total(serving: Serving) -> None:
    with limited(serving, "paged_total", paged_total_anonymous=12) as port, Client(port) as client:
        sizes, cookie, code = [], b"", 0
        while code == 0 and len(sizes) < 5:
            found = client.ask(search(EVERY, 1, paged(5, cookie)))
            code, cookie = found[-1].code or 0, _cookie(found[-1])
            sizes.append(len(dns(found)))
        assert (sizes, code) == ([5, 5, 2], 4)


def _cookie(done: Reply) -> bytes:
    """realSearchControlValue ::= SEQUENCE { size INTEGER, cookie OCTET STRING }"""
    value = done.controls["1.2.840.113556.1.4.319"]
    return value[value.index(b"\x04", 4) + 2 :]


def test_search_time(serving: Serving) -> None:
    gate = Gate(serving.directory)
    with limited(serving, "search_time", directory=gate, search_time=0.2, workers=1) as port, Client(port) as client:
        client.send(search(SLOW, 1) + search(SLOW, 2))
        assert client.ask(extended(WHOAMI, 3))[0].message_id == 3  # from here on the searches wait
        threading.Timer(0.4, gate.open.set).start()
        assert (2, 3) in [(r.message_id, r.code) for r in client.read(2)]


def test_candidates(serving: Serving) -> None:
    """More to look at than allowed: what was found until then, and 4."""
    narrow = Directory(serving.directory.folder, SUFFIX, candidates=256)
    with limited(serving, "candidates", directory=narrow, entries_anonymous=500) as port:
        found = ask(port, search("(!(cn=zzz))", base=SUFFIX))
        assert found[-1].code == 4 and 0 < len(dns(found)) <= 300
        assert last(port, search(JEAN)) == 0
    narrow.close()


@pytest.mark.parametrize("bound", [False, True], ids=["anonymous", "bound"])
def test_outstanding(serving: Serving, bound: bool) -> None:
    gate, most = Gate(serving.directory), {"outstanding_anonymous": 1 if bound else 2, "outstanding_operator": 2}
    with limited(serving, "outstanding", directory=gate, **most) as port, Client(port) as client:
        if bound:
            assert client.ask(bind(OPERATOR, serving.secret, 9))[0].code == 0
        client.send(b"".join(search(SLOW, n) for n in (1, 2, 3)))
        assert [(r.message_id, r.code) for r in client.read()] == [(3, 51)]
        gate.open.set()
        client.read(2)


# --- how long one may take ------------------------------------------------------------------------------------------


def test_receive_time(serving: Serving) -> None:
    with limited(serving, "receive_time", receive_time=0.3) as port, Client(port) as client:
        [notice] = client.ask(search(JEAN)[:20])
        assert (notice.message_id, notice.code) == (0, 3) and client.closed()


def test_receive_time_of_a_bind(serving: Serving) -> None:
    with limited(serving, "receive_time", receive_time=0.3) as port, Client(port) as client:
        assert client.ask(bind(OPERATOR, "x" * 40)[:-5])[0].code == 3 and client.closed()


@pytest.mark.parametrize("bound", [False, True], ids=["anonymous", "bound"])
def test_idle(serving: Serving, bound: bool) -> None:
    idle = {"idle_anonymous": 60.0, "idle_bound": 0.3} if bound else {"idle_anonymous": 0.3}
    with limited(serving, "idle", **idle) as port, Client(port) as client:
        if bound:
            assert client.ask(bind(OPERATOR, serving.secret))[0].code == 0
        [notice] = client.read()
        assert (notice.message_id, notice.code) == (0, 3) and client.closed()


def _flood(client: Client) -> None:
    block = b"".join(search(JEAN, n) for n in range(1, 501))
    for _ in range(20_000_000 // len(block)):
        client.send(block)


def test_unread_time(serving: Serving) -> None:
    settings = {"unread_time": 0.3, "output_buffer": 1024}
    with limited(serving, "unread_time", **settings) as port, Client(port) as client, pytest.raises(ConnectionError):
        _flood(client)


def test_output_buffer(serving: Serving) -> None:
    """Full, nothing more is read: the client's own sends come to a stop."""
    with limited(serving, "output_buffer", output_buffer=1024) as port, Client(port) as client:
        client.socket.settimeout(2)
        with pytest.raises(TimeoutError):
            _flood(client)


# --- how many connections, and binds --------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", ["connections", "connections_per_address"])
def test_connections(serving: Serving, limit: str) -> None:
    with limited(serving, limit, **{limit: 2}) as port, ExitStack() as stack:
        clients = [stack.enter_context(Client(port)) for _ in range(2)]
        assert [client.ask(search(JEAN))[-1].code for client in clients] == [0, 0]
        with Client(port) as extra:
            [notice] = extra.read()
            assert (notice.message_id, notice.code) == (0, 51) and extra.closed()


def test_binds(serving: Serving) -> None:
    with limited(serving, "binds", binds=2) as port, Client(port) as client:
        found = client.ask(b"".join(bind(OPERATOR, "wrong", n) for n in (1, 2, 3)), 3)
        assert [(r.message_id, r.code) for r in found] == [(1, 49), (2, 49), (0, 51)]


# --- and the rest of the metrics ------------------------------------------------------------------------------------


def sample(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(f"annuaire_ldap_{name}", labels) or 0.0


_SENT = (
    (bind(), "bind", "0"),
    (bind(version=4), "bind", "2"),
    (search(JEAN), "lookup", "0"),
    (search(SLOW), "search", "0"),
    (search(EVERY, size=1), "search", "4"),
    (search(scope=7), "search", "2"),
    (search(base="x"), "search", "34"),
    (extended(WHOAMI), "extended", "0"),
    (extended("1.2.3"), "extended", "2"),
    (request(1, tlv(0x68, b"")), "write", "53"),
    (request(1, tlv(0x7F, b"")), "disconnect", "2"),
)


def test_operations_are_counted_by_kind_and_code(serving: Serving) -> None:
    def counted() -> list[float]:
        return [sample("operations_total", operation=operation, code=code) for _, operation, code in _SENT]

    def timed() -> list[float]:
        return [sample("operation_seconds_count", operation=o) for o in ("bind", "lookup", "search", "extended")]

    before, times = counted(), timed()
    with served(serving.directory) as port:
        for sent, _, _ in _SENT:
            ask(port, sent)
    assert counted() == [n + 1 for n in before]
    # What was refused unread, the scope 7, took no time.
    assert [n - was for n, was in zip(timed(), times, strict=True)] == [2, 1, 3, 2]


def test_octets_entries_and_connections_are_counted(serving: Serving) -> None:
    def figures() -> list[float]:
        names = ("connections_total", "entries_total")
        return [*map(sample, names), *(sample("bytes_total", direction=d) for d in ("in", "out"))]

    before, sent = figures(), search(JEAN)
    with served(serving.directory) as port, Client(port) as client:
        client.send(sent)
        answer = b""
        while len(dns(replies(answer))) < 1 or not answer.endswith(b"\x04\x00"):
            answer += client.socket.recv(65536)
    gained = [after - was for after, was in zip(figures(), before, strict=True)]
    assert gained[:3] == [1, 1, len(sent)]
    assert gained[3] >= len(answer)  # a notice of disconnection follows
    assert sample("open_connections") == 0


def test_headers_of_proxies_are_counted_by_what_became_of_them(serving: Serving) -> None:
    """Who goes without a word is a balancer that looks whether the port is open."""
    sent = (line("192.0.2.7") + search(JEAN), binary("2001:db8::7") + search(JEAN), LOCAL + search(JEAN),
            search(JEAN), b"PROXY\r\n", LOCAL[:5], b"")  # fmt: skip

    def counted() -> list[float]:
        return [sample("proxy_headers_total", outcome=outcome) for outcome in ("client", "peer", "failed")]

    before = counted()
    with served(serving.directory, LdapSettings(suffix=SUFFIX, proxies=Networks.parse("127.0.0.1"))) as port:
        for data in sent:
            with Client(port) as client:
                client.send(data)
                client.socket.shutdown(socket.SHUT_WR)
                client.read()
                assert client.closed()
    assert [n - was for n, was in zip(counted(), before, strict=True)] == [2, 1, 3]
