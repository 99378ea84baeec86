"""The folder that the processes of one node share while they run: ``metrics/`` of prometheus_client, ``harvest``
and ``rates``.

Made by the supervisor, before the workers start; a worker reads where it is in its environment.  Several
supervisors may share one that is given (``annuaire serve ldap`` beside ``annuaire serve http``).
"""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

METRICS_ENV = "PROMETHEUS_MULTIPROC_DIR"  # read by prometheus_client when it is first imported
_METRICS, _HARVEST, _RATES, _LOCK = "metrics", "harvest", "rates", "lock"
_TEMPORARY = "annuaire-run-"
_YOUNG = 60.0  # seconds


@contextmanager
def shared_folder(given: str) -> Iterator[Path]:
    """A temporary one unless one is given, which stays.  Metrics of processes that are gone are no longer true: who
    comes first throws them away.  So are the temporary folders of supervisors that were killed."""
    if not given:
        _sweep(Path(tempfile.gettempdir()))
    folder = Path(given) if given else Path(tempfile.mkdtemp(prefix=_TEMPORARY))
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (folder / _LOCK).open("w") as lock:
            with suppress(BlockingIOError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder / _METRICS, ignore_errors=True)
            fcntl.flock(lock, fcntl.LOCK_SH)
            (folder / _METRICS).mkdir(exist_ok=True)
            yield folder
    finally:
        if not given:
            shutil.rmtree(folder, ignore_errors=True)


def restore(folder: Path) -> None:
    """Makes what somebody deleted under us, as those who clean ``/tmp`` do: no worker could start again.  By the
    supervisor for those that it starts, by a worker of gunicorn's for itself."""
    with suppress(OSError):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (folder / _METRICS).mkdir(exist_ok=True)


def _sweep(where: Path) -> None:
    """Deletes our temporary folders whose supervisor is gone: nobody holds their lock.  Those of other users are left,
    and those so young that their supervisor may not hold it yet."""
    for folder in where.glob(f"{_TEMPORARY}*"):
        with suppress(OSError):  # it went meanwhile
            known = folder.lstat()
            if not stat.S_ISDIR(known.st_mode) or known.st_uid != os.getuid() or time.time() - known.st_mtime < _YOUNG:
                continue
            with (folder / _LOCK).open("r+") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)


def environment(folder: Path) -> dict[str, str]:
    """What tells a worker's metrics where to go."""
    return {METRICS_ENV: str(folder / _METRICS)}


def harvest_file(given: str) -> Path | None:
    """Where workers count together what clients were given; None: each for itself."""
    return Path(given) / _HARVEST if given else None


def rates_file(given: str) -> Path | None:
    """The same of how often they ask."""
    return Path(given) / _RATES if given else None


def forget(folder: Path, pid: int) -> None:
    """The gauges of a process that is gone no longer count; its counters do."""
    for path in (folder / _METRICS).glob(f"gauge_live*_{pid}.db"):
        path.unlink(missing_ok=True)
