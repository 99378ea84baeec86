"""Workers of one face hand connections over, until each has as many; nobody who is connected can tell."""

from __future__ import annotations

import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import pytest
import web_world as world
from e2e.installation import free_port, installation, wait_for_port

from directory_service import siblings
from directory_service.siblings import Siblings

SEARCH = bytes.fromhex(
    "30250201026320040 00a01000a0100020100020100010100870b6f626a656374436c6173733000".replace(" ", "")
)
ASKED = b"GET /v1/suggest?q=dupont HTTP/1.1\r\nHost: x\r\n\r\n"


def test_half_of_the_difference_goes_over_and_stays_connected(tmp_path: Path) -> None:
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        clients = [stack.enter_context(socket.create_connection(listener.getsockname())) for _ in range(9)]
        held = [listener.accept()[0] for _ in clients]
        poor = stack.enter_context(closing(Siblings(tmp_path, "x", "poor")))
        rich = stack.enter_context(closing(Siblings(tmp_path, "x", "rich")))
        handed = []

        def hand(number: int, give: Callable[[socket.socket | int], bool]) -> None:
            for _ in range(number):
                clients[len(handed)].sendall(b"unread")
                given = held.pop(0)
                assert give(given)
                given.close()
                handed.append(given)

        poor.even_out(2, hand)
        assert list(rich.received()) == [] and not handed
        rich.even_out(len(held), hand)
        assert len(handed) == 3
        got = [client for client, _ in poor.received()]
        for client, there in zip(clients, got, strict=False):
            with there:
                assert there.recv(100) == b"unread"
                there.sendall(b"answer")
                assert client.recv(100) == b"answer"
        rich.even_out(len(held), hand)  # as many as it was told, and gave: nothing more to do
        assert len(handed) == 3
        for one in held:
            one.close()


def test_who_was_killed_is_given_nothing_and_forgotten(tmp_path: Path) -> None:
    given: list[int] = []
    with closing(Siblings(tmp_path, "x", "alive")) as alive:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as dead:
            dead.bind(str(tmp_path / "x-dead.sock"))
            dead.sendto(b"0", str(tmp_path / "x-alive.sock"))
        list(alive.received())
        alive.even_out(10, lambda number, _give: given.append(number))
        assert not given and not (tmp_path / "x-dead.sock").exists()


def test_the_one_that_has_least_is_given_to_a_few_at_a_time_until_it_has_gone(tmp_path: Path) -> None:
    given: list[int | bool] = []
    with ExitStack() as stack:
        rich, poor, poorer = (stack.enter_context(closing(Siblings(tmp_path, "x", name))) for name in ("0", "1", "2"))
        odd = stack.enter_context((tmp_path / "odd").open("w"))

        def hand(number: int, give: Callable[[socket.socket | int], bool]) -> None:
            given.extend((number, give(odd.fileno())))
            poorer.close()
            given.append(give(odd.fileno()))

        poor.even_out(50, hand)
        poorer.even_out(3, hand)
        list(rich.received())
        rich.even_out(1000, hand)
        assert given == [64, True, False]


def test_who_has_long_said_nothing_is_given_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(Siblings(tmp_path, "x", "one")) as one, closing(Siblings(tmp_path, "x", "stopped")) as stopped:
        stopped.even_out(0, lambda *_: None)
        list(one.received())
        monkeypatch.setattr(siblings, "_LATE", 0.0)
        one.even_out(10, lambda *_: pytest.fail("it would keep them waiting"))


def test_who_does_not_listen_keeps_nobody_waiting(tmp_path: Path) -> None:
    with closing(Siblings(tmp_path, "x", "one")) as one, closing(Siblings(tmp_path, "x", "stopped")):
        for held in range(1000):  # more than the kernel keeps for it
            one.even_out(held, lambda *_: pytest.fail("nobody has less"))


