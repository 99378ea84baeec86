"""Clients that read their answers slowly, or not at all, over HTTP in earnest: the others are answered."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator

import pytest
import web_world
from http_support import served

THREADS = 2
LONG = b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n"  # 130 KB


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    folder = tmp_path_factory.mktemp("answers")
    directory, _ = web_world.build_world(folder)
    directory.close()
    with served(folder, folder / "said", WORKERS=1, THREADS=THREADS) as port:
        yield port


def ask(port: int, request: bytes) -> socket.socket:
    """Over a line that takes as little at once as those of the Internet, which loopback is not."""
    peer = socket.socket()
    peer.settimeout(60)
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
    peer.connect(("127.0.0.1", port))
    peer.sendall(request)
    return peer


def body(peer: socket.socket) -> bytes:
    found = b""
    while b"\r\n\r\n" not in found:
        found += peer.recv(1)
    head, _, found = found.partition(b"\r\n\r\n")
    [length] = [int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"Content-Length:")]
    while len(found) < length and (octets := peer.recv(min(1000, length - len(found)))):
        found += octets
    return found


def test_answers_that_nobody_reads_hold_no_thread_and_come_whole_when_they_are_read(port: int) -> None:
    """Two such clients closed a worker of two threads for http_request_time, and longer for long answers."""
    with contextlib.ExitStack() as stack:
        peers = [stack.enter_context(ask(port, LONG * 2)) for _ in range(10 * THREADS)]
        begun = time.monotonic()
        assert body(stack.enter_context(ask(port, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")))
        assert time.monotonic() - begun < 10
        first = body(peers[0])
        assert len(first) > 100_000
        assert [body(peer) for peer in (peers[0], *peers[-2:], peers[-1])] == [first] * 4  # and the second question's
