"""Splink itself on the same pairs: ``python -m bench.quality splink``.

On febrl4, with the kind of comparisons of its own tutorial; and on a sample, where it is given names already folded.
Splink is no dependency of annuaire: ``pip install splink==4.0.8 sqlglot==26.12.0`` beside it in an environment of your
own.  ``soc_sec_id`` is dropped too.  The best F1 over all thresholds is given, which is kinder than any one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bench.quality import febrl
from bench.quality.measure import Measure
from bench.quality.truth import pairs_of, read_truth, world
from directory_service.model.names import squash
from importers.reconcile.candidate import Candidate, Pair
from importers.reconcile.judge import Outcome, judge
from importers.reconciling import model

Scores = Mapping[Pair, float]
SAMPLE = (60_000, 33, 0.15, 0.03)  # people, seed, variants, defects


def measure() -> list[Measure]:
    return [*_on_febrl(), *_on_sample()]


def _on_febrl() -> list[Measure]:
    """Splink's answer by threshold alone, and the best of both sides as ours is taken."""
    scores = _predicted()
    one, other = febrl.read()
    truth = {febrl.person(row) for row in one}
    assert len(truth) == len(other)
    same = {(a, b): febrl.person(one[a]) == febrl.person(other[b]) for a, b in scores}
    best = _best("febrl4, Splink, best threshold", len(one), scores, same)
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


def _best(name: str, pairs: int, scores: Scores, same: Mapping[Pair, bool]) -> Measure:
    right, best = 0, Measure(name, pairs, 0, 0)
    for taken, pair in enumerate(sorted(scores, key=lambda p: scores[p], reverse=True), start=1):
        right += same[pair]
        best = max(best, Measure(name, pairs, right, taken - right), key=lambda m: m.f1)
    return best


def _on_sample() -> list[Measure]:
    """The pairs that our blocks bring together, link table apart, by Splink and by us: what we would merge or ask."""
    with world(*SAMPLE[:2], variants=SAMPLE[2], defects=SAMPLE[3]) as (engine, folder):
        seen, truth = pairs_of(engine, folder), read_truth(folder)
    national = {c.pk: c.national_id for c in seen.candidates}
    same = {(a, r): truth.same(national[a], national[r]) for a, r in seen.pairs}
    ours = [j for j in judge(seen.candidates, seen.pairs, seen.crowds, model(), set()) if j.outcome != Outcome.APART]
    right, total = sum(same[j.pair] for j in ours), sum(same.values())
    scored = {pair: score for pair, score in _linked(seen.candidates).items() if pair in same}
    return [
        _best("sample, Splink, best threshold", total, scored, same),
        Measure("sample, ours, merged or asked", total, right, len(ours) - right),
    ]


def _linked(people: Iterable[Candidate]) -> Scores:
    import pandas as pd
    import splink.comparison_library as cl
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on

    rows = [_flat(person) for person in people]
    frames = [pd.DataFrame([r for r in rows if r["rpps"] == side]).drop(columns="rpps") for side in (False, True)]
    names = [cl.JaroWinklerAtThresholds(n, [0.92, 0.8]).configure(term_frequency_adjustments=True)
             for n in ("family", "given")]  # fmt: skip
    settings = SettingsCreator(
        link_type="link_only",
        blocking_rules_to_generate_predictions=[
            block_on("family"), block_on("given"), block_on("first", "department"), block_on("first", "profession"),
        ],
        comparisons=[
            *names,
            *(cl.ExactMatch(n) for n in ("civility", "profession", "department")),
            *(cl.ArrayIntersectAtSizes(n, [1]) for n in ("structures", "mailboxes")),
        ],
    )  # fmt: skip
    linker = Linker(frames, settings, DuckDBAPI())
    training = linker.training
    training.estimate_probability_two_random_records_match([block_on("family", "given", "profession")], recall=0.7)
    training.estimate_u_using_random_sampling(max_pairs=2e6, seed=1)
    training.estimate_parameters_using_expectation_maximisation(block_on("family"))
    training.estimate_parameters_using_expectation_maximisation(block_on("given", "profession"))
    found = linker.inference.predict(threshold_match_weight=-30).as_pandas_dataframe()
    adeli = set(frames[0]["unique_id"])
    ids = zip(found["unique_id_l"].tolist(), found["unique_id_r"].tolist(), found["match_weight"].tolist(), strict=True)
    return {((a, b) if a in adeli else (b, a)): weight for a, b, weight in ids}


def _flat(person: Candidate) -> dict[str, object]:
    given = person.given_names.split()
    flat: dict[str, object] = {
        "unique_id": person.pk, "rpps": person.has_rpps, "family": squash(person.family_name),
        "given": squash(person.given_names), "first": squash(given[0]) if given else "", "civility": person.civility,
        "profession": min(person.professions, default=""), "department": min(person.departments, default=""),
        "structures": sorted({key for _, key in person.structures}), "mailboxes": sorted(person.mailboxes),
    }  # fmt: skip
    return {name: None if value in ("", []) else value for name, value in flat.items()}
