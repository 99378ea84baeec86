"""Learns the weights of the matching and writes them where the importers read them: ``python -m bench.quality train``.

No label is used.  m, how often one person's two records agree, is learnt by expectation maximisation on the pairs that
blocks bring together; what others agree on there is counted on pairs of people under two RPPS numbers, two people by
definition, brought together by the same blocks.  u, how often anybody agrees with anybody, is then counted on all pairs
of some people under RPPS numbers drawn at random, and the prior is that of one right answer among all.  Samples, seeds
and rates are fixed: the result is the same anywhere.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path

from sqlalchemy import Connection, select

from bench.quality.truth import Seen, pairs_of, world
from directory_service.registry.engine import writing
from directory_service.registry.tables import practitioner
from importers.blocks import Blocks
from importers.reconcile.features import LEVELS, compare, plausible
from importers.reconcile.weights import Levels, Model, estimate, shares, start
from importers.store import Store

OUT = Path("importers/data/matching.json")
SAMPLES = ((60_000, 11, 0.0), (60_000, 12, 0.1), (60_000, 13, 0.3))  # people, seed, variants
_OTHERS = 30_000  # people under RPPS numbers, of each sample, whose blocks are looked at
_DRAWN = 900  # the same, all compared with all
_ABRIDGED = 20  # one ADELI record in so many has initials for given names
COMMAND = "python -m bench.quality train"


def train() -> Model:
    matches, others, anybody = Counter[Levels](), Counter[Levels](), Counter[Levels]()
    for people, seed, variants in SAMPLES:
        with world(people, seed, variants=variants) as (engine, folder):
            matches += patterns(pairs_of(engine, folder))
            with writing(engine) as connection:
                blocks = Blocks(Store(connection, run_id=1, actor="bench", as_of="", at=""))
                others += patterns(Seen(*blocks.read(_rpps(connection, _OTHERS))), abridged=True)
                anybody += patterns(_all_pairs(blocks, _rpps(connection, _DRAWN)), abridged=True, blocked=False)
    in_blocks = estimate(matches, shares(others, start(LEVELS, 0.3)), known_u=True)
    learnt = replace(shares(anybody, in_blocks), prior=1 / max(people for people, _, _ in SAMPLES))
    _write(learnt, *(sum(c.values()) for c in (matches, others, anybody)))
    return learnt


def patterns(seen: Seen, *, abridged: bool = False, blocked: bool = True) -> Counter[Levels]:
    """``abridged``: each pair counts again with initials on one side, as often as ADELI has them: the RPPS has none,
    and they agree by chance with many."""
    by_pk = {c.pk: c for c in seen.candidates}
    pairs = [(by_pk[a], by_pk[r]) for a, r in sorted(seen.pairs)]
    found = Counter(compare(a, r, seen.crowds) for a, r in pairs)
    if abridged:
        short = [(replace(a, given_names=a.given_names[:1]), r) for a, r in pairs[::_ABRIDGED]]
        found.update(compare(a, r, seen.crowds) for a, r in short if not blocked or plausible(a, r))
    return found


def _rpps(connection: Connection, count: int) -> set[int]:
    """Of the professions that had ADELI numbers.  RPPS numbers are scrambled: their order is a draw."""
    had = select(practitioner.c.profession_code).where(practitioner.c.national_id < "1").distinct()
    query = select(practitioner.c.id).where(practitioner.c.profession_code.in_(had), practitioner.c.national_id >= "8")
    return set(connection.execute(query.order_by(practitioner.c.national_id).limit(count)).scalars())


def _all_pairs(blocks: Blocks, pks: set[int]) -> Seen:
    people, _, crowds = blocks.read(pks)
    drawn = [person for person in people if person.pk in pks]
    return Seen(drawn, set(combinations((person.pk for person in drawn), 2)), crowds)


def _write(model: Model, pairs: int, others: int, anybody: int) -> None:
    samples = ", ".join(map(str, SAMPLES))
    note = (
        f"Learnt by `{COMMAND}` without labels: m by expectation maximisation on {pairs} ADELI-RPPS pairs of the "
        f"blocks, against {others} pairs of two RPPS numbers there; u on {anybody} pairs of such numbers at random. "
        f"Synthetic samples (people, seed, variants): {samples}.  See docs/decisions/0020."
    )
    told = {"note": note, "made": f"{datetime.now(UTC):%Y-%m-%d}", "command": COMMAND, "model": model.as_dict()}
    OUT.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
