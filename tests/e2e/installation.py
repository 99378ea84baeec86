"""The real command in a folder of its own: what end-to-end tests run and serve."""

from __future__ import annotations

import itertools
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from e2e.forks import run_command

ANNUAIRE = str(Path(sys.executable).with_name("annuaire"))
PEOPLE = 300


@dataclass(frozen=True)
class Installation:
    """A data folder, and the environment that points the command at it."""

    folder: Path
    env: dict[str, str]

    def run(self, *arguments: str, code: int = 0, **env: str) -> subprocess.CompletedProcess[str]:
        done = run_command(arguments, self.env | env, self.folder)
        assert done.returncode == code, done.stdout + done.stderr
        return done

    @property
    def ldap_port(self) -> int:
        return int(self.env["ANNUAIRE_LDAP_PORT"])

    @property
    def http(self) -> str:
        return f"http://127.0.0.1:{self.env['ANNUAIRE_HTTP_PORT']}"

    @property
    def ldap(self) -> str:
        return f"ldap://127.0.0.1:{self.ldap_port}"

    def copy(self, folder: Path) -> Installation:
        """The same data, elsewhere and on other ports: for tests that change it."""
        shutil.copytree(self.folder, folder, symlinks=True, ignore=shutil.ignore_patterns("registry.sqlite*"))
        # A registry in use is never copied by its files: -wal and -shm come and go under a copy.
        registry = Path("var", "registry.sqlite")
        with (
            closing(sqlite3.connect(self.folder / registry)) as old,
            closing(sqlite3.connect(folder / registry)) as new,
        ):
            old.backup(new)
        return installation(folder)


def installation(folder: Path) -> Installation:
    ours = {
        "ANNUAIRE_DATA": str(folder / "var"),
        "ANNUAIRE_LDAP_PORT": str(free_port()),
        "ANNUAIRE_LDAPS_PORT": str(free_port()),
        "ANNUAIRE_HTTP_PORT": str(free_port()),
        "ANNUAIRE_WORKERS": "2",
    }
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("ANNUAIRE_")}
    return Installation(folder, inherited | ours)


def free_port() -> int:
    """One that nobody listens on.  Each process of a run takes them in turn from a share of its own, below those that
    the kernel hands out: between here and the server's start neither a neighbour nor a client may take it."""
    for port in itertools.islice(_PORTS, _SHARE):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no port is free")


_SHARE = 1_000


def _ports() -> Iterator[int]:
    worker = int(re.sub(r"\D", "", os.environ.get("PYTEST_XDIST_WORKER", "")) or 0) % 20
    first = 10_000 + _SHARE * worker
    begun = os.getpid() % _SHARE  # other runs of the same machine begin elsewhere
    return itertools.cycle(first + (begun + n) % _SHARE for n in range(_SHARE))


_PORTS = _ports()


def runs(pid: int) -> bool:
    """Is this process alive?  One that ended stays in /proc until its parent has asked how, which the first process
    of a container may never do for those that it inherits."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def forked(pid: int) -> list[int]:
    """The processes that it started, as the kernel shows them."""
    return list(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))


def until(true: Callable[[], object], said: Callable[[], object] = str) -> None:
    """Looks for a minute, then fails with what was ``said``."""
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline, said()
        time.sleep(0.05)


def wait_for_port(process: subprocess.Popen[bytes], port: int, log: Path | None = None) -> None:
    """Until the process, which says what it says to ``log``, takes connections."""
    deadline = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            assert process.poll() is None and time.monotonic() < deadline, log.read_text() if log else port
            time.sleep(0.05)


@dataclass
class Server:
    """``annuaire serve``, running; what it said goes to a file, so that no pipe fills up."""

    process: subprocess.Popen[bytes]
    log: Path

    @property
    def said(self) -> str:
        return self.log.read_text(encoding="utf-8")

    def wait_for(self, text: str, seconds: float = 120) -> None:
        deadline = time.monotonic() + seconds
        while text not in self.said:
            assert self.process.poll() is None and time.monotonic() < deadline, self.said
            time.sleep(0.05)

    def stop(self, seconds: float = 60) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)


def start(here: Installation, *arguments: str) -> Server:
    log = here.folder / f"serve-{time.monotonic_ns()}.log"
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [ANNUAIRE, "serve", *arguments], env=here.env, cwd=here.folder, stdout=stream, stderr=subprocess.STDOUT
        )
    return Server(process, log)
