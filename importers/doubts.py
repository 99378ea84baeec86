"""What a run cannot settle and puts into the staff's queue: contradictions of the link table, mailboxes whose holder
bears another name than the one written beside the address.  Who is who is in ``importers.reconciling``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, func, select

from directory_service.registry import decisions
from directory_service.registry.bulk import chunks
from directory_service.registry.decisions import Decision, Kind, Outcome
from directory_service.registry.tables import binding, mailbox, practitioner
from importers.known import People
from importers.reconcile.candidate import Candidate
from importers.reconcile.features import family, given
from importers.store import Store

_CONFLICT, HOLDER_NAMES = "link-table", "rule:holder_names"


def queue_conflicts(store: Store, pairs: Iterable[tuple[str, str]], said: Mapping[str, str]) -> None:
    """(ADELI, RPPS) national ids that the link table ties and the registry gives to two people, both with an RPPS
    number.  ``said``: ADELI number ► RPPS number, all that the table says: what it says no more is asked no more."""
    waiting = decisions.asked(store.connection, _CONFLICT).items()
    decisions.forget(store.connection, [pk for pk, (one, other) in waiting if said.get(one[1:]) != other[1:]])
    reason = "la table de correspondance donne à ce numéro ADELI un autre RPPS que le registre"
    queue(store, Kind.LINK, _CONFLICT, reason, dict.fromkeys(pairs))


def queue_doubtful_holders(store: Store, people: People) -> None:
    """Open personal mailboxes, new or changed in this run, whose written names are nothing like those of the holder.
    What was asked and is clear by now is asked no more."""
    _forget_cleared(store)
    settled = decisions.settled(store.connection, Kind.HOLDER)
    known = {(address, people.ids.get(national.encode())) for address, national in settled}  # under any number of hers
    found = {(address, national): None for address, national, pk in _doubtful(store) if (address, pk) not in known}
    reason = "les noms écrits avec l'adresse ne sont pas ceux du titulaire"
    queue(store, Kind.HOLDER, HOLDER_NAMES, reason, found)


def _forget_cleared(store: Store) -> None:
    waiting, doubtful = decisions.asked(store.connection, HOLDER_NAMES), set[tuple[str, str]]()
    for some in chunks([address for address, _ in waiting.values()]):
        doubtful |= {found[:2] for found in _doubtful_among(store, mailbox.c.address.in_(some))}
    decisions.forget(store.connection, [pk for pk, pair in waiting.items() if pair not in doubtful])


def queue(store: Store, kind: Kind, how: str, reason: str, pairs: Iterable[tuple[str, str]]) -> None:
    """Asks about these pairs, but those on which a person has the word or that wait already."""
    held = decisions.settled(store.connection, kind)
    fresh = [pair for pair in pairs if pair not in held]
    decisions.add(
        store.connection,
        (Decision(kind, Outcome.REVIEW, *p, how, reason, store.run_id, store.actor, store.at) for p in fresh),
    )
    if fresh:
        store.counts["match"]["review"] += len(fresh)


def _doubtful(store: Store) -> Iterator[tuple[str, str, int]]:
    """Address, number written beside it, holder."""
    conditions: list[ColumnElement[bool]] = [mailbox.c.id >= store.first_new_mailbox]
    conditions += [mailbox.c.id.in_(some) for some in chunks(sorted(store.touched["mailbox"]))]
    changed = sorted(store.touched["practitioner"])
    conditions += [binding.c.practitioner_id.in_(some) for some in chunks(changed)]
    for condition in conditions:
        yield from _doubtful_among(store, condition)


def _doubtful_among(store: Store, condition: ColumnElement[bool]) -> Iterator[tuple[str, str, int]]:
    for address, national, pk, *written in store.connection.execute(_other_names(condition)):
        if _is_doubtful(written):
            yield address, national, pk


def _other_names(condition: ColumnElement[bool]) -> Any:
    """Written otherwise, letter by letter: few rows, which are then read as names."""
    written, known = binding.c, practitioner.c
    query = select(mailbox.c.address, written.national_id, known.id, written.family_name, written.given_names,
                   known.family_name, known.given_names, known.civility_code)  # fmt: skip
    query = query.select_from(binding.join(mailbox).join(practitioner, written.practitioner_id == known.id))
    open_ = written.until.is_(None), written.national_id != "", written.family_name != ""
    other = func.upper(written.family_name) != func.upper(known.family_name)
    return query.where(condition, *open_, other, func.upper(written.given_names) != func.upper(known.given_names))


def _is_doubtful(names: Sequence[str]) -> bool:
    one = Candidate(0, False, names[0], names[1], "")
    other = Candidate(1, True, names[2], names[3], names[4])
    return family(one, other).startswith("other") and given(one, other) in ("shared", "other")
