"""What the loop of an HTTP worker answers itself: which requests, and that nobody can tell."""

from __future__ import annotations

import json
import multiprocessing
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import web_world as world
from e2e.installation import free_port, installation
from http_support import get, start

from directory_service.settings import Settings
from directory_service.web.inloop import Later, in_loop, whole_request
from directory_service.web.server import _Server
from directory_service.web.worker import Worker

ASKED = b"GET /v1/suggest?q=dupont HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """A client, and the server's end of its connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()) as peer:
        served, _ = listener.accept()
        with served:
            served.setblocking(False)
            yield peer, served


def seen(served: socket.socket, octets: int) -> None:
    """Once so many have come."""
    served.setblocking(True)
    while len(served.recv(65536, socket.MSG_PEEK)) < octets:
        pass
    served.setblocking(False)


def test_a_whole_suggestion_is_for_the_loop_and_stays_to_be_read(pair: tuple[socket.socket, socket.socket]) -> None:
    peer, served = pair
    peer.sendall(ASKED)
    seen(served, len(ASKED))
    assert whole_request(served) == ASKED
    assert served.recv(65536) == ASKED


@pytest.mark.parametrize(
    "octets",
    [
        ASKED[:-2],  # not all of it has come
        ASKED + ASKED,  # two at once
        b"GET /v1/search?q=dupont HTTP/1.1\r\nHost: x\r\n\r\n",
        ASKED.replace(b"Host: x", b"AUTHORIZATION: Bearer x"),
        ASKED.replace(b"Host: x", b"Host: x\r\nContent-Length: 3"),
        ASKED.replace(b"Host: x", b"Host: x\r\ntransfer-encoding: chunked"),
        ASKED.replace(b"Host: x", b"Host: " + b"x" * 4096),
    ],
)
def test_everything_else_is_for_a_thread(pair: tuple[socket.socket, socket.socket], octets: bytes) -> None:
    peer, served = pair
    peer.sendall(octets)
    seen(served, min(len(octets), 2048))
    assert whole_request(served) == b""


def test_who_does_not_read_is_for_a_thread(pair: tuple[socket.socket, socket.socket]) -> None:
    peer, served = pair
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    with pytest.raises(BlockingIOError):
        while True:
            served.send(bytes(65536))
    peer.sendall(ASKED)
    seen(served, len(ASKED))
    assert whole_request(served) == b""


def test_who_has_gone_is_for_a_thread(pair: tuple[socket.socket, socket.socket]) -> None:
    peer, served = pair
    peer.close()
    assert whole_request(served) == b""


class _Slow(_Server):
    """Answers by whom it was asked: the loop is told that it takes long for ``q=long``."""

    def load(self) -> Any:
        loop = threading.get_ident()

        def app(environ: dict[str, Any], start: Any) -> list[bytes]:
            if in_loop(environ) and "long" in environ["QUERY_STRING"]:
                raise Later
            who = b"loop" if threading.get_ident() == loop else b"thread"
            start("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(who)))])
            return [who]

        return app


def _run(settings: Settings, port: int) -> None:
    _Slow(settings, {"bind": [f"127.0.0.1:{port}"], "worker_class": Worker, "workers": 1, "threads": 2}, None).run()


def _ask(peer: socket.socket, text: bytes, host: bytes = b"x") -> bytes:
    peer.sendall(ASKED.replace(b"dupont", text).replace(b"Host: x", b"Host: " + host))
    answer = peer.recv(65536)
    while b"\r\n\r\n" not in answer or not answer.endswith((b"loop", b"thread")):
        answer += peer.recv(65536)
    return answer.rpartition(b"\r\n")[2]


def test_what_takes_longer_is_asked_again_in_a_thread(tmp_path: Path) -> None:
    settings, port = Settings.load(installation(tmp_path).env, None, {}), free_port()
    process = multiprocessing.get_context("spawn").Process(target=_run, args=(settings, port))
    process.start()
    try:
        peer = None
        while peer is None:
            assert process.is_alive()
            try:
                peer = socket.create_connection(("127.0.0.1", port), timeout=60)
            except OSError:
                process.join(0.05)
        with peer:
            assert [_ask(peer, text) for text in (b"a", b"b", b"long", b"c", b"longer", b"d")] == [
                b"thread", b"loop", b"thread", b"loop", b"thread", b"loop",
            ]  # fmt: skip
            assert _ask(peer, b"longest", b"x\r\nConnection: close") == b"thread"
            assert peer.recv(1) == b""
    finally:
        process.terminate()
        process.join(60)


def test_answers_are_the_same_whoever_gives_them(tmp_path: Path) -> None:
    directory, _ = world.build_world(tmp_path)
    directory.close()
    process, port = start(tmp_path, tmp_path / "http.log")
    try:
        expected = [get(port, f"/v1/suggest?q={text}") for text in ("dup", "dupont", "", "zzzz")]
        with socket.create_connection(("127.0.0.1", port), timeout=60) as peer:
            for text, (status, headers, body) in zip(("dup", "dupont", "", "zzzz"), expected, strict=True):
                for asked in (ASKED, ASKED + ASKED):  # the second is read ahead of the first's answer
                    peer.sendall(asked.replace(b"dupont", text.encode()))
                    for _ in range(asked.count(b"GET")):
                        got = _answer(peer)
                        assert (got[0], got[1][b"etag"], got[2]) == (status, headers["ETag"].encode(), body)
            peer.sendall(b"GET /v1/suggest?q=dupont&limit=0 HTTP/1.1\r\nHost: x\r\n\r\n")
            refused = _answer(peer)
            assert refused[0] == 400 and json.loads(refused[2])["type"].startswith("/problems/")
            peer.sendall(b"GET /v1/suggest?q=dupont HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert _answer(peer)[2] == expected[1][2] and peer.recv(1) == b""
    finally:
        process.terminate()
        assert process.wait(60) == 0


def _answer(peer: socket.socket) -> tuple[int, dict[bytes, bytes], bytes]:
    """One answer, and not an octet of the next."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += peer.recv(1)
    first, *lines = head[:-4].split(b"\r\n")
    headers = {name.lower(): value for name, value in (line.split(b": ", 1) for line in lines)}
    body = b""
    while len(body) < int(headers[b"content-length"]):
        body += peer.recv(int(headers[b"content-length"]) - len(body))
    return int(first.split()[1]), headers, body
