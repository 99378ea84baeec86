"""What goes through a pipe comes out whole, however large, and an end in the middle is told."""

from __future__ import annotations

import threading
from multiprocessing import Pipe

import pytest

from directory_service.index.pipes import receive, send


@pytest.mark.parametrize("size", [0, 1, 65_536, 3_000_001])
def test_what_is_sent_is_received(size: int) -> None:
    ours, theirs = Pipe(duplex=False)
    data = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    sender = threading.Thread(target=lambda: [send(theirs, data), send(theirs, b"end")])
    sender.start()
    assert receive(ours) == data and receive(ours) == b"end"
    sender.join()
    ours.close()
    theirs.close()


@pytest.mark.parametrize("said", [[], [(10).to_bytes(8, "little")]])
def test_a_sender_that_ends_too_soon_is_noticed(said: list[bytes]) -> None:
    ours, theirs = Pipe(duplex=False)
    for begun in said:
        theirs.send_bytes(begun)
    theirs.close()
    with pytest.raises(EOFError):
        receive(ours)
    ours.close()


def test_a_reader_that_is_gone_stops_the_sender() -> None:
    ours, theirs = Pipe(duplex=False)
    ours.close()
    with pytest.raises(BrokenPipeError):
        send(theirs, b"x" * 100_000)
    theirs.close()
