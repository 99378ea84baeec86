"""A real HAProxy in front of both LDAP ports of a real ``annuaire serve``, configured by the page: clients are told
apart by their own addresses, and its health checks find the service well."""

from __future__ import annotations

import csv
import itertools
import json
import shutil
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
import web_world
from certificates import Authority
from conftest import missing
from e2e.installation import free_port, installation, wait_for_port
from ldap_support import Client, Reply, bind, search
from pages import DOCS, blocks
from record_factories import SUFFIX

PAGE = DOCS / "howto" / "run-in-production.md"
JEAN = "(mail=jean.dupont@medecin.mssante.fr)"
OPERATOR = f"cn={web_world.OPERATOR},ou=operateurs,{SUFFIX}"
_COUNTER = itertools.count(1)
PATIENT = "inter 500ms rise 1 fall 100"  # tests of others may make an answer late
EACH = 6  # connections of one address; its checks, which are four at most at once, are at HAProxy's own


class Node(NamedTuple):
    """A service that expects headers of 127.0.0.1."""

    folder: Path
    authority: Authority
    secret: str
    ldap: int
    ldaps: int
    http: int

    def answer(self, path: str) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.http}{path}", timeout=30) as answer:
            return answer.read().decode()

    def headers(self, outcome: str) -> float:
        sample = f'annuaire_ldap_proxy_headers_total{{outcome="{outcome}"}} '
        return sum(float(text.removeprefix(sample)) for text in self.answer("/metrics").splitlines() if sample in text)

    def logged(self) -> list[str]:
        """Whose look-ups the access log tells of, in their order."""
        whole, _, _ = (self.folder / "access.log").read_text().rpartition("\n")  # the last may be under way
        lines = map(json.loads, whole.splitlines())
        return [line["address"] for line in lines if line["operation"] == "lookup"]


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[Node]:
    if shutil.which("haproxy") is None:
        missing("haproxy")
    folder = tmp_path_factory.mktemp("haproxy")
    directory, secret = web_world.build_world(folder)
    directory.close()
    ports = {name: free_port() for name in ("ldap", "ldaps", "http")}
    chosen = {
        "DATA": folder, "WORKERS": 1, "LDAP_PROXIES": "127.0.0.1",
        "LDAP_CONNECTIONS_PER_ADDRESS": EACH, "LDAP_TLS_CERTIFICATE": authority.server(),
        "ACCESS_LOG": folder / "access.log", "ACCESS_LOG_ADDRESS": "full",
    } | {f"{name.upper()}_PORT": port for name, port in ports.items()}  # fmt: skip
    env = installation(folder).env | {f"ANNUAIRE_{name}": str(value) for name, value in chosen.items()}
    with running([str(Path(sys.executable).with_name("annuaire")), "serve"], ports["http"], env):
        yield Node(folder, authority, secret, **ports)


@contextmanager
def running(command: list[str], port: int, env: dict[str, str] | None = None) -> Iterator[None]:
    process = subprocess.Popen(command, env=env)
    try:
        wait_for_port(process, port)
        yield
    finally:
        process.terminate()
        process.wait(20)


@contextmanager
def balanced(node: Node, configuration: str, port: int) -> Iterator[Callable[[], dict[str, str]]]:
    """HAProxy, answering on ``port``; gives what its checks last found, and what it takes each server for."""
    path, control = node.folder / f"{port}.cfg", node.folder / f"{port}.sock"
    path.write_text(f"global\n    stats socket {control}\n\n{configuration}")

    def checked() -> dict[str, str]:
        with socket.socket(socket.AF_UNIX) as link:
            try:
                link.connect(str(control))
            except (FileNotFoundError, ConnectionRefusedError):  # it listens on its ports before
                return {}
            link.sendall(b"show stat\n")
            told = b"".join(iter(lambda: link.recv(65536), b"")).decode().removeprefix("# ")
        rows = [row for row in csv.DictReader(told.splitlines()) if row["check_status"]]
        found = [(row["check_status"].removeprefix("* "), row["status"]) for row in rows]  # a star: one is under way
        return {f"{row['pxname']}/{row['svname']}": " ".join(it) for row, it in zip(rows, found, strict=True)}

    with running(["haproxy", "-db", "-f", str(path)], port):
        yield checked


class Front(NamedTuple):
    """Where clients come."""

    ldap: int
    ldaps: int


