"""How often a source publishes, and since when it is silent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from directory_service.model.rhythms import DAILY, Rhythms, Silence, silences

PUBLISHED = "2026-03-28T05:00:00Z"
AT = datetime(2026, 3, 28, 5, tzinfo=UTC)


@pytest.mark.parametrize("text", ["a=0", "a=-1", "a=nan", "a=inf", "a=1e300", "a=x", "a=", "=3", "a"])
def test_a_rhythm_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        Rhythms.parse(text)


def test_rhythms_are_written_as_they_are_read() -> None:
    for text in ("", "a=36", "a=36 b=0.5", str(DAILY)):
        assert str(Rhythms.parse(text)) == text
    never = Rhythms.parse("a=1000000")
    assert silences({"a": "1970-01-01T00:00:00Z"}, Rhythms.parse(str(never)), AT) == []


def test_a_source_is_silent_past_its_rhythm_and_not_at_it() -> None:
    rhythms = Rhythms.parse("a=36")
    assert silences({"a": PUBLISHED}, rhythms, AT + timedelta(hours=36)) == []
    late = AT + timedelta(hours=36, seconds=1)
    assert silences({"a": PUBLISHED, "b": PUBLISHED}, rhythms, late) == [Silence("a", PUBLISHED, 36, 36.0)]
    assert silences({"a": "2026-03-28T07:00:00+02:00"}, rhythms, late)


def test_sources_are_told_by_name() -> None:
    late = AT + timedelta(hours=2)
    found = silences({"c": PUBLISHED, "a": PUBLISHED, "b": PUBLISHED}, Rhythms.parse("b=1 c=1.5 a=1"), late)
    assert [silence.source for silence in found] == ["a", "b", "c"]
    assert found[2].as_text().endswith("il y a 2 heures (attendue toutes les 1,5 heures)")


@pytest.mark.parametrize("published", ["", "hier", "2026-01-01", "2026-01-01T00:00:00"])
def test_an_instant_that_says_no_zone_is_none(published: str) -> None:
    assert silences({"a": published}, Rhythms.parse("a=1"), AT) == []


@pytest.mark.parametrize(("hours", "age"), [(71, "71 heures"), (72, "3 jours"), (95, "3 jours"), (96, "4 jours")])
def test_an_age_is_told_in_hours_then_in_days(hours: int, age: str) -> None:
    said = Silence("a", PUBLISHED, hours, 36.0).as_text()
    assert said == f"a : dernière extraction du {PUBLISHED}, il y a {age} (attendue toutes les 36 heures)"
