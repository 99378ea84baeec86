"""What an import touches, counted while it runs: people, activities, mailboxes; by domain, profession and department.

Creations are counted by the loaders, a dictionary look-up each; changes of people by comparing how they stand before
and after each batch (``counted``), which holds whatever the batch does; nothing scans the registry.  Shares are of what
stood when the last import ended (``registry.tally``).
"""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import Connection, func, select

from directory_service.model.mailboxes import domain_of
from directory_service.model.nomenclature import label
from directory_service.registry.bulk import chunks
from directory_service.registry.tables import activity, organization, practitioner
from directory_service.registry.tally import GROUPS, WHOLES, Tally, counted_under

if TYPE_CHECKING:
    from importers.store import Store

Row = tuple[Any, ...]
_TOLD = [column for column in activity.c if column.name != "practitioner_id"]  # a merge moves it


@dataclass(slots=True)
class Acts:
    """What happened to the records of a group.  ``merged``: they are another record now."""

    added: int = 0
    changed: int = 0
    removed: int = 0
    merged: int = 0

    @property
    def touched(self) -> int:
        return self.added + self.changed + self.removed + self.merged

    @property
    def net(self) -> int:
        return self.added - self.removed - self.merged


@dataclass(frozen=True, slots=True)
class Moved:
    """A group that was touched.  ``before``: how many the last import left; ``percent``: of these, None of none."""

    key: str
    before: int
    added: int
    changed: int
    removed: int
    merged: int

    @property
    def touched(self) -> int:
        return self.added + self.changed + self.removed + self.merged

    @property
    def percent(self) -> float | None:
        return percent(self.touched, self.before)

    def as_dict(self) -> dict[str, object]:
        return {**asdict(self), "touched": self.touched, "percent": self.percent}


def percent(part: int, whole: int) -> float | None:
    return round(100 * part / whole, 2) if whole else None


class Standing(NamedTuple):
    """How a person stands: by what she counts.  ``activities``: the department of each, then its columns; SQLite gives
    the key of a deleted row to the next one, so that the key alone would not do."""

    profession: str
    activities: set[Row]


class Impact:
    """The counters of one run."""

    def __init__(self, before: Mapping[str, Counter[str]]) -> None:
        self.before: Tally = defaultdict(Counter, before)
        self.acts: dict[str, defaultdict[str, Acts]] = {d: defaultdict(Acts) for d in (*WHOLES, *GROUPS)}
        # Of what is created, folded into the acts file by file (``fold``).
        self.professions: defaultdict[str, int] = defaultdict(int)  # of people
        self.domains: defaultdict[str, int] = defaultdict(int)  # of mailboxes
        self.used = array("i", [0])  # activities, by organization
        self.departments = array("I", [0])  # the same: number in ``codes``
        self.codes: dict[str, int] = {"": 0}
        self._changed = bytearray()  # people counted as changed, by key

    # Organizations: their department, and the activities created there

    def place(self, pk: int, code: str, postcode: str) -> None:
        """Where an organization is."""
        missing = pk + 1 - len(self.departments)
        if missing > 0:
            self.departments.extend([0] * missing)
            self.used.extend([0] * missing)
        self.departments[pk] = self.codes.setdefault(counted_under(code, postcode), len(self.codes))

    def moved(self, pk: int, code: str, postcode: str) -> bool:
        """Whether that is another department than the one known."""
        return self.codes.get(counted_under(code, postcode)) != self.departments[pk]

    def move(self, pk: int, code: str, postcode: str, activities: int) -> None:
        """An organization is elsewhere now, with the activities that it had before this run's creations."""
        self.acts["department"][list(self.codes)[self.departments[pk]]].removed += activities
        self.place(pk, code, postcode)
        self.acts["department"][counted_under(code, postcode)].added += activities

    # Records

    def mailbox(self, act: str, address: str) -> None:
        """``act``: added, changed, removed."""
        self._count(act, "mailboxes", "domain", domain_of(address))

    def fold(self) -> None:
        """Counts what was created since the last call."""
        for whole, group, created in (
            ("people", "profession", self.professions),
            ("mailboxes", "domain", self.domains),
        ):
            for key, number in created.items():
                self._count("added", whole, group, key, number)
            created.clear()
        names = list(self.codes)
        for pk, number in enumerate(self.used):
            if number:
                self._count("added", "activities", "department", names[self.departments[pk]], number)
                self.used[pk] = 0

    def compare(
        self, before: Mapping[int, Standing], after: Mapping[int, Standing], merged: Iterable[int], old: int
    ) -> None:
        """People as they stood before and after a batch, who counted then or count now; from key ``old`` on they were
        created in this run, which is counted already."""
        absorbed = set(merged)
        for pk in before.keys() | after.keys():
            was, stands = before.get(pk), after.get(pk)
            if was and stands:
                self._change(pk, was.profession, stands.profession, pk < old)
            elif stands:
                self._count("added", "people", "profession", stands.profession)
                self._is_counted(pk)  # from now on: what else the run says of her is no other change
            elif was:
                self._count("merged" if pk in absorbed else "removed", "people", "profession", was.profession)
        rows: set[Row] = set().union(*(s.activities for s in before.values()))
        now: set[Row] = set().union(*(s.activities for s in after.values()))
        for act, some in (("removed", rows - now), ("added", now - rows)):
            for department, *_ in some:
                self._count(act, "activities", "department", department)

    def _change(self, pk: int, was: str, profession: str, counts: bool) -> None:
        if was != profession:
            self.acts["profession"][was].removed += 1
            self.acts["profession"][profession].added += 1
        if not counts or self._is_counted(pk):
            return
        self.acts["people"][""].changed += 1
        if was == profession:
            self.acts["profession"][was].changed += 1

    def revise(
        self, was: str | None, profession: str, places: Iterable[int | None], gone: Iterable[int | None]
    ) -> None:
        """A person created in this run whom another file of it changes: who she was (None: inactive) and is, her new
        activities and those that she has no more.  The tables are not asked: a first load has no indexes."""
        if was != profession:
            self.professions[profession] += 1
            if was is not None:
                self.professions[was] -= 1
        for number, some in ((1, places), (-1, gone)):
            for place in some:
                self.used[place or 0] += number

    def _is_counted(self, pk: int) -> bool:
        if pk >= len(self._changed):
            self._changed.extend(bytes(pk + 65_536 - len(self._changed)))
        counted, self._changed[pk] = self._changed[pk], 1
        return bool(counted)

    def _count(self, act: str, whole: str, group: str, key: str, number: int = 1) -> None:
        """``act`` as a field of ``Acts``."""
        for acts in (self.acts[whole][""], self.acts[group][key]):
            setattr(acts, act, getattr(acts, act) + number)

    # What came of it

    def whole(self, dimension: str) -> Moved:
        return self._moved(dimension, "")

    def groups(self, dimension: str) -> list[Moved]:
        """The groups that were touched, the biggest movers first."""
        found = [self._moved(dimension, key) for key, acts in self.acts[dimension].items() if acts.touched]
        return sorted(found, key=lambda m: (-m.touched, m.key))

    def _moved(self, dimension: str, key: str) -> Moved:
        acts = self.acts[dimension][key]
        return Moved(key, self.before[dimension][key], acts.added, acts.changed, acts.removed, acts.merged)

    def net(self) -> dict[str, dict[str, int]]:
        """What to add to the tally."""
        return {d: {key: acts.net for key, acts in by_key.items()} for d, by_key in self.acts.items()}

    def as_dict(self, movers: int = 20) -> dict[str, object]:
        """For reports: the wholes, and of each kind of group how many were touched and the biggest movers."""
        found: dict[str, object] = {d: self.whole(d).as_dict() for d in WHOLES}
        for dimension in GROUPS:
            groups = self.groups(dimension)
            shown = [m.as_dict() | {"label": label(dimension, m.key)} for m in groups[:movers]]
            total = sum(1 for n in self.before[dimension].values() if n)
            found[dimension] = {"touched": len(groups), "before": total, "movers": shown}
        return found


