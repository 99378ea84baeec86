"""``annuaire serve`` as its user sees it: both faces answer, a dead worker comes back, SIGTERM ends it cleanly."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import ldap3
import pytest
from e2e.installation import Installation, Server, forked, free_port, runs, start, until


def get(here: Installation, path: str) -> dict[str, object]:
    with urllib.request.urlopen(here.http + path, timeout=30) as answer:
        return dict(json.load(answer))


def answered(here: Installation, path: str) -> int:
    try:
        with urllib.request.urlopen(here.http + path, timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def children(pid: int, part: str) -> list[int]:
    """Our worker processes of one part, by the command line that the kernel shows."""
    found = []
    for child in forked(pid):
        with contextlib.suppress(FileNotFoundError):
            if Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")[-2:-1] == [part.encode()]:
                found.append(child)
    return found


@pytest.fixture
def server(loaded: Installation, tmp_path: Path) -> Iterator[tuple[Installation, Server]]:
    """One of the test's own, to do harm to."""
    here = loaded.copy(tmp_path / "copy")
    running = start(here)
    try:
        running.wait_for("Ctrl-C")
        yield here, running
    finally:
        if running.process.poll() is None:
            running.process.kill()
            running.process.wait()


def test_the_lines_it_prints_give_results(served: Installation, loaded: Installation) -> None:
    log = next(loaded.folder.glob("serve-*.log")).read_text()
    lines = [line.strip() for line in log.splitlines() if line.startswith("  ")]
    assert {shlex.split(line)[0] for line in lines} == {"ldapsearch", "curl"}
    for line in lines:
        done = subprocess.run(shlex.split(line), capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, line + done.stderr
        assert "@" in done.stdout, line


def test_systemd_is_told_once_every_port_answers_and_the_journal_nobodys_name(
    loaded: Installation, tmp_path: Path
) -> None:
    here = loaded.copy(tmp_path / "copy")
    here.env["NOTIFY_SOCKET"] = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(here.env["NOTIFY_SOCKET"])
        manager.settimeout(60)
        running = start(here)
        try:
            assert manager.recv(1024) == b"READY=1"
            assert answered(here, "/healthz") == 200
            ldap3.Connection(ldap3.Server(here.ldap), auto_bind=True).unbind()
            running.wait_for("Prêt.")
            assert len(running.said.splitlines()) == 1 and "@" not in running.said
        finally:
            assert running.stop() == 0, running.said
        manager.setblocking(False)
        with pytest.raises(BlockingIOError):  # gunicorn has nothing to say
            manager.recv(1024)


def test_it_begins_on_an_index_of_another_suffix_and_replaces_it(loaded: Installation, tmp_path: Path) -> None:
    here = loaded.copy(tmp_path / "copy")
    here.env["ANNUAIRE_LDAP_SUFFIX"] = "dc=exemple,dc=fr"
    running = start(here)
    try:
        running.wait_for("Ctrl-C")
        server, deadline = ldap3.Server("127.0.0.1", here.ldap_port), time.monotonic() + 60
        with ldap3.Connection(server) as connection:
            while not connection.search("ou=bal,dc=exemple,dc=fr", "(mail=*)", size_limit=1):
                assert time.monotonic() < deadline, running.said
                time.sleep(0.1)
    finally:
        assert running.stop() == 0, running.said


def test_it_begins_on_an_index_of_another_version_and_replaces_it(loaded: Installation, tmp_path: Path) -> None:
    """The registry was brought up to date, the index was not: the first answers are 503 and 52."""
    here = loaded.copy(tmp_path / "copy")
    with contextlib.closing(sqlite3.connect(here.folder / "var" / "index" / "current")) as build:
        build.execute("UPDATE meta SET value = '1' WHERE key = 'version'")
        build.commit()
    running = start(here)
    try:
        running.wait_for("Ctrl-C")
        until(lambda: answered(here, "/readyz") != 503, lambda: running.said)
        assert answered(here, "/readyz") == 200
    finally:
        assert running.stop() == 0, running.said


def test_a_worker_that_dies_is_replaced(server: tuple[Installation, Server]) -> None:
    here, running = server
    for part in ("ldap", "http", "follow"):
        victims = children(running.process.pid, part)
        os.kill(victims[0], signal.SIGKILL)
        deadline = time.monotonic() + 60
        while not (now := children(running.process.pid, part)) or victims[0] in now or len(now) < len(victims):
            assert time.monotonic() < deadline, running.said
            time.sleep(0.05)
    running.wait_for("le processus ldap s'est arrêté")
    deadline = time.monotonic() + 60
    while True:
        with contextlib.suppress(OSError):
            assert get(here, "/readyz")["status"] == "ready"
            break
        assert time.monotonic() < deadline
    ldap3.Connection(ldap3.Server(here.ldap), auto_bind=True).unbind()


@pytest.mark.parametrize("part", ["ldap", "http"])
def test_a_worker_is_replaced_though_somebody_cleaned_the_run_folder(
    part: str, loaded: Installation, tmp_path: Path
) -> None:
    """As systemd-tmpfiles does in /tmp after ten days: no worker could start again, and metrics were an incident; one
    of gunicorn's took the whole HTTP face with it for a second."""
    here = loaded.copy(tmp_path / "copy")
    folder = Path(tempfile.mkdtemp())  # pytest's own names are too long for a socket
    here.env["ANNUAIRE_RUN_FOLDER"] = str(folder)
    running = start(here)

    def listening() -> set[int]:  # the workers that have started, by the sockets they hand connections over by
        return {int(path.stem.rpartition("-")[2]) for path in folder.glob("*.sock")}

    try:
        running.wait_for("Ctrl-C")
        (gunicorn,) = children(running.process.pid, "http")
        ours = {"ldap": children(running.process.pid, "ldap"), "http": forked(gunicorn)}
        until(lambda: listening() >= {*ours["ldap"], *ours["http"]}, lambda: running.said)
        shutil.rmtree(folder)
        os.kill(ours[part][0], signal.SIGKILL)
        until(listening, lambda: running.said)
        assert answered(here, "/metrics") == 200
        until(lambda: list((folder / "metrics").glob("*.db")), lambda: running.said)
        if part == "ldap":  # gunicorn replaces its own, and says nothing
            running.wait_for("le processus ldap s'est arrêté")
        assert children(running.process.pid, "http") == [gunicorn]
    finally:
        assert running.stop() == 0, running.said
        shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_everything_in_time(server: tuple[Installation, Server], number: signal.Signals) -> None:
    here, running = server
    workers = [pid for part in ("ldap", "http", "follow") for pid in children(running.process.pid, part)]
    # A client that never reads nor leaves must not keep the service up.
    with (
        socket.create_connection(("127.0.0.1", here.ldap_port)),
        socket.create_connection(("127.0.0.1", here.ldap_port)),
    ):
        running.process.send_signal(number)
        assert running.process.wait(15) == 0, running.said
    assert len(workers) == 4
    assert not any(map(runs, workers))


def test_workers_do_not_outlive_a_supervisor_that_was_killed(server: tuple[Installation, Server]) -> None:
    _, running = server
    workers = [pid for part in ("ldap", "http", "follow") for pid in children(running.process.pid, part)]
    running.process.kill()
    running.process.wait()
    until(lambda: not any(map(runs, workers)))


def loopback() -> Iterator[str]:
    """A container may know IPv6 and have no address of it."""
    yield "127.0.0.1"
    with contextlib.suppress(OSError):
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
        yield "::1"


def test_every_address_is_that_of_both_protocols(loaded: Installation, tmp_path: Path) -> None:
    """``host = "::"``: a client without IPv6 is answered by every face, LDAP and the policy service among them."""
    here, policy = loaded.copy(tmp_path / "both"), free_port()
    here.run("operator", "add", "essai")
    here.run("index")
    running = {"ANNUAIRE_POLICY_PORT": str(policy), "ANNUAIRE_POLICY_HOST": "::", "ANNUAIRE_POLICY_OPERATOR": "essai"}
    running |= {} if socket.has_dualstack_ipv6() else {"ANNUAIRE_POLICY_HOST": "0.0.0.0"}
    server = start(replace(here, env=here.env | running), "--host", running["ANNUAIRE_POLICY_HOST"])
    try:
        server.wait_for("Ctrl-C")
        for host in loopback():
            for port in (here.ldap_port, int(here.env["ANNUAIRE_HTTP_PORT"]), policy):
                socket.create_connection((host, port), timeout=5).close()
    finally:
        server.stop()


def test_a_port_that_is_taken_is_named(loaded: Installation) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = loaded.run("serve", code=5, ANNUAIRE_LDAP_PORT=port, ANNUAIRE_HTTP_PORT=str(free_port()))
    assert port in done.stderr
    assert "ldap_port" in done.stderr


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"CERTIFICATE": "nulle-part.pem"}, "nulle-part.pem"),
        ({"CERTIFICATE": "odd.pem"}, "TLS"),
        ({"KEY": "odd.pem"}, "ldap_tls_certificate"),
    ],
)
def test_tls_files_that_cannot_be_used_are_named(
    tmp_path: Path, loaded: Installation, settings: dict[str, str], says: str
) -> None:
    (tmp_path / "odd.pem").write_text("odd")
    ports = {"ANNUAIRE_LDAP_PORT": str(free_port()), "ANNUAIRE_HTTP_PORT": str(free_port())}
    files = {f"ANNUAIRE_LDAP_TLS_{name}": str(tmp_path / file) for name, file in settings.items()}
    assert says in loaded.run("serve", code=2, **ports, **files).stderr


