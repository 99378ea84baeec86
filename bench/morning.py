"""The next morning: an extract with about 0.5 % of its rows changed, imported under a running service that is asked
meanwhile.  What the import takes, stage by stage, when the index shows it, and what readers notice.
"""

from __future__ import annotations

import argparse
import json
import random
import socket
import sqlite3
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

from bench import workload
from bench.machine import watch
from bench.requests import search_request

EVERY = 0.01  # seconds between two questions of the reader
QUIET = 15.0  # seconds of questions before the import
PATIENCE = 600.0  # seconds for the index to follow


class Reader(threading.Thread):
    """Asks LDAP what people type, one question at a time, and notes how long each answer took."""

    def __init__(self, port: int, filters: list[str], base: str) -> None:
        super().__init__(daemon=True)
        self.took: list[tuple[float, float]] = []  # when, seconds
        self._port, self._done = port, threading.Event()
        self._asked = [search_request(text, base, 100) for text in filters]

    def run(self) -> None:
        rng = random.Random(3)
        with socket.create_connection(("127.0.0.1", self._port)) as peer:
            while not self._done.wait(EVERY):
                start = time.perf_counter()
                peer.sendall(rng.choice(self._asked))
                _until_done(peer)
                self.took.append((start, time.perf_counter() - start))

    def stop(self) -> None:
        self._done.set()
        self.join()

    def told(self, begin: float, end: float) -> str:
        found = sorted(seconds for at, seconds in self.took if begin <= at < end)
        p50, p99 = (found[int(len(found) * share)] * 1000 for share in (0.5, 0.99))
        return f"p50 {p50:.1f} ms, p99 {p99:.1f} ms ({len(found)} questions)"


def _until_done(peer: socket.socket) -> None:
    """Reads to the end of the SearchResultDone of a success or a size limit, without diagnostics (RFC 4511 4.1.9)."""
    tail = b""
    while not (tail.endswith(b"\x04\x00\x04\x00") and tail[-9:-7] == b"\x65\x07"):
        piece = peer.recv(1 << 16)
        assert piece, "the server closed the connection"
        tail = (tail + piece)[-16:]


def measure(
    annuaire: str, data: Path, samples: tuple[Path, Path], options: argparse.Namespace,
    serving: Callable[[], AbstractContextManager[int]], ports: tuple[int, int], base: str,
) -> list[dict[str, object]]:  # fmt: skip
    """``samples``: of the day loaded already, and of the next."""
    env = {"ANNUAIRE_DATA": str(data)}
    filters = workload.client(workload.read_known(samples[0]), workload.thunderbird_filter)
    with serving(), _reading(Reader(ports[0], filters, base)) as reader:
        time.sleep(QUIET)
        begin = time.perf_counter()
        cost = watch([annuaire, "import", "--json", "--accept", "bench", str(samples[1])], env=env)
        end = time.perf_counter()
        lag = _followed(data, ports[1])
        after = time.perf_counter()
    report = cost.report()
    rows = [
        {"work": "the next morning's extracts", "ours": f"{cost.seconds:.1f} s", "memory": f"{cost.peak_mb:.0f} MB"}
    ]
    rows += [{"work": f"· {stage}", "ours": f"{seconds:.1f} s"} for stage, seconds in report["seconds"].items()]
    return [
        *rows,
        {"work": "the index shows it, after that", "ours": f"{lag:.1f} s"},
        {"work": "a reader before", "ours": reader.told(begin - QUIET, begin)},
        {"work": "a reader during the import", "ours": reader.told(begin, end)},
        {"work": "a reader while the index follows", "ours": reader.told(end - 1, after)},
    ]


@contextmanager
def _reading(reader: Reader) -> Iterator[Reader]:
    reader.start()
    try:
        yield reader
    finally:
        reader.stop()


def _followed(data: Path, port: int) -> float:
    """Seconds until the service answers from the last change of the registry."""
    with closing(sqlite3.connect(data / "registry.sqlite")) as db:
        (last,) = db.execute("SELECT max(seq) FROM journal").fetchone()
    start = time.perf_counter()
    while time.perf_counter() - start < PATIENCE:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/status") as answer:
            if int(json.load(answer)["build"].rpartition(".")[2]) >= last:
                return time.perf_counter() - start
        time.sleep(0.05)
    raise TimeoutError("the index did not follow")