def test_the_socket_of_an_earlier_process_of_the_same_number_is_replaced(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as killed:
        killed.bind(str(tmp_path / "x-one.sock"))
    with closing(Siblings(tmp_path, "x", "one")) as one, closing(Siblings(tmp_path, "x", "other")) as other:
        other.even_out(0, lambda *_: None)
        given: list[int] = []
        list(one.received())
        one.even_out(10, lambda number, _give: given.append(number))
        assert given == [5]


def test_what_cannot_be_taken_is_closed(tmp_path: Path) -> None:
    """Who has gone meanwhile must not leave its descriptor to a process that lives for months."""
    with closing(Siblings(tmp_path, "x", "one")) as one, closing(Siblings(tmp_path, "x", "other")) as other:
        one.even_out(0, lambda *_: None)
        list(other.received())
        before = set(Path("/proc/self/fd").iterdir())
        with Path("/dev/null").open() as odd:  # no socket: it cannot be opened as one
            other.even_out(2, lambda _number, give: give(odd.fileno()))
        assert list(one.received()) == []
        assert {link.name for link in Path("/proc/self/fd").iterdir()} <= {link.name for link in before}


def test_a_worker_without_a_descriptor_left_goes_on(tmp_path: Path) -> None:
    """It ended, and with it the connections of all its clients."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with closing(Siblings(tmp_path, "ldap-1", "1")) as one:
        resource.setrlimit(resource.RLIMIT_NOFILE, (1, most[1]))
        try:
            one.even_out(10, lambda *_: pytest.fail("nobody is there"))
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, most)


def test_a_folder_whose_name_is_too_long_for_a_socket_shares_nothing(tmp_path: Path) -> None:
    assert Siblings.among("", "x", "h", 1) is None
    assert Siblings.among(str(tmp_path / ("long" * 40)), "x", "h", 1) is None


def test_a_folder_that_others_write_into_or_own_shares_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with tempfile.TemporaryDirectory() as short:  # pytest's own names are long
        for mode, shared in ((0o700, True), (0o755, True), (0o770, False), (0o707, False)):
            Path(short).chmod(mode)
            found = Siblings.among(short, "x", "h", 1)
            assert bool(found) == shared
            if found:
                found.close()
        Path(short).chmod(0o700)
        monkeypatch.setattr("os.getuid", lambda: 1 + Path(short).stat().st_uid)
        assert Siblings.among(short, "x", "h", 1) is None


def test_workers_of_another_port_are_strangers(tmp_path: Path) -> None:
    short = Path(tempfile.mkdtemp())  # pytest's own names are long
    try:
        with ExitStack() as stack:
            made = [Siblings.among(str(short), "x", host, port) for host, port in (("h", 1), ("h", 2), ("i", 1))]
            one, *others = [stack.enter_context(closing(found)) for found in made if found]
            assert len(others) == 2
            for other in others:
                other.even_out(0, lambda *_: None)
            list(one.received())
            given: list[int] = []
            one.even_out(10, lambda number, _give: given.append(number))
            assert not given
    finally:
        shutil.rmtree(short)


# --- real workers ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=["ldap", "http"])
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    """``annuaire serve`` with two workers of one face."""
    face, port = request.param, free_port()
    folder = tmp_path_factory.mktemp(face)
    directory, _ = world.build_world(folder)
    directory.close()
    chosen = {"ANNUAIRE_DATA": str(folder), f"ANNUAIRE_{face.upper()}_PORT": str(port), "ANNUAIRE_WORKERS": "2"}
    env = installation(folder).env | chosen | {"TMPDIR": "/tmp"}
    command = [str(Path(sys.executable).with_name("annuaire")), "serve", face]
    process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL)
    try:
        wait_for_port(process, port)
        yield face, port
    finally:
        process.terminate()
        assert process.wait(60) == 0


def shares(port: int) -> list[int]:
    """How many connections of this port each process holds."""
    inodes = set()
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[1].endswith(f":{port:04X}") and fields[3] == "01":
            inodes.add(f"socket:[{fields[9]}]")
    found = Counter[str]()
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # others end meanwhile
            for link in (process / "fd").iterdir():
                with suppress(OSError):
                    found[process.name] += str(link.readlink()) in inodes
    return sorted(filter(None, found.values()))


def test_workers_share_their_connections_evenly(served: tuple[str, int]) -> None:
    face, port = served
    asked = ASKED if face == "http" else SEARCH
    with ExitStack() as stack:
        clients = [stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=30)) for _ in range(16)]
        deadline, answers = time.monotonic() + 60, set()
        while True:
            for client in clients:
                client.sendall(asked)
            for client in clients:
                answers.add(_whole(client, face))
            if shares(port) == [8, 8] or time.monotonic() > deadline:
                break
        assert shares(port) == [8, 8]
        for client in clients:
            client.sendall(asked)
            answers.add(_whole(client, face))
        assert len(answers) == 1


def _whole(client: socket.socket, face: str) -> bytes:
    """One answer, less what tells the time."""
    octets = client.recv(65536)
    while face == "http" and not octets.endswith(b"}"):
        octets += client.recv(65536)
    assert octets
    return octets.rpartition(b"\r\n\r\n")[2] if face == "http" else octets
