"""Questions to one directory about one description, and the records that they found.

What is asked, in which order, and when it is enough, is ``retrieve``'s affair.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import orjson

from directory_service.errors import AnnuaireError, InvalidInput, NotFound
from directory_service.index.criteria import Criteria, Wishes
from directory_service.index.query import And, Filter, Part, Query, Scope, View

if TYPE_CHECKING:
    from directory_service.index.directory import Directory, Hit

Record = dict[str, Any]
MOST: Final = 60  # records of one search: more of one name need a town or a profession to be told apart
_TIME: Final = 0.5  # seconds of one search; the whole of a line makes a few
_FEW: Final = 20  # structures that have a word
PUBLIC: Final = View.ANONYMOUS


@dataclass(slots=True)
class Found:
    """``records`` by id, in the order in which they were found; ``more``: some of that name were left out."""

    records: dict[str, Record] = field(default_factory=dict)
    holders: set[str] = field(default_factory=set)  # ids of those who hold the address, or held it
    more: bool = False

    def add(self, record: Record) -> None:
        self.records.setdefault(record["id"], record)


class Seeker:
    """Asks one directory about one description."""

    def __init__(self, directory: Directory, branch: str) -> None:
        self._directory = directory
        self._base = f"ou={branch},{directory.suffix}"
        self.found = Found()

    def search(self, asked: Filter, most: int = MOST) -> bool:
        """Whether anybody was found; that some were left out is told in ``found.more``."""
        found, over = self._search(asked, most)
        self.found.more |= over
        return found > 0

    def narrow(self, asked: Filter, closer: Sequence[Filter]) -> bool:
        """Whether anybody was found; where too many were, those too that the first of ``closer`` leaves, and so on.
        That some are left out all the same is told in ``found.more``."""
        found, over = self._search(asked, MOST)
        for more in closer if over else ():
            asked = And((asked, more))
            left, still = self._search(asked, MOST)
            over = over if not left else still
            if not (left and still):
                break
        self.found.more |= over
        return found > 0

    def _search(self, asked: Filter, most: int) -> tuple[int, bool]:
        """How many were found, and whether there are more."""
        hits, over = self._ask(asked, most)
        self._keep(hits)
        return len(hits), over

    def _ask(self, asked: Filter, most: int) -> tuple[Sequence[Hit], bool]:
        query = Query(self._base, Scope.ONE, asked, most, timeout=_TIME, part=Part.JSON, kept=False)
        result = self._directory.search(query, PUBLIC)
        return result.hits, result.truncated or result.timed_out

    def boxed(self, text: str, *, exact: bool = False, all_or_none: bool = False) -> bool:
        """Whether anybody was found by the one box; ``all_or_none``: nobody counts where they are many."""
        try:
            page = self._directory.find(Criteria(q=text), PUBLIC, MOST // 2, None, Wishes(exact=exact))
        except InvalidInput:  # more words than the box takes
            return False
        if all_or_none and page.next is not None:
            return False
        self._keep(page.hits)
        self.found.more |= page.next is not None
        return bool(page.hits)

    def of_name(self, name: Filter, closer: Sequence[Filter]) -> bool:
        """Whether anybody has the name; where too many do, with one of the other words.  Where that is nobody, or too
        many again, some of the name, and that some are left out."""
        hits, over = self._ask(name, MOST // 2)
        found = hits if not over else [hit for more in closer for hit in self._few(And((name, more)))]
        self._keep(found or hits)
        self.found.more |= over and not found
        return bool(found)

    def _few(self, asked: Filter) -> Sequence[Hit]:
        hits, over = self._ask(asked, MOST // 2)
        return () if over else hits

    def few(self, asked: Filter) -> list[str] | None:
        """Ids of all who are found; None where they are many."""
        hits, over = self._ask(asked, _FEW)
        return None if over else [orjson.loads(hit.json)["id"] for hit in hits]

    def _keep(self, hits: Iterable[Hit]) -> None:
        for hit in hits:
            self.found.add(orjson.loads(hit.json))

    def person(self, number: str) -> None:
        self._kept(lambda: self._directory.practitioner(number, PUBLIC)[0].json)

    def structure(self, number: str) -> None:
        self._kept(lambda: self._directory.organization(number, PUBLIC).json)

    def _kept(self, read: Callable[[], bytes]) -> None:
        try:
            self.found.add(orjson.loads(read()))
        except NotFound:
            return


def holders_of(directory: Directory, address: str) -> list[Record]:
    """The holders in the public's record of an address, of today first, but for those who held it unlisted; none for an
    address that nobody may know."""
    try:
        return [h for h in directory.mailbox(address, PUBLIC)["holders"] if h["listed"]]
    except AnnuaireError:
        return []
