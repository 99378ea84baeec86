"""``Directory.find`` beside a slow and obvious twin: everybody's tokens read one by one, whatever tiers, counts and
pages the index is asked by."""

from __future__ import annotations

import random
from collections import Counter
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from search_people import WORLDS, index_of, people, worlds

from directory_service.entries.entry import Entry
from directory_service.index import finder
from directory_service.index.criteria import near_of
from directory_service.index.directory import Criteria, Directory, Page, Wishes
from directory_service.index.onebox import Box, understand
from directory_service.index.onebox.facets import FACETS
from directory_service.index.onebox.score import match
from directory_service.index.query import View

WORDS = ["martin", "mart", "ma", "lyon", "ly", "jean", "j", "jp", "pierre", "saint", "st", "de", "le", "chu", "kine",
         "cardio", "medecin", "infirmiere", "69", "69003", "rhone", "3", "bob", "oly", "d'oly", "m", "martinn",
         "lion", "@med.fr", "zzz", "dr"]  # fmt: skip


BOXES = st.lists(st.sampled_from(WORDS), min_size=1, max_size=4).map(" ".join)
# Words that some have as typed, and others by sound, with errors or by a beginning.
FEW_WORDS = st.lists(st.sampled_from(["dupont", "dupond", "dupnot", "ly", "in"]), min_size=1, max_size=2).map(" ".join)
NUMBERS = ("69", "69003", "3")
# Particles go with the word after them; digits in groups may be an identifier, and none of WORDS said once makes one; a
# town that is being typed (*saint m*) is typed in order.
ANY_ORDER = BOXES.filter(
    lambda q: (
        not {"de", "le"} & set(q.split())
        and max(map(q.split().count, NUMBERS)) <= 1
        and not ({"saint", "st"} & set(q.split()) and {"m", "ma", "j", "jp", "ly"} & set(q.split()))
    )
)
NEAR = st.sampled_from(["", "69", "42000"])


def pages(directory: Directory, criteria: Criteria, wishes: Wishes, limit: int) -> list[Page]:
    found = [directory.find(criteria, View.ANONYMOUS, limit, None, wishes)]
    while found[-1].next:
        found.append(directory.find(criteria, View.ANONYMOUS, limit, found[-1].next, wishes))
    return found


def strict(world: list[Entry], q: str, near: str) -> dict[int, tuple[int, int]]:
    """Who matches without sounds and errors, with tier and nearness: everybody is looked at."""
    return those_of(world, understand(q), near)


def begun(world: list[Entry], q: str, near: str) -> dict[int, tuple[int, int]]:
    """Who matches where short words may be the beginning of anything."""
    known = understand(q).begun
    return those_of(world, known[1], near) if known else {}


def those_of(world: list[Entry], box: Box, near: str) -> dict[int, tuple[int, int]]:
    asked = near_of(near)
    place = asked._replace(classes=(*asked.classes, box.titled)) if box.titled else asked
    fits = {entry.id: match(box, f" {entry.tags} ", ()) for entry in world}
    tags = {entry.id: f" {entry.tags} " for entry in world}
    return {pk: (fit.tier, place.of(tags[pk])) for pk, fit in fits.items() if fit}


@settings(max_examples=60)
@given(WORLDS, BOXES, NEAR)
def test_tier_by_tier_everybody_is_found_once_in_the_twin_s_order(world: list[Entry], q: str, near: str) -> None:
    wanted = strict(world, q, near)
    with index_of(world) as directory, mock.patch.multiple(finder, SCORED=0, LITTLE=0):
        found = pages(directory, Criteria(q=q), Wishes(near=near), 3)
    ids = [hit.id for page in found for hit in page.hits]
    if wanted:
        assert ids == sorted(wanted, key=lambda pk: (*wanted[pk], pk))
        assert {(page.total, page.total_exact) for page in found} == {(len(wanted), True)}


