"""Splink itself on febrl4, with the comparisons and blocks of its own tutorial: ``python -m bench.quality splink``.

Splink is no dependency of annuaire: ``pip install splink==4.0.8 sqlglot==26.12.0`` in an environment of your own, run
from here.  ``soc_sec_id`` is dropped too.  The best F1 over all thresholds is given, which is kinder than any one.
"""

from __future__ import annotations

from bench.quality import febrl
from bench.quality.measure import Measure


def measure() -> list[Measure]:
    """Splink's answer by threshold alone, and the best of both sides as ours is taken."""
    scores = _predicted()
    one, other = febrl.read()
    truth = {febrl.person(row) for row in one}
    assert len(truth) == len(other)
    ranked = sorted(scores, key=lambda pair: scores[pair], reverse=True)
    right, best = 0, Measure("splink", len(one), 0, 0)
    for taken, (a, b) in enumerate(ranked, start=1):
        right += febrl.person(one[a]) == febrl.person(other[b])
        best = max(best, Measure("febrl4, Splink, best threshold", len(one), right, taken - right), key=lambda m: m.f1)
    chosen = febrl.best_of_both(scores)
    sure = sum(febrl.person(one[a]) == febrl.person(other[b]) for a, b in chosen)
    return [best, Measure("febrl4, Splink, best of both sides", len(one), sure, len(chosen) - sure)]


def _predicted() -> dict[tuple[int, int], float]:
    import pandas as pd
    import splink.comparison_library as cl
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on

    frames = [pd.DataFrame([{**row, "unique_id": at} for at, row in enumerate(side)]).replace("", None)
              for side in febrl.read()]  # fmt: skip
    rules = [block_on(*fields) for fields in (*_SPLINK_BLOCKS, *febrl._BLOCKS)]
    settings = SettingsCreator(
        link_type="link_only",
        blocking_rules_to_generate_predictions=rules,
        comparisons=[
            cl.NameComparison("given_name"),
            cl.NameComparison("surname"),
            cl.DamerauLevenshteinAtThresholds("date_of_birth", [1, 2]),
            cl.DamerauLevenshteinAtThresholds("postcode", [1, 2]),
            cl.DamerauLevenshteinAtThresholds("street_number", [1]),
            cl.LevenshteinAtThresholds("address_1", [1, 2]),
            cl.LevenshteinAtThresholds("address_2", [1, 2]),
            cl.LevenshteinAtThresholds("suburb", [1, 2]),
            cl.ExactMatch("state"),
        ],
        retain_intermediate_calculation_columns=False,
    )
    linker = Linker(frames, settings, DuckDBAPI())
    training = linker.training
    training.estimate_probability_two_random_records_match(
        [block_on("given_name", "surname", "date_of_birth")], recall=0.5
    )
    training.estimate_u_using_random_sampling(max_pairs=1e6, seed=1)
    training.estimate_parameters_using_expectation_maximisation(block_on("date_of_birth"))
    training.estimate_parameters_using_expectation_maximisation(block_on("postcode"))
    found = linker.inference.predict(threshold_match_probability=0.01).as_pandas_dataframe()
    return {(int(a), int(b)): float(w) for a, b, w in
            zip(found["unique_id_l"], found["unique_id_r"], found["match_weight"], strict=True)}  # fmt: skip


_SPLINK_BLOCKS = (("given_name", "surname"),)
