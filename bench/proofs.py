"""How long a proof of the transparency log takes: ``python -m bench.proofs [LEAVES]``, 10 million by default.

Fills a registry of its own with that many leaves (hashes alone) and their nodes, asks for proofs by chance, checks each
and throws the registry away: about 1 GB in the temporary folder, and some minutes.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

from sqlalchemy import Connection, Engine

from directory_service.model.merkle import is_consistent, root_by_inclusion
from directory_service.registry.bulk import insert_rows
from directory_service.registry.engine import open_registry, reading, writing
from directory_service.registry.logread import read_consistency, read_inclusion
from directory_service.registry.tables import log_leaf, log_node
from directory_service.registry.upgrading import upgrade

PROOFS = 2_000
_SOME = 200_000


def main(leaves: int) -> None:
    with tempfile.TemporaryDirectory(prefix="annuaire-proofs-") as folder:
        engine = open_registry(f"sqlite:///{Path(folder) / 'registry.sqlite'}")
        upgrade(engine)
        start = time.perf_counter()
        with writing(engine) as connection:
            fill(connection, leaves)
        print(f"{leaves} leaves filled in {time.perf_counter() - start:.0f} s")
        with reading(engine) as connection:
            measure("inclusion", leaves, lambda leaf, size: included(connection, leaf, size))
            measure("consistency", leaves, lambda old, new: consistent(connection, old + 1, new))
        measure_opened(engine, leaves)
        engine.dispose()


def fill(connection: Connection, leaves: int) -> None:
    hashes = [sha256(b"\0%d" % number).digest() for number in range(leaves)]
    for low in range(0, leaves, _SOME):
        rows = ((n, 0, 0, 0, b"", hashes[n]) for n in range(low, min(low + _SOME, leaves)))
        insert_rows(connection, log_leaf, ("number", "mailbox_id", "binding_id", "seq", "data", "hash"), rows)
    level = 0
    while len(hashes) > 1:
        level += 1
        hashes = [sha256(b"\1" + hashes[n] + hashes[n + 1]).digest() for n in range(0, len(hashes) - 1, 2)]
        for low in range(0, len(hashes), _SOME):
            rows = ((level, n, hashes[n]) for n in range(low, min(low + _SOME, len(hashes))))
            insert_rows(connection, log_node, ("level", "number", "hash"), rows)


def included(connection: Connection, leaf: int, size: int) -> bool:
    digest, path, root = read_inclusion(connection, leaf, size)
    return root_by_inclusion(digest, leaf, size, path) == root


def consistent(connection: Connection, old: int, new: int) -> bool:
    old_root, path, new_root = read_consistency(connection, old, new)
    return is_consistent(old, new, old_root, new_root, path)


def measure_opened(engine: Engine, leaves: int) -> None:
    """As the HTTP face does it: the registry opened for each question."""

    def ask(leaf: int, size: int) -> bool:
        with reading(engine) as connection:
            return included(connection, leaf, size)

    measure("inclusion, registry opened each time", leaves, ask)


def measure(what: str, leaves: int, ask: Callable[[int, int], bool]) -> None:
    worked = time.process_time()
    times = sorted(_times(leaves, ask))
    worked = time.process_time() - worked
    mean, p99 = sum(times) / len(times), times[len(times) * 99 // 100]
    told = f"mean {mean * 1e3:.2f} ms, p99 {p99 * 1e3:.2f} ms, {worked / len(times) * 1e3:.2f} ms of processor"
    print(f"{what}: {told}; {len(times)} proofs, each checked", flush=True)


def _times(leaves: int, ask: Callable[[int, int], bool]) -> Iterator[float]:
    chance = random.Random(1)
    for _ in range(PROOFS):
        size = chance.randint(leaves // 2, leaves)
        leaf = chance.randrange(size)
        start = time.perf_counter()
        assert ask(leaf, size)
        yield time.perf_counter() - start


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000)
