"""Finds who may be who, asks ``reconcile``, and applies what it answers.

Only what a run touched is looked at: records under an ADELI number alone that it created or changed, and those that
share a name, a structure or a mailbox with someone under an RPPS number whom it created or changed.  Of each,
everybody that could be the same person is read, so that the rules see every homonym (``importers.blocks``).  Every
decision is kept, and none that a person took is overturned (``directory_service.registry.decisions``).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from importlib import resources

from directory_service.registry import decisions
from directory_service.registry.decisions import Decision, Kind
from importers.blocks import Blocks
from importers.known import People
from importers.merge import Merge, merge
from importers.reconcile.judge import Judgement, Outcome, judge
from importers.reconcile.weights import Model, model_of
from importers.store import Store


@cache
def model() -> Model:
    """The weights that ``python -m bench.quality train`` learnt."""
    text = resources.files("importers").joinpath("data", "matching.json").read_text(encoding="utf-8")
    return model_of(json.loads(text)["model"])


def reconcile(store: Store, people: People) -> None:
    """Matches what this run touched, merges what is sure and leaves what is probable to the staff."""
    store.flush()
    blocks = Blocks(store)
    concerned = blocks.concerned()
    if not concerned:
        return
    found = judge(*blocks.read(concerned), model(), decisions.refused(store.connection))
    sure = [j for j in found if j.outcome == Outcome.MERGE]
    decisions.forget_open(store.connection, [blocks.national_ids[a] for a in concerned])
    merge(store, people, [Merge(*j.pair, j.how, j.reason, j.score, j.probability, j.weights) for j in sure])
    decisions.add(store.connection, _decisions(store, blocks, (j for j in found if j.outcome != Outcome.MERGE)))
    store.counts["match"].update(str(j.outcome) for j in found if j.outcome == Outcome.REVIEW)


def _decisions(store: Store, blocks: Blocks, judgements: Iterable[Judgement]) -> Iterable[Decision]:
    for j in judgements:
        one, other = (blocks.national_ids[pk] for pk in j.pair)
        taken = j.how, j.reason, store.run_id, store.actor, store.at, j.score, j.probability, j.weights
        yield Decision(Kind.SAME_PERSON, decisions.Outcome(j.outcome), one, other, *taken)
