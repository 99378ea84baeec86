"""A sorted search gives what sorting all that match gives (RFC 2891), page by page and window by window."""

from __future__ import annotations

import tempfile
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from index_world import all_entries, make_entry, write_index
from record_factories import SUFFIX
from twin_matcher import attributes_of, twin_search

from directory_service.entries.attributes import ATTRIBUTES, prepare
from directory_service.entries.comparing import MatchRule
from directory_service.entries.entry import BAL, PEOPLE, STAFF, UNLISTED, Entry
from directory_service.index import sorting
from directory_service.index.directory import Directory
from directory_service.index.query import (
    And,
    Filter,
    GreaterOrEqual,
    Present,
    Query,
    Scope,
    SortKey,
    Substrings,
    View,
    Window,
)
from directory_service.index.underway import BUDGET

# Few letters, so that entries share keys; of ``-`` there is nothing to compare.
VALUES = st.one_of(st.text(st.sampled_from(list("abBé -")), min_size=1, max_size=3), st.just("-"))
ATTRIBUTES_HELD = ("cn", "sn", "givenName", "o", "l", "title")
STAMPS = st.sampled_from(["20260105034500Z", "20260601034500Z"])


@st.composite
def worlds(draw: st.DrawFn) -> list[Entry]:
    branches = st.sampled_from([BAL, BAL, BAL, UNLISTED, PEOPLE])
    rows = draw(st.lists(st.tuples(branches, st.integers(0, 2), st.integers(0, 1), STAMPS),
                         min_size=draw(st.sampled_from([0, 8])), max_size=14))  # fmt: skip
    names = st.sets(st.sampled_from(ATTRIBUTES_HELD)).map(sorted)
    held = [{name: draw(st.lists(VALUES, max_size=2, unique=True)) for name in draw(names)} for _ in rows]
    return [
        make_entry(branch, pk, rank=rank, view=STAFF if view or branch == UNLISTED else 0, changed=changed, **values)
        for pk, ((branch, rank, view, changed), values) in enumerate(zip(rows, held, strict=True), 1)
    ]


KEYS = st.builds(
    SortKey, st.sampled_from((*ATTRIBUTES_HELD, "cn", "sn", "modifyTimestamp", "asSince", "nosuch")), st.booleans(),
    st.booleans(),
)  # fmt: skip
SORTS = st.lists(KEYS, min_size=1, max_size=3, unique_by=lambda key: key.attribute).map(tuple)
FILTERS = st.sampled_from([And(()), Present("cn"), Present("title"), Substrings("cn", b"", (b"a",), b"")])
BASES = st.sampled_from([SUFFIX, *[f"ou=bal,{SUFFIX}"] * 4, f"ou=personnes,{SUFFIX}"])


def least(entry: Entry, key: SortKey) -> tuple[bool, str]:
    """By the letter of RFC 2891 2.2: the least value, and no value is the largest."""
    attribute = ATTRIBUTES.get(key.attribute.lower())
    values = attributes_of(entry).get(key.attribute.lower(), [])
    if key.exact:
        found = [" ".join(v.decode().split()) for v in values]
    else:
        found = [prepare(attribute, v) or "" for v in values] if attribute else []
    kept = [v for v in found if v]
    return (not kept, min(kept, default=""))


def in_order(world: list[Entry], query: Query, view: int) -> list[int]:
    by_id = {entry.id: entry for entry in world}
    ids = twin_search(world, SUFFIX, query, view)
    for key in reversed(query.sort):
        ids.sort(key=lambda n, key=key: least(by_id[n], key), reverse=key.reverse)  # type: ignore[misc]
    return ids


@settings(max_examples=60, deadline=None)
@given(worlds(), BASES, FILTERS, st.lists(st.tuples(SORTS, st.integers(1, 5)), min_size=1, max_size=6),
       st.sampled_from([View.ANONYMOUS, View.STAFF]), st.sampled_from([1, 3, 1000]),
       st.sampled_from([2, 5, BUDGET, BUDGET]))  # fmt: skip
