"""Answers that nobody reads yet: what threads and the loop do with them, over real sockets."""

from __future__ import annotations

import contextlib
import selectors
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from certificates import Authority

from directory_service.web.departures import MOST, ROOM, Departures
from directory_service.web.sockets import Ciphered, Plain

PAGE = bytes(range(256)) * 1024  # more than a socket takes at once
BOOK = PAGE * 20  # more than the loop keeps


@dataclass(eq=False)
class Connection:
    sock: Any


class World:
    """The loop of one worker, of whose threads one may wait."""

    def __init__(self, seconds: float = 60.0) -> None:
        self.poller = selectors.DefaultSelector()
        self.lost = list[Any]()
        self.departures = Departures(self.poller, self.lost.append, seconds, 1)

    def turn(self, until: Callable[[], bool]) -> None:
        end = time.monotonic() + 60
        while not until():
            assert time.monotonic() < end
            for key, _ in self.poller.select(0.01):
                key.data(key.fileobj)
            self.departures.cut()


@pytest.fixture(params=["plain", "TLS"])
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Any, socket.socket]]:
    """Ours, and the client's."""
    ours, theirs = socket.socketpair()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    theirs.settimeout(60)
    mine: socket.socket = Plain.of(ours)
    if request.param == "TLS":
        authority = Authority(tmp_path)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(authority.server())
        context.sslsocket_class = Ciphered
        shaking = threading.Thread(target=lambda: made.append(context.wrap_socket(mine, server_side=True)))
        made: list[socket.socket] = []
        shaking.start()
        trusting = ssl.create_default_context(cafile=str(authority.path))
        theirs = trusting.wrap_socket(theirs, server_hostname="localhost")
        shaking.join()
        mine = made[0]
    with mine, theirs:
        yield mine, theirs


def connection(world: World, sock: Any) -> Connection:
    made = Connection(sock)
    world.departures.take(made)
    return made


def read(client: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size and (octets := client.recv(4096)):
        found += octets
    return found


def test_a_page_holds_no_thread_and_comes_whole(pair: tuple[Any, socket.socket]) -> None:
    world, (ours, theirs) = World(), pair
    conn, done = connection(world, ours), list[int]()
    for part in (PAGE[:100], PAGE[100:1000], PAGE[1000:]):
        ours.sendall(part)  # nobody reads: returns all the same
    assert ours.rest
    world.departures.see_off(conn, lambda: done.append(1))
    came = list[bytes]()
    reading = threading.Thread(target=lambda: came.append(read(theirs, len(PAGE))))
    reading.start()
    world.turn(lambda: bool(done))
    reading.join(60)
    assert came == [PAGE] and not len(world.departures) and not world.lost


def test_a_book_is_waited_for_by_its_thread(pair: tuple[Any, socket.socket], tmp_path: Path) -> None:
    world, (ours, theirs) = World(), pair
    conn, done = connection(world, ours), list[int]()
    (tmp_path / "book").write_bytes(BOOK)
    with (tmp_path / "book").open("rb") as file:
        sending = threading.Thread(target=lambda: ours.sendfile(file, 0, len(BOOK)))
        sending.start()
        found = read(theirs, len(BOOK) - ROOM)
        sending.join(60)
    assert not sending.is_alive()
    world.departures.see_off(conn, lambda: done.append(1))
    reading = threading.Thread(target=lambda: came.append(read(theirs, len(BOOK) - len(found))))
    came = list[bytes]()
    reading.start()
    world.turn(lambda: bool(done))
    reading.join(60)
    assert found + came[0] == BOOK


def test_of_more_threads_that_wait_than_may_those_whose_clients_do_not_read_are_let_go() -> None:
    world, ended = World(), list[type]()

    def send(ours: Any) -> None:
        try:
            ours.sendall(BOOK)
        except OSError as error:
            ended.append(type(error))

    with contextlib.ExitStack() as stack:
        for _ in range(3):
            ours, theirs = map(stack.enter_context, socket.socketpair())
            mine = stack.enter_context(Plain.of(ours))
            connection(world, mine)
            stack.enter_context(theirs)
            threading.Thread(target=send, args=(mine,), daemon=True).start()
        world.turn(lambda: len(ended) == 3)
    assert all(issubclass(kind, OSError) for kind in ended)


def test_who_does_not_read_in_time_is_lost() -> None:
    world = World(seconds=-60.0)
    ours, theirs = socket.socketpair()
    with ours, theirs, Plain.of(ours) as mine:
        conn = connection(world, mine)
        mine.sendall(PAGE)
        world.departures.see_off(conn, lambda: None)
        world.turn(lambda: world.lost == [conn])
        mine.sendall(PAGE)
        mine.close()
        world.departures.see_off(conn, lambda: None)
        assert world.lost == [conn, conn] and not len(world.departures)


def test_of_too_much_that_waits_who_has_read_for_longest_gives_way() -> None:
    world, conns = World(), list[Any]()
    with contextlib.ExitStack() as stack:
        for _ in range(MOST // ROOM + 2):
            ours, theirs = socket.socketpair()
            stack.enter_context(theirs)
            conns.append(connection(world, stack.enter_context(Plain.of(ours))))
            conns[-1].sock.rest += bytes(ROOM)
            world.departures.see_off(conns[-1], lambda: None)
        assert world.lost == conns[:2]
        theirs.close()
        world.turn(lambda: conns[-1] in world.lost)  # gone
