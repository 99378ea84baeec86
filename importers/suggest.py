"""False numbers ► the numbers that were probably meant: one wrong digit or two swapped, known to the registry under the
same name.

Once for each false number of a run, when all its files are read, so that a number that another file brings counts.
Nothing is corrected: a suggestion is for staff.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import select

from directory_service.model.mistaken import near_numbers
from directory_service.model.names import squash, words
from directory_service.registry.bulk import chunks, update_rows
from directory_service.registry.tables import practitioner, rejection
from importers.known import People
from importers.quarantine import Quarantine
from importers.rows import Doubt
from importers.store import Store

Names = tuple[str, str]


def suggest(store: Store, people: People, quarantines: Sequence[Quarantine]) -> None:
    """Writes the findings of these files, and completes the messages of their rejections."""
    store.flush()
    doubts = [doubt for q in quarantines for _, doubt in q.doubts]
    doubts += [Doubt(*f.doubt) for q in quarantines for f in q.problems.findings if f.doubt]
    found = _suggestions(store, people, list(dict.fromkeys(doubts)))
    for q in quarantines:
        q.keep({f: found.get(Doubt(*f.doubt), "") for f in q.problems.findings if f.doubt})
        _complete(store, q, found)
    store.flush()


def _suggestions(store: Store, people: People, doubts: Sequence[Doubt]) -> dict[Doubt, str]:
    """What to suggest for each number, where there is something: one number, or several after commas."""
    near = {d: [n for n in near_numbers(d.number) if n.encode() in people.ids] for d in doubts}
    near = {d: numbers for d, numbers in near.items() if numbers}
    wanted = {people.ids[n.encode()] for numbers in near.values() for n in numbers}
    wanted |= {people.ids[d.other.encode()] for d in near if d.other.encode() in people.ids}
    names, found = _names(store, wanted), {}
    for doubt, numbers in near.items():
        own = (doubt.family_name, doubt.given_names)
        if doubt.other:
            own = names.get(people.ids.get(doubt.other.encode(), 0), ("", ""))
        alike = [n[1:] for n in numbers if _alike(own, names.get(people.ids[n.encode()], ("", "")))]
        if alike:
            found[doubt] = ", ".join(alike)
    return found


def _names(store: Store, pks: Iterable[int]) -> dict[int, Names]:
    found: dict[int, Names] = {}
    columns = practitioner.c.id, practitioner.c.family_name, practitioner.c.given_names
    for some in chunks(sorted(pks)):
        for pk, family, given in store.connection.execute(select(*columns).where(practitioner.c.id.in_(some))):
            found[pk] = (family, given)
    return found


def _alike(one: Names, other: Names) -> bool:
    """The same family name, and given names of which one begins with the other."""
    if not squash(one[0]) or squash(one[0]) != squash(other[0]):
        return False
    first, second = words(one[1]), words(other[1])
    return all(a == b for a, b in zip(first, second, strict=False))


def _complete(store: Store, quarantine: Quarantine, found: dict[Doubt, str]) -> None:
    told = {line: found[doubt] for line, doubt in quarantine.doubts if doubt in found}
    columns = rejection.c.id, rejection.c.line, rejection.c.message
    for some in chunks(sorted(told)):
        query = select(*columns).where(rejection.c.run_file_id == quarantine.run_file_id, rejection.c.line.in_(some))
        rows = [
            (f"{message} ; numéro probable : {told[line]}", told[line], pk)
            for pk, line, message in store.connection.execute(query).all()
        ]
        update_rows(store.connection, rejection, ("message", "suggestion"), rows)
