"""What the staff decide: two records are one person, or are not, or were not after all.

Each act is a run of its own, under the lock of imports, journalled under who did it, and goes through the same doors
as an import (``importers.merge``); a merge is undone by ``importers.parting``.  A decision taken here stands: no later
run asks again, or does otherwise; only a rollback of this very run, or of one before it with all that came after, takes
it back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Required, TypedDict, Unpack

from sqlalchemy import Connection, Engine, select, update

from directory_service.errors import InvalidInput, NotFound
from directory_service.model.publication import SOURCE
from directory_service.registry import decisions
from directory_service.registry.bulk import update_rows
from directory_service.registry.clock import format_instant, now_text
from directory_service.registry.decisions import OPEN, Decision, Kind, Outcome
from directory_service.registry.engine import writing
from directory_service.registry.lock import Tell, locked
from directory_service.registry.overview import resolve
from directory_service.registry.runs import create_run, finish_run
from directory_service.registry.tables import (
    binding,
    identifier,
    mailbox,
    practitioner,
    source_record,
)
from directory_service.registry.tally import change_tally
from directory_service.registry.undo import recording
from importers.impact import counted
from importers.known import People
from importers.lastwords import forget_last_words
from importers.merge import Merge, merge
from importers.mssante.layout import MAILBOXES
from importers.parting import carry, part, stand
from importers.published import RULES, Finding
from importers.store import Store


class _Act:
    """One act of one person: a transaction, a run, the tables that it may write."""

    def __init__(self, connection: Connection, actor: str, as_of: str, note: str) -> None:
        self.connection, self.actor, self.note, self.at = connection, actor, note, now_text()
        self.run = create_run(connection, actor=actor, kind="review", as_of=as_of, started_at=self.at)
        self.store = Store(connection, run_id=self.run, actor=actor, as_of=as_of, at=self.at)

    def decide(self, decision: Decision, outcome: Outcome) -> None:
        decisions.decide(
            self.connection, decision.pk, outcome, actor=self.actor, at=self.at, run=self.run, note=self.note
        )
        self.store.counts["decision"][str(outcome)] += 1

    def finish(self) -> None:
        counts = {kind: dict(acts) for kind, acts in self.store.counts.items() if acts}
        finish_run(self.connection, self.run, status="done", counts=counts, impact=self.store.impact.as_dict())


class By(TypedDict, total=False):
    """Who answers, and why; ``as_of``: the instant that the changes bear, now by default.  ``wait``: seconds for
    whoever holds the registry, which ``tell`` is told."""

    actor: Required[str]
    note: str
    as_of: datetime | None
    wait: float
    tell: Tell


@contextmanager
def _acting(
    engine: Engine,
    *,
    actor: str,
    note: str = "",
    as_of: datetime | None = None,
    wait: float = 0.0,
    tell: Tell = lambda _holder: None,
) -> Iterator[_Act]:
    """All that an act reads and writes: alone, in one transaction, in a run that can be taken back."""
    with locked(engine, work="review", actor=actor, wait=wait, tell=tell), writing(engine) as connection:
        act = _Act(connection, actor, format_instant(as_of) if as_of else now_text(), note)
        with recording(connection, act.run):
            yield act
            act.store.flush()
            change_tally(connection, act.store.impact.net())
        act.finish()


def accept(engine: Engine, pk: int, **by: Unpack[By]) -> Decision:
    """Yes: the records become one; the link table is believed; the holder is the holder.  ``by``: see ``By``.  Raises
    NotFound, InvalidInput, RegistryBusy."""
    return _answer(engine, pk, Outcome.ACCEPTED, _ACCEPT, by)


def reject(engine: Engine, pk: int, **by: Unpack[By]) -> Decision:
    """No: never to be asked again; a mailbox is taken from a holder who is not."""
    return _answer(engine, pk, Outcome.REJECTED, _REJECT, by)


def later(engine: Engine, pk: int, **by: Unpack[By]) -> Decision:
    """Not today: it goes to the end of the queue."""
    return _answer(engine, pk, Outcome.LATER, {}, by)


Effect = Callable[[_Act, Decision], None]


def _answer(engine: Engine, pk: int, outcome: Outcome, effects: dict[Kind, Effect], by: By) -> Decision:
    with _acting(engine, **by) as act:
        asked = decisions.get(act.connection, pk)
        if asked.outcome not in OPEN:
            raise InvalidInput(f"la décision {pk} n'attend plus de réponse : prise par {asked.actor}, le {asked.at}")
        effect = effects.get(asked.kind)
        if effect:
            effect(act, asked)
        act.decide(asked, outcome)
        return decisions.get(act.connection, pk)


def split(engine: Engine, what: str, **by: Unpack[By]) -> Decision:
    """Undoes a merge, named by the number of its decision, or by a number of the record that was absorbed.  Raises
    NotFound, InvalidInput, RegistryBusy."""
    with _acting(engine, **by) as act:
        merged = _merged(act.connection, what)
        part(act.store, merged, act.note)
        act.decide(merged, Outcome.SPLIT)
        return decisions.get(act.connection, merged.pk)


def _merged(connection: Connection, what: str) -> Decision:
    if what.isdecimal() and len(what) < 9:  # an ADELI number has nine characters
        found = [decisions.get(connection, int(what))]
    else:
        number = what if len(what) == 10 else "0" + what
        found = decisions.about(connection, number.upper())
    merged = next(filter(_is_merge, found), None)
    if merged is None:
        raise NotFound(f"aucune fusion à défaire pour {what}")
    return merged


def _is_merge(decision: Decision) -> bool:
    return decision.kind != Kind.HOLDER and decision.outcome in (Outcome.MERGE, Outcome.ACCEPTED)


def _find_merge(connection: Connection, national: str) -> Decision | None:
    """What made this record part of another, if it is."""
    merged = practitioner.c.national_id == national, practitioner.c.merged_into.is_not(None)
    if connection.execute(select(practitioner.c.id).where(*merged)).first() is None:
        return None
    return next(filter(_is_merge, decisions.about(connection, national)), None)


# --- accept, reject -------------------------------------------------------------------------------------------------


def _find_alive(connection: Connection, national: str) -> int | None:
    named = practitioner.c.national_id == national, practitioner.c.merged_into.is_(None)
    return connection.execute(select(practitioner.c.id).where(*named)).scalar()


def _alive(connection: Connection, national: str) -> int:
    pk = _find_alive(connection, national)
    if pk is None and resolve(connection, national[0], national[1:]) is None:  # of a table of other people, too
        raise InvalidInput(f"aucune fiche ne porte encore le numéro {national} : remettez la question à plus tard")
    if pk is None:
        raise InvalidInput(f"la fiche {national} n'existe plus : un import l'a changée depuis")
    return pk


def _join(act: _Act, asked: Decision) -> None:
    pair = _alive(act.connection, asked.one), _alive(act.connection, asked.other)
    _merge(act, pair, asked)


def _merge(act: _Act, pair: tuple[int, int], asked: Decision) -> None:
    decisions.close(act.connection, [(asked.one, asked.other)], but=asked.pk)
    reason = act.note or asked.reason
    joined = Merge(*pair, "review", reason, asked.score, asked.probability, asked.weights, by_staff=True)
    merge(act.store, People(act.connection, pair), [joined])


def _believe_link(act: _Act, asked: Decision) -> None:
    """The ADELI number changes hands: with the record that bore it, if there was one, else with what its sources have
    brought under it."""
    connection, store = act.connection, act.store
    holder, rightful = resolve(connection, "0", asked.one[1:]), _alive(connection, asked.other)
    if holder is None or holder == rightful:
        raise InvalidInput(f"le numéro {asked.one} n'est plus à quelqu'un d'autre : il n'y a rien à déplacer")
    earlier = _find_merge(connection, asked.one)
    if earlier:
        part(store, earlier, act.note)
        act.decide(earlier, Outcome.SPLIT)
    alone = _find_alive(connection, asked.one)
    if alone is not None:
        _merge(act, (alone, rightful), asked)
        return
    marks = select(source_record.c.source, source_record.c.key).where(
        source_record.c.subject_id == holder, source_record.c.key == asked.one
    )
    said = {"numbers": [asked.one], "sources": [tuple(mark) for mark in connection.execute(marks)]}
    held = identifier.c.scheme == "0", identifier.c.value == asked.one[1:]
    row, how = connection.execute(select(identifier.c.id, identifier.c.how).where(*held)).one()
    store.flush()
    with counted(store, [holder, rightful]):
        carry(store, said, holder, rightful)
        update_rows(connection, identifier, ("practitioner_id", "how"), [(rightful, "link-table", row)])
        stand(store, (holder, rightful), {})
        people = People(connection, (holder, rightful))
        forget_last_words(store, filter(people.vouchers, (holder, rightful)))
    store.note("update", "practitioner", holder, {"identifier": [asked.one], "how": how}, {})
    store.note("update", "practitioner", rightful, {}, {"identifier": [asked.one], "how": "link-table"})


def _take_away(act: _Act, asked: Decision) -> None:
    """The mailbox stays open, under the names written beside it; its holder is known no more.  Her own record changes
    only if it showed the mailbox: that it does is told to all."""
    store, columns = act.store, binding.c
    query = select(columns.id, columns.mailbox_id, columns.practitioner_id, mailbox.c.unlisted).join(mailbox)
    held = mailbox.c.address == asked.one, columns.national_id == asked.other, columns.until.is_(None)
    query = query.where(*held, columns.practitioner_id.is_not(None))
    for row, box, person, unlisted in act.connection.execute(query).all():
        update_rows(act.connection, binding, ("practitioner_id",), [(None, row)])
        store.impact.mailbox("changed", asked.one)
        store.note("update", "mailbox", box, {"holder": asked.other}, {"holder": None})
        update_rows(act.connection, mailbox, ("changed_at",), [(store.as_of, box)])
        if not unlisted:
            store.note("update", "practitioner", person, {"mailbox": asked.one}, {})
            update_rows(act.connection, practitioner, ("changed_at",), [(store.as_of, person)])


def _of_published(act: _Act, asked: Decision) -> Any:
    columns = mailbox.c.id, mailbox.c.until, mailbox.c.unlisted
    query = select(*columns).where(mailbox.c.address == asked.one, mailbox.c.source == SOURCE)
    found = act.connection.execute(query).first()
    if found is None:
        raise InvalidInput("cette boîte n'est plus celle que publiait son opérateur : la question n'a plus d'objet")
    return found


def _give_back(act: _Act, asked: Decision) -> None:
    """The extract has the word again: what it says is read anew at the next import."""
    box, extract = _of_published(act, asked), MAILBOXES.id
    update_rows(act.connection, mailbox, ("source", "changed_at"), [(extract, act.store.as_of, box.id)])
    mark = source_record.c.source == extract, source_record.c.key == asked.one
    act.connection.execute(update(source_record).where(*mark).values(digest=0, run_id=act.run))
    act.store.impact.mailbox("changed", asked.one)
    act.store.note("update", "mailbox", box.id, {"source": SOURCE}, {"source": extract})


def _close(act: _Act, asked: Decision) -> None:
    """What is in no extract and not its holder's is nobody's."""
    box, as_of = _of_published(act, asked), act.store.as_of
    if box.until is None:
        opened = binding.c.mailbox_id == box.id, binding.c.until.is_(None)
        ended = {"until": as_of, "closed_run": act.run, "unlisted": box.unlisted}
        act.connection.execute(update(binding).where(*opened).values(ended))
        update_rows(act.connection, mailbox, ("until", "changed_at"), [(as_of, as_of, box.id)])
        act.store.impact.mailbox("removed", asked.one)
        act.store.note("close", "mailbox", box.id, {"until": None}, {"until": as_of})


# Questions about mailboxes differ by the rule that asks; yes always means that ``other`` holds the address.
_YES: dict[str, Effect] = {RULES[Finding.OPEN]: _give_back}
_NO: dict[str, Effect] = {
    RULES[Finding.HOLDER]: _give_back,
    RULES[Finding.ABSENT]: _close,
    RULES[Finding.OPEN]: lambda _act, _asked: None,
}


def _is_the_holder(act: _Act, asked: Decision) -> None:
    if effect := _YES.get(asked.how):
        effect(act, asked)


def _is_not_the_holder(act: _Act, asked: Decision) -> None:
    _NO.get(asked.how, _take_away)(act, asked)


_ACCEPT: dict[Kind, Effect] = {
    Kind.SAME_PERSON: _join,
    Kind.LINK: _believe_link,
    Kind.HOLDER: _is_the_holder,
}
_REJECT: dict[Kind, Effect] = {Kind.HOLDER: _is_not_the_holder}
