"""False numbers ► the numbers that were probably meant: one wrong digit or two swapped, known to the registry under the
same name.

Once for each false number of a run, when all its files are read, so that a number that another file brings counts.
Nothing is corrected: a suggestion is for staff.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from directory_service.model.mistaken import near_numbers
from directory_service.registry.bulk import chunks, update_rows
from directory_service.registry.tables import rejection
from importers.known import People
from importers.quarantine import Quarantine
from importers.rows import Doubt
from importers.spared import alike, names_of
from importers.store import Store


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
    names, found = names_of(store, wanted), {}
    for doubt, numbers in near.items():
        own = (doubt.family_name, doubt.given_names)
        if doubt.other:
            own = names.get(people.ids.get(doubt.other.encode(), 0), ("", ""))
        meant = [n[1:] for n in numbers if alike(own, names.get(people.ids[n.encode()], ("", "")))]
        if meant:
            found[doubt] = ", ".join(meant)
    return found


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
