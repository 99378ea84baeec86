"""Operators known by their client certificate over HTTP: on the HTTPS port, over real TLS, and behind a proxy that
passes the certificate on (RFC 9440)."""

from __future__ import annotations

import http.client
import itertools
import json
import os
import socket
import ssl
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import pytest
import web_world
from certificates import Authority
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from e2e.installation import free_port, installation, wait_for_port
from pages import DOCS, blocks
from record_factories import SUFFIX

from directory_service.index.directory import Directory
from directory_service.index.follower import Follower
from directory_service.registry import operators
from directory_service.registry.engine import open_registry, writing
from directory_service.settings import Settings
from directory_service.trust.certificates import read_certificate
from directory_service.web.app import create_app

_COUNTER = itertools.count(1)
QUESTION = "/v1/mailboxes/zoe.d-essai@medecin.mssante.fr"


class World(NamedTuple):
    """A registry whose operators can be changed, and an authority."""

    folder: Path
    authority: Authority
    secret: str

    def change(self, what: Callable[..., object]) -> None:
        """In the registry, and at once in the index."""
        engine = open_registry(f"sqlite:///{self.folder / 'registry.sqlite'}")
        with writing(engine) as connection:
            what(connection)
        Follower(engine, self.folder / "index", SUFFIX).catch_up()
        engine.dispose()

    def operator(self, certificate: Path, method: str = "pin") -> str:
        """A new one, that this certificate names."""
        name, rule = f"op{next(_COUNTER)}", read_certificate(certificate.read_bytes()).rule(method)
        self.change(lambda c: operators.add_operator(c, name, actor="test"))
        self.change(lambda c: operators.add_certificate(c, name, rule, actor="test"))
        return name


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("https")
    directory, secret = web_world.build_world(folder)
    directory.close()
    return World(folder, Authority(folder, "Portail"), secret)


# --- over TLS --------------------------------------------------------------------------------------------------------


class Served(NamedTuple):
    port: int
    server: Path
    crl: Path
    log: Path


@contextmanager
def running(world: World, part: str, port: int, **settings: str) -> Iterator[Path]:
    """The part of ``annuaire serve``, on its port; its access log."""
    said, access = world.folder / f"{part}.log", world.folder / f"{part}-access.log"
    chosen = {"DATA": str(world.folder), "WORKERS": "1", "THREADS": "2", "ACCESS_LOG": str(access), **settings}
    env = installation(world.folder).env | {f"ANNUAIRE_{name.upper()}": value for name, value in chosen.items()}
    command = [sys.executable, "-m", "directory_service.serve", str(os.getpid()), part]
    with said.open("wb") as stream:
        process = subprocess.Popen(command, env=env, stdout=stream, stderr=subprocess.STDOUT)
    try:
        wait_for_port(process, port, said)
        yield access
    finally:
        process.terminate()
        assert process.wait(60) == 0, said.read_text()
    assert said.read_text().replace("certificats TLS relus\n", "") == ""


@contextmanager
def serving(world: World) -> Iterator[Served]:
    port, crl, server = free_port(), world.authority.revoke(path=world.folder / "crl.pem"), world.authority.server()
    files = {"certificate": str(server), "client_ca": str(world.authority.path), "crl": str(crl)}
    more = {f"http_tls_{name}": path for name, path in files.items()}
    more |= {"https_port": str(port), "ldap_certificate_check": "0.05", "ldap_handshake_time": "1"}
    with running(world, "https", port, **more) as access:
        yield Served(port, server, crl, access)


@pytest.fixture(scope="module")
def served(world: World) -> Iterator[Served]:
    with serving(world) as found:
        yield found


def ask(
    world: World, served: Served, certificate: Path | None = None, secret: str = "",
    headers: Mapping[str, str] | None = None,
) -> tuple[int, str]:  # fmt: skip
    """The status, and the operator that the access log names; ``ssl.SSLError`` where the handshake fails."""
    context = ssl.create_default_context(cafile=str(world.authority.path))
    if certificate:
        context.load_cert_chain(certificate)
    connection = http.client.HTTPSConnection("127.0.0.1", served.port, timeout=30, context=context)
    try:
        bearer = {"Authorization": f"Bearer {secret}"} if secret else {}
        connection.request("GET", QUESTION, headers={**bearer, **(headers or {})})
        answer = connection.getresponse()
        answer.read()
    finally:
        connection.close()
    return answer.status, json.loads(served.log.read_text().splitlines()[-1])["identity"]


