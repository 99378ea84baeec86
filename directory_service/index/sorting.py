"""Sorted searches: the first entries in an order that the client chose (RFC 2891), and windows on that list.

An order other than rank is not what the index is made for, so that a search sorts at most ``MOST`` entries.  Of more
than that, the first are read in order where the build has an index for it (``schema.ORDERED``: cn and sn of
``ou=bal``); elsewhere the best-ranked are sorted, and ``Order.exact`` is False.  Decision 0008 says why.
Ids are found first, then their keys (about 10 µs an entry), and only what is sent is read whole.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from math import inf
from typing import Any, Final, NamedTuple

from directory_service.entries.attributes import ATTRIBUTES, prepare_ordered
from directory_service.entries.comparing import MatchRule
from directory_service.entries.entry import BAL, UNLISTED, first_id
from directory_service.index.bodies import Hit
from directory_service.index.lookups import Span, selected
from directory_service.index.plan.predicate import Layout, Row, compile_filter, find_values
from directory_service.index.query import Query, SortKey, Window
from directory_service.index.reader import Reader
from directory_service.index.schema import IN_ORDER, ORDERED
from directory_service.index.underway import Search

MOST: Final = 10_000  # entries sorted by one search: 0.15 s, and more than anybody looks through
_BATCH: Final = 500  # entries whose keys are read at once
_BOX_IDS: Final = (first_id(BAL), first_id(BAL + 1))
_OPERATIONAL: Final = {"createTimestamp": "created", "modifyTimestamp": "changed"}
# virtualListViewResult (draft-ietf-ldapext-ldapv3-vlv-09 6.2)
SUCCESS, INAPPROPRIATE_MATCHING, OFFSET_RANGE_ERROR = 0, 18, 61

Begin = Callable[[int], Search]  # a search of at most so many entries, by who asks and for as long as they wait
Key = tuple[bool, str]  # missing (RFC 2891 2.2: larger than any value), and the least value


class Order(NamedTuple):
    """``exact``: the answer is the first of all that match; else of the best-ranked ``MOST``.  Of a window:
    ``position`` of its target in the list, from 1; ``length`` of the list; ``fault``, or 0; ``begins``: the value that
    the list begins at, None for one that begins with the first of all."""

    exact: bool
    position: int = 0
    length: int = 0
    fault: int = SUCCESS
    begins: bytes | None = None


class _Place(NamedTuple):
    keys: tuple[Key, ...]
    id: int


class _List(NamedTuple):
    """Places in order, at least as many as wanted unless ``whole``."""

    places: list[_Place]
    whole: bool
    exact: bool
    timed_out: bool = False


def search_sorted(
    reader: Reader, spans: Sequence[Span], query: Query, begin: Begin
) -> tuple[list[Hit], bool, bool, Order]:
    """The hits, whether there are more, whether time ran out, and what became of the order."""
    if query.window:
        places, timed_out, order = _seen_through(reader, spans, query, query.window, begin)
        return _hits(reader, places), False, timed_out, order
    found = _list(reader, begin, spans, query.sort, query.seen + query.limit)
    start = _after(found.places, query)
    chosen = found.places[start : start + query.limit]
    more = start + query.limit < len(found.places) or not found.whole
    return _hits(reader, chosen), more and not found.timed_out, found.timed_out, Order(found.exact)


def _after(places: Sequence[_Place], query: Query) -> int:
    """Where the page starts: after the last entry sent, or as many places on when that entry is gone."""
    if not query.after:
        return 0
    return next((n + 1 for n, place in enumerate(places) if place.id == query.after), query.seen)


def _hits(reader: Reader, places: Sequence[_Place]) -> list[Hit]:
    return reader.hits([place.id for place in places])


# --- the list --------------------------------------------------------------------------------------------------------


def _list(
    reader: Reader,
    begin: Begin,
    spans: Sequence[Span],
    sort: Sequence[SortKey],
    wanted: int,
    start: str | None = None,
) -> _List:
    """All that match when they are few; else the first of them, where the build can tell which those are.  With
    ``start``, of those that are not before it."""
    found = _whole_list(reader, begin, spans, sort, wanted, start)
    return found if start is None else found._replace(places=_from(found.places, start, sort[0]))


def _from(places: Sequence[_Place], start: str, key: SortKey) -> list[_Place]:
    return [place for place in places if _is_from(place, start, key)]


def _is_from(place: _Place, start: str, key: SortKey) -> bool:
    """Whether it is not before the value."""
    bound = (False, start)
    return place.keys[0] <= bound if key.reverse else place.keys[0] >= bound


def _whole_list(
    reader: Reader, begin: Begin, spans: Sequence[Span], sort: Sequence[SortKey], wanted: int, start: str | None
) -> _List:
    """Of what is before the start, too, where that is not read in order."""
    order, search = _order(spans, sort[0]), begin(MOST)
    if not (order and _matches_many(spans)):
        ids = _found(reader, search, spans)
        if not search.over or search.timed_out or not order:
            whole = not search.over
            return _List(_places(reader, ids, sort), whole, whole, search.timed_out)
    first = _first(reader, begin, spans, sort, wanted, order, start)
    if first.places or first.whole or first.timed_out:
        return first
    return _List(_places(reader, _found(reader, search, spans), sort), False, False)


def _found(reader: Reader, search: Search, spans: Sequence[Span]) -> list[int]:
    if not search.ids:
        reader.run(search, spans, ranked=True)
    return search.ids


def _order(spans: Sequence[Span], key: SortKey) -> str:
    """The text whose order serves, "" for none: only listed boxes have one, and what few stand besides."""
    text = "" if key.exact else ORDERED.get(key.attribute, "")
    return text if all(_is_of_boxes(s) or _is_beside(s) or s.plan.paths == () for s in spans) else ""


def _is_of_boxes(span: Span) -> bool:
    return _BOX_IDS[0] <= span.low + 1 and span.high <= _BOX_IDS[1]


def _is_beside(span: Span) -> bool:
    """Of one container, or of unlisted boxes."""
    return span.is_single or span.low + 1 >= first_id(UNLISTED)


def _matches_many(spans: Sequence[Span]) -> bool:
    """Surely so many that collecting them first would be for nothing."""
    return any(not s.is_single and (s.plan.paths is None or 4 * MOST < s.plan.estimate < inf) for s in spans)


def _first(
    reader: Reader,
    begin: Begin,
    spans: Sequence[Span],
    sort: Sequence[SortKey],
    wanted: int,
    text: str,
    start: str | None,
) -> _List:
    """The first ``wanted``, read in order; and the few entries that stand beside the boxes: nothing when they are not
    few."""
    few = begin(MOST)
    ids = _found(reader, few, [s for s in spans if _is_beside(s)])
    if few.over:
        return _List([], False, False, few.timed_out)
    read = begin(wanted + 1)
    boxes = [s for s in spans if not _is_beside(s) and s.plan.paths != ()]
    order = _InOrder(text, sort[0].reverse, start)
    in_order = [entry for span in boxes for entry in _read(reader, read, span, order)]
    whole = not read.over
    places = _places(reader, [*ids, *in_order], sort)
    if not whole:  # what comes after the last that was read may have others before it
        known = set(in_order)
        last = max((n for n, place in enumerate(places) if place.id in known), default=-1)
        places = places[: last + 1]
    return _List(places, whole, True, read.timed_out)


class _InOrder(NamedTuple):
    """The order of a text of ``ORDERED``, or ``against`` it: of all, or from ``start`` on."""

    text: str
    against: bool
    start: str | None

    @property
    def parts(self) -> list[tuple[str, tuple[str, ...]]]:
        """What is read one after the other: an entry without a value is after all others (RFC 2891 2.2).  A text begins
        with its least value, which ``$`` ends."""
        text, start = f"e.{self.text}", self.start
        none, some = (f"{text} = ?", ("",)), (f"{text} > ?", ("",))
        if start is not None and self.against:
            return [(f"{text} > ? AND {text} < ?", ("", f"^{start}%"))]
        if start is not None:
            some = (f"{text} >= ?", (f"^{start}",))
        return [none, some] if self.against else [some, none]


def _read(reader: Reader, search: Search, span: Span, order: _InOrder) -> list[int]:
    """Ids in the order of their first key, and with the last of them all that share its key, since the other keys
    decide among those.  Some of all when the search must stop: then without the last key, which others may share."""
    layout = Layout()
    test, place = compile_filter(span.plan.filter, layout), layout.place(order.text)
    found: list[int] = []
    start, last = 0, None
    try:
        with reader.watched(search), search.scanning() if span.is_scan else nullcontext():
            for row in _rows(reader.connection, span, search.view, order, layout.columns):
                search.budget -= 1
                if search.budget <= 0:
                    break
                if not test(row):
                    continue
                key = _least(row[place])
                if key != last:
                    if len(found) >= search.limit:
                        search.truncated = True
                        return found
                    start, last = len(found), key
                found.append(row[0])
            else:
                return found
    except sqlite3.OperationalError as error:
        search.stopped_by(error)
    else:
        search.end_early()
    return found[:start]


def _rows(
    connection: sqlite3.Connection, span: Span, view: int, order: _InOrder, columns: tuple[str, ...]
) -> Iterator[Row]:
    condition, values = span.plan.condition
    chosen, body = selected(columns)
    sql = (
        f"SELECT {chosen} FROM entry e INDEXED BY by_{order.text} {body} "  # noqa: S608
        f"WHERE e.{IN_ORDER} AND {{}} AND e.id > ? AND e.id < ? AND e.view <= ? AND {condition} "
        f"ORDER BY e.{order.text} {'DESC' if order.against else ''}"
    )
    for part, bounds in order.parts:
        yield from connection.execute(sql.replace("{}", part, 1), (*bounds, span.low, span.high, view, *values))


# --- keys ------------------------------------------------------------------------------------------------------------


def _places(reader: Reader, ids: Sequence[int], sort: Sequence[SortKey]) -> list[_Place]:
    """In order; best-ranked first among equals."""
    columns, keys = zip(*map(_key_of, sort), strict=True)
    sql = f"SELECT e.id, {', '.join(columns)} FROM entry e CROSS JOIN body b ON b.id = e.id WHERE e.id IN "  # noqa: S608
    ids, found = sorted(ids), list[_Place]()
    for n in range(0, len(ids), _BATCH):
        some = ids[n : n + _BATCH]
        for entry, *held in reader.connection.execute(f"{sql} ({', '.join('?' * len(some))}) ORDER BY e.id", some):
            found.append(_Place(tuple([key(value) for key, value in zip(keys, held, strict=True)]), entry))
    for n in range(len(sort) - 1, -1, -1):
        found.sort(key=lambda place, n=n: place.keys[n], reverse=sort[n].reverse)  # type: ignore[misc]
    return found


def _key_of(sort: SortKey) -> tuple[str, Callable[[Any], Key]]:
    """The column that holds what the key is made of, and how."""
    attribute = ATTRIBUTES.get(sort.attribute.lower())
    if attribute is None:  # known to the schema, held by no entry
        return "''", lambda _held: (True, "")
    if attribute.name in ORDERED and not sort.exact:
        return f"e.{ORDERED[attribute.name]}", lambda text: (not text, _least(text))
    known, name, exact = attribute, attribute.name.encode(), sort.exact

    def key(held: str | bytes) -> Key:
        raw = [held.encode()] if isinstance(held, str) else find_values(held, name)
        values = [v for r in raw if (v := _exact(r) if exact else prepare_ordered(known, r))]
        return (False, min(values)) if values else (True, "")

    return f"b.{_OPERATIONAL.get(attribute.name, 'ber')}", key


def _least(text: str) -> str:
    """The first value of a text of ``ORDERED``."""
    return text[1 : text.index("$")] if text else ""


def _exact(raw: bytes) -> str:
    """Insignificant spaces do not count (RFC 4518 2.6.1), everything else does."""
    return " ".join(raw.decode("utf-8", "replace").split())


def _assertion(key: SortKey, value: bytes) -> str | None:
    """The value as keys are; "" stands before all.  None when it is not of the attribute's form."""
    attribute = ATTRIBUTES.get(key.attribute.lower())
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return None
    if attribute is None or key.exact:
        return _exact(value)
    return prepare_ordered(attribute, value) or (None if attribute.rule is MatchRule.TIME and text else "")


