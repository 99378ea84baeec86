"""The command as tests give it hundreds of times: a process of its own, forked from one that has read its modules.

To read them takes two thirds of the time of most commands.  What serves, what is killed, what a page types and what
changes how Python starts (``PYTHONIOENCODING``) is started as everybody starts it.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

_SERVER = multiprocessing.get_context("forkserver")
# They bring nearly all that commands read when they need it.
_SERVER.set_forkserver_preload(["directory_service.cli", "directory_service.web.app", "importers.load"])
_SECONDS = 300


def run_command(arguments: Sequence[str], env: Mapping[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    """``annuaire`` in ``folder``, as ``subprocess.run`` gives it."""
    with tempfile.NamedTemporaryFile() as out, tempfile.NamedTemporaryFile() as err:
        process = _SERVER.Process(target=_run, args=(list(arguments), dict(env), folder, (out.name, err.name)))
        process.start()
        process.join(_SECONDS)
        code = process.exitcode
        if code is None:
            process.kill()
            raise subprocess.TimeoutExpired(list(arguments), _SECONDS)
        said = (Path(stream.name).read_text(encoding="utf-8") for stream in (out, err))
        return subprocess.CompletedProcess(list(arguments), code, *said)


def _run(arguments: list[str], env: dict[str, str], folder: Path, streams: tuple[str, str]) -> None:
    from directory_service.cli import main  # not by whoever only asks for it

    for number, name in enumerate(streams, start=1):
        with Path(name).open("wb") as stream:
            os.dup2(stream.fileno(), number)
    os.environ.clear()
    os.environ.update(env)
    os.chdir(folder)
    sys.argv = ["annuaire", *arguments]
    sys.exit(main())
