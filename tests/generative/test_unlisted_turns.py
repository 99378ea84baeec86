"""Liste rouge over time: addresses that are unlisted, closed and given to others in turns drawn by chance, until they
are listed, in two registries, of which one never had the unlisted ones.  Others find the same in both: entries, records
in all their order, feed and log.

Left out is what docs/reference/unlisted.md tells of: who is seen to be unlisted, and who lists herself.
"""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from log_world import append, keyring
from sqlalchemy import Engine, select
from unlisted_world import NORTH, NORTHERN, SUFFIX, Orders, body, copied, imported, new_registry, publish

from directory_service.entries.record import as_listed
from directory_service.index.files import current_name
from directory_service.index.follower import Follower
from directory_service.index.schema import HIDDEN
from directory_service.index.writer import build_index
from directory_service.registry.engine import reading
from directory_service.registry.logread import read_leaves
from directory_service.registry.tables import practitioner

ADDRESSES, TURNS = 60, 9
ENTRIES = (
    "SELECT b.dn, b.keys, b.created, b.changed, b.ber, b.json, e.tags FROM entry e JOIN body b USING (id) "
    "WHERE e.view < 2 ORDER BY b.dn"
)


@dataclass
class Address:
    """``public``: others know it; ``hidden``: who holds it unlisted, or did last."""

    name: str
    public: bool = False
    hidden: str = ""


def turn(drawn: random.Random, addresses: list[Address], people: list[str]) -> tuple[Orders, Orders]:
    """Of all that is published, and of what is listed."""
    every, seen = Orders(), Orders()
    for one in addresses:
        who, act = drawn.choice(people), drawn.choice(("list", "hide", "hide", "close", ""))
        if act == "hide" and not one.public:
            every.append((one.name, body("PER", who, unlisted=True, rank=drawn.randint(1, 5))))
            one.hidden = who
        elif act == "list" and who != one.hidden:
            every.append((one.name, body("PER", who)))
            seen.append(every[-1])
            one.public, one.hidden = True, ""
        elif act == "close" and (one.hidden or one.public):
            every.append((one.name, None))
            if one.public:
                seen.append(every[-1])
    return every, seen


@dataclass
class Registry:
    folder: Path
    engine: Engine
    follower: Follower

    def shown(self, index: Path) -> dict[str, Any]:
        with closing(sqlite3.connect(index / current_name(index))) as db:
            boxes = db.execute("SELECT address, json FROM mailbox ORDER BY address").fetchall()
            feed = db.execute("SELECT kind, key FROM change ORDER BY seq, kind, pk").fetchall()
            entries = db.execute(ENTRIES).fetchall()
        records = [as_listed(json.loads(said)) for name, said in boxes if name[0] != HIDDEN]
        with reading(self.engine) as connection:
            leaves = [json.loads(leaf.data) for leaf in read_leaves(connection, 0, 10_000) if leaf.unlisted is False]
        told = [[leaf[name] for name in ("event", "address", "holder", "since", "until", "at")] for leaf in leaves]
        return {"entries": entries, "records": [r for r in records if r], "feed": feed, "log": told}


@pytest.fixture
def both(tmp_path: Path) -> Iterator[tuple[Registry, Registry]]:
    """With the unlisted ones, and without."""
    base = tmp_path / "base"
    engine = new_registry(base)
    imported(engine, base)
    keyring(base)
    made = [copied(base, tmp_path / name) for name in ("hidden", "absent")]
    engine.dispose()
    one, other = (Registry(folder, engine, Follower(engine, folder / "index", SUFFIX)) for folder, engine in made)
    yield one, other
    for registry in (one, other):
        registry.engine.dispose()


@pytest.mark.parametrize("seed", [1, 2])
def test_whatever_came_and_went_unlisted_never_was(both: tuple[Registry, Registry], seed: int) -> None:
    drawn = random.Random(seed)
    addresses = [Address(f"a{n}@{NORTHERN[n % 4]}") for n in range(ADDRESSES)]
    with reading(both[0].engine) as connection:
        people = list(connection.execute(select(practitioner.c.national_id).limit(12)).scalars())
    for n in range(TURNS):
        for registry, orders in zip(both, turn(drawn, addresses, people), strict=True):
            publish(registry.engine, NORTH, orders, f"2026-09-{2 + n:02}T10:00:00Z")
            registry.follower.catch_up()
            append(registry.engine, registry.folder)
        for index in ("index", "built") if n % 3 == 2 else ("index",):
            if index == "built":
                for registry in both:
                    build_index(registry.engine, registry.folder / index, SUFFIX)
            one, other = (registry.shown(registry.folder / index) for registry in both)
            assert [name for name in one if one[name] != other[name]] == [], (n, index)
    assert len(other["log"]) > ADDRESSES