def test_https_answers_those_who_show_no_certificate(world: World, served: Served) -> None:
    assert ask(world, served) == (200, "")
    assert ask(world, served, secret=world.secret) == (200, web_world.OPERATOR)


@pytest.mark.parametrize("method", ["pin", "subject"])
def test_a_certificate_of_the_table_is_its_operator(world: World, served: Served, method: str) -> None:
    certificate = world.authority.client(f"client-{method}")
    assert ask(world, served, certificate) == (401, "")
    name = world.operator(certificate, method)
    assert ask(world, served, certificate) == (200, name)
    world.change(lambda c: operators.suspend(c, name, actor="test"))
    assert ask(world, served, certificate) == (403, "")


def test_a_secret_and_a_certificate_must_be_of_one_operator(world: World, served: Served) -> None:
    certificate = world.authority.client("deux")
    name, made = world.operator(certificate), list[str]()
    world.change(lambda c: made.append(operators.set_secret(c, name, actor="test")))
    assert ask(world, served, certificate, made[0]) == (200, name)
    assert ask(world, served, certificate, world.secret) == (403, "")
    assert ask(world, served, certificate, "faux.secret") == (401, "")


def test_a_certificate_of_another_authority_expired_or_revoked_ends_the_handshake(world: World, served: Served) -> None:
    good = world.authority.client("bientot")
    name = world.operator(good)
    assert ask(world, served, good) == (200, name)
    bad = [
        Authority(world.folder, "Ailleurs").client(),
        world.authority.client("vieux", lasts=-timedelta(hours=1)),
    ]
    for certificate in bad:
        world.operator(certificate)
        with pytest.raises((ssl.SSLError, ConnectionError)):
            ask(world, served, certificate)
    world.authority.revoke(good, path=served.crl)
    deadline = time.monotonic() + 60
    with pytest.raises((ssl.SSLError, ConnectionError)):  # once the list is read again
        while time.monotonic() < deadline:
            ask(world, served, good)
    assert ask(world, served) == (200, "")


def test_a_certificate_that_is_revoked_ends_on_a_kept_connection_too(world: World, served: Served) -> None:
    """Though nobody else comes, whose handshake would have the list read again."""
    certificate = world.authority.client("gardee")
    world.operator(certificate)
    context = ssl.create_default_context(cafile=str(world.authority.path))
    context.load_cert_chain(certificate)
    connection = http.client.HTTPSConnection("127.0.0.1", served.port, timeout=10, context=context)

    def status() -> int:
        connection.request("GET", QUESTION)
        answer = connection.getresponse()
        answer.read()
        return answer.status

    assert status() == 200
    kept = connection.sock
    world.authority.revoke(certificate, path=served.crl)
    deadline = time.monotonic() + 10
    while status() == 200:
        assert time.monotonic() < deadline
    assert status() == 401
    assert connection.sock is kept
    connection.close()


def test_tls_is_1_2_or_newer_and_plain_http_is_cut_off(world: World, served: Served) -> None:
    context = ssl.create_default_context(cafile=str(world.authority.path))
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context.minimum_version = context.maximum_version = version
        with (
            socket.create_connection(("127.0.0.1", served.port), timeout=30) as peer,
            context.wrap_socket(peer, server_hostname="localhost") as secure,
        ):
            assert secure.version()
    with socket.create_connection(("127.0.0.1", served.port), timeout=30) as peer:
        peer.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"HTTP/1.1" not in _all(peer)


def test_a_handshake_that_stalls_holds_no_thread_for_long(world: World, served: Served) -> None:
    """Two threads, and clients that send one octet: each held one until its time was over."""
    peers = [socket.create_connection(("127.0.0.1", served.port), timeout=30) for _ in range(40)]
    for peer in peers:
        peer.sendall(b"\x16")
    begun = time.monotonic()
    assert ask(world, served) == (200, "")
    assert time.monotonic() - begun < 10
    for peer in peers:
        peer.close()


