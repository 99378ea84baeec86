"""Batches through a pipe, whole.  I/O.

``multiprocessing`` makes an object as large as what is still to come for each piece that a pipe gives (64 KB), and
copies it twice: 3 µs of processor an entry, against 0.7 here.
"""

from __future__ import annotations

import os
from multiprocessing.connection import Connection


def send(pipe: Connection, data: bytes) -> None:
    """Waits while the reader is behind.  Raises BrokenPipeError when it is gone."""
    pipe.send_bytes(len(data).to_bytes(8, "little"))
    left = memoryview(data)
    while left:
        left = left[os.write(pipe.fileno(), left) :]


def receive(pipe: Connection) -> bytearray:
    """What was sent.  Raises EOFError when the sender ended before."""
    data = bytearray(int.from_bytes(pipe.recv_bytes(), "little"))
    left = memoryview(data)
    while left:
        read = os.readv(pipe.fileno(), [left])
        if not read:
            raise EOFError
        left = left[read:]
    return data