def test_serving_before_init_says_what_to_do(tmp_path: Path, loaded: Installation) -> None:
    ports = {"ANNUAIRE_LDAP_PORT": str(free_port()), "ANNUAIRE_HTTP_PORT": str(free_port())}
    done = loaded.run("serve", code=5, ANNUAIRE_DATA=str(tmp_path / "nowhere"), **ports)
    assert "annuaire init" in done.stderr


def test_it_serves_while_the_registry_is_away(server: tuple[Installation, Server]) -> None:
    here, running = server
    assert running.stop() == 0
    (here.folder / "var" / "registry.sqlite").rename(here.folder / "away")
    again = start(here)
    try:
        again.wait_for("Ctrl-C")
        assert get(here, "/readyz")["status"] == "ready"
        assert "l'index présent continue de répondre" in again.said
    finally:
        assert again.stop() == 0


def test_a_new_build_is_taken_without_dropping_a_request(server: tuple[Installation, Server]) -> None:
    here, running = server
    before = str(get(here, "/v1/status")["build"])
    stop, failures = threading.Event(), []

    def ask() -> None:
        while not stop.is_set():
            try:
                with ldap3.Connection(ldap3.Server(here.ldap)) as connection:
                    assert connection.search("ou=bal,o=annuaire-sante,c=fr", "(mail=*)", size_limit=1) is not None
                get(here, "/v1/suggest?q=ma")
            except Exception as error:
                failures.append(error)

    clients = [threading.Thread(target=ask) for _ in range(2)]
    for client in clients:
        client.start()
    here.run("index", "--rebuild")
    deadline = time.monotonic() + 60
    while get(here, "/v1/status")["build"] == before and time.monotonic() < deadline:
        time.sleep(0.05)
    stop.set()
    for client in clients:
        client.join()
    assert failures == []
    assert get(here, "/v1/status")["build"] != before
    assert running.process.poll() is None
