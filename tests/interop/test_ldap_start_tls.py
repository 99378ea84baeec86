"""StartTLS over real sockets (RFC 4511 4.14, RFC 4513 3): what it turns secure, and what is refused around it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from certificates import Authority
from ldap_support import (
    START_TLS,
    Client,
    Serving,
    bind,
    extended,
    replies,
    request,
    search,
)
from ldap_town import Gate
from tls_world import JEAN, OPERATOR, SLOW, WHOAMI, Secure, codes, secured

from directory_service.ldap.ber import tlv


@pytest.fixture(scope="module")
def secure(serving: Serving, authority: Authority) -> Iterator[Secure]:
    with secured(serving, authority) as found:
        yield found


def test_start_tls_turns_a_plain_connection_into_a_secure_one(secure: Secure) -> None:
    with Client(secure.plain) as client:
        [root] = [r for r in client.ask(search(base="", scope=0, attributes=["+"])) if r.tag == 0x64]
        assert START_TLS in root.attributes["supportedExtension"]
        client.start_tls(secure.context(), 7)
        assert codes(client, bind() + search(JEAN, 2), 2) == [0, 0]


def test_erlang_s_eldap_asks_for_start_tls_with_message_id_0(secure: Secure) -> None:
    """OTP 25, seen in November 2026: ``eldap:start_tls`` on a fresh connection.  OpenLDAP answers it too."""
    with Client(secure.plain) as client:
        client.start_tls(secure.context(), 0)
        assert codes(client, bind() + search(JEAN, 2), 2) == [0, 0]


def test_start_tls_twice_is_an_operations_error(secure: Secure) -> None:
    with Client(secure.plain) as client:
        client.start_tls(secure.context())
        assert codes(client, extended(START_TLS, 2)) == [1]
        assert codes(client, search(JEAN, 3)) == [0]
    with Client(secure.ldaps, secure.context()) as client:
        assert codes(client, extended(START_TLS, 2)) == [1]


def test_start_tls_with_operations_under_way_is_an_operations_error(serving: Serving, authority: Authority) -> None:
    gate = Gate(serving.directory)
    with secured(serving, authority, directory=gate) as server, Client(server.plain) as client:
        assert codes(client, search(SLOW, 1) + extended(START_TLS, 2)) == [1]
        gate.open.set()
        assert [(r.message_id, r.code) for r in client.read() if r.tag != 0x64] == [(1, 0)]
        client.start_tls(server.context(), 3)
        assert codes(client, search(JEAN, 4)) == [0]


def test_start_tls_has_no_value(secure: Secure) -> None:
    with Client(secure.plain) as client:
        assert codes(client, request(1, tlv(0x77, tlv(0x80, START_TLS.encode()) + tlv(0x81, b"x")))) == [2]


def test_without_certificates_start_tls_is_an_unknown_operation(serving: Serving) -> None:
    with Client(serving.port) as client:
        [root] = [r for r in client.ask(search(base="", scope=0, attributes=["+"])) if r.tag == 0x64]
        assert START_TLS not in root.attributes["supportedExtension"]
        assert codes(client, extended(START_TLS)) == [2]
        assert codes(client, search(JEAN, 2)) == [0]


@pytest.mark.parametrize(
    "behind",
    [
        pytest.param(search(JEAN, 2), id="a search"),
        pytest.param(search(JEAN, 2)[:9], id="part of a search"),
        pytest.param(bind(OPERATOR, "x", 2), id="a bind"),
        pytest.param(b"\x16\x03\x01\x02\x00", id="the start of a handshake"),
    ],
)
def test_octets_sent_in_clear_behind_start_tls_are_refused(secure: Secure, behind: bytes) -> None:
    """CVE-2011-0411, CVE-2021-38371 and their kind: what somebody on the way put in must not be taken as the
    client's."""
    with Client(secure.plain) as client:
        [notice] = client.ask(extended(START_TLS) + behind)
        assert (notice.message_id, notice.code) == (0, 2)
        assert client.closed()


def test_octets_sent_in_clear_after_the_reply_are_no_request(secure: Secure) -> None:
    with Client(secure.plain) as client:
        [reply] = client.ask(extended(START_TLS))
        assert reply.code == 0
        client.send(search(JEAN, 2))
        left = b""
        while data := client.socket.recv(1 << 16):
            left += data
        assert left[:1] in (b"\x15", b"")  # an alert at most
        assert not replies(left) if left[:1] == b"\x30" else True


def test_who_was_bound_in_clear_is_nobody_in_tls(secure: Secure) -> None:
    """RFC 4513 3.2: what was said before could have been said by anybody on the way."""
    with Client(secure.plain) as client:
        assert codes(client, bind(OPERATOR, secure.secret)) == [0]
        client.start_tls(secure.context(), 2)
        [who] = client.ask(extended(WHOAMI, 3))
        assert who.rest == b"\x8b\x00"
        assert codes(client, bind(OPERATOR, secure.secret, 4)) == [0]
        [who] = client.ask(extended(WHOAMI, 5))
        assert who.rest.endswith(OPERATOR.encode())
