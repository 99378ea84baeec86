"""Learns the weights of the matching and writes them where the importers read them: ``python -m bench.quality train``.

No label is used.  u, how often different people agree, is counted on pairs of people under two RPPS numbers, which are
two people by definition, brought together by the same blocks; m and the share of matches are then learnt by expectation
maximisation on the pairs of ADELI and RPPS records.  Samples, seeds and rates are fixed: the result is the same
anywhere.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import select

from bench.quality.truth import Seen, pairs_of, world
from directory_service.registry.engine import writing
from directory_service.registry.tables import practitioner
from importers.blocks import Blocks
from importers.reconcile.features import LEVELS, compare, plausible
from importers.reconcile.weights import Levels, Model, estimate, shares, start
from importers.store import Store

OUT = Path("importers/data/matching.json")
SAMPLES = ((60_000, 11, 0.0), (60_000, 12, 0.1), (60_000, 13, 0.3))  # people, seed, variants
_OTHERS = 4_000  # people under RPPS numbers, of each sample, whose blocks are looked at
_ABRIDGED = 20  # one ADELI record in so many has initials for given names
COMMAND = "python -m bench.quality train"


def train() -> Model:
    matches: Counter[Levels] = Counter()
    others: Counter[Levels] = Counter()
    for people, seed, variants in SAMPLES:
        with world(people, seed, variants=variants) as (engine, folder):
            matches += patterns(pairs_of(engine, folder))
            with writing(engine) as connection:
                store = Store(connection, run_id=1, actor="bench", as_of="", at="")
                others += patterns(_rpps_pairs(store), abridged=True)
    learnt = estimate(matches, shares(others, start(LEVELS, 0.3)), known_u=True)
    _write(learnt, sum(matches.values()), sum(others.values()))
    return learnt


def patterns(seen: Seen, *, abridged: bool = False) -> Counter[Levels]:
    """``abridged``: each pair counts again with initials on one side, as often as ADELI has them: the RPPS has none,
    and they agree by chance with many."""
    by_pk = {c.pk: c for c in seen.candidates}
    pairs = [(by_pk[a], by_pk[r]) for a, r in sorted(seen.pairs)]
    found = Counter(compare(a, r, seen.crowds) for a, r in pairs)
    if abridged:
        short = [(replace(a, given_names=a.given_names[:1]), r) for a, r in pairs[::_ABRIDGED]]
        found.update(compare(a, r, seen.crowds) for a, r in short if plausible(a, r))
    return found


def _rpps_pairs(store: Store) -> Seen:
    """Of the professions that had ADELI numbers."""
    blocks = Blocks(store)
    had = select(practitioner.c.profession_code).where(practitioner.c.national_id < "1").distinct()
    query = select(practitioner.c.id).where(practitioner.c.profession_code.in_(had), practitioner.c.national_id >= "8")
    chosen = store.connection.execute(query.order_by(practitioner.c.national_id).limit(_OTHERS)).scalars()
    return Seen(*blocks.read(set(chosen)))


def _write(model: Model, pairs: int, others: int) -> None:
    samples = ", ".join(map(str, SAMPLES))
    note = (
        f"Learnt by `{COMMAND}` on {pairs} ADELI-RPPS pairs (m, prior: expectation maximisation, no labels) and "
        f"{others} pairs of two RPPS numbers (u), from synthetic samples (people, seed, variants): {samples}.  "
        "See docs/decisions/0018."
    )
    told = {"note": note, "made": f"{datetime.now(UTC):%Y-%m-%d}", "command": COMMAND, "model": model.as_dict()}
    OUT.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
