"""A process beside the one that loads: it checks some of the files, then reads and parses all of them, in order.

It writes nothing, and of the registry it reads only what sources last said (``importers.survey``).  What it makes goes
through a thread and a pipe: it is ahead by ``_AHEAD`` batches at most, whatever the size of the files.  It ends with
its pipe, however the other process ended.
"""

from __future__ import annotations

import gc
import marshal
import multiprocessing
import os
import queue
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import astuple
from multiprocessing.connection import Connection as Pipe
from typing import Any, NoReturn

from directory_service.errors import AnnuaireError, ImportRefused, RegistryUnavailable
from directory_service.registry.engine import open_registry
from importers.check import Checked
from importers.extract import ExtractFile
from importers.feed import Task, batches_of
from importers.survey import Surveyed, examine

WORTH = 16 << 20  # bytes of extracts from which on a process, half a second to start, is worth it
_AHEAD = 100  # batches of 100 kB: what is read while the other writes some thousand rows
_END, _REFUSED = b"", b"!"  # no marshalled tuple begins so
_REFUSALS = ImportRefused, RegistryUnavailable  # that cross the pipe, by their places here


class Assistant:
    """The process, seen from the one that loads.  A context manager."""

    def __init__(self) -> None:
        # Spawned, not forked: the caller may have threads (a progress bar has one).
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()

    def __enter__(self) -> Assistant:
        return self

    def __exit__(self, *_: object) -> None:
        self._pipe.close()
        self._process.terminate()
        self._process.join()
        self._process.close()

    def ask_checks(self, files: Sequence[ExtractFile], registry: str) -> None:
        """``registry``: the URL of one that may know of the files; empty for none."""
        self._pipe.send((_check, [(file, registry) for file in files]))

    def ask_batches(self, tasks: Sequence[Task]) -> None:
        self._pipe.send((batches_of, list(tasks)))

    def checked(self) -> tuple[Checked, Surveyed | None]:
        """What came of the next file of ``ask_checks``.  Raises ImportRefused, RegistryUnavailable."""
        (found,) = self.answers()
        checked, surveyed = marshal.loads(found)  # noqa: S302 - from our own process
        return Checked(*checked), Surveyed.of(surveyed) if surveyed else None

    def answers(self) -> Iterator[bytes]:
        """All that came of the next file asked for.  Raises ImportRefused, RegistryUnavailable."""
        while sent := self._received():
            if sent[:1] == _REFUSED:
                place, message, where = marshal.loads(sent[1:])  # noqa: S302 - from our own process
                raise _REFUSALS[place](message, where=where)
            yield sent

    def _received(self) -> bytes:
        try:
            return self._pipe.recv_bytes()
        except EOFError:
            raise AnnuaireError("le processus qui lit les extractions s'est arrêté") from None


def _check(asked: tuple[ExtractFile, str]) -> Iterator[bytes]:
    file, registry = asked
    checked, surveyed = examine(file, open_registry(registry) if registry else None)
    yield marshal.dumps((astuple(checked), surveyed.packed() if surveyed else None))


def halves(files: Sequence[ExtractFile]) -> tuple[list[ExtractFile], list[ExtractFile]]:
    """Two lists of about the same size."""
    halves: tuple[list[ExtractFile], list[ExtractFile]] = ([], [])
    sizes = [0, 0]
    for file in sorted(files, key=lambda f: f.size, reverse=True):
        less = sizes.index(min(sizes))
        halves[less].append(file)
        sizes[less] += file.size
    return halves


# --- in the process --------------------------------------------------------------------------------------------------


def _serve(pipe: Pipe) -> None:
    gc.disable()  # as in load.run_import
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one that loads, which then ends this one
    signal.signal(signal.SIGTERM, _end)
    outgoing: queue.Queue[bytes] = queue.Queue(_AHEAD)
    threading.Thread(target=_send, args=(pipe, outgoing), daemon=True).start()
    with suppress(EOFError, OSError):  # nobody asks any more
        while True:
            function, files = pipe.recv()
            for file in files:
                _answer(function, file, outgoing)


def _end(*_: object) -> NoReturn:
    """Asked by the one that loads, by systemd, or by ``_send``: temporary files go first (``lines.groups``)."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(0)


def _answer(function: Callable[[Any], Iterator[bytes]], file: Any, outgoing: queue.Queue[bytes]) -> None:
    try:
        for message in function(file):
            outgoing.put(message)
        outgoing.put(_END)
    except _REFUSALS as refusal:
        place = next(n for n, kind in enumerate(_REFUSALS) if isinstance(refusal, kind))
        outgoing.put(_REFUSED + marshal.dumps((place, refusal.message, refusal.where)))


def _send(pipe: Pipe, outgoing: queue.Queue[bytes]) -> None:
    try:
        while True:
            pipe.send_bytes(outgoing.get())
    except OSError:  # nobody listens: not an error here, whatever it was there
        os.kill(os.getpid(), signal.SIGTERM)
