"""What is told of each operation: to the meter always, to the access log when there is one.

Everything is derived from the request, the reply's octets and the search's plan, so that nothing else has to know that
it is watched.  What a client sent is reduced to our own names before it goes anywhere (``shape``, ``_base``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from directory_service.accesslog import AccessLog
from directory_service.index.query import Scope
from directory_service.ldap.ber import header
from directory_service.ldap.codes import SIZE_LIMIT_EXCEEDED, TIME_LIMIT_EXCEEDED
from directory_service.ldap.filters import shape
from directory_service.ldap.limits import LdapSettings
from directory_service.ldap.messages import (
    BIND,
    COMPARE,
    EXTENDED,
    RESPONSES,
    SEARCH,
    AbandonRequest,
    BindRequest,
    CompareRequest,
    ExtendedRequest,
    Request,
    SearchRequest,
    UnbindRequest,
    WriteRequest,
)
from directory_service.ldap.searching import Work, most_entries
from directory_service.ldap.server.metrics import Meter, announce

if TYPE_CHECKING:
    from directory_service.ldap.server.connection import Connection

NO_CODE: Final = -1  # of operations that have no reply
_CUT_SHORT: Final = (TIME_LIMIT_EXCEEDED, SIZE_LIMIT_EXCEEDED)
_NAMES: Final[dict[type[Request], str]] = {
    SearchRequest: "search", BindRequest: "bind", UnbindRequest: "unbind", AbandonRequest: "abandon",
    CompareRequest: "compare", ExtendedRequest: "extended", WriteRequest: "write",
}  # fmt: skip
LOOK_UP: Final = "lookup"  # a search answered by keys alone
# Of requests that were refused unread, by the tag of their response.
_BY_RESPONSE: Final = {
    RESPONSES[BIND]: "bind",
    RESPONSES[SEARCH]: "search",
    RESPONSES[COMPARE]: "compare",
    RESPONSES[EXTENDED]: "extended",
}
_PLAIN: Final = b"\x04\x00\x04\x00"  # the end of a result with neither name nor text


class Watch:
    """One for the connections of a worker, in its event loop."""

    def __init__(self, settings: LdapSettings, log: AccessLog | None = None) -> None:
        self.meter = Meter()
        self.log = log
        self._settings = settings
        announce()

    def limit(self, name: str) -> None:
        """A limit was met (``limits.NAMES``)."""
        self.meter.limits[name] += 1

    def flush(self, connections: int) -> None:
        self.meter.flush(connections)
        if self.log:
            self.log.flush()

    def refused(self, client: Connection, reply: bytes, limit: str) -> None:
        """A request that could be read but not obeyed."""
        tag, code = outcome(reply)
        self._ended(client, _BY_RESPONSE.get(tag, "write"), code, len(reply), limit)

    def disconnected(self, client: Connection, reply: bytes, limit: str) -> None:
        """A Notice of Disconnection."""
        self._ended(client, "disconnect", outcome(reply)[1], len(reply), limit)

    def _ended(self, client: Connection, operation: str, code: int, size: int, limit: str) -> None:
        if limit:
            self.limit(limit)
        self.meter.operations[operation, code] += 1
        record = {"operation": operation, "code": code, "ms": 0.0, "bytes": size}
        self._write(client, record | ({"limit": limit} if limit else {}))

    def answered(self, client: Connection, request: Request, reply: bytes, seconds: float, entries: int = 0,
                 work: Work | None = None) -> None:  # fmt: skip
        """``entries`` and ``work`` are those of a search that was run."""
        code = reply[-5] if reply[-4:] == _PLAIN else outcome(reply)[1]
        meter, operation = self.meter, _NAMES[type(request)]
        limit = ""
        if work is not None:
            meter.entries += entries
            if work.point:
                operation = LOOK_UP
            if code in _CUT_SHORT:
                limit = limit_of(work, code, entries, self._settings)
                if limit:
                    self.limit(limit)
        meter.count(operation, code, seconds)
        if self.log:
            record: dict[str, Any] = {"operation": operation}
            if isinstance(request, SearchRequest):
                record |= self._asked(client, request) | {"entries": entries}
            record |= {"code": code} if code >= 0 else {}
            record |= {"ms": round(seconds * 1000, 3), "bytes": len(reply)}
            self._write(client, record | ({"limit": limit} if limit else {}))

    def _asked(self, client: Connection, request: SearchRequest) -> dict[str, str]:
        """What was asked, without any value: who looks for whom is nobody's business."""
        base = _base(request.base, client.hub.handler.searcher.suffix)
        return {"base": base, "scope": Scope(request.scope).name.lower(), "filter": shape(request.filter)}

    def _write(self, client: Connection, record: dict[str, Any]) -> None:
        if self.log:
            who = {"connection": client.number, "identity": client.session.identity.name}
            self.log.add("ldap", client.address, who | record)


def limit_of(work: Work, code: int, entries: int, settings: LdapSettings) -> str:
    """The name of our limit that cut a search short, empty when the client's own did."""
    query = work.query
    if code == TIME_LIMIT_EXCEEDED:
        return "search_time" if query.timeout >= settings.search_time else ""
    if entries < query.limit:
        return "candidates"
    if work.asked and work.asked.page:
        return "paged_total"
    return "entries" if query.limit >= most_entries(settings, work.who, query.filter) else ""


def outcome(reply: bytes) -> tuple[int, int]:
    """The tag and the result code of the last message of a reply, which is our own encoding."""
    at = last = 0
    while at < len(reply):
        last = at
        at = header(reply, at, len(reply))[2]
    if not reply:
        return 0, NO_CODE
    start = header(reply, last, len(reply))[1]
    tag, at, _ = header(reply, header(reply, start, len(reply))[2], len(reply))
    return tag, reply[at + 2]


def _base(raw: bytes, suffix: str) -> str:
    """Which part of the tree, by our names: the name of an entry may be a person's number."""
    base = raw.decode("utf-8", "replace").lower().replace(" ", "")
    if base in ("", suffix):
        return "suffix" if base else "root"
    below = base.removesuffix(f",{suffix}")
    if below == base:
        return "other"
    for name in ("bal", "personnes", "structures"):
        if below == f"ou={name}":
            return name
        if below.endswith(f",ou={name}"):
            return "entry"
    return "other"
