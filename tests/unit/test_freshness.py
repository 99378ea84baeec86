"""How old what the index says is: read again is not published again, and clocks may differ."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from directory_service.index.freshness import age_of, data_age, published_age, silent_sources, source_age
from directory_service.index.reader import Build
from directory_service.model.rhythms import Rhythms

NOW = datetime(2026, 3, 28, 12, tzinfo=UTC)
FRIDAY, TODAY = "2026-03-27T12:00:00Z", "2026-03-28T11:00:00Z"
DAY, HOUR = 86_400, 3_600


def build(*sources: dict[str, Any]) -> Build:
    return Build("b.1", 1, FRIDAY, list(sources), {}, "1")


@pytest.mark.parametrize(
    ("since", "age"),
    [(FRIDAY, DAY), ("2026-03-28T11:59:59Z", 1), ("2026-03-28T12:00:05Z", 0), ("", None), ("hier", None)],
)
def test_an_age_is_in_whole_seconds_and_never_negative(since: str, age: int | None) -> None:
    """The clock of whoever wrote may be ahead."""
    assert age_of(since, NOW) == age


def test_a_file_that_is_read_again_gets_no_younger() -> None:
    read_again = {"name": "a", "published": FRIDAY, "finished_at": TODAY}
    assert (source_age(read_again, NOW), published_age(read_again, NOW)) == (HOUR, DAY)
    assert [s.source for s in silent_sources(build(read_again), Rhythms.parse("a=12"), NOW)] == ["a"]


def test_a_source_of_which_no_date_is_known_is_dated_by_its_reading() -> None:
    """Builds of before held no other; one that was never read to its end has no age."""
    before = {"name": "a", "finished_at": FRIDAY}
    assert published_age(before, NOW) == DAY
    assert [s.source for s in silent_sources(build(before), Rhythms.parse("a=12"), NOW)] == ["a"]
    never = {"name": "a", "finished_at": None, "published": None}
    assert (source_age(never, NOW), published_age(never, NOW)) == (None, None)
    assert silent_sources(build(never), Rhythms.parse("a=12"), NOW) == []


def test_data_are_as_young_as_the_source_read_last_or_else_as_the_build() -> None:
    old, young = ({"name": name, "finished_at": at} for name, at in (("a", FRIDAY), ("b", TODAY)))
    never = {"name": "c", "finished_at": None}
    assert data_age(build(old, young, never), NOW) == HOUR
    assert data_age(build(old), NOW) == DAY
    assert data_age(build(never), NOW) == data_age(build(), NOW) == DAY
