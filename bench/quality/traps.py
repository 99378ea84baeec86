"""How often people who are in ADELI alone are taken for somebody else: ``python -m bench.quality traps``.

They are what a false merge is made of: nobody under an RPPS number is them, and namesakes are at hand.
"""

from __future__ import annotations

from collections import Counter

from bench.quality.truth import pairs_of, read_truth, world
from importers.reconcile.judge import judge
from importers.reconciling import model

PEOPLE, SEEDS, VARIANTS = 60_000, range(100, 108), 0.1


def measure() -> Counter[str]:
    """``alone``: people in ADELI alone; then outcome and whether it was one person ► number."""
    found: Counter[str] = Counter()
    for seed in SEEDS:
        with world(PEOPLE, seed, variants=VARIANTS) as (engine, folder):
            seen, truth = pairs_of(engine, folder), read_truth(folder)
        national = {c.pk: c.national_id for c in seen.candidates}
        found["alone"] += sum(truth.tie.get(n) == "adeli-only" for n in national.values())
        for j in judge(seen.candidates, seen.pairs, seen.crowds, model(), set()):
            same = truth.same(*(national[pk] for pk in j.pair))
            found[f"{j.outcome}, {'one person' if same else 'two people'}"] += 1
    return found
