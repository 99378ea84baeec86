"""Older rows that tell of a person otherwise: what the sample makes for the matching to see through."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from importers.sample import write_sample
from importers.sample.variants import SAME, mistype, other_family, other_given, variant_of


@given(st.text(st.sampled_from("ABÉ -'"), max_size=12), st.integers(0, 2**32 - 1))
def test_a_typing_error_is_one_letter(name: str, seed: int) -> None:
    assert abs(len(mistype(name, seed)) - len(name)) <= 1
    assert mistype(name, seed) == mistype(name, seed)


def test_names_suffer_in_each_way() -> None:
    families = {other_family("DE LA TOUR", "PETIT", seed) for seed in range(400)}
    assert {"PETIT", "TOUR", "DELATOUR"} <= families
    assert any(name.startswith("DE LA TOUR-") for name in families)
    assert {"DUPONT", "MARTIN"} <= {other_family("DUPONT-MARTIN", "DUPONT-MARTIN", seed) for seed in range(400)}
    assert {"J P", "JEAN PIERRE", "PIERRE JEAN"} <= {other_given("JEAN-PIERRE", seed) for seed in range(400)}
    assert {"MARIE"} < {other_given("MARIE CLAIRE", seed) for seed in range(400)}


@pytest.mark.parametrize("rate", [0.1, 0.5])
def test_each_kind_comes_at_the_rate_asked(rate: float) -> None:
    found = [variant_of(person, 3, rate) for person in range(4_000)]
    for kind in ("family", "given", "moved", "unlinked"):
        assert sum(getattr(v, kind) for v in found) / len(found) == pytest.approx(rate, abs=0.05), kind
    assert variant_of(1, 3, 0.0) is SAME


def test_the_files_differ_where_they_should_and_the_truth_says_who_is_missing(tmp_path: Path) -> None:
    plain, other = tmp_path / "plain", tmp_path / "other"
    write_sample(plain, people=4_000, seed=6)
    write_sample(other, people=4_000, seed=6, variants=0.4)
    changed = {p.name for p in plain.glob("*.*") if p.read_bytes() != (other / p.name).read_bytes()}
    assert {name.partition("_2026")[0] for name in changed} == {
        "PS_LibreAcces_Personne_activite_ADELI", "Correspondance_ADELI_RPPS", "truth.csv"
    }  # fmt: skip
    with (other / "truth.csv").open(encoding="utf-8", newline="") as file:
        missing = [t for t in csv.DictReader(file, delimiter=";") if t["link"] == "missing"]
    links = next(other.glob("Correspondance*")).read_text("iso-8859-1")
    assert len(missing) > 50
    assert not any(number in links for t in missing for number in t["adeli"].split(","))
