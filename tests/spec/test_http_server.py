"""The HTTP face as processes: what it says before the application is reached, and how it stops."""

from __future__ import annotations

import http.client
import json
import re
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import web_world as world
from http_support import get, start

Served = tuple[int, Path]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    directory, _ = world.build_world(folder)
    directory.close()
    log = folder / "http.log"
    process, port = start(folder, log)
    yield port, log
    process.terminate()
    assert process.wait(60) == 0


def send(port: int, raw: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=60) as peer:
        peer.sendall(raw)
        return b"".join(iter(lambda: peer.recv(65536), b""))


def test_the_server_does_not_say_what_it_is(served: Served) -> None:
    _, headers, _ = get(served[0], "/healthz")
    assert "Server" not in headers
    assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"DUPONTSECRET\r\n\r\n", 400),
        (b"GET /v1/suggest?q=dupontsecret HTTP/9.9\r\n\r\n", 400),
        (b"GET /v1/suggest?q=dupontsecret HTTP/1.1\r\nHost: x\r\nbad header\r\n\r\n", 400),
        (b"GET /v1/suggest?q=dupontsecret HTTP/1.1\r\n\r\n", 400),  # RFC 9112 3.2: no Host
        (b"GET /v1/suggest?q=dupontsecret HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400),
        (b"GET /v1/suggest?q=" + b"dupontsecret" * 800 + b" HTTP/1.1\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\n" + b"".join(b"X-%d: dupontsecret\r\n" % n for n in range(70)) + b"\r\n", 431),
    ],
)
def test_what_is_not_http_is_answered_by_a_problem_and_not_logged(served: Served, raw: bytes, status: int) -> None:
    port, log = served
    head, _, body = send(port, raw).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert b"Cache-Control: no-store" in head.split(b"\r\n")
    told = json.loads(body)
    assert told["type"] == "/problems/bad-request"
    assert ("illisible" in told["detail"]) == (status == 400)  # what is too long reads well
    assert b"dupontsecret" not in body.lower()
    assert "dupontsecret" not in log.read_text().lower()
    told_of = get(port, "/metrics")[2].decode()
    (seconds,) = re.findall(r'request_seconds_sum\{route="unmatched"\} (\S+)', told_of)
    assert float(seconds) >= 0.0  # what never reached a route took no time of ours


@pytest.mark.parametrize(
    "chunks",
    [
        b"zz\r\nabc\r\n0\r\n\r\n",
        b"3\r\n{} \r\n0\r\nno trailer\r\n\r\n",
        b"3;a b\x00\r\n{} \r\n0\r\n\r\n",
        b"3\r\n{} xx",
    ],
)
def test_a_body_that_is_no_chunks_is_the_callers_fault(served: Served, chunks: bytes) -> None:
    port, log = served
    head = (
        b"POST /v1/verify HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    status, _, body = send(port, head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks).partition(b"\r\n")
    assert status.startswith(b"HTTP/1.1 400 ") and b"/problems/bad-request" in body
    assert "incident" not in log.read_text()


def test_a_request_says_whom_it_is_for_but_in_http_1_0(served: Served) -> None:
    assert send(served[0], b"GET /healthz HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.0 200 ")
    kept = b"GET /v1/suggest?q=dupont HTTP/1.1\r\n"
    answers = send(served[0], kept + b"Host: x\r\n\r\n" + kept + b"\r\n")
    assert [answers.count(b"HTTP/1.1 %d " % status) for status in (200, 400)] == [1, 1]


def test_no_header_moves_the_path(served: Served) -> None:
    """gunicorn takes them from peers of its own machine, where a proxy may be."""
    for name in ("Script_Name", "SCRIPT_NAME", "Script-Name"):
        raw = f"GET /else/metrics HTTP/1.1\r\nHost: x\r\n{name}: /else\r\nConnection: close\r\n\r\n"
        assert send(served[0], raw.encode()).startswith(b"HTTP/1.1 404 ")


def test_one_connection_serves_many_requests(served: Served) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", served[0], timeout=60)
    for n in range(20):
        connection.request("GET", f"/v1/suggest?q=dupont&limit={n % 5 + 1}")
        answer = connection.getresponse()
        assert answer.status == 200 and json.loads(answer.read())["items"]
    connection.close()


def test_metrics_add_up_the_workers(served: Served) -> None:
    def asked() -> float:
        text = get(served[0], "/metrics")[2].decode()
        wanted = 'annuaire_http_requests_total{method="GET",route="/healthz",status="200"}'
        return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith(wanted))

    before = asked()
    for _ in range(12):
        get(served[0], "/healthz")
    assert asked() == before + 12


def test_a_request_under_way_is_answered_when_told_to_stop(tmp_path: Path) -> None:
    directory, _ = world.build_world(tmp_path)
    directory.close()
    process, port = start(tmp_path, tmp_path / "http.log")
    body = b'{"address":"zoe.d-essai@medecin.mssante.fr"}'
    head = (
        "POST /v1/verify HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        f"Expect: 100-continue\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", port), timeout=30) as peer:
        peer.sendall(head.encode() + body[:10])
        assert peer.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"  # it is under way
        process.send_signal(signal.SIGTERM)
        _wait_closed(port)
        peer.sendall(body[10:])
        answer = b"".join(iter(lambda: peer.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 200") and b'"verified"' in answer
    assert process.wait(60) == 0


def _wait_closed(port: int) -> None:
    """It takes no more connections: it was told to stop."""
    deadline = time.monotonic() + 60
    with suppress(OSError):
        while True:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
            assert time.monotonic() < deadline