@settings(max_examples=60)
@given(WORLDS, BOXES, NEAR, st.integers(1, 7), st.sampled_from(["relevance", "name", "city"]))
def test_scored_everybody_is_found_once_and_tiers_are_kept(
    world: list[Entry], q: str, near: str, limit: int, sort: str
) -> None:
    wanted = strict(world, q, near) or begun(world, q, near)
    with index_of(world) as directory:
        found = pages(directory, Criteria(q=q), Wishes(near=near, sort=sort), limit)
        whole = directory.find(Criteria(q=q), View.ANONYMOUS, 100, None, Wishes(near=near, sort=sort))
    ids = [hit.id for page in found for hit in page.hits]
    assert ids == [hit.id for hit in whole.hits] and len(set(ids)) == len(ids) == whole.total
    assert wanted.keys() <= set(ids) and whole.relaxed == (bool(ids) and not wanted)
    if sort == "relevance" and wanted:
        tiers = [wanted[pk][0] for pk in ids if pk in wanted]
        assert tiers == sorted(tiers) and all(pk in wanted for pk in ids[: len(wanted)])


@settings(max_examples=60)
@given(WORLDS, ANY_ORDER, st.randoms(use_true_random=False), st.sampled_from([0, 500]))
def test_the_order_of_words_does_not_matter_to_who_is_found(
    world: list[Entry], q: str, dice: random.Random, scored: int
) -> None:
    words = q.split()
    dice.shuffle(words)
    with index_of(world) as directory, mock.patch.object(finder, "SCORED", scored):
        one, other = (directory.find(Criteria(q=text), View.ANONYMOUS, 100, None) for text in (q, " ".join(words)))
    assert {h.id for h in one.hits} == {h.id for h in other.hits}
    assert (one.total, one.relaxed) == (other.total, other.relaxed)


def recount(page: Page) -> dict[str, Counter[str]]:
    """Facets, from the records."""
    found: dict[str, Counter[str]] = {name: Counter() for name in FACETS}
    for hit in page.hits:
        record: dict[str, Any] = orjson.loads(hit.json)
        found["profession"].update({record["profession"]["code"]})
        found["specialty"].update({s["code"] for s in record["specialties"]})
        found["department"].update({a["address"]["department"]["code"] for a in record["activities"]})
        found["type"].update({box["type"] for box in record["mailboxes"]})
    return found


@settings(max_examples=60)
@given(WORLDS, BOXES, st.sampled_from(["", "69"]), st.sampled_from([0, 500]))
def test_facets_are_what_a_recount_of_all_records_gives(
    world: list[Entry], q: str, department: str, scored: int
) -> None:
    wishes = Wishes(facets=FACETS)
    with index_of(world) as directory, mock.patch.object(finder, "SCORED", scored):
        page = directory.find(Criteria(q=q, department=department), View.ANONYMOUS, 100, None, wishes)
    told = {name: Counter({v["value"]: v["count"] for v in values}) for name, values in (page.facets or {}).items()}
    assert page.facets_exact and told == recount(page)


@settings(max_examples=60)
@given(
    worlds(people(["DUPONT", "DUPOND"], ["CABINET"])),
    FEW_WORDS,
    st.sampled_from(["", "69"]),
    st.sampled_from([0, 500]),
    st.sampled_from([2, 10]),
)
def test_a_count_is_what_the_search_finds_with_that_value(
    world: list[Entry], q: str, department: str, scored: int, little: int
) -> None:
    asked, wishes = Criteria(q=q, department=department), Wishes(facets=FACETS)
    with index_of(world) as directory, mock.patch.multiple(finder, SCORED=scored, LITTLE=little):
        page = directory.find(asked, View.ANONYMOUS, 1, None, wishes)
        told = [(name, v["value"], v["count"]) for name, values in (page.facets or {}).items() for v in values]
        for name, value, count in told if page.facets_exact else ():
            found = directory.find(replace(asked, **{name: value}), View.ANONYMOUS, 1, None)
            assert (found.total, found.total_exact) == (count, True), (name, value)


@pytest.mark.parametrize("counted", [(), FACETS])
@pytest.mark.parametrize("limit", [1, 2, 100])
def test_criteria_alone_are_paged_the_near_first(limit: int, counted: tuple[str, ...], tmp_path: Path) -> None:
    import search_world

    with closing(search_world.build(tmp_path)) as directory, mock.patch.object(finder, "EXAMINED", 50):
        found = pages(directory, Criteria(profession="10"), Wishes(near="76", facets=counted), limit)
        assert all(bool(page.facets) == bool(counted) for page in found)
    records = [orjson.loads(hit.json) for page in found for hit in page.hits]
    near = ["76" in {a["address"]["department"]["code"] for a in r["activities"]} for r in records]
    assert near == sorted(near, reverse=True) and len({r["id"] for r in records}) == len(records) == found[0].total
