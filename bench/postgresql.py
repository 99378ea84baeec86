"""A PostgreSQL cluster of its own, with the settings of Debian but for where it listens, and the locale that
``docs/howto/postgresql.md`` recommends; gone afterwards."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def cluster() -> Iterator[str]:
    """The URL of an empty database."""
    programs = max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name))
    folder = Path(tempfile.mkdtemp(prefix="annuaire-bench-pg-"))
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
    try:
        _run(
            [programs / "initdb", "-D", folder / "data", "-U", "bench", "-A", "trust", "--locale=C", "--encoding=UTF8"]
        )
        options = f"-k {folder} -c listen_addresses="
        _run([programs / "pg_ctl", "start", "-w", "-D", folder / "data", "-l", folder / "log", "-o", options])
        _run([programs / "createdb", "-h", folder, "-U", "bench", "annuaire"])
        yield f"postgresql+psycopg://bench@/annuaire?host={folder}"
        _run([programs / "pg_ctl", "stop", "-w", "-m", "fast", "-D", folder / "data"])
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(command: list[str | Path]) -> None:
    """PostgreSQL refuses to run as root."""
    prefix = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    # pg_ctl's child keeps its output open: a pipe would never end.
    subprocess.run([*prefix, *map(str, command)], cwd="/", check=True, stdout=subprocess.DEVNULL)
