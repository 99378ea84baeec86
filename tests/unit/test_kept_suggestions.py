"""Suggestions that were made a moment ago: the same, whole, for whoever types the same."""

from __future__ import annotations

import orjson
from hypothesis import given
from hypothesis import strategies as st

from directory_service.index.criteria import typed_key
from directory_service.index.directory import Directory
from directory_service.index.query import View

ANYONE, STAFF = View.ANONYMOUS, View.STAFF
TYPED = st.sampled_from(["Dupont", "étienne", "ÉTIENNE", "d'Hôte", "j.Dup@", "straße", "ıi", "ESSAI zoe"])
SPACES = st.sampled_from(["", " ", "  x"])


def test_they_are_kept_whole(directory: Directory) -> None:
    directory.forget_answers()
    assert directory.suggested("dup", 10, ANYONE) is None
    made = directory.suggestions("dup", 10, ANYONE)
    assert len(orjson.loads(b"[" + made.items + b"]")) == len(made.ids) > 1
    for same in ("dup", " DUP ", "Dup"):
        kept = directory.suggested(same, 10, ANYONE)
        assert kept and (kept.items, list(kept.ids)) == (made.items, list(made.ids))
    for text, limit, view in (("dup", 9, ANYONE), ("dup", 10, STAFF), ("d up", 10, ANYONE)):
        assert directory.suggested(text, limit, view) is None


@given(TYPED, SPACES)
def test_texts_of_one_key_ask_the_same(directory: Directory, text: str, more: str) -> None:
    for typed in (text.upper(), f" {text}", text.lower()):
        if typed_key(typed + more) == typed_key(text + more):
            found = [directory.suggest(same + more, 10, ANYONE).hits for same in (typed, text)]
            assert found[0] == found[1]
