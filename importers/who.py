"""Reads the candidates of ``reconcile``, and applies its decisions.

Blocking is done in SQL: records under an ADELI number only, and records under an RPPS number that share a name key or a
mailbox with one of them.  Everybody of a block is read, so that a rule sees every homonym.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from sqlalchemy import select

from directory_service.registry.bulk import chunks
from directory_service.registry.tables import activity, binding, mailbox, organization, practitioner
from importers.known import People
from importers.merge import Merge, merge
from importers.mssante.parse import PERSONAL
from importers.reconcile.rules import Candidate, decide
from importers.store import Store


def reconcile(store: Store, people: People) -> None:
    """Applies the rules to the whole registry."""
    store.flush()
    merge(store, people, [Merge(d.absorbed, d.survivor, d.how, d.reason) for d in decide(_candidates(store))])


def _candidates(store: Store) -> list[Candidate]:
    alive = practitioner.c.merged_into.is_(None)
    query = select(practitioner.c.id, practitioner.c.match_key).where(alive, practitioner.c.national_id.like("0%"))
    adeli = dict(tuple(row) for row in store.rows(query))
    rpps = _same_names(store, {key for key in adeli.values() if key})
    shared = _sharing_a_mailbox(store, adeli)
    names = set(rpps.values())
    return _read(store, {pk for pk, key in adeli.items() if key in names} | set(rpps) | shared)


def _same_names(store: Store, keys: Iterable[str]) -> dict[int, str]:
    found: dict[int, str] = {}
    columns = practitioner.c
    for some in chunks(sorted(keys)):
        query = select(columns.id, columns.match_key).where(columns.match_key.in_(some), columns.merged_into.is_(None))
        found.update(tuple(row) for row in store.connection.execute(query.where(columns.national_id.like("8%"))))
    return found


def _sharing_a_mailbox(store: Store, pks: Iterable[int]) -> set[int]:
    """These people, and others, who at some time held the same mailbox."""
    one, other = binding.alias("one"), binding.alias("other")
    found: set[int] = set()
    for some in chunks(sorted(pks)):
        query = (
            select(one.c.practitioner_id, other.c.practitioner_id)
            .select_from(one.join(other, one.c.mailbox_id == other.c.mailbox_id))
            .where(one.c.practitioner_id.in_(some), other.c.practitioner_id != one.c.practitioner_id)
        )
        for pair in store.connection.execute(query):
            found.update(pair)
    return found


def _read(store: Store, pks: Iterable[int]) -> list[Candidate]:
    found = []
    for some in chunks(sorted(pks)):
        structures, boxes = _structures(store, some), _boxes(store, some)
        columns = practitioner.c
        query = select(columns.id, columns.national_id, columns.family_name, columns.given_names, columns.civility_code)
        alive = columns.id.in_(some), columns.merged_into.is_(None)
        for pk, national, family, given, civility in store.connection.execute(query.where(*alive)):
            places, held = frozenset(structures[pk]), frozenset(boxes[pk])
            found.append(Candidate(pk, national[0] == "8", family, given, civility, places, held))
    return found


def _structures(store: Store, pks: list[int]) -> dict[int, set[tuple[str, str]]]:
    """(profession, identifier of a structure) of each; structures known by address only are left out."""
    found: dict[int, set[tuple[str, str]]] = defaultdict(set)
    columns = organization.c.technical_id, organization.c.finess, organization.c.siret
    query = select(activity.c.practitioner_id, activity.c.profession_code, *columns).join(organization)
    for pk, profession, *keys in store.connection.execute(query.where(activity.c.practitioner_id.in_(pks))):
        found[pk].update((profession, key) for key in _identifying(keys) if profession)
    return found


def _identifying(keys: list[Any]) -> list[str]:
    technical, finess, siret = keys
    found = [key for key in ("F" + finess if finess else "", "C" + siret if siret else "") if key]
    return found if technical.startswith("A") else list(dict.fromkeys([technical, *found]))


def _boxes(store: Store, pks: list[int]) -> dict[int, set[str]]:
    found: dict[int, set[str]] = defaultdict(set)
    query = select(binding.c.practitioner_id, mailbox.c.address).join(mailbox)
    personal = mailbox.c.type.in_(sorted(PERSONAL)), binding.c.practitioner_id.in_(pks)
    for pk, address in store.connection.execute(query.where(*personal)):
        found[pk].add(address)
    return found
