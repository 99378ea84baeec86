"""The directory as a tree of names: which parts of the index the base and the scope of a search stand for (RFC 4511
4.5.1.1 and 4.5.1.2).  Nothing is searched here."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from directory_service.entries.attributes import id_key
from directory_service.entries.entry import BAL, CONTAINER, PEOPLE, STAFF, STRUCTURES, UNLISTED, branch_of
from directory_service.errors import NotFound
from directory_service.index.bodies import Hit
from directory_service.index.lookups import Span
from directory_service.index.plan import Plan
from directory_service.index.plan.simple import simplify
from directory_service.index.points import ids_of
from directory_service.index.query import Filter, Query, Scope
from directory_service.index.reader import Reader
from directory_service.ldap.dn import normalise, parse_dn

_BRANCHES: Final = (CONTAINER, BAL, PEOPLE, STRUCTURES)


def spans_of(reader: Reader, suffix: str, query: Query, view: int) -> list[Span]:
    """The parts of the tree that base and scope name, and how the filter is answered in each.  Raises NotFound."""
    base, scope, asked, after = query.base, query.scope, query.filter, query.after or -1
    if base == "" and scope != Scope.BASE:
        base, scope = suffix, Scope.SUBTREE if scope == Scope.SUBTREE else Scope.BASE
    entry = reader.containers.get(base)
    if entry is None:
        found = _at(reader, base, view)
        return [] if scope == Scope.ONE else _single(query, found.id, after)
    if base == suffix and scope == Scope.SUBTREE:
        return reader.spans(asked, _BRANCHES + _seen(BAL, view)[1:], after, kept=query.kept)
    if base == suffix and scope == Scope.ONE:
        return [s for c in sorted(reader.containers.values()) if c != entry for s in _single(query, c, after)]
    branch = reader.branch_below(base)
    if branch is None or scope == Scope.BASE:
        return [] if scope == Scope.ONE else _single(query, entry, after)
    below = reader.spans(asked, _seen(branch, view), after, kept=query.kept)
    return below if scope == Scope.ONE else [*_single(query, entry, after), *below]


def _at(reader: Reader, base: str, view: int) -> Hit:
    """The entry of this normalised name.  Raises NotFound."""
    rdn, _, container = base.partition(",ou=")
    branch = reader.branch_below(f"ou={container}")
    parts = parse_dn(rdn) if branch is not None else ()
    if branch is None or len(parts) != 1 or len(parts[0]) != 1 or parts[0][0][0] != "uid":
        raise NotFound("aucune entrée ne porte ce nom")
    for part in _seen(branch, view):
        for hit in reader.by_key(id_key("u", parts[0][0][1]), *ids_of(part), view):
            if normalise(hit.dn) == base:
                return hit
    raise NotFound("aucune entrée ne porte ce nom")


def _seen(branch: int, view: int) -> tuple[int, ...]:
    """Where the entries of a branch are, for this view.  Others do not come near the unlisted ones."""
    return (BAL, UNLISTED) if branch == BAL and view >= STAFF else (branch,)


def _single(query: Query, entry: int, after: int) -> list[Span]:
    """One entry, whatever finds it."""
    make = _plan_of_one if query.kept else _plan_of_one.__wrapped__
    return [Span(entry - 1, entry + 1, make(query.filter, branch_of(entry)))] if entry > after else []


@lru_cache(maxsize=2048)
def _plan_of_one(asked: Filter, branch: int) -> Plan:
    simple = simplify(asked, branch)
    return Plan(simple, None)
