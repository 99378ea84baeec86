"""The ADELI-to-RPPS link table ► numbers attached, records merged.

Every pair is stored, so that it holds whenever its numbers arrive: here when one is known already, in ``people`` when a
record is created.  A pair that says otherwise than what is known (an ADELI number whose holder has another RPPS number)
changes nothing: it is counted as a conflict, and waits in the staff's queue.  A pair that they refused stays refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from sqlalchemy import update

from directory_service.registry import decisions
from directory_service.registry.tables import link
from importers.doubts import queue_conflicts
from importers.held import touch
from importers.impact import count_changed
from importers.known import Links, People
from importers.merge import Merge, add_former_adeli, add_rpps, merge
from importers.readers import lines_of
from importers.rows import Line, Match, Problems
from importers.source import LinkParser
from importers.store import Store

HOW = "link-table"


class LinkLoader:
    """Loads the rows of one crosswalk."""

    def __init__(
        self, store: Store, people: People, links: Links, parser: LinkParser, match: Match, problems: Problems
    ) -> None:
        self.store, self.people, self.links = store, people, links
        self.parser, self.match, self.problems = parser, match, problems
        self.merges: dict[int, tuple[int, int]] = {}  # absorbed ► survivor and line, applied together at the end
        self.attached: list[int] = []  # who got an alias
        self.renumbered: list[int] = []  # who got the RPPS number that she is known by from now on
        self.conflicts: list[tuple[str, str]] = []
        self.refused = decisions.apart(store.connection)

    @cached_property
    def with_rpps(self) -> set[int]:
        """Who has an RPPS number: of no use on the many days that bring no pair."""
        return {pk for key, pk in self.people.ids.items() if key[:1] == b"8"}

    def load(self, rows: Iterator[tuple[int, bytes]], separator: str) -> None:
        counts, known = self.store.counts["link"], self.links.rpps
        adeli, rpps = self.match.index("adeli"), self.match.index("rpps")
        for row in rows:
            values = row[1].decode().rstrip("\r\n").split(separator)
            if len(values) == self.match.width and values[rpps] and known.get(values[adeli]) == values[rpps]:
                counts["unchanged"] += 1  # as it was written when it was read and found good
                continue
            for line in lines_of([row], separator, self.match, self.problems):
                pair = self.parser.parse(line)
                if pair:
                    counts[self._add(line, *pair)] += 1
            if len(self.store.pending[link]) >= 20_000:
                self.store.flush()
        touch(self.store, self.attached)
        self.store.flush()
        count_changed(self.store, [*self.attached, *self.renumbered])
        merge(self.store, self.people, [Merge(a, s, HOW, line=line) for a, (s, line) in self.merges.items()])
        queue_conflicts(self.store, self.conflicts, self.links.rpps)

    def _add(self, line: Line, adeli: str, rpps: str) -> str:
        old = self.links.rpps.get(adeli)
        if old == rpps:
            return "unchanged"
        if old is None:
            self.store.pending[link].append((adeli, rpps, self.store.run_id))
        else:
            self.store.flush()
            change = update(link).where(link.c.adeli == adeli).values(rpps=rpps, run_id=self.store.run_id)
            self.store.connection.execute(change)
            self.links.adelis[old].remove(adeli)
            before, after = {"adeli": adeli, "rpps": old}, {"adeli": adeli, "rpps": rpps}
            # A pair has no key of its own.
            self.store.note("update", "link", 0, before, after, line=line.number, count=False)
        self.links.add(adeli, rpps)
        self._attach(line, adeli, rpps)
        return "created" if old is None else "updated"

    def _attach(self, line: Line, adeli: str, rpps: str) -> None:
        ids = self.people.ids
        by_adeli, by_rpps = ids.get(("0" + adeli).encode()), ids.get(("8" + rpps).encode())
        by_adeli = self.merges.get(by_adeli, (by_adeli, 0))[0] if by_adeli else None
        if by_adeli == by_rpps:  # neither is known, or they are one already
            return
        if ("0" + adeli, "8" + rpps) in self.refused:
            self.problems.warn("link_refused", line.number, "", f"{adeli} / {rpps}")
            return
        if by_adeli is None:
            assert by_rpps is not None
            add_former_adeli(self.store, self.people, by_rpps, adeli, HOW, line=line.number)
            self.attached.append(by_rpps)
        elif by_adeli in self.with_rpps:
            self.parser.conflict(line)
            self.conflicts.append(("0" + adeli, "8" + rpps))
        elif by_rpps is None:
            add_rpps(self.store, self.people, by_adeli, rpps, HOW, line=line.number)
            self.with_rpps.add(by_adeli)
            self.renumbered.append(by_adeli)
            for other in self.links.adelis[rpps]:  # of pairs read when neither number was known
                if ("0" + other).encode() not in ids:
                    add_former_adeli(self.store, self.people, by_adeli, other, HOW, line=line.number)
        else:
            self.merges[by_adeli] = (by_rpps, line.number)
