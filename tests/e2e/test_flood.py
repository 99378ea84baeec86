"""``annuaire serve`` under 5,000 idle and 500 hostile connections: those who ask properly are answered as quickly as
before, and who is hostile is closed when its time is over (ldap-clients.md §4; 389-ds CVE-2019-3883)."""

from __future__ import annotations

import contextlib
import re
import resource
import socket
import ssl
import statistics
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from certificates import Authority
from conftest import missing
from e2e.installation import Installation, Server, forked, start, until
from ldap_support import START_TLS, Client, dns, extended, search

pytestmark = pytest.mark.alone
IDLE, HOSTILE = 5_000, 500
ANY = search("(mail=*)", size=100)
DEADLINE = 3  # seconds for a handshake and for a message
SOURCES = tuple(f"127.0.0.{n}" for n in range(2, 12))  # a flood comes from many places


@pytest.fixture
def descriptors() -> Iterator[None]:
    """As many as this test opens, of which the server has as many again."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < IDLE + HOSTILE + 500:
        missing(f"{IDLE + HOSTILE + 500} file descriptors (ulimit -Hn)")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def server(loaded: Installation, authority: Authority, tmp_path: Path) -> Iterator[tuple[Installation, Server]]:
    here = loaded.copy(tmp_path / "copy")
    here.env["ANNUAIRE_LDAP_TLS_CERTIFICATE"] = str(authority.server())
    here.env["ANNUAIRE_LDAP_HANDSHAKE_TIME"] = here.env["ANNUAIRE_LDAP_RECEIVE_TIME"] = str(DEADLINE)
    running = start(here)
    try:
        running.wait_for("Ctrl-C")
        yield here, running
    finally:
        assert running.stop(30) == 0, running.said


def client_hello() -> bytes:
    sent = ssl.MemoryBIO()
    with contextlib.suppress(ssl.SSLWantReadError):
        ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), sent, server_hostname="localhost").do_handshake()
    return sent.read()


@dataclass(frozen=True)
class Foe:
    """``turn`` says what is sent at each turn, counted from the connection; ``read``: octets read at each."""

    turn: Callable[[int], bytes]
    port: str = "ANNUAIRE_LDAP_PORT"
    read: int = 0


def once(data: bytes, turn: int = 0) -> Callable[[int], bytes]:
    return lambda n: data if n == turn else b""


ASKED = b"".join(search("(mail=*)", n, size=100) for n in range(1, 17))
HELLO = client_hello()
TLS, ALL = "ANNUAIRE_LDAPS_PORT", 1 << 16
HALF_OPEN = (
    Foe(once(b""), TLS, ALL),  # not an octet
    Foe(once(HELLO[: len(HELLO) // 2]), TLS, ALL),
    Foe(lambda n: HELLO[n : n + 1] if n < len(HELLO) - 1 else b"", TLS, ALL),
    Foe(once(extended(START_TLS)), read=ALL),
)
SLOW_WRITERS = (
    Foe(lambda n: ANY[n % len(ANY) :][:1]),
    Foe(once(ANY[:30]), read=ALL),
)
OTHERS = (
    Foe(lambda n: b"" if n % 50 else ASKED),  # answers that are never read
    Foe(lambda n: b"" if n % 50 else ASKED, read=1),
    Foe(lambda n: b"" if n % 50 else b"\xff" * 100),
    Foe(lambda n: HELLO if n == 0 else b"\xff" * 100 if n == 20 else b"", TLS),
)
FOES = (*HALF_OPEN, *SLOW_WRITERS, *OTHERS)


def connect(here: Installation, n: int, port: str = "ANNUAIRE_LDAP_PORT") -> socket.socket:
    address, source = ("127.0.0.1", int(here.env[port])), (SOURCES[n % len(SOURCES)], 0)
    peer = socket.create_connection(address, 10, source_address=source)
    peer.setblocking(False)
    return peer


def hostile(here: Installation, stop: threading.Event) -> None:
    """As many of each kind.  Who is closed comes again."""
    turns = [0] * HOSTILE
    peers: list[socket.socket | None] = [None] * HOSTILE
    while not stop.is_set():
        for n in range(HOSTILE):
            foe = FOES[n % len(FOES)]
            try:
                peer = peers[n] = peers[n] or connect(here, n, foe.port)
                turns[n] += 1
                take_turn(peer, foe, turns[n] - 1)
            except OSError:
                if (closed := peers[n]) is not None:
                    closed.close()
                peers[n], turns[n] = None, 0
        stop.wait(0.05)
    for peer in peers:
        if peer is not None:
            peer.close()


def take_turn(peer: socket.socket, foe: Foe, turn: int) -> None:
    """Raises OSError when the server has closed."""
    with contextlib.suppress(BlockingIOError):
        if data := foe.turn(turn):
            peer.send(data)
    with contextlib.suppress(BlockingIOError):
        if foe.read and not peer.recv(foe.read):
            raise ConnectionResetError


def latencies(here: Installation, address: str, rounds: int, context: ssl.SSLContext) -> list[float]:
    """Seconds of well-meant questions, every fifth over TLS, each of which is answered within the client's ten."""
    taken = []
    for n in range(rounds):
        began = time.perf_counter()
        port = int(here.env["ANNUAIRE_LDAP_PORT" if n % 5 else TLS])
        with Client(port, None if n % 5 else context) as client:
            asked = search(f"(mail={address})") if n % 2 else search("(|(cn=*mar*)(sn=*mar*))", size=20)
            found = client.ask(asked)
            assert found[-1].code in (0, 4) and (dns(found) or not n % 2)
        taken.append(time.perf_counter() - began)
    return taken


def met(here: Installation, limit: str) -> float:
    """How often this limit was."""
    with urllib.request.urlopen(here.http + "/metrics", timeout=30) as answer:
        found = re.findall(rf'annuaire_ldap_limit_total{{limit="{limit}"}} (\S+)', answer.read().decode())
    return sum(map(float, found))


def wait_until_met(here: Installation, limit: str, times: int) -> None:
    """Workers write what they counted once a second."""
    until(lambda: met(here, limit) >= times, lambda: (limit, met(here, limit), times))


def memory(running: Server) -> int:
    """Octets that the workers have in memory."""
    total = 0
    for pid in forked(running.process.pid):
        total += int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize()
    return total


def test_idle_and_hostile_connections_do_not_disturb_the_others(
    server: tuple[Installation, Server], authority: Authority, descriptors: None
) -> None:
    here, running = server
    context = ssl.create_default_context(cafile=authority.path)
    with Client(here.ldap_port) as client:
        address = client.ask(ANY)[0].attributes["mail"][0]
    quiet, before = latencies(here, address, 60, context), memory(running)
    stop = threading.Event()
    enemy = threading.Thread(target=hostile, args=(here, stop))
    with contextlib.ExitStack() as stack:
        for n in range(IDLE):
            stack.enter_context(connect(here, n))
        enemy.start()
        try:
            loud = latencies(here, address, 240, context)
            each = HOSTILE // len(FOES)
            wait_until_met(here, "handshake_time", each * len(HALF_OPEN))
            wait_until_met(here, "receive_time", each)  # who sends an octet at a time may be done with a message
            grown = memory(running) - before
        finally:
            stop.set()
            enemy.join()
    # Five times, or what nobody at a keyboard sees: this test shares its processors with its own 5,500 clients.
    assert statistics.median(loud) < max(5 * statistics.median(quiet), 0.05)
    assert grown < 400 * 2**20
    assert running.process.poll() is None and "relancé" not in running.said
    latencies(here, address, 5, context)
