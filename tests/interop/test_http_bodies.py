"""Bodies that come slowly or never, and many of them, over real sockets: who asks little is answered meanwhile, who
sends much has a turn, and nothing is done on half of a body."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pytest
import web_world
from certificates import Authority
from e2e.installation import free_port, installation, wait_for_port
from http_support import get, served

from directory_service.web.arrivals import MOST_HELD
from directory_service.web.framing import SMALL

THREADS, TIME = 4, 1.0  # two of them read bodies
MANY = 10 * THREADS
SOON = 20.0  # seconds, far from ``http_request_time`` of the patient
POST = b"POST /v1/verify HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
BATCH = b"POST /v1/verify/batch HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\n"
KEPT = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
QUESTION = json.dumps({"address": "zoe.d-essai@medecin.mssante.fr"}).encode()
WHOLE = POST + b"Content-Length: %d\r\n\r\n" % len(QUESTION) + QUESTION
LINES = b"\n".join([QUESTION] * (2 * SMALL // len(QUESTION)))
PAGE, PLAIN = b"GET /problems/busy HTTP/1.1\r\nHost: x\r\n\r\n", "text/plain; charset=utf-8"
LONG = BATCH + b"Content-Length: %d\r\n\r\n" % len(LINES) + LINES


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bodies")
    directory, _ = web_world.build_world(folder)
    directory.close()
    return folder


@pytest.fixture(scope="module")
def patient(folder: Path) -> Iterator[int]:
    with served(folder, folder / "patient", WORKERS=1, THREADS=THREADS, HTTP_REQUEST_TIME=600) as port:
        yield port


@pytest.fixture(scope="module")
def hasty(folder: Path) -> Iterator[int]:
    with served(folder, folder / "hasty", WORKERS=1, THREADS=2, HTTP_REQUEST_TIME=TIME) as port:
        yield port


@pytest.fixture
def opened() -> Iterator[contextlib.ExitStack]:
    with contextlib.ExitStack() as stack:
        yield stack


def connect(stack: contextlib.ExitStack, port: int, said: bytes = b"", here: str = "127.0.0.1") -> socket.socket:
    peer = stack.enter_context(socket.create_connection(("127.0.0.1", port), SOON, (here, 0)))
    peer.sendall(said)
    return peer


def answer(peer: socket.socket) -> tuple[http.client.HTTPResponse, bytes]:
    found = http.client.HTTPResponse(peer)
    found.begin()
    return found, found.read()


def status(peer: socket.socket) -> int:
    return answer(peer)[0].status


def _read(stream: BinaryIO) -> str:
    """One answer of several: its type."""
    assert b" 200 " in stream.readline()
    headers = http.client.parse_headers(stream)
    if "Content-Length" in headers:
        assert len(stream.read(int(headers["Content-Length"])))
    else:
        while size := int(stream.readline(), 16):
            stream.read(size + 2)
        stream.readline()
    return headers["Content-Type"]


def rest(peer: socket.socket) -> bytes:
    return b"".join(iter(lambda: peer.recv(65536), b""))


HOLDING = {
    "half of a small body": POST + b"Content-Length: 5000\r\n\r\n{",
    "half of a long body": LONG[: SMALL // 2],
    "chunks without an end": POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\n \r\n",
    "a body that waits to be asked for": POST + b"Expect: 100-continue\r\nContent-Length: 5000\r\n\r\n",
    "a body that nobody reads": b"GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n{",
    "half of a head after a request": KEPT + KEPT[:9],
    "half of a body after a request": KEPT + WHOLE[:-9],
    "an empty line": b"\r\n",
    "a long head without an end": KEPT[:-2] + (b"A: " + b"a" * 8000 + b"\r\n") * 3,
    "an answer, and no end": KEPT.replace(b"1.1", b"1.0"),
}


@pytest.mark.parametrize("said", HOLDING.values(), ids=HOLDING)
def test_what_does_not_come_whole_keeps_nobody_out(patient: int, opened: contextlib.ExitStack, said: bytes) -> None:
    for _ in range(MANY):
        connect(opened, patient, said)
    asking = opened.enter_context(contextlib.closing(http.client.HTTPConnection("127.0.0.1", patient, timeout=SOON)))
    for path in ("/healthz", "/v1/suggest?q=dupont", "/v1/suggest?q=dupont", "/healthz"):
        asking.request("GET", path)
        found = asking.getresponse()
        assert found.status == 200 and found.read()
    assert status(connect(opened, patient, WHOLE)) == 200


@pytest.mark.parametrize("size", [1, 7, len(WHOLE)])
def test_a_small_body_in_pieces_is_answered_and_the_connection_kept(
    patient: int, opened: contextlib.ExitStack, size: int
) -> None:
    peer, said = connect(opened, patient), WHOLE + PAGE + WHOLE
    for begin in range(0, len(said), size):
        peer.sendall(said[begin : begin + size])
    stream = opened.enter_context(peer.makefile("rb"))
    assert [_read(stream) for _ in range(3)] == ["application/json", PLAIN, "application/json"]


def test_requests_after_one_another_are_answered_in_turn(patient: int, opened: contextlib.ExitStack) -> None:
    peer = connect(opened, patient, (WHOLE + PAGE + LONG) * 3 + WHOLE[:-5])
    stream = opened.enter_context(peer.makefile("rb"))
    kinds = [_read(stream) for _ in range(9)]
    peer.sendall(WHOLE[-5:])
    kinds.append(_read(stream))
    assert kinds == ["application/json", PLAIN, "application/x-ndjson"] * 3 + ["application/json"]


def test_a_long_body_waits_for_its_turn(patient: int, opened: contextlib.ExitStack) -> None:
    first, *others = [connect(opened, patient, HOLDING["half of a long body"]) for _ in range(4)]
    waiting = connect(opened, patient, LONG, "127.0.0.2")
    assert get(patient, "/healthz")[0] == 200
    waiting.setblocking(False)
    with pytest.raises(BlockingIOError):
        waiting.recv(1)
    waiting.settimeout(SOON)
    first.close()
    assert status(waiting) == 200  # before the others, of whom one has a place
    assert others


def test_more_than_may_be_collected_is_not(patient: int, opened: contextlib.ExitStack) -> None:
    said = POST + b"Content-Length: %d\r\n\r\n" % SMALL + b" " * (SMALL - 1)
    peers = [connect(opened, patient, said) for _ in range(MOST_HELD // SMALL + 10)]
    assert status(connect(opened, patient, WHOLE)) == 200
    assert status(peers[0]) == 503


@pytest.mark.parametrize("said", [
    KEPT, HOLDING["half of a long body"], HOLDING["half of a small body"], HOLDING["an answer, and no end"],
])  # fmt: skip
def test_of_more_connections_than_a_worker_takes_some_give_way(
    folder: Path, opened: contextlib.ExitStack, said: bytes
) -> None:
    """Those that wait for a place, and those that are over, too; one that has just sent something may be among them,
    at which the worker ended."""
    with served(folder, folder / "few", WORKERS=1, THREADS=2, HTTP_REQUEST_TIME=600, HTTP_CONNECTIONS=10) as port:
        for _ in range(50):
            connect(opened, port, said)
        for _ in range(3):
            assert status(connect(opened, port, WHOLE)) == 200
        opened.close()


@pytest.mark.parametrize("said", [
    HOLDING["half of a small body"], HOLDING["half of a long body"], HOLDING["chunks without an end"],
])  # fmt: skip
def test_a_body_that_comes_too_slowly_is_told_so(hasty: int, opened: contextlib.ExitStack, said: bytes) -> None:
    peer = connect(opened, hasty, said)
    found, body = answer(peer)
    assert found.status == 408 and json.loads(body)["type"] == "/problems/bad-request"
    assert json.loads(body)["detail"] == "le corps n'est pas arrivé à temps"
    assert found.headers["Connection"] == "close" and peer.recv(1) == b""


def test_what_finds_no_turn_in_time_is_told_to_come_back(hasty: int, opened: contextlib.ExitStack) -> None:
    peers = [connect(opened, hasty, HOLDING["half of a long body"]) for _ in range(20)]
    found = [answer(peer)[0] for peer in peers]
    assert {one.status for one in found} == {408, 503}
    assert all(one.headers["Retry-After"] for one in found if one.status == 503)


@pytest.mark.parametrize("said", [
    LONG[:-1], BATCH + b"Content-Length: 5000\r\n\r\n" + QUESTION + b"\n",
    BATCH + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n" % (len(QUESTION), QUESTION),
])  # fmt: skip
def test_nothing_is_done_on_a_body_that_ends_early(patient: int, opened: contextlib.ExitStack, said: bytes) -> None:
    """It was taken for whole: a list that broke off on the way was published as far as it had come."""
    peer = connect(opened, patient, said)
    peer.shutdown(socket.SHUT_WR)
    assert not rest(peer).startswith(b"HTTP/1.1 200")


def test_a_request_whose_client_only_listens_on_is_answered(patient: int, opened: contextlib.ExitStack) -> None:
    for said in (WHOLE, LONG):
        peer = connect(opened, patient, said)
        peer.shutdown(socket.SHUT_WR)
        assert status(peer) == 200


@pytest.mark.parametrize("said", [
    POST + b"Content-Length: 1000000000\r\n\r\n", POST + b"Content-Length: %d\r\n\r\n" % SMALL + b" " * SMALL,
    POST + b"Transfer-Encoding: chunked\r\n\r\n" + b"4000\r\n%b\r\n" % (b" " * 0x4000) * 2,
])  # fmt: skip
def test_a_body_that_is_too_long_is_refused_before_its_end(
    patient: int, opened: contextlib.ExitStack, said: bytes
) -> None:
    assert status(connect(opened, patient, said)) == 413


def test_a_body_that_nobody_asked_for_is_no_request(patient: int, opened: contextlib.ExitStack) -> None:
    for method in (b"GET", b"HEAD"):
        peer = connect(opened, patient)
        for _ in range(2):
            peer.sendall(method + b" /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(KEPT) + KEPT)
            found = http.client.HTTPResponse(peer, method=method.decode())
            found.begin()
            assert found.status == 200 and bool(found.read()) == (method == b"GET")


def test_who_is_asked_for_the_body_sends_it(patient: int, opened: contextlib.ExitStack) -> None:
    head, _, body = LONG.partition(b"\r\n\r\n")
    peer = connect(opened, patient, head + b"\r\nExpect: 100-continue\r\n\r\n")
    assert peer.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
    peer.sendall(body)
    assert status(peer) == 200


NINE = b"Content-Length: 9\r\n\r\n"
REFUSED = {
    "half a small body": (POST.replace(b" HTTP", b"?q=zqcanari HTTP") + NINE, 408, "POST", "/v1/verify"),
    "half a long body": (HOLDING["half of a long body"], 408, "POST", "/v1/verify/batch"),
    "too long a body": (POST + b"Content-Length: 1000000000\r\n\r\n", 413, "POST", "/v1/verify"),
    "a route that is none": (b"PUT /zqcanari HTTP/1.1\r\n" + NINE, 408, "PUT", "unmatched"),
    "a method that is none": (POST.replace(b"POST", b"ZQCANARI") + NINE, 408, "other", "unmatched"),
    "no request": (b"zqcanari\r\n\r\n", 400, "other", "unmatched"),
    "too long a path": (b"GET /zqcanari?q=" + b"a" * 9000 + b" HTTP/1.1\r\n\r\n", 414, "other", "unmatched"),
    "too many fields": (KEPT[:-2] + b"A: zqcanari\r\n" * 65 + b"\r\n", 431, "other", "unmatched"),
}  # fmt: skip


def test_what_is_refused_before_the_routes_is_logged_as_what_they_answer(
    folder: Path, opened: contextlib.ExitStack
) -> None:
    log = folder / "access.log"
    chosen = {"ACCESS_LOG": log, "ACCESS_LOG_ADDRESS": "full", "TRUSTED_PROXIES": "127.0.0.3"}
    with served(folder, folder / "logged", WORKERS=1, THREADS=2, HTTP_REQUEST_TIME=TIME, **chosen) as port:
        log.write_text("")
        expected = []
        for said, code, method, route in REFUSED.values():
            found, body = answer(connect(opened, port, said, "127.0.0.2"))
            assert found.status == code
            expected.append({"operation": method, "route": route, "status": code, "bytes": len(body)})
        told = [json.loads(line) for line in log.read_text().splitlines()]
        assert [{name: line[name] for name in expected[0]} for line in told] == expected
        assert {(line["face"], line["address"], line["identity"]) for line in told} == {("http", "127.0.0.2", "")}

        behind = HOLDING["half of a long body"].replace(b"\r\n", b"\r\nX-Forwarded-For: 192.0.2.7\r\n", 1)
        peers = [connect(opened, port, behind, "127.0.0.3") for _ in range(20)]
        codes = sorted(status(peer) for peer in peers)
        told = [json.loads(line) for line in log.read_text().splitlines()][len(expected) :]
        assert sorted(line["status"] for line in told) == codes and set(codes) == {408, 503}
        assert {(line["route"], line["address"]) for line in told} == {("/v1/verify/batch", "192.0.2.7")}
        assert b'route="/v1/verify/batch",status="503"' in get(port, "/metrics")[2]
    assert "zqcanari" not in log.read_text().lower()


@pytest.fixture(scope="module")
def secured(folder: Path) -> Iterator[tuple[int, ssl.SSLContext]]:
    authority, port = Authority(folder, "Portail"), free_port()
    chosen = {"DATA": folder, "WORKERS": 1, "THREADS": 2, "HTTP_REQUEST_TIME": TIME, "HTTPS_PORT": port}
    chosen["HTTP_TLS_CERTIFICATE"] = authority.server()
    env = installation(folder).env | {f"ANNUAIRE_{name}": str(value) for name, value in chosen.items()}
    process = subprocess.Popen([sys.executable, "-m", "directory_service.serve", str(os.getpid()), "https"], env=env)
    try:
        wait_for_port(process, port)
        yield port, ssl.create_default_context(cafile=str(authority.path))
    finally:
        process.terminate()
        process.wait(60)


def test_bodies_over_tls(secured: tuple[int, ssl.SSLContext], opened: contextlib.ExitStack) -> None:
    port, context = secured

    def speak(said: bytes, size: int) -> ssl.SSLSocket:
        peer = opened.enter_context(context.wrap_socket(connect(opened, port), server_hostname="localhost"))
        for begin in range(0, len(said), size):
            peer.sendall(said[begin : begin + size])
        return peer

    for size, long in ((7, 0), (1 << 20, 1)):
        stream = opened.enter_context(speak((WHOLE + PAGE) * 2 + (LONG + PAGE) * long, size).makefile("rb"))
        kinds = [_read(stream) for _ in range(4 + 2 * long)]
        assert kinds == ["application/json", PLAIN] * 2 + ["application/x-ndjson", PLAIN] * long
    for name in ("half of a small body", "half of a long body", "chunks without an end"):
        assert status(speak(HOLDING[name], 1 << 20)) == 408, name
