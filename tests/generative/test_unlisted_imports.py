"""Liste rouge through imports: of two registries that read the same extracts and publish the same listed mailboxes one
has unlisted ones, too, that come, move and close in between.  They show others the same at every step: entries, words,
records, feed.  A follower keeps an index of each, and a build makes another."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from sqlalchemy import Engine, func, select
from unlisted_world import DARK, NORTH, NORTHERN, SUFFIX, Orders, body, copied, imported, new_registry, publish

from directory_service.entries.record import as_listed
from directory_service.index.files import current_name
from directory_service.index.follower import Follower
from directory_service.index.schema import HIDDEN
from directory_service.index.writer import build_index
from directory_service.registry.engine import reading
from directory_service.registry.rollback import roll_back
from directory_service.registry.tables import organization, practitioner, run
from importers.load import run_import
from importers.sample.write import write_sample

PEOPLE, SEED = 250, 7  # as in ``unlisted_world``
NOW = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S")
ENTRIES = (
    "SELECT b.dn, b.keys, b.created, b.changed, b.ber, b.json, b.alike, e.name, e.mail, e.org, e.tags "
    "FROM entry e JOIN body b USING (id) WHERE e.view < 2 ORDER BY b.dn"
)
META = "SELECT * FROM meta WHERE key IN (SELECT value FROM json_each(?)) ORDER BY key"


class Registry(NamedTuple):
    folder: Path
    engine: Engine
    follower: Follower


@pytest.fixture
def both(tmp_path: Path) -> Iterator[tuple[Registry, Registry]]:
    """With the unlisted ones, and without."""
    base = tmp_path / "base"
    engine = new_registry(base)
    imported(engine, base)
    (base / "keys").mkdir()
    made = [copied(base, tmp_path / name) for name in ("hidden", "absent")]
    engine.dispose()
    for day in (1, 2):
        write_sample(tmp_path / f"day{day}", people=PEOPLE, seed=SEED, day=day, processes=0)
    one, other = (Registry(folder, engine, Follower(engine, folder / "index", SUFFIX)) for folder, engine in made)
    yield one, other
    for registry in (one, other):
        registry.engine.dispose()


def holders(engine: Engine) -> tuple[list[str], list[str]]:
    """Some people, those first who will leave or change soonest; some structures."""
    with reading(engine) as connection:
        people = select(practitioner.c.national_id).where(practitioner.c.merged_into.is_(None))
        places = select(organization.c.national_id).where(organization.c.finess != "").order_by(organization.c.id)
        found = connection.execute(people.order_by(practitioner.c.status.desc(), practitioner.c.id)).scalars().all()
        return list(found), list(connection.execute(places).scalars())[:8]


def hidden_turns(people: list[str], places: list[str]) -> list[Orders]:
    """What only one of the registries has, in turns; many people, so that imports meet some of them."""
    own = [(f"cache{n}@{NORTHERN[n % 4]}", who, {"rank": 1, "purposes": ["report"], "service": "Zèbre Ж"})
           for n, who in enumerate(people[::3])]  # fmt: skip
    first: Orders = [(address, body("PER", who, unlisted=True, **more)) for address, who, more in own]
    first += [(f"org{n}@{DARK}", body("ORG", place=place, service="Labyrinthe", unlisted=True))
              for n, place in enumerate(places)]  # fmt: skip
    moved: Orders = [(address, body("PER", people[2 * n + 1], unlisted=True)) for n, (address, *_) in enumerate(own)]
    return [first, moved, [(address, None) for address, *_ in own[::2]]]


def shown(index: Path, *counted: str) -> dict[str, Any]:
    """All that an index tells others, without numbers of rows and changes, and the instants of now.  ``counted``: rows
    of ``meta`` that a follower brings up once in a while."""
    told = json.dumps(["letters", *counted])
    with closing(sqlite3.connect(index / current_name(index))) as db:
        rows = {"entries": db.execute(ENTRIES).fetchall()}
        boxes = db.execute("SELECT address, json FROM mailbox ORDER BY address").fetchall()
        rows["mailboxes"] = [(a, as_listed(json.loads(said))) for a, said in boxes if a[0] != HIDDEN]
        rows["feed"] = db.execute("SELECT kind, key FROM change ORDER BY seq, kind, pk").fetchall()
        rows["words"] = db.execute("SELECT place, word FROM word").fetchall()
        rows["meta"] = db.execute(META, (told,)).fetchall()
    return {name: _settled(repr(found)) for name, found in rows.items()}


def _settled(text: str) -> str:
    """Whatever the second at which each of the registries was written."""
    text = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", lambda m: "now" if m[0] >= NOW else m[0], text)
    today = re.sub(r"\D", "", NOW)
    return re.sub(r"\b20\d{12}Z", lambda m: "now" if m[0] >= today else m[0], text)


def test_imports_around_unlisted_mailboxes_show_what_they_show_without(
    both: tuple[Registry, Registry], tmp_path: Path
) -> None:
    people, places = holders(both[0].engine)
    turns = hidden_turns(people, places)
    listed: Orders = [(f"vitrine{n}@{NORTHERN[0]}", body("PER", who)) for n, who in enumerate(people[5::9])]
    phase: Orders = [(address, wish and wish | {"unlisted": True}) for address, wish in listed]

    def all_do(act: Callable[[Registry], object]) -> None:
        for registry in both:
            act(registry)
            registry.follower.catch_up()
        told = [shown(registry.folder / "index") for registry in both]
        assert [name for name in told[0] if told[0][name] != told[1][name]] == []

    def read(day: int) -> None:
        as_of = datetime(2026, 9, 2 + day, tzinfo=UTC)
        all_do(lambda r: run_import(r.engine, [tmp_path / f"day{day}"], actor="tests", as_of=as_of, accept="essai"))

    def take_back(registry: Registry) -> None:
        with reading(registry.engine) as connection:
            last = connection.execute(select(func.max(run.c.id))).scalar_one()
        roll_back(registry.engine, last, actor="tests")

    def hide(n: int, at: str) -> None:
        all_do(lambda r: publish(r.engine, NORTH, turns[n], at) if r is both[0] else None)

    all_do(lambda r: publish(r.engine, NORTH, listed, "2026-09-02T08:00:00Z"))
    hide(0, "2026-09-02T09:00:00Z")
    all_do(lambda r: publish(r.engine, NORTH, phase, "2026-09-02T10:00:00Z"))
    hide(1, "2026-09-02T11:00:00Z")
    read(1)
    hide(2, "2026-09-03T12:00:00Z")
    all_do(lambda r: publish(r.engine, NORTH, listed, "2026-09-03T13:00:00Z"))
    read(2)
    all_do(take_back)
    read(2)
    for registry in both:
        build_index(registry.engine, registry.folder / "built", SUFFIX)
    told = [shown(registry.folder / "built", "counts", "operators") for registry in both]
    assert [name for name in told[0] if told[0][name] != told[1][name]] == []
    assert len(turns[0]) > 50
