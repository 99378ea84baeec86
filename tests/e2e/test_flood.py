"""``annuaire serve ldap`` under 5,000 idle and 500 hostile connections: those who ask properly are answered
(ldap-clients.md §4; 389-ds CVE-2019-3883)."""

from __future__ import annotations

import contextlib
import resource
import socket
import statistics
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import missing
from e2e.installation import Installation, Server, start
from ldap_support import Client, dns, search

pytestmark = pytest.mark.alone
IDLE, HOSTILE = 5_000, 500
ANY = search("(mail=*)", size=100)
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
def server(loaded: Installation, tmp_path: Path) -> Iterator[tuple[Installation, Server]]:
    here = loaded.copy(tmp_path / "copy")
    running = start(here, "ldap")
    try:
        running.wait_for("Ctrl-C")
        yield here, running
    finally:
        assert running.stop(30) == 0, running.said


def connect(here: Installation, n: int) -> socket.socket:
    peer = socket.create_connection(("127.0.0.1", here.ldap_port), 10, source_address=(SOURCES[n % len(SOURCES)], 0))
    peer.setblocking(False)
    return peer


def hostile(here: Installation, stop: threading.Event) -> None:
    """A quarter each: one octet at a time, half a message, sixteen searches whose answers are never read, garbage.
    Who is closed comes again."""
    asked = b"".join(search("(mail=*)", n, size=100) for n in range(1, 17))
    sent = [0] * HOSTILE
    peers: list[socket.socket | None] = [None] * HOSTILE
    while not stop.is_set():
        for n in range(HOSTILE):
            with contextlib.suppress(BlockingIOError):
                try:
                    peer = peers[n] = peers[n] or connect(here, n)
                    if n % 4 == 0 or sent[n] % 50 == 0:
                        peer.send((ANY[sent[n] % len(ANY) :][:1], ANY[:30], asked, b"\xff" * 100)[n % 4])
                    sent[n] += 1
                except OSError as error:
                    if isinstance(error, BlockingIOError):
                        raise
                    if peers[n] is not None:
                        peers[n].close()  # type: ignore[union-attr]
                    peers[n], sent[n] = None, 0
        stop.wait(0.05)
    for peer in peers:
        if peer is not None:
            peer.close()


def latencies(here: Installation, address: str, rounds: int) -> list[float]:
    """Seconds of well-meant questions, each of which is answered within the client's ten."""
    taken = []
    for n in range(rounds):
        began = time.perf_counter()
        with Client(here.ldap_port) as client:
            asked = search(f"(mail={address})") if n % 2 else search("(|(cn=*mar*)(sn=*mar*))", size=20)
            found = client.ask(asked)
            assert found[-1].code in (0, 4) and (dns(found) or not n % 2)
        taken.append(time.perf_counter() - began)
    return taken


def memory(running: Server) -> int:
    """Octets that the workers have in memory."""
    total = 0
    for pid in Path(f"/proc/{running.process.pid}/task/{running.process.pid}/children").read_text().split():
        total += int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize()
    return total


def test_idle_and_hostile_connections_do_not_disturb_the_others(
    server: tuple[Installation, Server], descriptors: None
) -> None:
    here, running = server
    with Client(here.ldap_port) as client:
        address = client.ask(ANY)[0].attributes["mail"][0]
    quiet, before = latencies(here, address, 60), memory(running)
    stop = threading.Event()
    enemy = threading.Thread(target=hostile, args=(here, stop))
    with contextlib.ExitStack() as stack:
        for n in range(IDLE):
            stack.enter_context(connect(here, n))
        enemy.start()
        try:
            loud = latencies(here, address, 120)
            grown = memory(running) - before
        finally:
            stop.set()
            enemy.join()
    # The bound is wide: this test shares its processors with its own five thousand clients.
    assert statistics.median(loud) < 30 * statistics.median(quiet) + 0.1
    assert grown < 400 * 2**20
    assert running.process.poll() is None and "relancé" not in running.said
    latencies(here, address, 4)
