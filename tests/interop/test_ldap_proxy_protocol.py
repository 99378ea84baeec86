"""Connections that trusted proxies make for clients (decision 0047): a header first, and then the client is the one it
names, in limits, budgets, log and what it may send outside TLS.  The proxy is 127.0.0.1, a stranger 127.0.0.2."""

from __future__ import annotations

import json
import select
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from certificates import Authority
from ldap_support import START_TLS, Client, Serving, bind, dns, extended, limits_met, search, served_both
from proxy_headers import LOCAL, SIGNATURE, TLVS, UNIX, binary, block, line
from record_factories import SUFFIX
from tls_world import JEAN, OPERATOR, Secure, codes, secured

from directory_service.accesslog import AccessLog
from directory_service.ldap.limits import LdapSettings
from directory_service.ldap.server import Operators
from directory_service.ldap.server.proxied import client_of
from directory_service.model.networks import Networks
from directory_service.siblings import Give, Siblings

PROXY, STRANGER = "127.0.0.1", "127.0.0.2"
ONE, OTHER, SIX = "192.0.2.7", "198.51.100.8", "2001:db8::7"
BEHIND: dict[str, Any] = {"suffix": SUFFIX, "proxies": Networks.parse(PROXY)}
HEADERS = {
    "version 1": line(ONE), "version 1, IPv6": line(SIX), "version 2": binary(ONE), "version 2, IPv6": binary(SIX),
    "version 2, TLVs": binary(ONE, tlvs=TLVS), "LOCAL": LOCAL, "unknown": b"PROXY UNKNOWN\r\n",
    "UNSPEC": block(b"", 0), "Unix": block(UNIX, 0x31),
}  # fmt: skip
NO_HEADERS = {
    "LDAP": search(JEAN), "TLS": b"\x16\x03\x01\x02\x00\x01", "a line that is none": b"PROXY TCP4 x y 1 2\r\n",
    "a line without an end": b"PROXY UNKNOWN " + b"x" * 120, "an odd version": SIGNATURE + b"\x11\x11\0\0",
    "too long": SIGNATURE + b"\x21\x11\xff\xff",
}  # fmt: skip


class Relayed(Client):
    """A connection that a proxy makes: ``header`` first."""

    def __init__(self, port: int, header: bytes = b"", source: str = PROXY) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10, source_address=(source, 0))
        self.buffer = b""
        self.send(header)


@pytest.fixture(scope="module")
def behind(serving: Serving, authority: Authority) -> Iterator[Secure]:
    with secured(serving, authority, LdapSettings(**BEHIND)) as found:
        yield found


@contextmanager
def plain(serving: Serving, **settings: Any) -> Iterator[int]:
    with served_both(serving.directory, LdapSettings(**BEHIND | settings), Operators(serving.directory)) as ports:
        yield ports[0]


# --- who has to send one, and who may -------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["plain", "ldaps", "StartTLS"])
@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS)
def test_a_header_comes_before_everything_else(behind: Secure, header: bytes, by: str) -> None:
    with Relayed(behind.ldaps if by == "ldaps" else behind.plain, header) as client:
        if by == "ldaps":
            client.secure(behind.context())
        if by == "StartTLS":
            client.start_tls(behind.context())
        assert codes(client, bind() + search(JEAN, 2), 2) == [0, 0]


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS)
def test_a_header_comes_in_any_pieces_and_with_what_is_behind_it(behind: Secure, header: bytes) -> None:
    sent = header + bind() + search(JEAN, 2)
    with Relayed(behind.plain, sent) as whole, Relayed(behind.plain) as pieces:
        pieces.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for octet in sent:
            pieces.send(bytes([octet]))
        for client in (whole, pieces):
            assert [r.code for r in client.read(2) if r.tag != 0x64] == [0, 0]


@pytest.mark.parametrize("sent", NO_HEADERS.values(), ids=NO_HEADERS)
@pytest.mark.parametrize("by", ["plain", "ldaps"])
def test_without_a_header_the_connection_of_a_proxy_is_closed(behind: Secure, by: str, sent: bytes) -> None:
    with Relayed(getattr(behind, by), sent) as client:
        assert client.closed()  # and nothing was said before


def test_a_second_header_is_no_ldap(behind: Secure) -> None:
    with Relayed(behind.plain, line(ONE) + line(OTHER)) as client:
        [notice] = client.read()
        assert (notice.message_id, notice.code) == (0, 2) and client.closed()


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS)
def test_a_header_of_anybody_else_is_not_taken(behind: Secure, header: bytes) -> None:
    with Relayed(behind.plain, header + search(JEAN), STRANGER) as client:
        [notice] = client.read()
        assert (notice.message_id, notice.code) == (0, 2) and client.closed()
    with Relayed(behind.ldaps, header, STRANGER) as client:
        assert client.socket.recv(100)[:1] in (b"\x15", b"")  # an alert at most