# --- windows ---------------------------------------------------------------------------------------------------------


def _seen_through(
    reader: Reader, spans: Sequence[Span], query: Query, window: Window, begin: Begin
) -> tuple[list[_Place], bool, Order]:
    """The places of the window, whether time ran out, and where they stand.  The list is the first that match; where
    what is typed is after all of these, those from there on, and it stays so for whoever goes on from that window."""
    key, most, typed = query.sort[0], query.limit, window.value is not None
    begins = None if typed or window.begins is None else _assertion(key, window.begins)
    found = _list(reader, begin, spans, query.sort, most, begins)
    places, began_at = found.places[:most], None if typed else window.begins
    start, stop, order = _window(places, window, key)
    is_cut = len(found.places) > most or not found.whole
    if typed and found.exact and is_cut and order.position > len(places):
        wanted = _assertion(key, window.value or b"") or ""
        more = (
            found._replace(places=_from(found.places, wanted, key))
            if found.whole
            else _list(reader, begin, spans, query.sort, most, wanted)
        )
        if more.places:
            found, places, began_at = more, more.places[:most], window.value
            start, stop, order = _window(places, window, key)
    return places[start:stop], found.timed_out, order._replace(exact=found.exact, begins=began_at)


def _window(places: Sequence[_Place], window: Window, key: SortKey) -> tuple[int, int, Order]:
    """Start and stop in the list, and the position of the target; nothing of the list when the target has none."""
    count = len(places)
    target, fault = _by_value(places, window, key) if window.value is not None else _by_offset(count, window)
    order = Order(True, 0 if fault else target, count, fault)
    return (0, 0, order) if fault else (max(0, target - 1 - window.before), target + window.after, order)


def _by_offset(count: int, window: Window) -> tuple[int, int]:
    """Si = Sc * (Ci / Cc) (draft-ietf-ldapext-ldapv3-vlv-09 5)."""
    offset, assumed = window.offset, window.count
    if offset < 1 or (assumed and offset > assumed):
        return 0, OFFSET_RANGE_ERROR
    if offset == assumed and assumed:
        return count, SUCCESS
    if offset == 1:
        return min(1, count), SUCCESS
    found = (2 * count * offset + assumed) // (2 * assumed) if assumed else offset
    return (0, OFFSET_RANGE_ERROR) if found > count else (max(1, found), SUCCESS)


def _by_value(places: Sequence[_Place], window: Window, key: SortKey) -> tuple[int, int]:
    """The first place not before the value; one past the last when there is none."""
    wanted = _assertion(key, window.value or b"")
    if wanted is None:
        return 0, INAPPROPRIATE_MATCHING
    found = (n for n, place in enumerate(places, 1) if _is_from(place, wanted, key))
    return next(found, len(places) + 1), SUCCESS
