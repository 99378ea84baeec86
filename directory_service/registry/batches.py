"""How the readers of ``read.py`` go through the registry: batch by batch of ids, straight from the driver.

One of the registry's two fast paths (the other is ``bulk.py``).  A batch is a range or a list of ids of one table;
every other table is read for the same batch by its foreign key, so that memory is bounded by the batch whatever the
size of the registry, and nothing is read once per record.  ``Book`` holds what a reading shares: codes with their
labels, instants, and the structures met lately.  Nothing here is kept from one reading to the next.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Table, func, select

from directory_service.model import nomenclature
from directory_service.model.people import NO_CODE, Address, Coded, Organization, SourceMark, Status
from directory_service.registry.bulk import chunks, top_key
from directory_service.registry.clock import parse_instant
from directory_service.registry.tables import domain, operator, run
from directory_service.registry.tables import nomenclature as labels

Row = tuple[Any, ...]
# Condition of one batch, given the column that holds the id: ``batch("practitioner_id")`` is SQL text.
Batch = Callable[[str], str]

RANGE = 2000  # ids of one batch: larger gained nothing, and costs memory
KEPT = 20_000  # structures of one generation: about 50 MB, and the hospitals stay


def rows(connection: Connection, sql: str) -> list[Row]:
    """What the driver answers, past SQLAlchemy's row objects.  ``sql`` holds no outside text: ids are ints."""
    if not connection.in_transaction():
        connection.begin()
    cursor = connection.connection.cursor()
    try:
        cursor.execute(sql)
        return list(cursor.fetchall())
    finally:
        cursor.close()


def batches(
    connection: Connection, table: Table, ids: Sequence[int] | None, low: int = 0, high: int | None = None
) -> Iterator[Batch]:
    """The batches of a reading, in the order of the ids: of those ids only, or of ``low <= id < high``."""
    if ids is not None:
        yield from (listed(chunk) for chunk in chunks(sorted(set(ids))))
        return
    if high is None:
        high = top_key(connection, table) + 1
    for start in range(low, high, RANGE):
        yield _ranged(start, min(start + RANGE, high))


def listed(ids: Sequence[int]) -> Batch:
    text = ",".join(map(str, map(int, ids)))
    return lambda column: f"{column} IN ({text})"


def _ranged(low: int, high: int) -> Batch:
    return lambda column: f"{column} >= {int(low)} AND {column} < {int(high)}"


@contextmanager
def quiet() -> Iterator[None]:
    """Around the making of one batch: its values hold no cycles, and the collector looking for some among a hundred
    thousand new objects took 40 % of the time of a reading."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


class Codes(dict[str, Coded]):
    """One system's codes, each looked up once: the source's label, else the national one.  Codes are few, people
    are many: all who share a code share its object."""

    def __init__(self, connection: Connection, system: str) -> None:
        super().__init__({"": NO_CODE})
        self._connection, self._system = connection, system

    def __missing__(self, code: str) -> Coded:
        query = select(labels.c.label).where(labels.c.system == self._system, labels.c.code == code)
        written = self._connection.execute(query).scalar()
        self[code] = Coded(code, written or nomenclature.label(self._system, code))
        return self[code]


class Operators(dict[str, tuple[str, ...]]):
    """Names of the operators that hold a domain today."""

    def __init__(self, connection: Connection) -> None:
        super().__init__()
        self._connection = connection

    def __missing__(self, name: str) -> tuple[str, ...]:
        held = domain.c.name == name, domain.c.until.is_(None)
        query = select(operator.c.name).join(domain).where(*held).distinct()
        self[name] = tuple(self._connection.execute(query).scalars())
        return self[name]

    def of(self, name: str, publisher: str) -> str:
        """The operator of a mailbox under this domain: who published it, as long as the domain is still its own, else
        the only one that holds it; empty where none does, or several do."""
        names = self[name]
        return publisher if publisher in names else names[0] if len(names) == 1 else ""


class Book:
    """What one reading shares."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.operators = Operators(connection)
        self.marks = Marks(connection)
        self._codes: dict[str, Codes] = {}
        self._young: dict[int, Organization] = {}
        self._old: dict[int, Organization] = {}

    def rows(self, sql: str) -> list[Row]:
        return rows(self.connection, sql)

    def codes(self, system: str) -> Codes:
        if system not in self._codes:
            self._codes[system] = Codes(self.connection, system)
        return self._codes[system]

    def organizations(self, ids: set[int]) -> dict[int, Organization]:
        """These structures at least, by key.  Two generations stand for a list of the least recently used, at no
        cost per look-up: what the young one lacks is taken from the old one or read."""
        if len(self._young) > KEPT:
            self._old, self._young = self._young, {}
        missing = ids - self._young.keys()
        self._young.update({pk: self._old[pk] for pk in missing & self._old.keys()})
        for chunk in chunks(sorted(missing - self._old.keys())):
            self._young.update((o.pk, o) for o in self.read_organizations(listed(chunk)))
        return self._young

    def read_organizations(self, batch: Batch) -> list[Organization]:
        sectors = self.codes("sector")
        found = self.rows(f"SELECT {_ORGANIZATION} FROM organization WHERE {batch('id')} ORDER BY id")  # noqa: S608
        return [_organization(row, sectors[row[29]]) for row in found]


_ORGANIZATION = (
    "id, national_id, technical_id, name, trade_name, finess, finess_legal, siret, siren, former_id, "
    "recipient, point, number, repetition, street_type, street_name, distribution, cedex, postcode, city_code, city, "
    "country_code, country, department_code, department, phone, phone2, fax, email, sector_code, changed_at, "
    "created_at"
)


def _organization(row: Row, sector: Coded) -> Organization:
    """One row of ``_ORGANIZATION``, whose columns stand in the order of the value's own."""
    values: list[Any] = [*row[:10], Address(*row[10:25]), *row[25:29], sector, Status.ACTIVE]
    values += map(parse_instant, row[30:32])
    return Organization(*values)


class Marks(dict[tuple[str, int], SourceMark]):
    """What a source said in a run, and when; as many as there are sources times runs."""

    def __init__(self, connection: Connection) -> None:
        super().__init__()
        self._connection = connection

    def __missing__(self, key: tuple[str, int]) -> SourceMark:
        source, number = key
        when = select(func.coalesce(run.c.finished_at, run.c.started_at)).where(run.c.id == number)
        self[key] = SourceMark(source, number, parse_instant(self._connection.execute(when).scalar_one()))
        return self[key]