def standing(connection: Connection, pks: Iterable[int]) -> dict[int, Standing]:
    """Those of these people who count: active, and not absorbed."""
    found: dict[int, Standing] = {}
    columns = practitioner.c
    for some in chunks(pks):
        query = select(columns.id, columns.profession_code).where(columns.id.in_(some), columns.status == "active")
        for pk, profession in connection.execute(query.where(columns.merged_into.is_(None))):
            found[pk] = Standing(profession, set())
        where = organization.c.department_code, organization.c.postcode
        held = select(activity.c.practitioner_id, *where, *_TOLD).select_from(activity.outerjoin(organization))
        held = held.where(activity.c.practitioner_id.in_(some))
        for pk, code, postcode, *row in connection.execute(held):
            if pk in found:
                found[pk].activities.add((counted_under(code or "", postcode or ""), *row))
    return found


def relocate(store: Store, places: Mapping[int, tuple[str, str]]) -> None:
    """Organizations that change: department code and postcode by key.  Called when nothing is pending."""
    impact = store.impact
    elsewhere = {pk: where for pk, where in places.items() if impact.moved(pk, *where)}
    for some in chunks(sorted(elsewhere)):
        alive = practitioner.c.status == "active", practitioner.c.merged_into.is_(None)
        query = select(activity.c.organization_id, func.count()).select_from(activity.join(practitioner))
        query = query.where(activity.c.organization_id.in_(some), *alive).group_by(activity.c.organization_id)
        held = dict(tuple(row) for row in store.connection.execute(query))
        for pk in some:
            impact.move(pk, *elsewhere[pk], held.get(pk, 0) - impact.used[pk])


def count_changed(store: Store, pks: Iterable[int]) -> None:
    """People of whom something changed by which nobody is counted: those who count are changed."""
    stand = standing(store.connection, pks)
    store.impact.compare(stand, stand, (), store.first_new_practitioner)


@contextmanager
def counted(store: Store, pks: Iterable[int], merged: Iterable[int] = ()) -> Iterator[None]:
    """Around what changes these people, who are all that it changes; ``merged``: those who are absorbed.  What is
    pending must be written before, and is at the end."""
    chosen = sorted(set(pks))
    before = standing(store.connection, chosen)
    yield
    store.flush()
    store.impact.compare(before, standing(store.connection, chosen), merged, store.first_new_practitioner)