def test_anybody_else_needs_none(behind: Secure) -> None:
    with Relayed(behind.plain, source=STRANGER) as client, Relayed(behind.ldaps, source=STRANGER) as secure:
        secure.secure(behind.context())
        assert codes(client, search(JEAN)) == codes(secure, search(JEAN)) == [0]


def test_without_the_setting_nobody_may_send_one(serving: Serving) -> None:
    with Relayed(serving.port, line(ONE)) as client:
        assert [r.code for r in client.read()] == [2]


@pytest.mark.parametrize(
    ("peer", "named", "is_of"),
    [
        ("192.0.2.1", ONE, ONE),
        ("192.0.2.1", "", "192.0.2.1"),
        ("192.0.2.1", "127.0.0.1", "192.0.2.1"),
        ("192.0.2.1", "::1", "192.0.2.1"),
        ("127.0.0.1", "127.0.0.1", "127.0.0.1"),
        ("::1", "127.0.0.5", "127.0.0.5"),
        ("::1", ONE, ONE),
    ],
)
def test_the_loopback_of_another_machine_is_not_ours(peer: str, named: str, is_of: str) -> None:
    assert client_of(peer, named) == is_of


# --- the client is the one it names ---------------------------------------------------------------------------------


def test_connections_are_counted_by_client_and_not_by_proxy(serving: Serving) -> None:
    before = limits_met("connections_per_address")
    with plain(serving, connections_per_address=2) as port, ExitStack() as stack:
        for address in (ONE, OTHER, SIX):
            for header in (line(address), binary(address)):
                client = stack.enter_context(Relayed(port, header))
                assert codes(client, search(JEAN)) == [0]
        waiting = [stack.enter_context(Relayed(port)) for _ in range(3)]  # of nobody yet, and so against nobody
        with Relayed(port, line(ONE) + search(JEAN)) as extra:
            [notice] = extra.read()
            assert (notice.message_id, notice.code) == (0, 51) and extra.closed()
        for client in waiting[:2]:
            assert codes(client, LOCAL + search(JEAN)) == [0]
    assert limits_met("connections_per_address") == before + 1


def test_a_client_that_has_gone_makes_room_for_itself(serving: Serving) -> None:
    with plain(serving, connections_per_address=1, connections=2) as port:
        for _ in range(5):
            with Relayed(port, line(ONE)) as client:
                assert codes(client, search(JEAN)) == [0]
                client.send(bytes.fromhex("30050201024200"))  # unbind
                assert client.closed()


def test_who_waits_for_a_header_counts_among_all(serving: Serving) -> None:
    before = limits_met("connections")
    with plain(serving, connections=3) as port, ExitStack() as stack:
        waiting = [stack.enter_context(Relayed(port, SIGNATURE)) for _ in range(2)]
        with Relayed(port, source=STRANGER) as direct:
            assert codes(direct, search(JEAN)) == [0]
            for source in (PROXY, STRANGER):
                with Relayed(port, source=source) as extra:
                    [notice] = extra.read()
                    assert (notice.message_id, notice.code) == (0, 51) and extra.closed()
            for client, header in zip(waiting, (binary(ONE), binary(OTHER)), strict=True):
                assert codes(client, header[len(SIGNATURE) :] + search(JEAN)) == [0]
    assert limits_met("connections") == before + 2


def test_who_is_refused_or_goes_makes_room(serving: Serving) -> None:
    with plain(serving, connections=1) as port:
        for said in (b"PROXY\r\n", search(JEAN), SIGNATURE, b""):
            with Relayed(port, said) as client:
                client.socket.shutdown(socket.SHUT_WR)
                assert client.closed()
        with Relayed(port, line(ONE)) as client:
            assert codes(client, search(JEAN)) == [0]


def test_a_budget_is_of_one_client(serving: Serving) -> None:
    with plain(serving, harvest_anonymous=60, entries_anonymous=20) as port:

        def codes_of(header: bytes) -> list[int | None]:
            found = []
            for letter in "abcdefghijklmnop":
                with Relayed(port, header) as client:
                    found.append(client.ask(search(f"(sn=*{letter}*)"))[-1].code)
            return found

        assert 11 in codes_of(line(ONE)) and codes_of(binary(ONE))[-1] == 11
        with Relayed(port, line(OTHER)) as another, Relayed(port, LOCAL) as proxy:
            for client in (another, proxy):
                assert client.ask(search("(sn=*a*)"))[-1].code in (0, 4)


def test_a_client_of_another_machine_sends_no_secret_outside_tls(behind: Secure) -> None:
    """Whatever machine the balancer is on: it made every client a local one."""
    asked = bind(OPERATOR, behind.secret)
    for header, code in ((line(ONE), 13), (binary(SIX), 13), (LOCAL, 0), (line("127.0.0.1"), 0)):
        with Relayed(behind.plain, header) as client:
            assert codes(client, asked) == [code]
    with Relayed(behind.ldaps, line(ONE)) as client:
        client.secure(behind.context())
        assert codes(client, asked) == [0]


