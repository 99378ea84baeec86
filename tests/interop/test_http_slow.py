"""Clients that make a thread wait, over HTTP in earnest: each is cut off in time, and the others are answered."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest
import web_world
from http_support import served

TIME, THREADS, MOST = 1.0, 2, 60
HEAD = b"POST /v1/verify HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    folder = tmp_path_factory.mktemp("slow")
    directory, _ = web_world.build_world(folder)
    directory.close()
    with served(
        folder, folder / "said", WORKERS=1, THREADS=THREADS, HTTP_REQUEST_TIME=TIME, HTTP_CONNECTIONS=MOST
    ) as port:
        yield port


def drip(peer: socket.socket, octets: Iterator[bytes]) -> None:
    """An octet now and then: no wait is ever long."""
    try:
        for octet in octets:
            peer.sendall(octet)
            time.sleep(0.1)
    except OSError:
        pass


def slow_head(peer: socket.socket) -> None:
    drip(peer, itertools.chain([b"GET /healthz HTTP/1.1\r\nA: "], itertools.repeat(b"a", 300)))


def slow_body(peer: socket.socket) -> None:
    drip(peer, itertools.chain([HEAD + b"Content-Length: 5000\r\n\r\n"], itertools.repeat(b" ", 300)))


def slow_chunks(peer: socket.socket) -> None:
    drip(peer, itertools.chain([HEAD + b"Transfer-Encoding: chunked\r\n\r\n"], itertools.repeat(b"1\r\n \r\n", 300)))


def silent_body(peer: socket.socket) -> None:
    peer.sendall(HEAD + b"Content-Length: 5000\r\n\r\n{")


@pytest.mark.parametrize("how", [slow_head, slow_body, slow_chunks, silent_body])
def test_slow_requests_do_not_hold_the_threads(port: int, how: Callable[[socket.socket], None]) -> None:
    peers = [socket.create_connection(("127.0.0.1", port), timeout=30) for _ in range(THREADS)]
    threads = [threading.Thread(target=how, args=(peer,), daemon=True) for peer in peers]
    for thread in threads:
        thread.start()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)  # drops go on for longer
    connection.request("GET", "/healthz")
    assert connection.getresponse().status == 200
    connection.close()
    for peer in peers:
        peer.close()
    for thread in threads:
        thread.join(60)


def status(peer: socket.socket) -> int:
    answer = http.client.HTTPResponse(peer)
    answer.begin()
    answer.read()
    return answer.status


KEPT = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.mark.parametrize("said", [[b""], [b"GET /heal"], [KEPT[:-2]], [KEPT, b"POST /v1/ver"]])
def test_connections_that_say_nothing_or_half_of_it_hold_no_thread(port: int, said: list[bytes]) -> None:
    """As a browser opens ahead of need.  Each held one of the threads, for five seconds or ``http_request_time``."""
    with contextlib.ExitStack() as stack:
        for _ in range(20 * THREADS):
            peer = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=30))
            for number, octets in enumerate(said):
                if number:
                    assert status(peer) == 200
                peer.sendall(octets)
        asking = stack.enter_context(contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)))
        begun = time.monotonic()
        asking.request("GET", "/healthz")
        assert asking.getresponse().status == 200
        assert time.monotonic() - begun < 5 * TIME


@pytest.mark.parametrize("said", [b"", KEPT])
def test_of_more_connections_than_a_worker_takes_the_longest_silent_give_way(port: int, said: bytes) -> None:
    """Whether they have asked before or not."""
    with contextlib.ExitStack() as stack:
        peers = []
        for _ in range(2 * MOST):
            peers.append(stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=60)))
            peers[-1].sendall(said)
            assert not said or status(peers[-1]) == 200
        for _ in range(3):
            with socket.create_connection(("127.0.0.1", port), timeout=60) as peer:
                peer.sendall(KEPT)
                assert status(peer) == 200
        assert peers[0].recv(1) == b""  # the first to come was the first to go


def test_a_head_that_is_never_whole_is_cut_off_and_one_in_pieces_is_answered(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=60) as peer:
        peer.sendall(KEPT[:-2])
        assert peer.recv(1) == b""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as peer:
        for octet in KEPT:
            peer.sendall(bytes([octet]))
        assert status(peer) == 200
        for part in (KEPT[:20], KEPT[20:]):
            peer.sendall(part)
        assert status(peer) == 200
    with socket.create_connection(("127.0.0.1", port), timeout=60) as peer:
        peer.sendall(b"nonsense\r\n")
        assert status(peer) == 400


def test_a_request_in_time_is_answered_whatever_our_own_time(port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    lines = b"\n".join([json.dumps({"address": "zoe.d-essai@medecin.mssante.fr"}).encode()] * 10_000)
    connection.request("POST", "/v1/verify/batch", lines)
    assert len(connection.getresponse().read().splitlines()) == 10_000
    connection.close()
