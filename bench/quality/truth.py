"""What the sample knows and the matching does not: which numbers are one person's."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import Engine, select

from directory_service.registry.engine import open_registry, reading
from directory_service.registry.tables import identifier, practitioner
from directory_service.registry.upgrading import upgrade
from importers import load, transaction
from importers.blocks import Blocks
from importers.reconcile.candidate import Candidate, Pair
from importers.sample import write_sample


@dataclass(frozen=True)
class Truth:
    """National id (type digit and number) ► person, and how the ADELI numbers of a person can be tied."""

    person: Mapping[str, str]
    tie: Mapping[str, str]

    def same(self, one: str, other: str) -> bool:
        return self.person.get(one, one) == self.person.get(other, other)


def read_truth(folder: Path) -> Truth:
    """Numbers that a defect spoilt (last digit moved by 3) are the person's too: only a merge with her is right."""
    person, tie = {}, {}
    with (folder / "truth.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter=";", quoting=csv.QUOTE_NONE):
            for number in filter(None, row["national_ids"].split(",")):
                person[number] = row["person"]
                tie[number] = row["link"]
    for number, owner in list(person.items()):
        if number[-1].isdigit():
            person.setdefault(number[:-1] + str((int(number[-1]) + 3) % 10), owner)
    return Truth(person, tie)


@contextmanager
def world(people: int, seed: int, **choices: float) -> Iterator[tuple[Engine, Path]]:
    """An empty registry beside a sample."""
    with TemporaryDirectory(prefix="annuaire-quality-") as name:
        folder = Path(name)
        write_sample(folder / "sample", people=people, seed=seed, **choices)
        engine = open_registry(f"sqlite:///{folder / 'registry.sqlite'}")
        upgrade(engine)
        try:
            yield engine, folder / "sample"
        finally:
            engine.dispose()


@dataclass
class Seen:
    """What the matching would compare."""

    candidates: list[Candidate] = field(default_factory=list)
    pairs: set[Pair] = field(default_factory=set)
    crowds: Mapping[str, int] = field(default_factory=dict)


def pairs_of(engine: Engine, folder: Path) -> Seen:
    """Imports the sample, the link table included, and looks at the pairs in the place of judging them."""
    seen = Seen()

    def look(store: object, people: object) -> None:
        store.flush()  # type: ignore[attr-defined]
        blocks = Blocks(store)  # type: ignore[arg-type]
        seen.candidates, seen.pairs, seen.crowds = blocks.read(blocks.concerned())

    judged, transaction.reconcile = transaction.reconcile, look
    try:
        load.run_import(engine, [folder], actor="bench")
    finally:
        transaction.reconcile = judged
    return seen


def owners(engine: Engine) -> dict[int, set[str]]:
    """Numbers of each record that stands, those of what it absorbed included; of health registries only."""
    found: dict[int, set[str]] = {}
    query = select(identifier.c.practitioner_id, identifier.c.scheme, identifier.c.value).join(practitioner)
    with reading(engine) as connection:
        for pk, scheme, value in connection.execute(query.where(practitioner.c.merged_into.is_(None))):
            found.setdefault(pk, set()).add(scheme + value)
    return found
