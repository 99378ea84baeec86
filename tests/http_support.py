"""The HTTP face as a process of its own, for who speaks to it over a real socket."""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from e2e.installation import free_port, installation


def start(folder: Path, log: Path, **chosen: object) -> tuple[subprocess.Popen[bytes], int]:
    """``chosen``: settings by their names in the environment, less ``ANNUAIRE_``."""
    port = free_port()
    chosen |= {"DATA": folder, "HTTP_PORT": port}
    env = installation(folder).env | {f"ANNUAIRE_{name}": str(value) for name, value in chosen.items()}
    command = [sys.executable, "-m", "directory_service.serve", str(os.getpid()), "http"]
    with log.open("wb") as stream:
        process = subprocess.Popen(command, env=env, stdout=stream, stderr=subprocess.STDOUT)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if get(port, "/readyz")[0] == 200:
                return process, port
        except OSError:
            assert process.poll() is None, log.read_text()
        time.sleep(0.05)
    raise AssertionError(log.read_text())


@contextmanager
def served(folder: Path, log: Path, **chosen: object) -> Iterator[int]:
    """The same for as long as it is needed: its port.  It must have said nothing."""
    process, port = start(folder, log, **chosen)
    try:
        yield port
    finally:
        process.terminate()
        process.wait(60)
    assert log.read_text() == ""


def get(port: int, path: str) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        connection.close()
