"""A verified list ► the registry: its domains open, change and close; operators come, leave and come back.

Domains given by hand (``source`` manual) are not touched, and a pair that an operator holds by hand already stays as it
is.  One entry of the journal for each operator and kind of change, in the run's transaction.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Row, select, update

from directory_service.model.subjects import party_of, subject_key
from directory_service.model.trust import ACTIVE, LISTED, MANUAL, WITHDRAWN
from directory_service.registry.bulk import chunks, insert_rows, next_id, update_rows
from directory_service.registry.tables import domain, operator, operator_certificate, operator_subject
from importers.store import Store
from importers.whitelist.document import ListEntry, WhiteList
from importers.whitelist.impact import TrustImpact, compare
from importers.whitelist.parties import Known, new_parties

_TOLD = ("subject", "description", "responsible", "support", "updated")  # of an entry, in the order of its columns
_COLUMNS = ("name", "operator_id", "since", "source", *_TOLD)
_OPERATOR = ("id", "name", "status", "status_since", "label", "identity", "source")
Pair = tuple[str, int, str]  # domain, operator, certificate name (folded)


def load_list(store: Store, listed: WhiteList, boxes: Mapping[str, int]) -> TrustImpact:
    """``boxes``: open mailboxes by domain, to tell what each move carries."""
    return _Loader(store).load(listed, boxes)


class _Loader:
    def __init__(self, store: Store) -> None:
        self.store, self.connection = store, store.connection
        self.rows = {row.id: row for row in self.connection.execute(select(operator))}
        self.names: dict[int, str] = {pk: row.name for pk, row in self.rows.items()}
        self.created: dict[int, str] = {}
        self.told: defaultdict[int, set[str]] = defaultdict(set)  # operator ► domains of which the list says otherwise
        self.open = self.connection.execute(select(domain).where(domain.c.until.is_(None))).all()

    def load(self, listed: WhiteList, boxes: Mapping[str, int]) -> TrustImpact:
        before = {(row.name, row.operator_id) for row in self.open}
        wanted = self._wanted(listed.entries)
        self._diff(wanted)
        after = {(row.name, row.operator_id) for row in self.open if row.source == MANUAL}
        after |= {(name, pk) for name, pk, _ in wanted}
        self._set_status({pk for _, pk in after})
        self._tell(before, after)
        return compare(self._holders(before), self._holders(after), boxes)

    def _holders(self, pairs: Iterable[tuple[str, int]]) -> dict[str, frozenset[str]]:
        found: defaultdict[str, set[str]] = defaultdict(set)
        for name, pk in pairs:
            found[name].add(self.names[pk])
        return {name: frozenset(names) for name, names in found.items()}

    # --- operators ----------------------------------------------------------------------------------------------------

    def _wanted(self, entries: Iterable[ListEntry]) -> dict[Pair, ListEntry]:
        """The entries by what they say: this domain, of that operator, by that name."""
        found, made = list(entries), list[tuple[Any, ...]]()
        known, subjects = self._known(), {subject_key(e.subject): e.subject for e in found}
        parties, first = new_parties(known, subjects.values()), next_id(self.connection, operator)
        for pk, (name, party) in enumerate(parties.items(), first):
            self.names[pk] = self.created[pk] = name
            known.by_party[party.key] = pk
            made.append((pk, name, ACTIVE, self.store.as_of, party.label, party.number, LISTED))
        insert_rows(self.connection, operator, _OPERATOR, made)
        owners = {key: owner for key, text in subjects.items() if (owner := known.find(text)) is not None}
        rows = [(owners[k], k, text, self.store.as_of, LISTED) for k, text in subjects.items()
                if k not in known.by_subject]  # fmt: skip
        insert_rows(self.connection, operator_subject, ("operator_id", "key", "value", "since", "source"), rows)
        keyed = ((e.domain, subject_key(e.subject), e) for e in found)
        return {(name, owners[key], key): entry for name, key, entry in keyed}

    def _known(self) -> Known:
        certificates = operator_certificate.c
        rules = select(certificates.value, certificates.operator_id).where(certificates.method == "subject")
        known = Known(by_rule={subject_key(v): pk for v, pk in self.connection.execute(rules)})
        for row in self.connection.execute(select(operator_subject).order_by(operator_subject.c.id.desc())):
            known.by_subject[row.key] = row.operator_id
            known.by_party[party_of(row.value).key] = row.operator_id
        known.by_number = {row.identity: pk for pk, row in self.rows.items() if row.identity}
        known.names = set(self.names.values())
        return known

    # --- domains ------------------------------------------------------------------------------------------------------

    def _diff(self, wanted: Mapping[Pair, ListEntry]) -> None:
        count = self.store.counts["domain"]
        by_hand = {(row.name, row.operator_id) for row in self.open if row.source == MANUAL}
        listed = {(r.name, r.operator_id, subject_key(r.subject)): r for r in self.open if r.source == LISTED}
        gone = [row for pair, row in listed.items() if pair not in wanted]
        new = {pair: e for pair, e in wanted.items() if pair not in listed and pair[:2] not in by_hand}
        changed = {row: e for pair, row in listed.items() if (e := wanted.get(pair)) and _told(e) != _told(row)}
        count["unchanged"] += len(wanted) - len(new) - len(changed)
        self._close(gone)
        self._open(new)
        update_rows(self.connection, domain, _TOLD, ((*_told(e), row.id) for row, e in changed.items()))
        for row in changed:
            self.told[row.operator_id].add(row.name)
        count["closed"] += len(gone)
        count["updated"] += len(changed)

    def _close(self, rows: list[Row[Any]]) -> None:
        for row in rows:
            self.told[row.operator_id].add(row.name)
        for some in chunks([row.id for row in rows]):
            self.connection.execute(update(domain).where(domain.c.id.in_(some)).values(until=self.store.as_of))

    def _open(self, entries: Mapping[Pair, ListEntry]) -> None:
        query = select(domain.c.name, domain.c.operator_id).where(domain.c.until.is_not(None)).distinct()
        former = {tuple(row) for row in self.connection.execute(query)}
        back = sum(pair[:2] in former for pair in entries)
        self.store.counts["domain"].update({"reopened": back, "created": len(entries) - back})
        for name, pk, _ in entries:
            self.told[pk].add(name)
        rows = ((name, pk, self.store.as_of, LISTED, *_told(entry)) for (name, pk, _), entry in entries.items())
        insert_rows(self.connection, domain, _COLUMNS, rows)

    # --- what becomes of operators ------------------------------------------------------------------------------------

    def _set_status(self, holders: set[int]) -> None:
        """Those that the list brought are withdrawn with their last domain, and come back with one; a suspended one
        stays suspended, since a person said so."""
        for pk, row in self.rows.items():
            left = row.source == LISTED and row.status == ACTIVE and pk not in holders
            if left or (row.status == WITHDRAWN and pk in holders):
                status = WITHDRAWN if left else ACTIVE
                values = {"status": status, "status_since": self.store.as_of}
                self.connection.execute(update(operator).where(operator.c.id == pk).values(values))
                kind, act = ("withdraw", "closed") if left else ("return", "reopened")
                self.store.note(kind, "operator", pk, {"status": row.status}, {"status": status}, count=False)
                self.store.counts["operator"][act] += 1

    def _tell(self, before: set[tuple[str, int]], after: set[tuple[str, int]]) -> None:
        """A domain that only changes its certificate name stays the operator's: a detail."""
        opened, closed = _by_operator(after - before), _by_operator(before - after)
        for pk in sorted(self.told):
            if pk in self.created:
                said = {"name": self.created[pk], "domains": sorted(opened[pk])}
                self.store.note("create", "operator", pk, None, said, count=False)
                continue
            if opened[pk] or closed[pk]:
                moved = {"opened": sorted(opened[pk]), "closed": sorted(closed[pk])}
                self.store.note("domain", "operator", pk, None, moved, count=False)
            if told := sorted(self.told[pk] - opened[pk] - closed[pk]):
                self.store.note("details", "operator", pk, None, {"told": told}, count=False)
        self.store.counts["operator"]["created"] += len(self.created)


def _by_operator(pairs: Iterable[tuple[str, int]]) -> defaultdict[int, set[str]]:
    found: defaultdict[int, set[str]] = defaultdict(set)
    for name, pk in pairs:
        found[pk].add(name)
    return found


def _told(said: ListEntry | Row[Any]) -> tuple[str, ...]:
    return tuple(getattr(said, name) for name in _TOLD)
