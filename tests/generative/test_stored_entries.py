"""Attributes taken out of stored entries, beside their plain decoding: values may look like attributes themselves."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

from hypothesis import example, given
from hypothesis import strategies as st

from directory_service.entries.wire import decode_attributes, entry_ber
from directory_service.index.plan.predicate import find_values
from directory_service.ldap.ber import partial_attribute
from directory_service.ldap.selection import Hit, Selection, render

NAMES = ("cn", "mail", "o", "l", "title;lang-fr", "title", "description")
LIKE_ATTRIBUTES = st.sampled_from([partial_attribute(name, [b"x"]).decode() for name in NAMES])
TEXTS = st.text(max_size=150)
VALUES = st.one_of(LIKE_ATTRIBUTES, TEXTS, st.builds(str.__add__, TEXTS, LIKE_ATTRIBUTES))
ENTRIES = st.dictionaries(st.sampled_from(NAMES), st.lists(VALUES, min_size=1, max_size=3), max_size=6)


def stored(held: dict[str, list[str]]) -> bytes:
    return entry_ber("uid=\x04\x02cn1", b"".join(partial_attribute(n, map(str.encode, vs)) for n, vs in held.items()))


@given(ENTRIES, st.sampled_from(NAMES))
def test_values_are_found_in_their_attribute_and_nowhere_else(held: dict[str, list[str]], name: str) -> None:
    assert find_values(stored(held), name.encode()) == [v.encode() for v in held.get(name, ())]


@given(ENTRIES, st.frozensets(st.sampled_from(NAMES)), st.frozensets(st.sampled_from(NAMES)), st.booleans())
@example({"cn": ["a"], "mail": ["b"], "l": ["c"]}, frozenset(("cn", "l")), frozenset(), False)
@example({"cn": ["a"], "mail": ["b"]}, frozenset(("cn", "mail")), frozenset(("mail",)), False)
def test_what_is_asked_for_goes_out_in_the_order_of_the_entry(
    held: dict[str, list[str]], asked: frozenset[str], hidden: frozenset[str], types_only: bool
) -> None:
    chosen = Selection(False, frozenset(map(str.encode, asked)), (), frozenset(map(str.encode, hidden)))
    sent = render(cast(Hit, SimpleNamespace(ber=stored(held))), chosen, types_only, "")
    wanted = [
        (name, [] if types_only else [v.encode() for v in values])
        for name, values in held.items()
        if (name in asked or name.partition(";")[0] in asked) and name.partition(";")[0] not in hidden
    ]
    assert list(decode_attributes(sent).items()) == wanted
