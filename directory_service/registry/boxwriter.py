"""From a mailbox as it stands to what it is to be: the difference, and its rows, written many at once."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Self

from sqlalchemy import Connection, exists, update

from directory_service.model.mailboxes import domain_of
from directory_service.model.publication import SOURCE, Publication
from directory_service.registry.boxstate import SAID, Held, State
from directory_service.registry.bulk import chunks, insert_rows, next_id, update_rows
from directory_service.registry.journal import append_many
from directory_service.registry.tables import binding, mail_certificate, mailbox
from directory_service.registry.tally import add_to_tally

_KEPT = (
    "type",
    "source",
    "operator",
    "until",
    "unlisted",
    "purposes",
    "contacts",
)  # of a mailbox; told when they change


@dataclass(frozen=True, slots=True)
class Change:
    """``before`` is None for a new address.  ``act``: create, update, reopen, close; empty when nothing differs.
    ``kept``: the binding that stays, as it was; ``held``: the one of ``after`` (none once closed)."""

    act: str
    before: State | None
    after: State
    kept: Held | None = None
    held: Held | None = None

    @classmethod
    def close(cls, state: State, operator: str, at: str) -> Self:
        """A box that its extract closed before is told closed, so that the extract does not open it again."""
        if state.until is not None and state.source == SOURCE:
            return cls("", state, state)
        act, until = ("close", at) if state.until is None else ("update", state.until)
        return cls(act, state, replace(state, until=until, source=SOURCE, operator=operator, held=()))

    @classmethod
    def put(cls, before: State | None, state: State, wish: Publication, held: Held, operator: str) -> Self:
        kept = _same_holder(state.held, held)
        now = replace(held, row=kept.row) if kept else held
        own = (state.pk, state.address, wish.type.value, SOURCE, operator, state.since)
        after = State(*own, None, wish.unlisted, wish.purposes, wish.contacts, (now,))
        if before is None:
            return cls("create", None, after, None, now)
        if before.until is not None:
            return cls("reopen", before, after, None, now)
        same = _told(before) == _told(after) and [h.said for h in before.held] == [now.said]
        return cls("" if same else "update", before, before if same else after, kept, now)


def _same_holder(opened: tuple[Held, ...], held: Held) -> Held | None:
    """The open binding that the holder keeps: in the same structure first."""
    hers = [h for h in opened if h.owner == held.owner]
    return next((h for h in hers if h.organization_id == held.organization_id), hers[0] if hers else None)


def _told(state: State) -> dict[str, Any]:
    return {name: getattr(state, name) for name in _KEPT}


class Writer:
    """Gathers changes of different addresses, and writes them."""

    def __init__(self, connection: Connection, actor: str, at: str) -> None:
        self.connection, self.actor, self.at = connection, actor, at
        self.next_key: int | None = None
        self.changes: list[Change] = []

    def new(self, address: str) -> State:
        """An address that never was, with the key that it will have; nobody else writes meanwhile."""
        if self.next_key is None:
            self.next_key = next_id(self.connection, mailbox)
        self.next_key += 1
        return State(self.next_key - 1, address, "", SOURCE, "", self.at, None, False, (), (), ())

    def write(self) -> None:
        if not self.changes:
            return
        self._write_boxes()
        self._write_bindings()
        taken = self._take_certificates()
        entries = [_entry(c, taken.get(c.after.address)) for c in self.changes]
        append_many(self.connection, entries, actor=self.actor, at=self.at)
        add_to_tally(self.connection, self._opened())
        self.changes = []

    def _write_boxes(self) -> None:
        new = [(c.after.pk, c.after.address, c.after.since, *self._row(c.after)) for c in self.changes if not c.before]
        columns = ("type", "source", "operator", "until", "unlisted", "purposes", "contacts", "changed_at",
                   "published_at")  # fmt: skip
        if new:
            insert_rows(self.connection, mailbox, ("id", "address", "since", *columns), new)
        changed = [(*self._row(c.after), c.after.pk) for c in self.changes if c.before]
        update_rows(self.connection, mailbox, columns, changed)

    def _row(self, state: State) -> tuple[Any, ...]:
        lists = _json(state.purposes), _json(state.contacts)
        return (state.type, state.source, state.operator, state.until, state.unlisted, *lists, self.at, self.at)

    def _write_bindings(self) -> None:
        columns = ("mailbox_id", "source", "national_id", "since", "opened_operator", *SAID)
        opened = [(c.after.pk, SOURCE, c.held.person, self.at, self.actor, *c.held.said)
                  for c in self.changes if c.held and not c.held.row]  # fmt: skip
        if opened:
            insert_rows(self.connection, binding, columns, opened)
        told = [(SOURCE, *c.held.said, c.held.row) for c in self.changes if c.held and c.held.row]
        update_rows(self.connection, binding, ("source", *SAID), told)
        closed = [(self.at, self.actor, unlisted, h.row) for c in self.changes for h, unlisted in _closed(c)]
        update_rows(self.connection, binding, ("until", "closed_operator", "unlisted"), closed)

    def _take_certificates(self) -> dict[str, list[str]]:
        """Who held a mailbox unlisted takes along what names her; gives the digests, by address.  Where an import gave
        it to who holds it now, what was there then."""
        box, b, found = mail_certificate.c, binding.c, dict[str, list[str]]()
        hidden = [c for c in self.changes if c.before and c.before.unlisted and c.held]
        passed = {c.after.address for c in hidden if not c.kept}
        listed = {c.after.address for c in hidden if c.kept and not c.after.unlisted}
        held = mailbox.join(binding, b.mailbox_id == mailbox.c.id)
        ended = mailbox.c.address == box.address, b.unlisted, b.until >= box.added_at
        for some in chunks(sorted(passed | listed)):
            left = box.address.in_(passed.intersection(some)) | exists().select_from(held).where(*ended)
            those = box.address.in_(some), box.removed_at.is_(None), left
            query = update(mail_certificate).where(*those).values(removed_at=self.at)
            for address, digest in self.connection.execute(query.returning(box.address, box.sha256)).all():
                found.setdefault(address, []).append(digest)
        return found

    def _opened(self) -> Mapping[str, Mapping[str, int]]:
        """Mailboxes more or less, in all and by domain."""
        sign = {"create": 1, "reopen": 1, "close": -1}
        by_domain: Counter[str] = Counter()
        for c in self.changes:
            by_domain[domain_of(c.after.address)] += sign.get(c.act, 0)
        return {"mailboxes": {"": sum(by_domain.values())}, "domain": by_domain}


@lru_cache(maxsize=1024)  # they repeat
def _json(values: tuple[Any, ...]) -> str:
    return json.dumps(values, ensure_ascii=False)


def _closed(change: Change) -> list[tuple[Held, bool]]:
    """Bindings that end, each with whether they do so unlisted: what the mailbox becomes is the next holder's."""
    kept, before = change.held.row if change.held else 0, change.before
    return [(h, before.unlisted) for h in before.held if h.row != kept] if before else []


def _entry(
    change: Change, taken: list[str] | None
) -> tuple[str, str, int, Mapping[str, Any] | None, Mapping[str, Any] | None]:
    """As imports write theirs: a creation is told by the record itself.  ``taken``: certificates that go."""
    if change.before is None:
        return change.act, "mailbox", change.after.pk, None, None
    old, new = _told(change.before), _told(change.after)
    differ = [name for name in _KEPT if old[name] != new[name]]
    before, after = {n: old[n] for n in differ}, {n: new[n] for n in differ}
    bound = [[_shown(h) for h in state.held] for state in (change.before, change.after)]
    if bound[0] != bound[1]:
        before["binding"], after["binding"] = bound
    if taken:
        before["certificates"], after["certificates"] = sorted(taken), []
    return change.act, "mailbox", change.after.pk, before, after


def _shown(held: Held) -> dict[str, Any]:
    return {name: value for name, value in zip(SAID, held.said, strict=True) if value not in (None, "", False)}