def _all(peer: socket.socket) -> bytes:
    try:
        return b"".join(iter(lambda: peer.recv(65536), b""))
    except ConnectionError:
        return b""


# --- behind a proxy --------------------------------------------------------------------------------------------------


def rfc9440(certificate: Path) -> str:
    der = x509.load_pem_x509_certificate(certificate.read_bytes()).public_bytes(Encoding.DER)
    return f":{b64encode(der).decode()}:"


def nginx(certificate: Path) -> str:
    """``$ssl_client_escaped_cert``: the PEM text, URL-encoded."""
    found = x509.load_pem_x509_certificate(certificate.read_bytes()).public_bytes(Encoding.PEM).decode()
    return quote(found, safe="")


class Proxied(NamedTuple):
    world: World
    directory: Directory
    crl: Path

    def ask(self, header: str | None, peer: str = "192.0.2.7", proxies: str = "192.0.2.0/28 2001:db8::1", **more: str
            ) -> tuple[int, str]:  # fmt: skip
        """The status, and the slug of the problem if any."""
        env = {"ANNUAIRE_TRUSTED_PROXIES": proxies, "ANNUAIRE_LDAP_CERTIFICATE_CHECK": "0"}
        env["ANNUAIRE_LDAP_TLS_CRL"] = str(self.crl)
        app = create_app(self.directory, Settings.load(env, None, {"data": self.world.folder}))
        headers = {"Client-Cert": header} if header is not None else {}
        answer = app.test_client().get(QUESTION, headers=headers | more, environ_base={"REMOTE_ADDR": peer})
        slug = "" if answer.status_code == 200 else answer.get_json()["type"].rpartition("/")[2]
        return answer.status_code, slug


@pytest.fixture
def proxied(world: World, tmp_path: Path) -> Iterator[Proxied]:
    directory = Directory(world.folder / "index", SUFFIX)
    yield Proxied(world, directory, world.authority.revoke(path=tmp_path / "crl.pem"))
    directory.close()


@pytest.mark.parametrize("form", [rfc9440, nginx])
@pytest.mark.parametrize("peer", ["192.0.2.7", "2001:db8::1", "::ffff:192.0.2.7"])
def test_the_certificate_that_a_trusted_proxy_passes_on_is_believed(
    proxied: Proxied, form: Callable[[Path], str], peer: str
) -> None:
    certificate = proxied.world.authority.client("relais")
    assert proxied.ask(form(certificate), peer) == (401, "bad-credentials")
    proxied.world.operator(certificate)
    assert proxied.ask(form(certificate), peer) == (200, "")
    assert proxied.ask(None, peer) == (200, "")


@pytest.mark.parametrize(("peer", "proxies"), [("192.0.2.99", "192.0.2.0/28"), ("127.0.0.1", ""), ("", "::/0")])
def test_from_anybody_else_it_is_refused(proxied: Proxied, peer: str, proxies: str) -> None:
    certificate = proxied.world.authority.client("relais")
    proxied.world.operator(certificate)
    assert proxied.ask(rfc9440(certificate), peer, proxies) == (403, "forbidden")


_BROKEN = ("", ":", "::", "MIIB", ":MI!B:", ":AAAA:", "-----BEGIN%20CERTIFICATE-----%0A", ":" + "A" * 20_000 + ":")


@pytest.mark.parametrize("header", _BROKEN)
def test_a_header_that_does_not_read_is_refused(proxied: Proxied, header: str) -> None:
    assert proxied.ask(header) == (401, "bad-credentials")


def test_of_two_headers_none_is_believed(proxied: Proxied) -> None:
    """A proxy that adds its header to the client's sends both, and servers join them by a comma."""
    theirs, own = (proxied.world.authority.client(name) for name in ("victime", "client"))
    proxied.world.operator(theirs)
    for form in (rfc9440, nginx):
        assert proxied.ask(form(theirs)) == (200, "")
        for comma in (",", ", ", "%2C", "%0A"):
            assert proxied.ask(form(theirs) + comma + form(own)) == (401, "bad-credentials")


