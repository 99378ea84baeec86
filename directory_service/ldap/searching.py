"""A SearchRequest to a ``Query``, and the directory's result to response messages.  PURE: the directory is an argument.

Two steps, so that the server can choose where the second runs: ``Searcher.prepare`` decides everything that needs no
look-up and answers at once what it can (rootDSE, subschema, refusals); ``Searcher.run`` asks the directory.
Truncated results end in 4 with their entries, late ones in 3 (ldap-clients.md §1.4).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from typing import Final, NamedTuple

from directory_service.errors import AnnuaireError, NotFound
from directory_service.index.query import Filter, Part, Query, Scope, SortKey, View
from directory_service.ldap.access import Use
from directory_service.ldap.codes import (
    ADMIN_LIMIT_EXCEEDED,
    INAPPROPRIATE_MATCHING,
    INSUFFICIENT_ACCESS_RIGHTS,
    NO_SUCH_ATTRIBUTE,
    NO_SUCH_OBJECT,
    SIZE_LIMIT_EXCEEDED,
    SUCCESS,
    TIME_LIMIT_EXCEEDED,
    UNAVAILABLE_CRITICAL_EXTENSION,
    VLV_ERROR,
)
from directory_service.ldap.controls import Asked, Context, read_controls
from directory_service.ldap.directory import DirectoryReader, Result
from directory_service.ldap.dn import InvalidDN, normalise
from directory_service.ldap.filters import Resolve, names_addresses
from directory_service.ldap.limits import LdapSettings
from directory_service.ldap.listing import list_control
from directory_service.ldap.matched import ValueFilter, definition_tests
from directory_service.ldap.messages import (
    SEARCH_DONE,
    Control,
    SearchRequest,
    response_controls,
    result,
    search_done,
    search_entries,
    search_entry,
)
from directory_service.ldap.paging import Page, page_control
from directory_service.ldap.repeated import LONG_LIST
from directory_service.ldap.selection import Hit, Selection, render, select
from directory_service.ldap.session import Identity
from directory_service.ldap.sorting import SortRules, sort_control
from directory_service.ldap.virtual import VirtualEntry

_MOST_KEPT: Final = 20_000  # rendered entries: about 10 MB
_SCOPES: Final = tuple(Scope)
_BRANCHES: Final = ("ou=bal", "ou=personnes", "ou=structures")


class Work(NamedTuple):
    """A search ready to be run.  ``point``: it is a key look-up, quick enough to be run at once; ``quick``: most of its
    kind are done in a millisecond or two."""

    message_id: int
    query: Query
    view: View
    who: str
    selection: Selection
    types_only: bool
    asked: Asked | None  # None: no controls
    point: bool
    quick: bool


class _Rendered(OrderedDict[tuple[int, Selection], bytes]):
    """Entries of one build as they were sent."""

    def __init__(self, build: str) -> None:
        super().__init__()
        self.build = build


Stopped = Callable[[], bool]
Run = Callable[[Work, float, Stopped | None], bytes]


class Searcher:
    """Answers searches.  ``virtual`` entries are by normalised name; ``key`` signs the cookies of this process."""

    def __init__(self, directory: DirectoryReader, resolve: Resolve, rules: SortRules, settings: LdapSettings,
                 virtual: dict[str, VirtualEntry], key: bytes) -> None:  # fmt: skip
        self.directory = directory
        self.resolve = resolve
        self.rules = rules
        self.settings = settings
        self.virtual = virtual
        self.key = key
        self.suffix = normalise(settings.suffix)
        self.sending: Callable[[Sequence[Hit]], None] = lambda _hits: None  # told of the entries of each answer
        self._kept = _Rendered("")
        self._known_lists: Callable[[tuple[str, ...], View], Selection] = lru_cache(maxsize=512)(self._select)

    def prepare(self, request: SearchRequest, identity: Identity, sasl: Sequence[str] = ()) -> Work | bytes:
        """The search to run, or the reply when none is needed.  ``sasl``: mechanisms that this client may bind by."""
        try:
            base = read_dn(request.base)
            if base in self.virtual and (request.scope == Scope.BASE or base):
                return self._virtual(request, self.virtual[base].offering(sasl), identity)
            if not (identity.dn or self.settings.allow_anonymous):
                return _done(request.message_id, INSUFFICIENT_ACCESS_RIGHTS, "accès anonyme fermé")
            selection = self._selection(request.attributes, identity.view)
            query, asked = self._query(request, base, identity, Part.ALL if selection.operational else Part.BER), None
            if request.controls:
                query, asked = self._asked(request, query, identity)
            refused = self._refused(request.message_id, query, identity, asked) if asked else None
            point = refused is None and not (asked and asked.page) and self.directory.is_point(query)
            quick = point or (asked is None and self.directory.is_quick(query))
        except AnnuaireError as error:
            return _done(request.message_id, error.ldap_code, error.message)
        if refused is not None:
            return refused
        if asked:
            query = self._bounded(query, asked, identity)
        view, types_only = identity.view, request.types_only
        return Work(request.message_id, query, view, identity.dn, selection, types_only, asked, point, quick)

    # --- controls ---------------------------------------------------------------------------------------------------

    def _asked(self, request: SearchRequest, query: Query, identity: Identity) -> tuple[Query, Asked]:
        total, size = self._total(identity, query.filter), request.size_limit
        total = min(total, size or total)
        rules = partial(self._order_rule, identity.view)
        context = Context(self.resolve, rules, self.settings.limits, identity.dn, self.key, total)
        query, asked = read_controls(request.controls, query, context)
        asked = asked._replace(values=tuple(self.settings.access.narrow(v, identity.view) for v in asked.values))
        if request.types_only or request.attributes == ("1.1",):  # RFC 3876 2, steps 2 and 3
            asked = asked._replace(values=())
        # RFC 2696 3: a page as large as the size limit is no page.
        return query, asked._replace(page=None) if asked.page and 0 < size <= asked.page.size else asked

    def _order_rule(self, view: View, name: str, rule: str) -> SortKey | int:
        """What this view may not order by is, to it, no attribute: an order tells values apart as answers do."""
        found = self.rules(name, rule)
        if isinstance(found, int) or self.settings.access.may(found.attribute, Use.ORDER, view):
            return found
        return NO_SUCH_ATTRIBUTE

    def _refused(self, message_id: int, query: Query, identity: Identity, asked: Asked) -> bytes | None:
        """The reply to what needs no search: an order or a window that cannot be had, or no entries wanted."""
        order, listing, page = asked.order, asked.listing, asked.page
        if order and order.fault and order.critical:  # RFC 2891 2, case 3
            return _with(message_id, UNAVAILABLE_CRITICAL_EXTENSION, [sort_control(order)], "tri impossible")
        if listing and (fault := INAPPROPRIATE_MATCHING if order and order.fault else listing.fault):
            return _with(message_id, VLV_ERROR, [list_control(0, 0, fault, b"")], "vue de liste impossible")
        if page and page.size == 0:  # an estimate only, or the end of a paged search (RFC 2696 3)
            return _with(message_id, SUCCESS, [page_control(query, identity.dn, self.key, None)])
        return None

    def _bounded(self, query: Query, asked: Asked, identity: Identity) -> Query:
        """The part that is wanted: a page, or a window on what all pages would hold."""
        page, most = asked.page, most_entries(self.settings, identity.dn, query.filter)
        if page:
            limit = max(0, min(page.size, most, page.total - page.sent))  # a client may lower its limit between pages
            return replace(query, limit=limit, after=page.after, seen=page.sent)
        if asked.listing:
            return replace(query, limit=self._total(identity, query.filter), window=asked.listing.window)
        return query

    def _total(self, identity: Identity, asked: Filter) -> int:
        total = self.settings.paged_total_operator if identity.dn else self.settings.paged_total_anonymous
        return max(total, self.settings.candidates) if names_addresses(asked) else total

    def _query(self, request: SearchRequest, base: str, identity: Identity, part: Part = Part.ALL) -> Query:
        """Limits of 0 mean "your default" (ldap-clients.md §1.5).  Clients without a base search from the root, which
        holds our one suffix."""
        scope, size, time = request.scope, request.size_limit, request.time_limit
        if not base:
            base, scope = self.suffix, Scope.BASE if scope == Scope.ONE else scope
        asked, longest = self.settings.access.narrow(request.filter, identity.view), self.settings.search_time
        most = most_entries(self.settings, identity.dn, asked)
        limit = min(size, most) if size else most
        return Query(base, _SCOPES[scope], asked, limit, min(time, longest) if time else longest, part=part,
                     kept=not request.laborious)  # fmt: skip

    def _selection(self, names: tuple[str, ...], view: View) -> Selection:
        """What this view is given of what is asked for.  Clients repeat their list at each search; long lists are not
        worth remembering."""
        if names and sum(map(len, names)) >= LONG_LIST:
            return self._select(names, view)
        return self._known_lists(names, view)

    def _select(self, names: tuple[str, ...], view: View) -> Selection:
        return select(names, self.resolve).without(self.settings.access.hidden(view))

    def _virtual(self, request: SearchRequest, entry: VirtualEntry, identity: Identity) -> bytes:
        message_id, controls, values = request.message_id, list[Control](), None
        if request.controls:
            query, asked = self._asked(request, self._query(request, entry.dn, identity), identity)
            refused = self._refused(message_id, query, identity, asked)
            if refused is not None:
                return refused
            controls = [sort_control(asked.order)] if asked.order else []
            controls += [page_control(query, identity.dn, self.key, None)] if asked.page else []
            controls += [list_control(1, 1, 0, asked.listing.context(None))] if asked.listing else []
            values = ValueFilter(asked.values, definition_tests) if asked.values else None
        if request.scope == Scope.ONE or not entry.matches(request.filter):
            return _with(message_id, SUCCESS, controls)
        selection = select(request.attributes, self.resolve)
        body = entry.render(selection, "+" in request.attributes, request.types_only)
        return search_entry(message_id, values.body(body) if values else body) + _with(message_id, SUCCESS, controls)

    # --- the search -------------------------------------------------------------------------------------------------

    def run(self, work: Work, waited: float = 0.0, stopped: Stopped | None = None) -> bytes:
        """All messages of the answer.  ``waited``: seconds spent in a queue, taken from the search's time;
        ``stopped``: whether nobody waits any more."""
        query = work.query
        if waited >= query.timeout:
            return _done(work.message_id, TIME_LIMIT_EXCEEDED, "délai dépassé avant la recherche")
        if waited or stopped:
            query = replace(query, timeout=query.timeout - waited, stopped=stopped)
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
        if work.asked is None:
            return b"".join([*self._entries(work, found.build, found.hits), search_done(work.message_id, _code(found))])
        return self._controlled(work, work.asked, found)

    def _entries(self, work: Work, build: str, hits: Sequence[Hit]) -> list[bytes]:
        """The octets of all, in pieces."""
        self.sending(hits)
        return search_entries(work.message_id, self._bodies(work, build, hits))

    def _bodies(self, work: Work, build: str, hits: Sequence[Hit]) -> Iterable[bytes]:
        selection, types_only = work.selection, work.types_only
        held = self._certificates(selection, hits)
        if work.asked and work.asked.values:
            values = ValueFilter(work.asked.values, self.directory.value_tests)
            bodies = (render(hit, selection, types_only, self.suffix, held.get(hit.id, ())) for hit in hits)
            return map(values.body, bodies)
        if selection.whole and not types_only:
            return [hit.ber for hit in hits]
        if types_only or selection.operational or selection.certificates:
            return [render(hit, selection, types_only, self.suffix, held.get(hit.id, ())) for hit in hits]
        return self._rendered(build, selection, hits)

    def _certificates(self, selection: Selection, hits: Sequence[Hit]) -> Mapping[int, Sequence[bytes]]:
        """Looked up for each answer, and kept by nobody: they expire while entries stay what they are."""
        return self.directory.certificates((hit.id, hit.ber) for hit in hits) if selection.certificates else {}

    def _rendered(self, build: str, selection: Selection, hits: Sequence[Hit]) -> list[bytes]:
        """Clients of one kind ask for the same attributes, and often for the same people."""
        if selection.is_long:
            return [render(hit, selection, False, self.suffix) for hit in hits]
        kept, bodies = self._kept, list[bytes]()
        if kept.build != build:  # with its build in one object: threads may be of two builds
            kept = self._kept = _Rendered(build)
        for hit in hits:
            body = kept.get((hit.id, selection))
            if body is None:
                body = kept[hit.id, selection] = render(hit, selection, False, self.suffix)
            bodies.append(body)
        while len(kept) > _MOST_KEPT:
            kept.popitem(last=False)
        return bodies

    def _controlled(self, work: Work, asked: Asked, found: Result) -> bytes:
        """The answer to a search with controls, as each of them wants it ended."""
        code, hits, controls, order, ended = _code(found), found.hits, list[Control](), asked.order, found.order
        if order and ended and not ended.exact and not found.timed_out:
            order = order.failed(ADMIN_LIMIT_EXCEEDED)
            if order.critical:  # RFC 2891 2, case 3: the first of all are not known
                return _with(work.message_id, UNAVAILABLE_CRITICAL_EXTENSION, [sort_control(order)], "trop à trier")
        if asked.listing and ended:
            fault = ended.fault or (0 if ended.exact or found.timed_out else ADMIN_LIMIT_EXCEEDED)
            if fault:
                listed = list_control(0, ended.length, fault, b"")
                return _with(work.message_id, VLV_ERROR, [listed], "vue de liste impossible")
            controls.append(list_control(ended.position, ended.length, 0, asked.listing.context(ended.begins)))
            hits, code = hits[: asked.listing.most], SIZE_LIMIT_EXCEEDED if len(hits) > asked.listing.most else code
        if order and hits:  # RFC 2891 2, case 6: nothing is said of the order of nothing
            controls.append(sort_control(order))
        if asked.page:
            code, state = self._continued(asked.page, found, code)
            controls.append(page_control(work.query, work.who, self.key, state))
        return b"".join([*self._entries(work, found.build, hits), _with(work.message_id, code, controls)])

    @staticmethod
    def _continued(page: Page, found: Result, code: int) -> tuple[int, tuple[int, int] | None]:
        """The result code, and where the next page starts."""
        sent = page.sent + len(found.hits)
        if code == SIZE_LIMIT_EXCEEDED and found.hits and sent < page.total:
            return SUCCESS, (found.hits[-1].id, sent)
        return code, None

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
        found = self.settings.access.narrow(found, view)
        return bool(self.directory.search(Query(base, Scope.BASE, found, 1, self.settings.search_time), view).hits)


def most_entries(settings: LdapSettings, who: str, asked: Filter) -> int:
    """Entries that one search gives ``who``, empty for anybody.  All holders of an address are given, as many as one
    search may look at: where some were left out, Postfix would defer the mail of a shared mailbox."""
    most = settings.entries_operator if who else settings.entries_anonymous
    return max(most, settings.candidates) if names_addresses(asked) else most


def read_dn(raw: bytes) -> str:
    """A name off the wire, normalised.  Raises ``InvalidDN``."""
    try:
        return normalise(raw.decode())
    except UnicodeDecodeError:
        raise InvalidDN("nom qui n'est pas de l'UTF-8") from None


def _code(found: Result) -> int:
    return TIME_LIMIT_EXCEEDED if found.timed_out else SIZE_LIMIT_EXCEEDED if found.truncated else SUCCESS


def _done(message_id: int, code: int, text: str = "", *, matched: str = "", controls: bytes = b"") -> bytes:
    return result(message_id, SEARCH_DONE, code, text, matched=matched, controls=controls)


def _with(message_id: int, code: int, controls: Sequence[Control], text: str = "") -> bytes:
    return _done(message_id, code, text, controls=response_controls(*controls))
