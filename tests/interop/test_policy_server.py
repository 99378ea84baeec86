"""The policy service over a socket: connections that ask many times, that ask nonsense, and that stay when it ends."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import cast

import pytest
import web_world as world
from e2e.installation import free_port
from prometheus_client import REGISTRY

from directory_service.index.directory import Directory
from directory_service.policy import server
from directory_service.policy.rules import Policy
from directory_service.policy.server import Service, serve

HEAD = b"request=smtpd_access_policy\nprotocol_state=RCPT\n"


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    directory, _ = world.build_world(tmp_path_factory.mktemp("policy"))
    number, stop = free_port(), threading.Event()
    thread = threading.Thread(target=serve, args=("127.0.0.1", number, directory, Policy(world.OPERATOR), stop))
    thread.start()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            left = socket.create_connection(("127.0.0.1", number), timeout=30)
            break
        except OSError:
            time.sleep(0.02)
    yield number
    stop.set()
    thread.join(60)
    assert not thread.is_alive()
    assert left.recv(1) == b""  # told at once that it is over
    left.close()
    directory.close()


def test_one_connection_asks_many_times_at_once_or_byte_by_byte(port: int) -> None:
    asked = HEAD + b"recipient=%s@medecin.mssante.fr\n\n"
    octets = asked % b"zoe.d-essai" + asked % b"personne" + asked % b"cachee"
    for pieces in ([octets], [bytes([octet]) for octet in octets]):
        with socket.create_connection(("127.0.0.1", port), timeout=30) as peer:
            for piece in pieces:
                peer.sendall(piece)
            peer.shutdown(socket.SHUT_WR)
            said = b"".join(iter(lambda peer=peer: peer.recv(4096), b""))
        answers = said.decode().split("\n\n")
        assert [a.split(" ")[0] for a in answers] == ["action=DUNNO", "action=550", "action=DUNNO", ""]


@pytest.mark.parametrize("octets", [b"GET / HTTP/1.1\r\n\r\n", b"\n", HEAD + b"x" * 5000, HEAD + b"nonsense\n"])
def test_what_is_no_request_ends_the_connection_and_nothing_else(port: int, octets: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=30) as peer:
        peer.sendall(octets)
        assert peer.recv(1) == b""
    test_one_connection_asks_many_times_at_once_or_byte_by_byte(port)


def answered(peer: socket.socket, octets: bytes) -> bool:
    peer.sendall(octets)
    return peer.recv(4096).startswith(b"action=")


ASKED = HEAD + b"recipient=zoe.d-essai@medecin.mssante.fr\n\n"


def test_of_so_many_connections_one_that_leaves_makes_room(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """One of them is the fixture's."""
    monkeypatch.setattr(server, "CONNECTIONS", 3)
    with (
        socket.create_connection(("127.0.0.1", port), timeout=60) as one,
        socket.create_connection(("127.0.0.1", port), timeout=60) as other,
    ):
        assert answered(one, ASKED) and answered(other, ASKED)
        with socket.create_connection(("127.0.0.1", port), timeout=60) as third:
            assert third.recv(1) == b""
        one.close()
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with socket.create_connection(("127.0.0.1", port), timeout=60) as third, suppress(ConnectionError):
                if answered(third, ASKED):
                    return
    raise AssertionError("nobody is let in any more")


def test_who_never_finishes_a_request_is_cut_off_and_who_is_between_two_is_not(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "RECEIVE", 0.5)
    with (
        socket.create_connection(("127.0.0.1", port), timeout=60) as slow,
        socket.create_connection(("127.0.0.1", port), timeout=60) as idle,
        socket.create_connection(("127.0.0.1", port), timeout=60) as busy,
    ):
        assert answered(idle, ASKED)
        busy.sendall(ASKED[:1])
        slow.setblocking(False)
        begun, sent, over = time.monotonic(), 0, False
        while not over and (passed := time.monotonic() - begun) < 60:
            try:
                if passed > sent * 0.05:  # an octet more gives no more time
                    sent += slow.send(b"x")
                over = slow.recv(1) == b""
            except BlockingIOError:
                pass
            except ConnectionError:
                over = True
            assert answered(busy, ASKED[1:] + ASKED[:1])  # the next has begun when this one is answered
        assert over
        assert answered(idle, ASKED)


def test_who_asks_nothing_for_long_is_left(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "IDLE", 0.2)
    with socket.create_connection(("127.0.0.1", port), timeout=60) as peer:
        assert answered(peer, ASKED) and peer.recv(1) == b""


def test_a_fault_of_ours_stops_no_mail() -> None:
    def passed() -> float:
        return REGISTRY.get_sample_value("annuaire_policy_answers_total", {"side": "both", "outcome": "pass"}) or 0.0

    before = passed()
    service = Service(cast(Directory, None), Policy(world.OPERATOR))
    assert service._answer({"recipient": "zoe.d-essai@medecin.mssante.fr"}) == "DUNNO"
    assert passed() == before + 1


def test_it_answers_hundreds_of_questions_a_second(port: int) -> None:
    """Postfix asks once for each recipient.  The best of three, since other work may hold the machine."""
    asked = HEAD + b"sender=a@medecin.mssante.fr\nsasl_username=a\nrecipient=zoe.d-essai@medecin.mssante.fr\n\n"
    taken = []
    with socket.create_connection(("127.0.0.1", port), timeout=30) as peer, peer.makefile("rb") as answers:
        for _ in range(3):
            begun = time.perf_counter()
            for _ in range(200):
                peer.sendall(asked)
                assert answers.readline().startswith(b"action=") and answers.readline() == b"\n"
            taken.append(time.perf_counter() - begun)
    assert min(taken) < 2.0  # far below what one core does


def test_who_asks_much_at_once_keeps_nobody_waiting(port: int) -> None:
    """What another connection asks meanwhile is answered long before.  The best of three, as above."""
    asked, much = HEAD + b"recipient=zoe.d-essai@medecin.mssante.fr\n\n", 1000
    before = []
    for _ in range(3):
        with (
            socket.create_connection(("127.0.0.1", port), timeout=60) as greedy,
            socket.create_connection(("127.0.0.1", port), timeout=60) as other,
        ):
            greedy.sendall(asked * much)
            other.sendall(asked)
            assert other.recv(100) == b"action=DUNNO\n\n"
            greedy.setblocking(False)
            try:
                before.append(greedy.recv(1 << 20).count(b"action="))
            except BlockingIOError:
                before.append(0)
    assert min(before) < much / 5
