"""The supervisor of ``annuaire serve``: one process per worker, restarted when it dies, all stopped in time.

Workers share nothing but the index file and their port (SO_REUSEPORT), so that one that dies takes no other with it;
they hand connections over to one another (``siblings``).
A worker is ``python -m directory_service.serve PART`` with every setting in its environment.  This module knows how
to start and stop parts, not what they do: see ``parts``.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from directory_service import runfolder
from directory_service.errors import AnnuaireError, RegistryUnavailable, why_no_port
from directory_service.model.networks import asked_at
from directory_service.parts import PARTS
from directory_service.settings import Settings, describe

START_DEADLINE = 120.0  # seconds for every port to answer: a cold disk and eight workers on one core
FIRST_DELAY, LONGEST_DELAY = 0.5, 30.0  # seconds before a restart, doubled each time
STEADY = 60.0  # a worker that lived this long has not failed to start
_PR_SET_PDEATHSIG = 1
_NOTIFY = "NOTIFY_SOCKET"
_STOP = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


@dataclass
class Worker:
    """One process to keep alive."""

    part: str
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    due: float = 0.0  # monotonic instant of the next start
    failures: int = 0
    pid: int = 0  # of the last process started

    def start(self, env: Mapping[str, str]) -> None:
        """A process group of its own: Ctrl-C reaches the supervisor alone, which stops workers in good order."""
        command = [sys.executable, "-m", "directory_service.serve", str(os.getpid()), self.part]
        self.process = subprocess.Popen(command, env=env, process_group=0)  # noqa: S603 - our own module
        self.started, self.pid = time.monotonic(), self.process.pid

    def died(self, now: float) -> bool:
        """True once for a process that has ended; says when to start the next."""
        if self.process is None or self.process.poll() is None:
            return False
        self.process = None
        self.failures = 0 if now - self.started > STEADY else self.failures + 1
        self.due = now + min(LONGEST_DELAY, FIRST_DELAY * 2 ** max(0, self.failures - 1))
        return True

    def signal(self, number: int) -> None:
        """To the whole group, since gunicorn has processes of its own; SIGTERM to its head, which tells them."""
        if self.process is None or self.process.poll() is not None:
            return
        if number == signal.SIGKILL:
            os.killpg(self.process.pid, number)
        else:
            self.process.send_signal(number)


class Supervisor:
    """Runs ``parts`` (names, one per process) until SIGTERM or SIGINT."""

    def __init__(self, parts: Sequence[str], settings: Settings) -> None:
        self.workers = [Worker(part) for part in parts]
        self.settings = settings
        self.env: dict[str, str] = {}
        self.folder = Path()

    def run(self, announce: Callable[[], None], warn: Callable[[str], None]) -> None:
        """Calls ``announce`` once every port answers.  Raises RegistryUnavailable if a worker dies before that."""
        with runfolder.shared_folder(self.settings.run_folder) as self.folder, _signals() as wait:
            ours = replace(self.settings, run_folder=str(self.folder))
            self.env = {**os.environ, **environment(ours), **runfolder.environment(self.folder)}
            self.env.pop(_NOTIFY, None)  # gunicorn would speak to systemd in our place
            try:
                if self._wait_ready(wait):
                    announce()
                    self._keep(wait, warn)
            finally:
                self._stop()

    def _wait_ready(self, wait: Callable[[float], set[int]]) -> bool:
        """False when asked to stop meanwhile."""
        deadline = time.monotonic() + START_DEADLINE
        self._start_due()
        while not all(_answers(port.host, port.number, port.scheme) for port in self._ports()):
            if wait(0.05) & set(_STOP):
                return False
            for worker in self.workers:
                if worker.died(time.monotonic()):
                    raise RegistryUnavailable(f"le processus {worker.part} s'est arrêté au démarrage")
            if time.monotonic() > deadline:
                raise RegistryUnavailable("les ports ne répondent pas")
        return True

    def _keep(self, wait: Callable[[float], set[int]], warn: Callable[[str], None]) -> None:
        while not wait(self._patience()) & set(_STOP):
            for worker in self.workers:
                if worker.died(time.monotonic()):
                    runfolder.forget(self.folder, worker.pid)
                    warn(f"le processus {worker.part} s'est arrêté ; il est relancé")
            self._start_due()

    def _start_due(self) -> None:
        runfolder.restore(self.folder)
        for worker in self.workers:
            if worker.process is None and worker.due <= time.monotonic():
                worker.start(self.env)

    def _patience(self) -> float:
        """Seconds until a restart is due; SIGCHLD wakes us for the rest."""
        pending = [w.due for w in self.workers if w.process is None]
        return max(0.0, min(pending) - time.monotonic()) if pending else 60.0

    def _ports(self) -> list[Port]:
        return ports(self.settings, {w.part for w in self.workers})

    def _stop(self) -> None:
        deadline = time.monotonic() + self.settings.stop_deadline
        for worker in self.workers:
            worker.signal(signal.SIGTERM)
        for worker in self.workers:
            if worker.process is not None:
                try:
                    worker.process.wait(max(0.0, deadline - time.monotonic()))
                except subprocess.TimeoutExpired:
                    worker.signal(signal.SIGKILL)
                    worker.process.wait()


class Port(NamedTuple):
    """``scheme`` of its URLs, part that listens, name of the setting."""

    scheme: str
    part: str
    setting: str
    number: int
    host: str


def ports(settings: Settings, parts: Container[str]) -> list[Port]:
    """Where these parts listen."""
    known = [("ldap", "ldap", "ldap_port"), ("http", "http", "http_port"), ("https", "https", "https_port")]
    if settings.ldap_tls_certificate:
        known.insert(1, ("ldaps", "ldap", "ldaps_port"))
    found = [Port(*port, getattr(settings, port[2]), settings.host) for port in known if port[1] in parts]
    asked = [Port("policy", "policy", "policy_port", settings.policy_port, settings.policy_host)]
    return found + [port for port in asked if port.part in parts]


def parts_of(part: str | None, settings: Settings) -> tuple[str, ...]:
    """What ``annuaire serve`` runs for this argument: one part, or all; those that a setting leaves closed are not of
    them.  HTTPS is served beside HTTP."""
    asked = (part,) if part else ("ldap", "http", "follow", *(["policy"] if settings.policy_port else []))
    return (*asked, "https") if "http" in asked and settings.https_port else asked


def environment(settings: Settings) -> dict[str, str]:
    """Every setting as the environment of a worker; never on its command line, where other users would read it."""
    return {s.env: str(getattr(settings, s.name)) for s in describe()}


def require_free(settings: Settings, parts: Sequence[str]) -> None:
    """Raises RegistryUnavailable, naming the setting, where another program holds a port that we need."""
    for port in ports(settings, parts):
        _require_free(port.host, port.number, port.setting)


def _require_free(host: str, port: int, setting: str) -> None:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        message = f"le port {port} de {host} n'est pas disponible : {why_no_port(error)} (réglage {setting})"
        raise RegistryUnavailable(message) from None


def tell_systemd(env: Mapping[str, str]) -> bool:
    """That we are ready, as sd_notify(3) does; False where no unit of ``Type=notify`` waits for it."""
    if not (address := env.get(_NOTIFY)):
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as waiting, suppress(OSError):
        waiting.sendto(b"READY=1", "\0" + address[1:] if address.startswith("@") else address)
        return True
    return False


def _answers(host: str, port: int, scheme: str = "") -> bool:
    """gunicorn listens seconds before a worker of it reads: HTTP is asked for an octet, HTTPS for a handshake."""
    try:
        with socket.create_connection((asked_at(host), port), timeout=1) as peer:
            if scheme == "http":
                peer.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
                return bool(peer.recv(1))
            if scheme == "https":
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
                context.wrap_socket(peer).close()
    except OSError:
        return False
    return True


@contextmanager
def _signals() -> Iterator[Callable[[float], set[int]]]:
    """Gives ``wait(seconds)``: the signals that came, as they come.  A self-pipe: a handler may take no lock."""
    read, write = os.pipe()
    os.set_blocking(write, False)
    previous = signal.set_wakeup_fd(write)
    handlers = {number: signal.signal(number, lambda *_: None) for number in (*_STOP, signal.SIGCHLD)}

    def wait(seconds: float) -> set[int]:
        ready, _, _ = select.select([read], [], [], seconds)
        return set(os.read(read, 4096)) if ready else set()

    try:
        yield wait
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(previous)
        os.close(read)
        os.close(write)


def run_part(part: str, env: Mapping[str, str], supervisor: int) -> int:
    """One worker, in this process; its exit code."""
    # A worker must not outlive its supervisor, even one killed outright: nobody would restart or stop it.  One that was
    # killed before we asked to be told of it has left us to another parent.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != supervisor:
        return 1
    try:
        PARTS[part](Settings.load(env, None, {}))
    except AnnuaireError as error:
        print(f"annuaire {part} : {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(run_part(sys.argv[2], os.environ, int(sys.argv[1])))
