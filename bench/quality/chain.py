"""The whole chain on generated truth: link table, rules, weights, as an import runs them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from sqlalchemy import Engine, select

from bench.quality.measure import Measure
from bench.quality.truth import Truth, owners, read_truth, world
from directory_service.registry.decisions import OPEN
from directory_service.registry.engine import reading
from directory_service.registry.tables import decision, link
from importers.load import run_import

Numbers = frozenset[str]


def measure(people: int, seed: int, variants: float, defects: float) -> list[Measure]:
    """Two measures: of every pair, and of those that the link table does not tie."""
    with world(people, seed, variants=variants, defects=defects) as (engine, folder):
        run_import(engine, [folder], actor="bench")
        truth = read_truth(folder)
        tied, asked = _tied(engine), _asked(engine)
        records = [frozenset(numbers) for numbers in owners(engine).values()]
    name = f"variants {variants:.0%}, defects {defects:.0%}"
    return [
        _measured(name, records, truth, frozenset(), asked),
        _measured(name + ", link table apart", records, truth, tied, asked),
    ]


def _tied(engine: Engine) -> Numbers:
    with reading(engine) as connection:
        return frozenset("0" + adeli for adeli in connection.execute(select(link.c.adeli)).scalars())


def _asked(engine: Engine) -> set[tuple[str, str]]:
    query = select(decision.c.one, decision.c.other).where(decision.c.outcome.in_(OPEN))
    with reading(engine) as connection:
        return {(one, other) for one, other in connection.execute(query)}


def _measured(
    name: str, records: list[Numbers], truth: Truth, without: Numbers, asked: set[tuple[str, str]]
) -> Measure:
    held = [sorted(n for n in numbers if n[0] in "08" and n not in without) for numbers in records]
    rpps = {truth.person[n]: n for numbers in held for n in numbers if n[0] == "8" and n in truth.person}
    adelis = [n for numbers in held for n in numbers if n[0] == "0" and truth.person.get(n) in rpps]
    pairs = list(_pairs(held))
    found = sum(truth.same(*pair) and {pair[0][0], pair[1][0]} == {"0", "8"} for pair in pairs)
    false = sum(not truth.same(*pair) for pair in pairs)
    queued = sum((n, rpps[truth.person[n]]) in asked for n in adelis)
    with_review = (found + queued) / len(adelis) if adelis else 1.0
    return Measure(name, len(adelis), found, false, with_review)


def _pairs(held: list[list[str]]) -> Iterator[tuple[str, str]]:
    for numbers in held:
        yield from combinations(numbers, 2)
