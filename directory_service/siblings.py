"""Connections handed from one worker process to another of the same face, so that each has as many.

The kernel deals out new connections by chance, and long ones stay where they fell: of sixteen, one of two workers has
eleven or more one time in five, and one that was started again has none.  Once a second each worker tells the others
how many it holds; whoever has two more than another hands half of the difference over, as a descriptor (SCM_RIGHTS,
unix(7)).  What the client has sent and nobody has read goes along, and a short note; only connections of which nothing
else is known are handed.

The sockets are in the folder of the supervisor (``runfolder``), which is its user's alone, and named after what is
listened on: workers of other settings may be told of there too.
"""

from __future__ import annotations

import os
import socket
import time
from array import array
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Final, Protocol, Self
from zlib import crc32

PAUSE: Final = 1.0  # seconds between two looks
_LATE: Final = 3.0  # seconds after which a worker that says nothing is given nothing
_MOST: Final = 64  # connections handed over at once
_LONGEST_PATH: Final = 107  # octets, as the kernel has it
_LONGEST_NOTE: Final = 128  # octets of a datagram: an address, or how many are held


class Give(Protocol):
    """Hands one connection over, with what its descriptor does not tell; false once no more is taken."""

    def __call__(self, given: socket.socket | int, note: bytes = b"") -> bool: ...


class Siblings:
    """One worker among those of the same ``served``, known by its ``name``.  Used by one thread."""

    def __init__(self, folder: Path, served: str, name: str) -> None:
        self._folder, self._served = folder, served
        self._path = folder / f"{served}-{name}.sock"
        self._counts: dict[str, tuple[int, float]] = {}  # by path: how many it holds, when it said so
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        self._path.unlink(missing_ok=True)  # of an earlier process
        self._socket.bind(str(self._path))

    @classmethod
    def among(cls, folder: str, face: str, host: str, port: int) -> Self | None:
        """None where workers share no folder, one whose name is too long for a socket, or one in which others than this
        user may put theirs: they would be given clients."""
        served = f"{face}-{port}-{crc32(host.encode()):08x}"
        if not folder or len(os.fsencode(folder)) + len(served) + 16 > _LONGEST_PATH:
            return None
        known = Path(folder).stat()
        if known.st_uid != os.getuid() or known.st_mode & 0o022:
            return None
        return cls(Path(folder), served, str(os.getpid()))

    def fileno(self) -> int:
        """Readable when something has come: ``received``."""
        return self._socket.fileno()

    def close(self) -> None:
        self._path.unlink(missing_ok=True)
        self._socket.close()

    def even_out(self, held: int, hand: Callable[[int, Give], None]) -> None:
        """Tells the others that ``held`` are held.  If one of them has less, ``hand`` is called with how many to give
        and what gives one, which is False once no more is taken."""
        self._tell(held)
        now = time.monotonic()
        self._counts = {path: told for path, told in self._counts.items() if now - told[1] < _LATE}
        least, path = min([(count, path) for path, (count, _) in self._counts.items()], default=(held, ""))
        wanted = min((held - least) // 2, _MOST)
        if wanted > 0:
            self._counts[path] = (least + wanted, now)
            hand(wanted, partial(self._give, path))

    def received(self) -> Iterator[tuple[socket.socket, bytes]]:
        """The connections that were handed to us, each with what was noted of it."""
        while True:
            try:
                said, descriptors, _, path = socket.recv_fds(self._socket, _LONGEST_NOTE, 1)
            except BlockingIOError:
                return
            if descriptors:
                if (client := _opened(descriptors[0])) is not None:
                    yield client, said
            elif said.isdigit():
                self._counts[str(path)] = (int(said), time.monotonic())

    def _tell(self, held: int) -> None:
        try:
            others = list(self._folder.glob(f"{self._served}-*.sock"))
        except OSError:  # clients hold every descriptor that we may have: nobody is told meanwhile
            return
        for path in others:
            if path != self._path:
                try:
                    self._socket.sendto(b"%d" % held, str(path))
                except ConnectionRefusedError:  # left by a worker that was killed
                    self._counts.pop(str(path), None)
                    path.unlink(missing_ok=True)
                except OSError:  # it does not keep up, or has just gone
                    continue

    def _give(self, path: str, given: socket.socket | int, note: bytes = b"") -> bool:
        descriptor = given if isinstance(given, int) else given.fileno()
        rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array("i", [descriptor]))
        try:
            self._socket.sendmsg([note], [rights], 0, path)  # ``socket.send_fds`` of 3.11 forgets the address
        except OSError:
            return False
        return True


def _opened(descriptor: int) -> socket.socket | None:
    """None, and nothing left open, where the client has gone."""
    try:
        return socket.socket(fileno=descriptor)
    except OSError:
        os.close(descriptor)
        return None
