"""What operators publish beside what the MSSanté extract says of the same addresses (docs/reference/publication.md).

The operator's word stands: an extract changes nothing of a mailbox that was published.  The extract lags behind it, so
that a difference means nothing at first; when it lasts past the lead, the staff are asked, and nothing silently wins.
``judge`` holds the rule; the rest finds what to judge and puts the questions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import select

from directory_service.model.publication import SOURCE
from directory_service.registry import decisions
from directory_service.registry.bulk import chunks
from directory_service.registry.clock import parse_instant
from directory_service.registry.decisions import Kind
from directory_service.registry.tables import binding, mailbox, organization, practitioner, source_record
from importers.doubts import queue
from importers.mssante.layout import MAILBOXES
from importers.store import Store

LEAD: Final = timedelta(days=14)  # the feed once stood still for 10 days (formats.md §1)
Holder = tuple[Any, ...]  # importers.boxes.holder_of


class Finding(StrEnum):
    """What comes of comparing."""

    AGREES = "agrees"
    LAGS = "lags"  # they differ, and the extract may not have caught up yet
    UNSEEN = "unseen"  # not in the extract, where unlisted and closed mailboxes are not
    HOLDER = "holder"  # question: the extract names another holder, or another type
    ABSENT = "absent"  # question: the extract does not name it
    OPEN = "open"  # question: its operator closed it, the extract still names it


@dataclass(frozen=True, slots=True)
class Word:
    """What one side says of an address: the type, and who holds it."""

    type: str
    holders: frozenset[Holder]


@dataclass(frozen=True, slots=True)
class Published:
    """A mailbox whose source is an operator.  ``at``: when the operator last changed it; ``gone``: when the extract
    stopped naming it, None if it names it still or never did."""

    word: Word
    is_open: bool
    unlisted: bool
    at: datetime
    gone: datetime | None = None


def judge(ours: Published, said: Word | None, made: datetime, lead: timedelta) -> Finding:
    """The rule, for one address and one extract that was made at ``made``; ``said`` is None when it has no line."""
    if said is None and (ours.unlisted or not ours.is_open):
        return Finding.UNSEEN
    if said is not None and ours.is_open and said == ours.word:
        return Finding.AGREES
    since = max(ours.at, ours.gone) if said is None and ours.gone else ours.at
    if made <= since + lead:
        return Finding.LAGS
    if said is None:
        return Finding.ABSENT
    return Finding.HOLDER if ours.is_open else Finding.OPEN


# What the staff are asked: is ``other`` of the decision the holder of the address?
REASONS: Final[Mapping[Finding, str]] = {
    Finding.HOLDER: "l'extraction donne à cette adresse un autre titulaire que son opérateur",
    Finding.ABSENT: "l'extraction ne connaît pas cette adresse que son opérateur publie",
    Finding.OPEN: "l'extraction donne encore cette adresse, que son opérateur a fermée",
}
RULES: Final[Mapping[Finding, str]] = {finding: f"rule:published_{finding}" for finding in REASONS}


class PublishedBoxes:
    """The published mailboxes, as one extract is read.  Of other sources than the MSSanté extract there is nothing to
    compare: the monotables are of 2018."""

    def __init__(self, store: Store, source: str, made: datetime, lead: timedelta) -> None:
        self.store, self.source, self.made, self.lead = store, source, made, lead
        self.boxes: dict[bytes, int] = self._published() if source == MAILBOXES.id else {}
        self.unsaid = set(self.boxes)
        self.unread = set[bytes]()  # of which a line was rejected: it may have said what is missing
        self.waiting: list[tuple[bytes, Word | None]] = []
        self.questions: dict[Finding, list[tuple[str, str]]] = {finding: [] for finding in REASONS}

    def _published(self) -> dict[bytes, int]:
        query = select(mailbox.c.address, mailbox.c.id).where(mailbox.c.source == SOURCE)
        return {address.encode(): pk for address, pk in self.store.rows(query)}

    def compare(self, address: bytes, kind: str, holders: Iterable[Holder]) -> None:
        """The extract names it."""
        self.unsaid.discard(address)
        self.waiting.append((address, Word(kind, frozenset(holders))))

    def flush_if_full(self) -> None:
        if len(self.waiting) >= 2_000:
            self._judge()

    def finish(self) -> None:
        """Everything was read: judges what the extract left out, and puts the questions."""
        if not self.boxes:
            return
        self.waiting += [(address, None) for address in sorted(self.unsaid - self.unread)]
        self._judge()
        self._forget_settled()
        for finding, pairs in self.questions.items():
            queue(self.store, Kind.HOLDER, RULES[finding], REASONS[finding], pairs)

    def _judge(self) -> None:
        self.store.flush()
        for some in chunks(self.waiting):
            ours = self._read([self.boxes[address] for address, _ in some])
            for address, said in some:
                published, owner = ours[self.boxes[address]]
                found = judge(published, said, self.made, self.lead)
                if found in REASONS:
                    other = self._name(min(said.holders, key=str)) if found is Finding.OPEN and said else owner
                    self.questions[found].append((address.decode(), other))
        self.waiting = []

    def _read(self, pks: Sequence[int]) -> dict[int, tuple[Published, str]]:
        """Each with the national id of its holder."""
        held, owners = self._holders(pks)
        marks = (source_record.c.source == self.source) & (source_record.c.key == mailbox.c.address)
        columns = mailbox.c.id, mailbox.c.type, mailbox.c.until, mailbox.c.unlisted, mailbox.c.published_at
        query = select(*columns, source_record.c.gone_at).select_from(mailbox.outerjoin(source_record, marks))
        found = {}
        for pk, kind, until, unlisted, at, gone in self.store.connection.execute(query.where(mailbox.c.id.in_(pks))):
            word, left = Word(kind, frozenset(held.get(pk, ()))), parse_instant(gone) if gone else None
            found[pk] = Published(word, until is None, unlisted, parse_instant(at), left), owners.get(pk, "")
        return found

    def _holders(self, pks: Sequence[int]) -> tuple[dict[int, set[Holder]], dict[int, str]]:
        held, owners = dict[int, set[Holder]](), dict[int, str]()
        b = binding.c
        query = select(b.mailbox_id, b.practitioner_id, b.organization_id, b.national_id)
        for pk, person, place, written in self.store.connection.execute(
            query.where(b.mailbox_id.in_(pks), b.until.is_(None))
        ):
            holder: Holder = ("person", person) if person else ("written", written) if written else ("structure", place)
            held.setdefault(pk, set()).add(holder)
            owners[pk] = self._name(holder)
        return held, owners

    def _name(self, holder: Holder) -> str:
        """The national id of a holder, where there is one; names alone are none."""
        kind, key = holder
        if kind == "written":
            return key if isinstance(key, str) else ""
        table = practitioner if kind == "person" else organization
        found = self.store.connection.execute(select(table.c.national_id).where(table.c.id == key)).scalar()
        return str(found or "")

    def _forget_settled(self) -> None:
        """Questions of former days that the two sides have answered by agreeing since; what a person put off stays, and
        what is asked of an address that could not be read today."""
        for finding, rule in RULES.items():
            waiting, again = decisions.asked(self.store.connection, rule), {*self.questions[finding]}
            settled = [pk for pk, pair in waiting.items() if pair not in again and pair[0].encode() not in self.unread]
            decisions.forget(self.store.connection, settled)