@pytest.fixture(scope="module", params=["send-proxy", "send-proxy-v2"])
def front(request: pytest.FixtureRequest, node: Node) -> Iterator[Front]:
    [page] = [block.text for block in blocks(PAGE) if block.language == "haproxy"]
    ldap, ldaps = free_port(), free_port()
    changes = {"bind :389": f"bind 127.0.0.1:{ldap}", "bind :636": f"bind 127.0.0.1:{ldaps}",
               "port 8080": f"port {node.http} {PATIENT}", "send-proxy-v2": request.param}  # fmt: skip
    for address in ("192.0.2.11", "192.0.2.12"):
        changes |= {f"{address}:1389": f"127.0.0.1:{node.ldap}", f"{address}:1636": f"127.0.0.1:{node.ldaps}"}
    for old, new in changes.items():
        assert old in page
        page = page.replace(old, new)
    servers = [f"{backend}/{server}" for backend in ("ldap", "ldaps") for server in ("node1", "node2")]
    with balanced(node, page, ldap) as checked:
        until(checked, dict.fromkeys(servers, "L7OK UP"))  # it has asked /readyz
        yield Front(ldap, ldaps)


def somebody() -> str:
    """An address that nobody had before; HAProxy itself connects from 127.0.0.1."""
    return f"127.0.1.{next(_COUNTER)}"


class From(Client):
    """A client at this address."""

    def __init__(self, port: int, address: str, context: ssl.SSLContext | None = None) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10, source_address=(address, 0))
        self.buffer = b""
        if context:
            self.secure(context)


def codes(found: list[Reply]) -> list[int | None]:
    return [reply.code for reply in found if reply.tag != 0x64]


def trusting(node: Node) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(node.authority.path))


def test_the_log_tells_clients_apart_on_both_ports(front: Front, node: Node) -> None:
    clients = [somebody() for _ in range(4)]
    ports = ((front.ldap, None), (front.ldap, None), (front.ldaps, trusting(node)), (front.ldaps, trusting(node)))
    for address, (port, context) in zip(clients, ports, strict=True):
        with From(port, address, context) as client:
            assert codes(client.ask(search(JEAN))) == [0]
    deadline = time.monotonic() + 60
    while [address for address in node.logged() if address in clients] != clients:  # written once a second
        assert time.monotonic() < deadline, node.logged()
    assert node.headers("failed") == 0 < node.headers("client")


def test_a_limit_is_one_client_s(front: Front) -> None:
    with ExitStack() as stack:
        one, other = somebody(), somebody()
        clients = [stack.enter_context(From(front.ldap, address)) for address in [one] * EACH + [other]]
        for client in clients:
            assert codes(client.ask(search(JEAN))) == [0]
        with From(front.ldap, one) as extra:
            assert codes(extra.read()) == [51]
        assert [codes(client.ask(search(JEAN))) for client in clients] == [[0]] * (EACH + 1)


def test_secrets_go_over_tls_through_it(front: Front, node: Node) -> None:
    with From(front.ldaps, somebody(), trusting(node)) as secure, From(front.ldap, somebody()) as client:
        assert codes(secure.ask(bind(OPERATOR, node.secret))) == [0]
        client.start_tls(trusting(node))
        assert codes(client.ask(bind(OPERATOR, node.secret, 2))) == [0]


CHECKS = {
    "bind": ("ldap", "option ldap-check", "check", "L7OK UP"),
    "bind-told": ("ldap", "option ldap-check", "check port {ldap} check-send-proxy", "L7OK UP"),
    "port": ("ldaps", "option tcp-check", "check", "L4OK UP"),
    "handshake": ("ldaps", "option tcp-check", "check check-ssl verify none", "L6OK UP"),
}


@pytest.mark.parametrize("version", ["send-proxy", "send-proxy-v2"])
def test_its_checks_of_the_ldap_ports_find_them_well(node: Node, version: str) -> None:
    port, text = free_port(), "defaults\n    mode tcp\n    timeout connect 5s\n    timeout client 5s\n"
    text += f"    timeout server 5s\nfrontend any\n    bind 127.0.0.1:{port}\n    default_backend bind\n"
    for name, (to, how, check, _) in CHECKS.items():
        where = f"127.0.0.1:{getattr(node, to)}"
        text += f"backend {name}\n    {how}\n"
        text += f"    server node {where} {version} {check.format(ldap=node.ldap)} {PATIENT}\n"
    with balanced(node, text, port) as checked:
        until(checked, {f"{name}/node": found for name, (_, _, _, found) in CHECKS.items()})
    assert node.headers("failed") == 0


def until(checked: Callable[[], dict[str, str]], wanted: dict[str, str]) -> None:
    """Its checks find this; the first take their time."""
    deadline = time.monotonic() + 60
    while (found := checked()) != wanted:
        assert time.monotonic() < deadline, found
        time.sleep(0.05)
