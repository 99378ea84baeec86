"""What a run cannot settle and puts into the staff's queue: contradictions of the link table, mailboxes whose holder
bears another name than the one written beside the address.  Who is who is in ``importers.who``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, func, select

from directory_service.registry import decisions
from directory_service.registry.bulk import chunks
from directory_service.registry.decisions import Decision, Kind, Outcome
from directory_service.registry.tables import binding, mailbox, practitioner
from importers.reconcile.candidate import Candidate
from importers.reconcile.features import family, given
from importers.store import Store


def queue_conflicts(store: Store, pairs: Iterable[tuple[str, str]]) -> None:
    """(ADELI, RPPS) national ids that the link table ties and the registry gives to two people, both with an RPPS
    number."""
    reason = "la table de correspondance donne à ce numéro ADELI un autre RPPS que le registre"
    queue(store, Kind.LINK, "link-table", reason, dict.fromkeys(pairs))


def queue_doubtful_holders(store: Store) -> None:
    """Open personal mailboxes, new or changed in this run, whose written names are nothing like those of the holder."""
    reason = "les noms écrits avec l'adresse ne sont pas ceux du titulaire"
    queue(store, Kind.HOLDER, "rule:holder_names", reason, dict.fromkeys(_doubtful(store)))


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


def _doubtful(store: Store) -> Iterator[tuple[str, str]]:
    conditions: list[ColumnElement[bool]] = [mailbox.c.id >= store.first_new_mailbox]
    conditions += [mailbox.c.id.in_(some) for some in chunks(sorted(store.touched["mailbox"]))]
    changed = sorted(store.touched["practitioner"])
    conditions += [binding.c.practitioner_id.in_(some) for some in chunks(changed)]
    for condition in conditions:
        for address, national, *written in store.connection.execute(_other_names(condition)):
            if _is_doubtful(written):
                yield address, national


def _other_names(condition: ColumnElement[bool]) -> Any:
    """Written otherwise, letter by letter: few rows, which are then read as names."""
    written, known = binding.c, practitioner.c
    query = select(mailbox.c.address, written.national_id, written.family_name, written.given_names,
                   known.family_name, known.given_names, known.civility_code)  # fmt: skip
    query = query.select_from(binding.join(mailbox).join(practitioner, written.practitioner_id == known.id))
    open_ = written.until.is_(None), written.national_id != "", written.family_name != ""
    other = func.upper(written.family_name) != func.upper(known.family_name)
    return query.where(condition, *open_, other, func.upper(written.given_names) != func.upper(known.given_names))


def _is_doubtful(names: Sequence[str]) -> bool:
    one = Candidate(0, False, names[0], names[1], "")
    other = Candidate(1, True, names[2], names[3], names[4])
    return family(one, other).startswith("other") and given(one, other) in ("shared", "other")