def test_a_sorted_search_gives_the_first_of_all(
    world: list[Entry], base: str, asked: Filter, orders: list[tuple[tuple[SortKey, ...], int]], view: View, most: int,
    candidates: int,
) -> None:  # fmt: skip
    """With few entries sorted at most (``most``), those that the build has an order for are read in it; when no more
    may be looked at than so many ``candidates``, those given are the first all the same, or it is said."""
    with tempfile.TemporaryDirectory() as name, patch.object(sorting, "MOST", most), closing(
        Directory(write_index(Path(name), world), SUFFIX, candidates=candidates)
    ) as directory:  # fmt: skip
        for sort, limit in orders:
            query = Query(base, Scope.SUBTREE, asked, limit, sort=sort)
            check = _check if candidates == BUDGET else _check_some
            check(directory, all_entries(world), query, view, most)


@pytest.mark.parametrize(
    ("names", "reverse", "given", "exact"),
    [
        ("abcdefgh", False, [1, 9, 2, 3, 4], True),
        ("a-bcdefg", True, [2, 10, 8, 7, 6], True),  # without a name: first in reverse (RFC 2891 2.2)
        ("aabbccdd", False, [2, 1, 9, 4, 3], True),  # the other c, which may be before the one that was read, was not
        ("aaaaaaaa", False, [3, 2, 1], False),  # nothing is known of the first: the best-ranked
    ],
)
def test_a_search_that_may_look_at_no_more_gives_what_is_surely_first(
    names: str, reverse: bool, given: list[int], exact: bool, tmp_path: Path
) -> None:
    """Five of eight are read in order.  Who stands beside them is among them, and not after the last of them."""
    world = [make_entry(BAL, pk, sn=[name], title=[str(pk)]) for pk, name in enumerate(names, 1)]
    world += [make_entry(UNLISTED, pk, view=STAFF, sn=[name], title=["1"]) for pk, name in ((9, "a"), (10, "z"))]
    order = SortKey("sn", reverse), SortKey("title", reverse=True)
    with patch.object(sorting, "MOST", 3), closing(
        Directory(write_index(tmp_path, world), SUFFIX, candidates=6)
    ) as directory:  # fmt: skip
        found = directory.search(Query(f"ou=bal,{SUFFIX}", Scope.ONE, And(()), 20, sort=order), View.STAFF)
    assert [hit.id & 0xFFFFFFFF for hit in found.hits] == given
    assert found.truncated and found.order is not None and found.order.exact == exact


def _check_some(directory: Directory, world: list[Entry], query: Query, view: View, _most: int) -> None:
    expected = in_order(world, query, view)
    found = directory.search(query, view)
    ids = [hit.id for hit in found.hits]
    assert found.order is not None and found.truncated >= (len(ids) < len(expected))
    if found.order.exact:
        assert ids == expected[: len(ids)] and bool(ids) == bool(expected)
    else:
        assert len(ids) <= query.limit and set(ids) <= set(expected)
    listed = directory.search(replace(query, window=Window(0, 9)), view).order
    assert listed is not None and listed.exact == found.order.exact


def _check(directory: Directory, world: list[Entry], query: Query, view: View, most: int) -> None:
    expected = in_order(world, query, view)
    found = directory.search(query, view)
    assert found.order is not None
    beside = sum(pk >> 36 != BAL for pk in expected)
    assert found.order.exact or (len(expected) > most and (not _has_order(query) or beside > most))
    if not found.order.exact:
        assert len(found.hits) <= query.limit and {h.id for h in found.hits} <= set(expected)
        return
    assert [hit.id for hit in found.hits] == expected[: query.limit]
    assert found.truncated == (len(expected) > query.limit)
    _check_pages(directory, query, view, expected)
    _check_windows(directory, world, query, view, expected)


def _has_order(query: Query) -> bool:
    return query.base.startswith("ou=bal") and query.sort[0].attribute in ("cn", "sn") and not query.sort[0].exact


def _check_pages(directory: Directory, query: Query, view: View, expected: list[int]) -> None:
    seen: list[int] = []
    more = True
    while more:
        page = directory.search(replace(query, after=seen[-1] if seen else 0, seen=len(seen)), view)
        seen += [hit.id for hit in page.hits]
        more = page.truncated
    assert seen == expected
    # The last entry sent is gone since: as many places on.
    gone = directory.search(replace(query, after=1 << 50, seen=2), view)
    assert [hit.id for hit in gone.hits] == expected[2 : 2 + query.limit]


