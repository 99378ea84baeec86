"""Words that stand inside others, beside a twin that looks into everybody's texts."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from unittest import mock

import pytest
import search_world
from hypothesis import given, settings
from hypothesis import strategies as st
from search_people import FAMILIES, GIVEN, WORLDS, index_of, near_in

from directory_service.entries.entry import Entry
from directory_service.index import finder, inside, reader
from directory_service.index.directory import Criteria
from directory_service.index.onebox import understand, within
from directory_service.index.onebox.score import Match, match
from directory_service.index.query import View
from directory_service.model.names import words

HELD = sorted(
    {word for name in (*FAMILIES, *GIVEN, "hospitalier", "cabinet", "medecin", "infirmier") for word in words(name)}
)


@st.composite
def pieces(draw: st.DrawFn) -> str:
    """A part of a word, mistyped now and then."""
    word = draw(st.sampled_from(HELD))
    start = draw(st.integers(0, max(0, len(word) - 3)))
    piece = word[start : draw(st.integers(min(start + 3, len(word)), len(word)))]
    return piece[:-1] + "x" if draw(st.integers(0, 5)) == 0 else piece


BOXES = st.lists(pieces(), min_size=1, max_size=4).map(" ".join)


def loosely(world: list[Entry], q: str) -> dict[int, Match | None]:
    """With short words as the beginnings of anything."""
    box = understand(q).loosened(near_in(world))
    whole = box.begun[1] if box.begun else box
    return {e.id: match(whole, f" {e.tags} ", ()) for e in world}


@pytest.mark.parametrize("rare", [inside.RARE, (3, 5), (1,)])
@settings(max_examples=60)
@given(world=WORLDS, q=BOXES)
def test_when_nobody_has_the_words_whoever_holds_them_inside_others_is_found(
    rare: tuple[int, ...], world: list[Entry], q: str
) -> None:
    """However common words are."""
    box = understand(q).loosened(near_in(world))
    wanted = {
        e.id: match(box, f" {e.tags} ", (), within.fits(box, [getattr(e, c) for c in within.COLUMNS])) for e in world
    }
    with index_of(world) as directory, mock.patch.object(inside, "RARE", rare):
        found = directory.find(Criteria(q=q), View.ANONYMOUS, 100, None)
    if any(loosely(world, q).values()):
        assert found.hits
    else:
        assert {hit.id for hit in found.hits} == {pk for pk, fit in wanted.items() if fit}


@settings(max_examples=200)
@given(world=WORLDS, q=BOXES)
def test_whoever_matches_passes_the_quick_look(world: list[Entry], q: str) -> None:
    box = understand(q).loosened(near_in(world))
    may_fit = within.quick_look(box)
    for e in world:
        tags, texts = f" {e.tags} ", [getattr(e, c) for c in within.COLUMNS]
        if match(box, tags, (), within.fits(box, texts)):
            assert may_fit(tags, texts)


def test_of_too_many_candidates_the_best_are_looked_at(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with closing(search_world.build(tmp_path)) as directory:
        whole = directory.find(Criteria(q="upon"), View.ANONYMOUS, 10, None)
        monkeypatch.setattr(inside, "MOST", 2)
        some = directory.find(Criteria(q="upon"), View.ANONYMOUS, 10, None)
    assert [hit.id for hit in some.hits] == sorted(hit.id for hit in whole.hits)[:2]
    assert (whole.total_exact, some.total_exact) == (True, False)


def test_time_ends_the_look_inside_words(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With what was found until then, which may not be all."""
    monkeypatch.setattr(reader, "_STEP", 10)
    monkeypatch.setattr(finder, "TIME", 0.0)
    with closing(search_world.build(tmp_path)) as directory:
        page = directory.find(Criteria(q="artin upon"), View.ANONYMOUS, 10, None)
    assert not page.hits and not page.total_exact
