"""``annuaire serve`` with two workers of each face, for as long as something is measured."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench import slapd
from bench.machine import anonymous, descendants


@contextmanager
def serving(annuaire: Sequence[str], data: Path, ldap: int, http: int, **settings: str) -> Iterator[int]:
    """``annuaire`` is the command; ``settings`` are environment variables.  Gives the number of the process."""
    env = {**os.environ, "ANNUAIRE_DATA": str(data), **settings}
    command = [*annuaire, "serve", "--ldap-port", str(ldap), "--http-port", str(http), "--workers", "2"]
    process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL)
    try:
        slapd.wait_for(ldap)
        slapd.wait_for(http)
        time.sleep(2)
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def largest_worker(pid: int, face: str) -> dict[str, object]:
    """What the largest worker of a face has of its own, as a row of the table."""
    workers = [p for p in descendants(pid) if f"serve\0{pid}\0{face}" in Path(f"/proc/{p}/cmdline").read_text()]
    return {"work": f"the largest {face} worker, then", "memory": f"{max(map(anonymous, workers)) / 1024:.0f} MB"}
