"""A process beside the one that loads: it checks some of the files, then reads and parses all of them, in order.

It knows no registry and writes nothing.  What it makes goes through a thread and a pipe: it is ahead by ``_AHEAD``
batches at most, whatever the size of the files.  It ends with its pipe, however the other process ended.
"""

from __future__ import annotations

import gc
import marshal
import multiprocessing
import os
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import astuple
from multiprocessing.connection import Connection as Pipe
from typing import Any

from directory_service.errors import AnnuaireError, ImportRefused
from importers.check import Checked, check
from importers.extract import ExtractFile
from importers.feed import Task, batches_of

WORTH = 16 << 20  # bytes of extracts from which on a process, half a second to start, is worth it
_AHEAD = 100  # batches of 100 kB: what is read while the other writes some thousand rows
_END, _REFUSED = b"", b"!"  # no marshalled tuple begins so


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

    def ask_checks(self, files: Sequence[ExtractFile]) -> None:
        self._pipe.send((_check, list(files)))

    def ask_batches(self, tasks: Sequence[Task]) -> None:
        self._pipe.send((batches_of, list(tasks)))

    def checked(self) -> Checked:
        """What came of the next file of ``ask_checks``.  Raises ImportRefused."""
        (found,) = self.answers()
        return Checked(*marshal.loads(found))  # noqa: S302 - from our own process

    def answers(self) -> Iterator[bytes]:
        """All that came of the next file asked for.  Raises ImportRefused."""
        while sent := self._received():
            if sent[:1] == _REFUSED:
                message, where = marshal.loads(sent[1:])  # noqa: S302 - from our own process
                raise ImportRefused(message, where=where)
            yield sent

    def _received(self) -> bytes:
        try:
            return self._pipe.recv_bytes()
        except EOFError:
            raise AnnuaireError("le processus qui lit les extractions s'est arrêté") from None


def _check(file: ExtractFile) -> Iterator[bytes]:
    yield marshal.dumps(astuple(check(file)), 2)


# --- in the process --------------------------------------------------------------------------------------------------


def _serve(pipe: Pipe) -> None:
    gc.disable()  # as in load.run_import
    outgoing: queue.Queue[bytes] = queue.Queue(_AHEAD)
    threading.Thread(target=_send, args=(pipe, outgoing), daemon=True).start()
    with suppress(EOFError, OSError):  # nobody asks any more
        while True:
            function, files = pipe.recv()
            for file in files:
                _answer(function, file, outgoing)


def _answer(function: Callable[[Any], Iterator[bytes]], file: Any, outgoing: queue.Queue[bytes]) -> None:
    try:
        for message in function(file):
            outgoing.put(message)
        outgoing.put(_END)
    except ImportRefused as refusal:
        outgoing.put(_REFUSED + marshal.dumps((refusal.message, refusal.where), 2))


def _send(pipe: Pipe, outgoing: queue.Queue[bytes]) -> None:
    try:
        while True:
            pipe.send_bytes(outgoing.get())
    except OSError:  # nobody listens: not an error here, whatever it was there
        os._exit(0)
