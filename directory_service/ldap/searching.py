"""A SearchRequest to a ``Query``, and the directory's result to response messages.  PURE: the directory is an argument.

Two steps, so that the server can choose where the second runs: ``Searcher.prepare`` decides everything that needs no
look-up and answers at once what it can (rootDSE, subschema, refusals); ``Searcher.run`` asks the directory.
Truncated results end in 4 with their entries, late ones in 3 (ldap-clients.md §1.4).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Final, NamedTuple, Protocol

from directory_service.errors import AnnuaireError, NotFound
from directory_service.index.query import Filter, Query, Scope, View
from directory_service.ldap.dn import InvalidDN, normalise
from directory_service.ldap.filters import Resolve
from directory_service.ldap.limits import LdapSettings
from directory_service.ldap.messages import SEARCH_DONE, SearchRequest, result, search_done, search_entry
from directory_service.ldap.paging import Page, answer, asked_page
from directory_service.ldap.selection import Hit, Selection, render, select
from directory_service.ldap.session import Identity
from directory_service.ldap.virtual import VirtualEntry

SUCCESS, TIME_LIMIT, SIZE_LIMIT, NO_SUCH_OBJECT, FORBIDDEN = 0, 3, 4, 32, 50
_BRANCHES: Final = ("ou=bal", "ou=personnes", "ou=structures")


class Result(Protocol):
    """What ``Directory.search`` gives."""

    @property
    def hits(self) -> Sequence[Hit]: ...
    @property
    def truncated(self) -> bool: ...
    @property
    def timed_out(self) -> bool: ...


class DirectoryReader(Protocol):
    """The part of ``index.directory.Directory`` that this face uses."""

    def search(self, query: Query, view: View) -> Result: ...
    def is_point(self, query: Query) -> bool: ...
    def is_quick(self, query: Query) -> bool: ...


class Work(NamedTuple):
    """A search ready to be run.  ``point``: it is a key look-up, quick enough to be run at once; ``quick``: most of its
    kind are done in a millisecond or two."""

    message_id: int
    query: Query
    view: View
    who: str
    selection: Selection
    types_only: bool
    page: Page | None
    point: bool
    quick: bool


class Searcher:
    """Answers searches.  ``virtual`` entries are by normalised name; ``key`` signs the cookies of this process."""

    def __init__(self, directory: DirectoryReader, resolve: Resolve, settings: LdapSettings,
                 virtual: dict[str, VirtualEntry], key: bytes) -> None:  # fmt: skip
        self.directory = directory
        self.resolve = resolve
        self.settings = settings
        self.virtual = virtual
        self.key = key
        self.suffix = normalise(settings.suffix)
        self._known_lists: Callable[[tuple[str, ...]], Selection]
        self._known_lists = lru_cache(maxsize=512)(lambda names: select(names, resolve))

    def prepare(self, request: SearchRequest, identity: Identity, sasl: Sequence[str] = ()) -> Work | bytes:
        """The search to run, or the reply when none is needed.  ``sasl``: mechanisms that this client may bind by."""
        try:
            base = read_dn(request.base)
            if base in self.virtual and (request.scope == Scope.BASE or base):
                return self._virtual(request, self.virtual[base].offering(sasl))
            if not (identity.dn or self.settings.allow_anonymous):
                return _done(request.message_id, FORBIDDEN, "accès anonyme fermé")
            query = self._query(request, base, identity)
            page = self._page(request, query, identity) if request.controls else None
            point = page is None and self.directory.is_point(query)
            quick = point or (page is None and self.directory.is_quick(query))
        except AnnuaireError as error:
            return _done(request.message_id, error.ldap_code, error.message)
        if page:
            if page.size == 0:  # an estimate only, or the end of a paged search (RFC 2696 §3)
                return _done(request.message_id, SUCCESS, controls=answer(query, identity.dn, self.key, None))
            limit = min(page.size, self._most(identity), page.total - page.sent)
            query = replace(query, limit=limit, after=page.after)
        selection, types_only = self._selection(request.attributes), request.types_only
        return Work(request.message_id, query, identity.view, identity.dn, selection, types_only, page, point, quick)

    def _query(self, request: SearchRequest, base: str, identity: Identity) -> Query:
        """Limits of 0 mean "your default" (ldap-clients.md §1.5).  Clients without a base search from the root, which
        holds our one suffix."""
        scope, size, time = request.scope, request.size_limit, request.time_limit
        if not base:
            base, scope = self.suffix, Scope.BASE if scope == Scope.ONE else scope
        most, longest = self._most(identity), self.settings.search_time
        limit = min(size, most) if size else most
        return Query(base, Scope(scope), request.filter, limit, min(time, longest) if time else longest)

    def _most(self, identity: Identity) -> int:
        return self.settings.entries_operator if identity.dn else self.settings.entries_anonymous

    def _selection(self, names: tuple[str, ...]) -> Selection:
        """Clients repeat their list at each search; long lists are not worth remembering."""
        return self._known_lists(names) if sum(map(len, names)) < 2048 else select(names, self.resolve)

    def _page(self, request: SearchRequest, query: Query, identity: Identity) -> Page | None:
        total = self.settings.paged_total_operator if identity.dn else self.settings.paged_total_anonymous
        asked = request.size_limit
        page = asked_page(request.controls, query, identity.dn, self.key, min(total, asked or total))
        # RFC 2696 §3: a page as large as the size limit is no page.
        return None if page and asked and page.size >= asked else page

    def _virtual(self, request: SearchRequest, entry: VirtualEntry) -> bytes:
        if request.scope == Scope.ONE or not entry.matches(request.filter):
            return _done(request.message_id, SUCCESS)
        selection = self._selection(request.attributes)
        body = entry.render(selection, "+" in request.attributes, request.types_only)
        return search_entry(request.message_id, body) + _done(request.message_id, SUCCESS)

    def run(self, work: Work, waited: float = 0.0) -> bytes:
        """All messages of the answer.  ``waited``: seconds spent in a queue, taken from the search's time."""
        query = work.query
        if waited >= query.timeout:
            return _done(work.message_id, TIME_LIMIT, "délai dépassé avant la recherche")
        if waited:
            query = replace(query, timeout=query.timeout - waited)
        return self._answer(work, query) or b""

    def run_briefly(self, work: Work, seconds: float) -> bytes | None:
        """All messages of the answer, or None when it takes longer."""
        if seconds >= work.query.timeout:
            return self.run(work)
        return self._answer(work, replace(work.query, timeout=seconds), brief=True)

    def _answer(self, work: Work, query: Query, *, brief: bool = False) -> bytes | None:
        try:
            found = self.directory.search(query, work.view)
        except NotFound:
            return _done(work.message_id, NO_SUCH_OBJECT, matched=self.matched(query.base))
        except AnnuaireError as error:
            return _done(work.message_id, error.ldap_code, error.message)
        if brief and found.timed_out:
            return None
        return b"".join([*self._entries(work, found.hits), self._end(work, found)])

    def _entries(self, work: Work, hits: Sequence[Hit]) -> list[bytes]:
        message_id, selection, types_only = work.message_id, work.selection, work.types_only
        if selection.whole and not types_only:
            return [search_entry(message_id, hit.ber) for hit in hits]
        return [search_entry(message_id, render(hit, selection, types_only, self.suffix)) for hit in hits]

    def _end(self, work: Work, found: Result) -> bytes:
        code = TIME_LIMIT if found.timed_out else SIZE_LIMIT if found.truncated else SUCCESS
        page, state = work.page, None
        if page is None:
            return search_done(work.message_id, code)
        sent = page.sent + len(found.hits)
        if code == SIZE_LIMIT and found.hits and sent < page.total:
            code, state = SUCCESS, (found.hits[-1].id, sent)
        return _done(work.message_id, code, controls=answer(work.query, work.who, self.key, state))

    def matched(self, base: str) -> str:
        """The nearest name above that exists, as far as anybody may know: equal for hidden and absent entries."""
        for branch in _BRANCHES:
            above = f"{branch},{self.suffix}"
            if base.endswith("," + above):
                return f"{branch},{self.settings.suffix}"
        return self.settings.suffix if base.endswith("," + self.suffix) else ""

    def holds(self, base: str, found: Filter, view: View) -> bool:
        """Does the entry of this normalised name match this filter?  ``AnnuaireError`` from the directory passes."""
        if base in self.virtual:
            return bool(self.virtual[base].matches(found))
        return bool(self.directory.search(Query(base, Scope.BASE, found, 1, self.settings.search_time), view).hits)


def read_dn(raw: bytes) -> str:
    """A name off the wire, normalised.  Raises ``InvalidDN``."""
    try:
        return normalise(raw.decode())
    except UnicodeDecodeError:
        raise InvalidDN("nom qui n'est pas de l'UTF-8") from None


def _done(message_id: int, code: int, text: str = "", *, matched: str = "", controls: bytes = b"") -> bytes:
    return result(message_id, SEARCH_DONE, code, text, matched=matched, controls=controls)