@pytest.mark.parametrize(
    ("kept", "shown"),
    [
        ("full", [ONE, SIX, PROXY]),
        ("network", ["192.0.2.0/24", "2001:db8::/48", "127.0.0.0/24"]),
        ("none", ["", "", ""]),
    ],
)
def test_the_log_tells_of_the_client_what_it_told_before(
    serving: Serving, tmp_path: Path, kept: str, shown: list[str]
) -> None:
    path = tmp_path / "log"
    with (
        closing(AccessLog(str(path), kept)) as log,
        served_both(serving.directory, LdapSettings(**BEHIND), log=log) as ports,
    ):
        for header in (line(ONE), binary(SIX, tlvs=TLVS), LOCAL):
            with Relayed(ports[0], header) as client:
                assert codes(client, search(JEAN)) == [0]
    asked = [one for text in path.read_text().splitlines() if (one := json.loads(text))["operation"] == "lookup"]
    assert [one["address"] for one in asked] == shown
    fields = {"at", "face", "worker", "address", "connection", "identity", "operation", "base", "scope", "filter"}
    assert all(one.keys() == fields | {"entries", "code", "ms", "bytes"} for one in asked)


# --- what does not come ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["plain", "ldaps"])
@pytest.mark.parametrize("said", [b"", b"PROXY TCP4 192", SIGNATURE], ids=["nothing", "half a line", "a signature"])
def test_a_header_that_does_not_come_in_time(serving: Serving, authority: Authority, by: str, said: bytes) -> None:
    before = limits_met("handshake_time")
    with (
        secured(serving, authority, LdapSettings(**BEHIND, handshake_time=0.5)) as server,
        Relayed(getattr(server, by), said) as client,
        Relayed(server.plain, line(ONE)) as other,
    ):
        assert codes(other, search(JEAN)) == [0]
        assert client.closed()
        assert codes(other, search(JEAN)) == [0]
    assert limits_met("handshake_time") == before + 1


def test_a_handshake_that_does_not_come_behind_a_header(serving: Serving, authority: Authority) -> None:
    settings = LdapSettings(**BEHIND, handshake_time=0.5)
    with secured(serving, authority, settings) as server, Relayed(server.ldaps, line(ONE)) as client:
        assert client.closed()


def test_a_proxy_that_closes_for_sending_is_closed(behind: Secure) -> None:
    with Relayed(behind.plain, SIGNATURE) as client:
        client.socket.shutdown(socket.SHUT_WR)
        assert client.closed()


def test_a_server_that_stops_waits_for_no_header(serving: Serving) -> None:
    with ExitStack() as stack:
        with plain(serving) as port:
            client = stack.enter_context(Relayed(port))
            with Relayed(port, line(ONE)) as other:
                assert codes(other, search(JEAN)) == [0]
            begun = time.monotonic()
        assert time.monotonic() - begun < 3
        assert client.closed()


# --- other workers --------------------------------------------------------------------------------------------------


def test_the_client_goes_along_to_another_worker(serving: Serving, tmp_path: Path) -> None:
    """Which finds no header, since it was read, and must not take the proxy for the client."""
    other, mine = (Siblings(tmp_path, "ldap", name) for name in ("other", "mine"))
    check = Operators(serving.directory)
    with (
        closing(other),
        served_both(serving.directory, LdapSettings(**BEHIND), check, siblings=mine) as ports,
        ExitStack() as stack,
    ):
        clients = [stack.enter_context(Relayed(ports[0], header)) for header in (line(ONE), binary(SIX), LOCAL) * 2]
        for client in clients:
            assert codes(client, search(JEAN)) == [0]
        handed: list[tuple[socket.socket, bytes]] = []
        other.even_out(0, lambda *_: None)
        while len(handed) < 3:  # half of what there is
            assert select.select([other], [], [], 20)[0]
            handed += [(stack.enter_context(found), note) for found, note in other.received()]
        names = dict(zip([c.socket.getsockname() for c in clients], (ONE, SIX, PROXY) * 2, strict=True))
        assert all(names[found.getpeername()] == note.decode() for found, note in handed)
        _give_back(other, handed)
        for client in clients:
            expected = 0 if names[client.socket.getsockname()] == PROXY else 13
            assert codes(client, bind(OPERATOR, serving.secret)) == [expected]
            assert len(dns(client.ask(search(JEAN)))) == 1


def _give_back(other: Siblings, handed: list[tuple[socket.socket, bytes]]) -> None:
    def hand(_number: int, give: Give) -> None:
        while handed and give(*handed[-1]):
            handed.pop()[0].close()

    while handed:  # once it says again how many it holds
        assert select.select([other], [], [], 20)[0]
        assert not list(other.received())
        other.even_out(1000, hand)


def test_start_tls_is_offered_behind_a_header_as_before(behind: Secure) -> None:
    with Relayed(behind.plain, line(ONE)) as client:
        assert codes(client, extended(START_TLS) + search(JEAN)) == [2]  # what is behind it in clear ends all