def test_expiry_and_revocation_are_looked_at_here_too(proxied: Proxied) -> None:
    old = proxied.world.authority.client("vieux", lasts=-timedelta(hours=1))
    revoked = proxied.world.authority.client("revoque")
    for certificate in (old, revoked):
        proxied.world.operator(certificate)
    assert proxied.ask(rfc9440(old)) == (401, "bad-credentials")
    assert proxied.ask(rfc9440(revoked)) == (200, "")
    proxied.world.authority.revoke(revoked, path=proxied.crl)
    assert proxied.ask(rfc9440(revoked)) == (401, "bad-credentials")


def test_a_secret_and_a_passed_certificate_must_agree(proxied: Proxied) -> None:
    certificate = proxied.world.authority.client("double")
    proxied.world.operator(certificate)
    bearer = {"Authorization": f"Bearer {proxied.world.secret}"}
    assert proxied.ask(rfc9440(certificate), **bearer) == (403, "forbidden")
    assert proxied.ask(None, **bearer) == (200, "")


def test_caches_are_told_that_answers_depend_on_it(proxied: Proxied) -> None:
    settings = Settings.load({"ANNUAIRE_TRUSTED_PROXIES": "::1"}, None, {"data": proxied.world.folder})
    answer = create_app(proxied.directory, settings).test_client().get(QUESTION)
    assert answer.headers["Vary"] == "Authorization, Client-Cert"


# --- a real nginx, configured by the page ----------------------------------------------------------------------------

PAGE = DOCS / "howto" / "mutual-tls.md"


@pytest.fixture(scope="module")
def nginx_served(world: World, program: Callable[[str], str]) -> Iterator[Served]:
    nginx, here = program("nginx"), world.folder / "nginx"
    here.mkdir()
    port, http, crl = free_port(), free_port(), world.authority.revoke(path=here / "crl.pem")
    server = world.authority.server()
    [page] = [block.text for block in blocks(PAGE) if block.language == "nginx"]
    changes = {
        "listen 443": f"listen 127.0.0.1:{port}",
        "127.0.0.1:8080": f"127.0.0.1:{http}",
        "/etc/annuaire/server.pem": str(server),
        "/etc/annuaire/ca.pem": str(world.authority.path),
        "/etc/annuaire/crl.pem": str(crl),
    }
    for old, new in changes.items():
        assert old in page
        page = page.replace(old, new)
    temporary = "".join(
        f"{name}_temp_path {here}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    conf = here / "nginx.conf"
    conf.write_text(f"pid {here}/pid; error_log {here}/error.log; events {{}}\n"
                    f"http {{ access_log off; {temporary}\n{page} }}\n")  # fmt: skip
    with running(
        world, "http", http, http_port=str(http), trusted_proxies="127.0.0.1 ::1", http_tls_crl=str(crl)
    ) as log:
        process = subprocess.Popen([nginx, "-e", f"{here}/error.log", "-c", str(conf), "-g", "daemon off; user root;"])
        try:
            wait_for_port(process, port, here / "error.log")
            yield Served(port, server, crl, log)
        finally:
            process.terminate()
            process.wait(60)


def test_nginx_passes_on_the_certificate_that_it_verified(world: World, nginx_served: Served) -> None:
    certificate = world.authority.client("par-nginx")
    assert ask(world, nginx_served, certificate) == (401, "")
    name = world.operator(certificate)
    assert ask(world, nginx_served, certificate) == (200, name)
    assert ask(world, nginx_served) == (200, "")
    assert ask(world, nginx_served, secret=world.secret) == (200, web_world.OPERATOR)
    other = Authority(world.folder, "Ailleurs2").client()
    world.operator(other)
    assert ask(world, nginx_served, other)[0] == 400  # nginx's own page
    world.authority.revoke(certificate, path=nginx_served.crl)  # nginx was not told
    deadline = time.monotonic() + 60
    while ask(world, nginx_served, certificate)[0] == 200 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert ask(world, nginx_served, certificate) == (401, "")


def test_what_a_client_sends_as_the_header_does_not_go_through_nginx(world: World, nginx_served: Served) -> None:
    victim, own = world.authority.client("victime"), world.authority.client("le-sien")
    world.operator(victim)
    name = world.operator(own)
    for header in ("Client-Cert", "client-cert", "Client_Cert"):
        assert ask(world, nginx_served, headers={header: rfc9440(victim)}) == (200, "")
        assert ask(world, nginx_served, own, headers={header: rfc9440(victim)}) == (200, name)
