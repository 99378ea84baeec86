"""What a source declares: the layout of its files, what their rows are, who parses them.  PURE.

A source is a folder: ``layout.py`` (a table of captions), ``parse.py`` where no parser of another source fits,
``source.py`` with ``SOURCES``, ``README.md``.  ``importers.sources`` finds it there, or by an entry point of another
package.  What is done with the records is ours, one way for each ``Kind``: a source never writes to the registry.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from importers.rows import Holding, Layout, Line, Match, Numbers, Person, PlaceNumbers, Problems

System = tuple[str, str, str]  # a system of nomenclature, the fields of its code and of its label


class Kind(StrEnum):
    """What the rows of a layout are."""

    LINKS = "links"  # pairs of an ADELI and an RPPS number
    PEOPLE = "people"  # people and what they practise; the file is a full picture of each source in it
    DETAILS = "details"  # more of people: diplomas, savoir-faire
    MAILBOXES = "mailboxes"  # addresses and their holders; the file is a full picture


class PersonParser(Protocol):
    """Of ``PEOPLE``.  Structures and codes are told once in ``places`` and ``codes``, then by their numbers."""

    @property
    def systems(self) -> Sequence[System]: ...
    @property
    def places(self) -> PlaceNumbers: ...
    @property
    def codes(self) -> Numbers: ...

    def parse(self, lines: Sequence[Line]) -> Person | None:
        """All the rows of one person; None, with rejections, when none of them can be kept."""


class DetailParser(Protocol):
    """Of ``DETAILS``."""

    @property
    def systems(self) -> Sequence[System]: ...
    @property
    def codes(self) -> Numbers: ...

    def parse(self, lines: Sequence[Line]) -> tuple[tuple[str, ...], list[int], list[tuple[str, ...]]] | None:
        """All the rows of one person: (identity, numbers of codes, labels)."""


class HoldingParser(Protocol):
    """Of ``MAILBOXES``."""

    @property
    def systems(self) -> Sequence[System]: ...

    def parse(self, line: Line) -> Holding | None: ...
    def labels(self, line: Line) -> list[tuple[str, ...]]: ...
    def tell(self, line: Line, faults: Sequence[tuple[str, str, str]]) -> None: ...


class LinkParser(Protocol):
    """Of ``LINKS``: (ADELI, RPPS)."""

    def parse(self, line: Line) -> tuple[str, str] | None: ...
    def conflict(self, line: Line) -> None: ...


Parser = Callable[[Match, Problems], PersonParser | DetailParser | HoldingParser | LinkParser]


@dataclass(frozen=True, slots=True)
class Source:
    """One layout of files.

    ``order``: of import, and of belief: of two sources that contradict one another the lower is believed.
    ``people``: of ``PEOPLE``, type of identifier (first character of the key) ► name of the source in the registry.
    ``mailboxes``: of ``PEOPLE`` whose rows also hold an ``address``, the source of those mailboxes.
    """

    layout: Layout
    kind: Kind
    parser: Parser
    order: int
    people: Mapping[str, str] = field(default_factory=dict)
    mailboxes: str = ""

    @property
    def raw(self) -> bool:
        """Whether the one who loads sees the rows themselves, and not only what is read of them."""
        return self.kind is Kind.LINKS or bool(self.mailboxes)

    def names(self, kinds: set[bytes]) -> dict[bytes, str]:
        """Sources of people, by type of identifier, of a file where these types occur."""
        return {kind.encode(): name for kind, name in self.people.items() if kind.encode() in kinds}

    def name_of(self, kinds: set[bytes]) -> str:
        """What a file is called in the list of sources: that of its people, where it holds one type only."""
        names = set(self.names(kinds).values())
        return names.pop() if len(names) == 1 else self.layout.id
