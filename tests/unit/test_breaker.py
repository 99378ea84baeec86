"""Which thresholds an import passes: the bounds, of shares, of files and of groups."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from directory_service.model.thresholds import NO_LIMIT, Thresholds
from importers.breaker import Seen, is_older, of_dates, of_file, of_impact, passes, stopped
from importers.impact import Impact, Standing
from importers.report import Breach, ImportReport, impact_lines

LIMITS = Thresholds(
    removed=100, changed=100, group_removed=50, group_size=100, floor=10, rows_fell=10, rows_grew=NO_LIMIT
)


@pytest.mark.parametrize(
    ("number", "before", "limit", "passed"),
    [
        (10, 334, 3.0, False),
        (10, 333, 3.0, True),
        (30, 1000, 3.0, False),  # as many as may be
        (31, 1000, 3.0, True),
        (9, 100, 3.0, False),  # too few to matter
        (100, 100, 100.0, False),
        (10, 10, 0.0, True),
        (10, 0, 0.0, False),  # of nothing
    ],
)
def test_a_share_is_passed_by_more_than_it_from_the_floor_on(
    number: int, before: int, limit: float, passed: bool
) -> None:
    assert passes(number, before, limit, LIMITS.floor) == passed


@pytest.mark.parametrize(
    ("last", "rows", "stopped"),
    [
        (200, 181, False),
        (200, 180, True),
        (200, 0, True),
        (200, 200, False),
        (200, 199, False),
        (200, 400, False),
        (20, 18, True),
        (19, 0, False),
    ],
)
def test_a_file_that_fell_by_the_share_or_more_stops(last: int, rows: int, stopped: bool) -> None:
    def breaches(limits: Thresholds) -> list[str]:
        before, now = (Seen(name, n, "2026-08-25T06:06:00Z", True) for name, n in (("a", last), ("b", rows)))
        return [b.rule for b in of_file(now, before, limits)]

    assert breaches(LIMITS) == ["rows_fell"] * stopped
    assert breaches(Thresholds(rows_fell=100, rows_grew=NO_LIMIT)) == []
    assert breaches(Thresholds(rows_fell=0, rows_grew=NO_LIMIT)) == ["rows_fell"] * (rows < last and last >= 20)


@pytest.mark.parametrize(
    ("last", "rows", "stopped"),
    [(200, 300, False), (200, 301, True), (200, 400, True), (20, 31, True), (19, 400, False)],
)
def test_a_file_that_grew_by_more_than_the_share_stops(last: int, rows: int, stopped: bool) -> None:
    def breaches(limits: Thresholds) -> list[str]:
        before, now = (Seen(name, n, "2026-08-25T06:06:00Z", True) for name, n in (("a", last), ("b", rows)))
        return [b.rule for b in of_file(now, before, limits)]

    assert breaches(Thresholds(rows_grew=50)) == ["rows_grew"] * stopped
    assert breaches(Thresholds(rows_grew=NO_LIMIT)) == []
    assert breaches(Thresholds(rows_grew=0)) == ["rows_grew"] * (last >= 20)


@pytest.mark.parametrize(
    ("mine", "theirs", "stamps", "older"),
    [
        ("2026-08-25T06:05:00Z", "2026-08-25T06:06:00Z", "both", True),
        ("2026-08-25T06:06:00Z", "2026-08-25T06:06:00Z", "both", False),
        ("2026-08-25T06:05:59Z", "2026-08-25T06:06:00Z", "none", True),
        ("2026-08-24T06:06:00Z", "2026-08-25T06:06:00Z", "one", False),
        ("2026-08-24T06:05:59Z", "2026-08-25T06:06:00Z", "one", True),
        ("2026-08-26T06:06:00Z", "2026-08-25T06:06:00Z", "one", False),
    ],
)
def test_a_stamp_beside_the_date_of_a_file_may_be_a_day_off(mine: str, theirs: str, stamps: str, older: bool) -> None:
    for one, other in {"both": [(True, True)], "none": [(False, False)]}.get(stamps, [(True, False), (False, True)]):
        assert is_older(Seen("a", 1, mine, one), Seen("b", 1, theirs, other)) == older


@pytest.mark.parametrize(
    ("as_of", "file", "stopped"),
    [
        ("2026-08-26T06:06:00Z", "2026-08-26T06:06:00Z", []),  # a day from now
        ("2026-08-26T06:06:01Z", "2026-08-25T06:06:00Z", ["--as-of"]),
        ("2026-08-25T06:06:00Z", "2062-08-25T06:06:00Z", ["a.txt"]),
        ("2062-08-25T06:06:00Z", "2062-08-25T06:06:00Z", ["--as-of", "a.txt"]),
    ],
)
def test_a_date_more_than_a_day_ahead_stops(as_of: str, file: str, stopped: list[str]) -> None:
    now = "2026-08-25T06:06:00Z"
    assert [b.subject for b in of_dates(as_of, [Seen("a.txt", 1, file, True)], now)] == stopped
    assert of_dates(as_of, [], now) == []  # nothing bears the date


@pytest.mark.parametrize(
    ("key", "before", "removed", "stopped"),
    [
        ("60", 100, 51, True),
        ("60", 100, 50, False),
        ("60", 99, 99, False),  # a small group
        ("", 100, 100, False),  # of whom no profession is known
    ],
)
def test_a_group_is_looked_at_where_it_is_large_and_named(key: str, before: int, removed: int, stopped: bool) -> None:
    impact = Impact({"profession": Counter({key: before})})
    impact.acts["profession"][key].removed = removed
    breaches = of_impact(impact, LIMITS)
    assert [(b.rule, b.subject) for b in breaches] == [("group_removed", f"profession {key}")] * stopped


@pytest.mark.parametrize(("merged", "stopped"), [(20, False), (21, True)])
def test_who_changes_and_who_is_merged_count_together(merged: int, stopped: bool) -> None:
    impact = Impact({"people": Counter({"": 100})})
    acts = impact.acts["people"][""]
    acts.changed, acts.merged = 30, merged
    assert [b.rule for b in of_impact(impact, replace(LIMITS, changed=50))] == ["changed"] * stopped


def test_who_becomes_another_is_told_of_her_group_and_who_changes_it_once_of_each() -> None:
    impact = Impact({"profession": Counter({"10": 5, "60": 5})})
    impact.compare({1: Standing("60", set())}, {}, [1], old=9)
    assert [(g.key, g.merged, g.touched) for g in impact.groups("profession")] == [("60", 1, 1)]
    impact.compare({2: Standing("10", set())}, {2: Standing("60", set())}, (), old=9)
    told = {g.key: (g.added, g.changed, g.removed, g.merged) for g in impact.groups("profession")}
    assert told == {"10": (0, 0, 1, 0), "60": (1, 0, 0, 1)}
    assert impact.net()["profession"] == {"10": -1, "60": 0} and impact.whole("people").changed == 1


@pytest.mark.parametrize(
    ("dimension", "key", "named"),
    [
        ("profession", "60", "profession Infirmier (60) : 60 professionnels sur 100 disparaissent"),
        ("department", "13", "département Bouches-du-Rhône (13) : 60 activités sur 100 disparaissent"),
        ("domain", "a.fr", "domaine a.fr : 60 boîtes aux lettres sur 100 disparaissent"),
    ],
)
def test_a_group_is_named_as_the_staff_know_it(dimension: str, key: str, named: str) -> None:
    impact = Impact({dimension: Counter({key: 100})})
    impact.acts[dimension][key].removed = 60
    (breach,) = of_impact(impact, replace(LIMITS, group_removed=12.5))
    assert breach.message == f"{named} (60 %, seuil 12,5 %)"


def test_numbers_are_written_as_people_read_them() -> None:
    impact, all_of_it = Impact({"people": Counter({"": 1_200_000})}), replace(LIMITS, removed=0, changed=0, floor=1)
    impact.acts["people"][""].removed, impact.acts["people"][""].changed = 1, 1_200
    assert [b.message for b in of_impact(impact, all_of_it)] == [
        "1 professionnel sur 1 200 000 disparaît (moins de 0,01 %, seuil 0 %)",
        "1 200 professionnels sur 1 200 000 changent ou fusionnent (0,1 %, seuil 0 %)",
    ]
    assert "1 201 sur 1 200 000 (0,10 %)" in impact_lines(impact.as_dict())[0]
    impact.acts["people"][""].changed = 0
    assert "1 sur 1 200 000 (moins de 0,01 %)" in impact_lines(impact.as_dict())[0]


@pytest.mark.parametrize(("number", "said"), [(3, "a0 ; a1 ; a2. Les"), (4, "a2 ; … (4 seuils dépassés en tout). Les")])
def test_a_refusal_names_three_thresholds_and_counts_all(number: int, said: str) -> None:
    breaches = tuple(Breach("removed", "people", 9.0, 3.0, f"a{n}") for n in range(number))
    refusal = stopped(ImportReport(7, "done", "2026-11-01T00:00:00Z", (), {}, breaches=breaches), "zoe")
    assert said in refusal.message and "le nom (zoe)" in refusal.message