def _check_windows(directory: Directory, world: list[Entry], query: Query, view: View, expected: list[int]) -> None:
    listed = expected[: query.limit]
    for offset in range(1, len(listed) + 1):
        found = directory.search(replace(query, window=Window(1, 1, offset)), view)
        assert found.order is not None and found.order[1:] == (offset, len(listed), 0, None)
        assert [hit.id for hit in found.hits] == listed[max(0, offset - 2) : offset + 1]
    for typed in (b"b", b"a", b"ab", b""):
        _check_typed(directory, world, query, view, expected, typed)


def _check_typed(
    directory: Directory, world: list[Entry], query: Query, view: View, expected: list[int], typed: bytes
) -> None:
    """The list is of the first; where these are all before what was typed, of those from there on, and stays so."""
    found, key = directory.search(replace(query, window=Window(1, 1, value=typed)), view), query.sort[0]
    attribute = ATTRIBUTES.get(key.attribute.lower())
    assert found.order is not None
    if found.order.fault:
        assert attribute and attribute.rule is MatchRule.TIME and not key.exact
        return
    by_id, bound = {entry.id: entry for entry in world}, (False, typed.decode())
    after = [
        n for n, pk in enumerate(expected)
        if (least(by_id[pk], key) <= bound if key.reverse else least(by_id[pk], key) >= bound)
    ]  # fmt: skip
    moved = bool(after) and after[0] >= query.limit
    start = after[0] if moved else 0
    listed = expected[start : start + query.limit]
    place = after[0] - start if after else len(listed)
    assert found.order.begins == (typed if moved else None)
    assert (found.order.position, found.order.length) == (place + 1, len(listed))
    assert [hit.id for hit in found.hits] == listed[max(0, place - 1) : place + 2]
    again = directory.search(replace(query, window=Window(0, 9, len(listed), 0, begins=found.order.begins)), view)
    assert [hit.id for hit in again.hits] == listed[-1:]


def test_addresses_are_in_the_order_in_which_they_are_written(tmp_path: Path) -> None:
    """Texts write two signs otherwise (``entries.marks``)."""
    written = ["!@a.fr", "$@a.fr", "0@a.fr", "^@a.fr", "a@a.fr"]
    world = [make_entry(BAL, pk, mail=[address]) for pk, address in enumerate(written, 1)]
    with closing(Directory(write_index(tmp_path, world), SUFFIX)) as directory:
        query = Query(f"ou=bal,{SUFFIX}", Scope.ONE, And(()), 10, sort=(SortKey("mail"),))
        assert [hit.id for hit in directory.search(query, View.ANONYMOUS).hits] == [entry.id for entry in world]
        query = replace(query, window=Window(before=0, after=1, value=b"^"))
        assert [hit.id for hit in directory.search(query, View.ANONYMOUS).hits] == [entry.id for entry in world[3:]]
        query = replace(query, filter=GreaterOrEqual("mail", b"^"), sort=(), window=None)
        assert [hit.id for hit in directory.search(query, View.ANONYMOUS).hits] == [entry.id for entry in world[3:]]


@pytest.mark.parametrize("most", [2, 1000])
@pytest.mark.parametrize("names", ["abcdef", "fedcba"])
def test_a_list_begins_at_what_is_typed_only_past_the_first_that_are_shown(
    names: str, most: int, tmp_path: Path
) -> None:
    world = [make_entry(BAL, pk, sn=[name]) for pk, name in enumerate(names, 1)]
    query = Query(f"ou=bal,{SUFFIX}", Scope.ONE, And(()), 3, sort=(SortKey("sn", reverse=names[0] == "f"),))
    with patch.object(sorting, "MOST", most), closing(Directory(write_index(tmp_path, world), SUFFIX)) as directory:
        for place, typed in enumerate(names):
            found = directory.search(replace(query, window=Window(0, 9, value=typed.encode())), View.ANONYMOUS)
            start = place if place >= query.limit else 0
            listed = names[start : start + query.limit]
            assert found.order is not None and found.order.begins == (typed.encode() if start else None)
            assert (found.order.position, found.order.length) == (place - start + 1, len(listed))
            assert "".join(names[(hit.id & 0xFFFFFFFF) - 1] for hit in found.hits) == listed[place - start :]
