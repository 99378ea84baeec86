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


@contextmanager
def serving(annuaire: Sequence[str], data: Path, ldap: int, http: int, **settings: str) -> Iterator[None]:
    """``annuaire`` is the command; ``settings`` are environment variables."""
    env = {**os.environ, "ANNUAIRE_DATA": str(data), **settings}
    command = [*annuaire, "serve", "--ldap-port", str(ldap), "--http-port", str(http), "--workers", "2"]
    process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL)
    try:
        slapd.wait_for(ldap)
        slapd.wait_for(http)
        time.sleep(2)
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
