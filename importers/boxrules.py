"""What only the registry can say of the lines of a mailbox: is its holder known, its structure, its domain's operator?

Asked of lines that are new or have changed; it tells and changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from directory_service.model.identifiers import parse_national_id
from directory_service.model.mailboxes import domain_of
from directory_service.registry.overview import read_operators
from importers.known import People
from importers.mssante.parse import PERSONAL
from importers.places import Places
from importers.rows import Doubt, Problems
from importers.store import Store

_REGISTERED = ("8", "0")  # RPPS and ADELI: types of numbers that the registry holds


class BoxRules:
    """Of one file.  ``caption``: of a field of its layout."""

    def __init__(
        self, store: Store, people: People, places: Places, problems: Problems, caption: Callable[[str], str]
    ) -> None:
        self.ids, self.places, self.problems, self.caption = people.ids, places, problems, caption
        operators = read_operators(store.connection)
        self.domains = {name for found in operators if found.status == "active" for name in found.domains}
        # While no domain was given to anybody, every one counts as trusted (contract.md §4).
        self.listed = any(found.domains for found in operators)

    def look(self, number: int, line: Sequence[Any]) -> None:
        """``line``: a ``Holding`` whose place is the key of an organization."""
        kind, address, national, family, given = line[:5]
        domain = domain_of(address)
        if self.listed and domain not in self.domains:
            self.tell("domain_untrusted", number, domain)
        if national and kind in PERSONAL and national.encode() not in self.ids:
            self._holder(number, Doubt(national, family, given))
        place = line[-1]
        if place is not None and self.places.only_mailboxes_know(place):
            self.tell("structure_unknown", number, self.places.box_keys.get(place, ""), "place_id")

    def _holder(self, number: int, doubt: Doubt) -> None:
        found = parse_national_id(doubt.number)
        if found is None:
            self.tell("holder_id", number, doubt.number, "national_id", doubt)
        elif found.scheme in _REGISTERED:
            self.tell("holder_unknown", number, doubt.number, "national_id")

    def tell(self, rule: str, number: int, value: str, field: str = "address", doubt: tuple[str, ...] = ()) -> None:
        self.problems.warn(rule, number, self.caption(field), value, doubt)
