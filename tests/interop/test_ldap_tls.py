"""TLS of the LDAP face over real sockets: versions and ciphers, handshakes, resumption, new certificates."""

from __future__ import annotations

import logging
import os
import re
import shutil
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import ldap
import pytest
from certificates import Authority, make_key, pem
from ldap_support import (
    BAL,
    START_TLS,
    Client,
    Serving,
    bind,
    dns,
    extended,
    limits_met,
    request,
    search,
)
from prometheus_client import REGISTRY
from record_factories import SUFFIX
from tls_world import JEAN, OPERATOR, Secure, codes, secured

from directory_service.errors import InvalidInput
from directory_service.ldap.limits import LdapSettings, SecretsNeedTls
from directory_service.ldap.server import Tls, TlsFiles


@pytest.fixture(scope="module")
def secure(serving: Serving, authority: Authority) -> Iterator[Secure]:
    with secured(serving, authority) as found:
        yield found


# --- what is spoken -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_ldaps_answers_in_tls_1_2_and_1_3(secure: Secure, version: ssl.TLSVersion) -> None:
    with Client(secure.ldaps, secure.context(version)) as client:
        assert codes(client, bind() + search(JEAN, 2), 2) == [0, 0]
        name, _, bits = client.socket.cipher()
        assert "GCM" in name or "CHACHA20" in name
        assert bits >= 128


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
@pytest.mark.parametrize(
    ("version", "ciphers"),
    [
        pytest.param(ssl.TLSVersion.TLSv1, "ALL:@SECLEVEL=0", id="TLS 1.0"),
        pytest.param(ssl.TLSVersion.TLSv1_1, "ALL:@SECLEVEL=0", id="TLS 1.1"),
        pytest.param(ssl.TLSVersion.TLSv1_2, "AES128-GCM-SHA256", id="no forward secrecy"),
        pytest.param(ssl.TLSVersion.TLSv1_2, "ECDHE+AES+SHA", id="CBC"),
        pytest.param(ssl.TLSVersion.TLSv1_2, "aNULL:eNULL:@SECLEVEL=0", id="nobody's, in clear"),
    ],
)
def test_older_versions_and_weak_ciphers_are_refused(secure: Secure, version: ssl.TLSVersion, ciphers: str) -> None:
    context = secure.context(version)
    context.set_ciphers(ciphers)
    with pytest.raises(ssl.SSLError):
        Client(secure.ldaps, context)
    with Client(secure.ldaps, secure.context()) as client:
        assert codes(client, search(JEAN)) == [0]


def test_plain_ldap_on_the_port_of_tls_ends_the_connection(secure: Secure) -> None:
    with Client(secure.ldaps) as client:
        client.send(bind())
        assert client.socket.recv(1 << 16)[:1] in (b"\x15", b"")  # an alert at most, nothing of LDAP


def test_answers_longer_than_a_buffer_arrive_whole_over_tls(secure: Secure) -> None:
    with Client(secure.ldaps, secure.context()) as client:
        assert codes(client, bind(OPERATOR, secure.secret)) == [0]
        assert len(dns(client.ask(search("(mail=*)", 2)))) > 300  # 300 kB


def test_requests_come_in_any_pieces_over_tls(secure: Secure) -> None:
    with Client(secure.ldaps, secure.context()) as client:
        for octet in bind() + search(JEAN, 2):
            client.send(bytes([octet]))
        assert [r.code for r in client.read(2) if r.tag != 0x64] == [0, 0]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_records_as_long_as_they_may_be_leave_nothing_behind(secure: Secure, version: ssl.TLSVersion) -> None:
    many = 2 * 16_384 // len(bind()) + 1  # two full records, then the end of a request alone in a third
    with Client(secure.ldaps, secure.context(version)) as client:
        assert codes(client, bind() * many, many) == [0] * many


