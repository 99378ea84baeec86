"""The slow, obvious twin of ``Directory.search``: every entry, decoded, one after the other (RFC 4511 4.5.1.7).

Written from the RFC and the attribute table, with nothing of ``index.plan``.
"""

from __future__ import annotations

from collections.abc import Iterable

from directory_service.entries.attributes import ATTRIBUTES, Attribute, MatchRule, prepare
from directory_service.entries.entry import Entry
from directory_service.errors import NotFound
from directory_service.index.query import (
    And,
    Approx,
    Equal,
    Filter,
    GreaterOrEqual,
    HasTag,
    InText,
    LessOrEqual,
    Not,
    Or,
    Present,
    Query,
    Scope,
    Substrings,
)
from directory_service.ldap.ber import SET, Reader
from directory_service.ldap.dn import normalise, parse_dn

SUBSTRING_RULES = {MatchRule.NAME, MatchRule.TEXT, MatchRule.MAIL, MatchRule.EXACT, MatchRule.DIGITS}
ORDERING_RULES = {MatchRule.NAME, MatchRule.TEXT, MatchRule.MAIL, MatchRule.EXACT, MatchRule.TIME}


def twin_search(entries: Iterable[Entry], suffix: str, query: Query, view: int) -> list[int]:
    """Ids of all that match, in rank order, whatever the limit.  Raises NotFound as the directory does."""
    seen = [e for e in entries if e.view <= view]
    base = query.base if query.base or query.scope == Scope.BASE else normalise(suffix)
    scope = query.scope
    if not query.base and scope == Scope.ONE:
        scope = Scope.BASE
    if base not in {normalise(e.dn) for e in seen}:
        raise NotFound("no such base")
    found = [e for e in seen if in_scope(normalise(e.dn), base, scope) and matches(e, query.filter)]
    return sorted(e.id for e in found if e.id > (query.after or 0))


def in_scope(name: str, base: str, scope: Scope) -> bool:
    rdns, above = parse_dn(name), parse_dn(base)
    depth = len(rdns) - len(above)
    if depth < 0 or rdns[depth:] != above:
        return False
    return {Scope.BASE: depth == 0, Scope.ONE: depth == 1, Scope.SUBTREE: True}[scope]


def attributes_of(entry: Entry) -> dict[str, list[bytes]]:
    reader = Reader(entry.ber)
    reader.octets()
    found = {"createtimestamp": [entry.created.encode()], "modifytimestamp": [entry.changed.encode()]}
    rows = reader.enter()
    while rows.more:
        row = rows.enter()
        name, values = row.octets().decode().lower(), row.enter(SET)
        found[name] = []
        while values.more:
            found[name].append(values.octets())
    return found


def matches(entry: Entry, asked: Filter) -> bool | None:
    match asked:
        case And(items):
            results = [matches(entry, i) for i in items]
            return False if False in results else None if None in results else True
        case Or(items):
            results = [matches(entry, i) for i in items]
            return True if True in results else None if None in results else False
        case Not(inner):
            found = matches(entry, inner)
            return None if found is None else not found
        case InText(columns, piece):
            return any(piece in getattr(entry, c) for c in columns)
        case HasTag(token):
            return token in entry.tags.split()
        case Present() | Equal() | Approx() | Substrings() | GreaterOrEqual() | LessOrEqual():
            return assertion(entry, asked)
        case _:
            return None


def assertion(entry, asked):  # type: ignore[no-untyped-def]
    attribute = ATTRIBUTES.get(asked.attribute.lower())
    if attribute is None:
        return None
    held = attributes_of(entry).get(attribute.name.lower(), [])
    if isinstance(asked, Present):
        return bool(held)
    values = [p for v in held if (p := prepare(attribute, v))]
    if isinstance(asked, Substrings):
        return substrings(attribute, asked, values)
    wanted = prepare(attribute, asked.value)
    if not wanted:
        return None
    if isinstance(asked, Equal | Approx):
        return wanted in values
    if attribute.rule not in ORDERING_RULES:
        return None
    return any(v >= wanted if isinstance(asked, GreaterOrEqual) else v <= wanted for v in values)


def substrings(attribute: Attribute, asked: Substrings, values: list[str]) -> bool | None:
    raws = [asked.initial, *asked.any, asked.final]
    if attribute.rule not in SUBSTRING_RULES or not all(map(is_utf8, raws)):
        return None
    initial, *middle, final = [prepare(attribute, raw) or "" if raw else "" for raw in raws]
    if not any([initial, *middle, final]):
        return None
    return any(holds(v, initial, middle, final) for v in values)


def holds(value: str, initial: str, middle: list[str], final: str) -> bool:
    if not value.startswith(initial):
        return False
    rest = value[len(initial) :]
    for part in middle:
        _, found, rest = rest.partition(part) if part else ("", "", rest)
        if part and not found:
            return False
    return rest.endswith(final)


def is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True