def test_a_client_that_does_not_read_is_not_worked_for_over_tls(secure: Secure) -> None:
    block = b"".join(search(JEAN, n) for n in range(1, 501))
    with Client(secure.ldaps, secure.context()) as client, Client(secure.plain) as other:
        client.socket.settimeout(1)
        with pytest.raises(TimeoutError):
            for _ in range(20_000_000 // len(block)):
                client.send(block)
        assert codes(other, search(JEAN)) == [0]


def test_close_notify_is_said_and_heard(secure: Secure) -> None:
    with Client(secure.ldaps, secure.context()) as client:
        assert codes(client, search(JEAN)) == [0]
        client.send(request(2, b"\x42\x00"))  # unbind
        assert client.socket.recv(100) == b""  # an end without close_notify would raise
    with Client(secure.ldaps, secure.context()) as client:
        assert codes(client, search(JEAN)) == [0]
        client.socket.unwrap()
        client.socket.close()


def test_idle_clients_are_told_before_they_are_closed_over_tls(serving: Serving, authority: Authority) -> None:
    with (
        secured(serving, authority, LdapSettings(suffix=SUFFIX, idle_anonymous=0.5)) as server,
        Client(server.ldaps, server.context()) as client,
    ):
        [notice] = client.read()
        assert (notice.message_id, notice.code) == (0, 3)
        assert client.closed()


# --- handshakes -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("said", [b"", b"\x16\x03\x01\x02\x00\x01\x00"], ids=["nothing", "half a hello"])
@pytest.mark.parametrize("by", ["ldaps", "StartTLS"])
def test_a_handshake_that_does_not_end_is_dropped(serving: Serving, authority: Authority, said: bytes, by: str) -> None:
    """389-ds CVE-2019-3883; and others notice nothing.  The limit is counted, once."""
    settings, before = LdapSettings(suffix=SUFFIX, handshake_time=0.5), limits_met("handshake_time")
    with (
        secured(serving, authority, settings) as server,
        Client(server.ldaps if by == "ldaps" else server.plain) as client,
    ):
        if by == "StartTLS":
            assert codes(client, extended(START_TLS)) == [0]
        client.send(said)
        with Client(server.ldaps, server.context()) as other:
            assert codes(other, search(JEAN)) == [0]
        assert client.closed()
    assert limits_met("handshake_time") == before + 1


def test_a_connection_counts_before_its_handshake(serving: Serving, authority: Authority) -> None:
    with secured(serving, authority, LdapSettings(suffix=SUFFIX, connections=3)) as server:
        waiting = [Client(server.ldaps) for _ in range(3)]
        with Client(server.ldaps) as another:
            assert another.closed()  # nothing can be said before the handshake
        with Client(server.plain) as one_more:
            assert [r.code for r in one_more.read()] == [51]
        for client in waiting:
            client.socket.close()


def test_handshakes_are_counted_by_what_became_of_them(secure: Secure) -> None:
    def counted(outcome: str) -> float:
        return REGISTRY.get_sample_value("annuaire_ldap_tls_handshakes_total", {"outcome": outcome}) or 0.0

    done, failed = counted("done"), counted("failed")
    with Client(secure.ldaps, secure.context()) as client:
        assert codes(client, bind()) == [0]
    with Client(secure.ldaps) as stranger:
        stranger.send(b"this is no handshake")
        assert stranger.closed()
    deadline = time.monotonic() + 60
    while not (counted("done") > done and counted("failed") > failed):  # added once a second
        assert time.monotonic() < deadline


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_sessions_are_resumed(secure: Secure, program: Callable[[str], str], version: str, tmp_path: Path) -> None:
    tool, kept = program("openssl"), tmp_path / "session.pem"
    base = [tool, "s_client", "-connect", f"127.0.0.1:{secure.ldaps}", "-CAfile", str(secure.authority.path), version]

    def connect(*options: str) -> str:
        # An anonymous bind and an unbind: the ticket of TLS 1.3 comes after the handshake.
        done = subprocess.run(
            [*base, *options, "-ign_eof"], input=bind() + request(2, b"\x42\x00"), capture_output=True, timeout=60
        )
        return done.stdout.decode("latin-1")

    assert "New, TLSv1" in connect("-sess_out", str(kept))
    again = connect("-sess_in", str(kept))
    assert "Reused, TLSv1" in again
    assert "Verification: OK" in again


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_session_of_another_worker_costs_a_full_handshake_and_no_error(
    secure: Secure, serving: Serving, version: ssl.TLSVersion
) -> None:
    context = secure.context(version)
    with Client(secure.ldaps, context) as client:
        assert codes(client, search(JEAN)) == [0]
        session = client.socket.session
    with Client(secure.ldaps, context, session) as client:
        assert codes(client, search(JEAN)) == [0]
        assert client.socket.session_reused
    files = TlsFiles(str(secure.authority.server()))
    with secured(serving, secure.authority, files=files) as other, Client(other.ldaps, context, session) as client:
        assert codes(client, search(JEAN)) == [0]
        assert not client.socket.session_reused


def test_renegotiation_is_refused(secure: Secure, program: Callable[[str], str]) -> None:
    command = [program("openssl"), "s_client", "-connect", f"127.0.0.1:{secure.ldaps}", "-tls1_2"]
    done = subprocess.run(command, input=b"R\n", capture_output=True, timeout=60, check=False)
    assert b"no renegotiation" in done.stderr


# --- files ----------------------------------------------------------------------------------------------------------


def served_name(secure: Secure, ldaps: int) -> str:
    with Client(ldaps, secure.context()) as client:
        found = {name: value for [(name, value)] in client.socket.getpeercert()["subject"]}
        return str(found["commonName"])


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_renewed_certificate_is_served_without_a_restart(
    serving: Serving, authority: Authority, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    here = tmp_path / "server.pem"
    shutil.copy(authority.server(name="first"), here)
    settings = LdapSettings(suffix=SUFFIX, certificate_check=0.05)
    with (
        secured(serving, authority, settings, TlsFiles(str(here))) as server,
        Client(server.ldaps, server.context()) as early,
    ):
        assert codes(early, search(JEAN)) == [0]
        assert served_name(server, server.ldaps) == "first"

        with caplog.at_level(logging.WARNING):
            replaced(here, b"-----BEGIN CERTIFICATE-----\nbroken\n")
            wait_for(lambda: "inchangés" in caplog.text)
        assert served_name(server, server.ldaps) == "first"
        other = authority.server().read_bytes()
        replaced(here, re.sub(rb"-----BEGIN PRIVATE.*", pem(make_key()), other, flags=re.DOTALL))  # not its key
        wait_for(lambda: caplog.text.count("inchangés") == 2)
        assert served_name(server, server.ldaps) == "first"
        here.unlink()
        wait_for(lambda: caplog.text.count("inchangés") == 3)
        assert served_name(server, server.ldaps) == "first"

        replaced(here, authority.server(name="second").read_bytes())
        wait_for(lambda: served_name(server, server.ldaps) == "second")
        assert codes(early, search(JEAN, 2)) == [0]
    assert "PRIVATE" not in caplog.text


def replaced(path: Path, content: bytes) -> None:
    """As a careful tool does it."""
    fresh = path.with_suffix(".new")
    fresh.write_bytes(content)
    fresh.replace(path)


@pytest.mark.parametrize("broken", ["certificate", "key", "client_ca", "crl"])
def test_files_that_cannot_be_used_are_named_at_the_start(authority: Authority, tmp_path: Path, broken: str) -> None:
    good = {"certificate": str(authority.server()), "client_ca": str(authority.path), "crl": str(authority.revoke())}
    Tls(TlsFiles(**good))
    with pytest.raises(InvalidInput, match="nulle-part"):
        Tls(TlsFiles(**good | {broken: str(tmp_path / "nulle-part.pem")}))
    (tmp_path / "odd.pem").write_bytes(b"odd")
    if broken != "crl":
        with pytest.raises(InvalidInput):
            Tls(TlsFiles(**good | {broken: str(tmp_path / "odd.pem")}))


def test_a_key_behind_a_passphrase_is_refused_without_asking(authority: Authority, tmp_path: Path) -> None:
    from cryptography.hazmat.primitives import serialization

    path = tmp_path / "locked.pem"
    locked = serialization.BestAvailableEncryption(b"x")
    form = serialization.PrivateFormat.PKCS8
    path.write_bytes(make_key().private_bytes(serialization.Encoding.PEM, form, locked))
    with pytest.raises(InvalidInput, match="mot de passe"):
        Tls(TlsFiles(str(authority.server()), str(path)))


# --- real clients ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["ldaps", "-ZZ"])
def test_ldapsearch_speaks_tls(secure: Secure, program: Callable[[str], str], how: str) -> None:
    url = ["-H", f"ldaps://127.0.0.1:{secure.ldaps}"] if how == "ldaps" else ["-H", f"ldap://127.0.0.1:{secure.plain}"]
    command = [program("ldapsearch"), *url, "-x", "-LLL", "-b", BAL, *([how] if how == "-ZZ" else []), JEAN, "mail"]
    trusting = {**os.environ, "LDAPTLS_CACERT": str(secure.authority.path)}
    done = subprocess.run(command, env=trusting, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout.count("mail: ")) == (0, 1), done.stderr
    wary = {**os.environ, "LDAPTLS_CACERT": "/dev/null"}
    assert subprocess.run(command, env=wary, capture_output=True, timeout=60, check=False).returncode != 0


@pytest.mark.parametrize("how", ["ldaps", "StartTLS"])
def test_python_ldap_speaks_tls(secure: Secure, how: str) -> None:
    url = f"ldaps://127.0.0.1:{secure.ldaps}" if how == "ldaps" else f"ldap://127.0.0.1:{secure.plain}"
    connection = ldap.initialize(url)
    connection.set_option(ldap.OPT_X_TLS_CACERTFILE, str(secure.authority.path))
    connection.set_option(ldap.OPT_X_TLS_NEWCTX, 0)
    if how == "StartTLS":
        connection.start_tls_s()
    connection.simple_bind_s(OPERATOR, secure.secret)
    assert connection.whoami_s() == f"dn:{OPERATOR}"
    assert len(connection.search_s(BAL, ldap.SCOPE_SUBTREE, "(mail=*)")) > 300
    connection.unbind_s()


def test_a_secret_may_be_refused_outside_tls(serving: Serving, authority: Authority) -> None:
    settings = LdapSettings(suffix=SUFFIX, secrets_need_tls=SecretsNeedTls.ALWAYS)
    with secured(serving, authority, settings) as server:
        with Client(server.plain) as client:
            assert codes(client, bind(OPERATOR, server.secret)) == [13]
            assert codes(client, bind(OPERATOR, "wrong", 2)) == [13]  # and says nothing about it
            assert codes(client, bind(message_id=3) + search(JEAN, 4), 2) == [0, 0]
            client.start_tls(server.context(), 5)
            assert codes(client, bind(OPERATOR, server.secret, 6)) == [0]
        with Client(server.ldaps, server.context()) as client:
            assert codes(client, bind(OPERATOR, server.secret)) == [0]
