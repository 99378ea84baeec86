"""Finds who may be who, asks ``reconcile``, and applies what it answers.

Only what a run touched is looked at: records under an ADELI number alone that it created or changed, and those that
share a name, a structure or a mailbox with someone under an RPPS number whom it created or changed.  Of each,
everybody that could be the same person is read, so that the rules see every homonym (``importers.blocks``).  Every
decision is kept, and none that a person took is overturned (``directory_service.registry.decisions``).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib import resources
from typing import Any, Final

from directory_service.registry import decisions
from directory_service.registry.decisions import Decision, Kind, Seen
from importers.blocks import Blocks
from importers.known import People
from importers.merge import Merge, merge
from importers.reconcile.candidate import Candidate
from importers.reconcile.judge import Judgement, Outcome, judge
from importers.reconcile.weights import Model, model_of
from importers.store import Store

_COMPARED: Final = ("national_id", "family_name", "given_names", "civility", "professions", "structures", "places",
                    "departments", "mailboxes")  # fmt: skip


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
    candidates, pairs, crowds = blocks.read(concerned)
    found = judge(candidates, pairs, crowds, model(), decisions.apart(store.connection))
    by_pk = {c.pk: c for c in candidates}
    left = list(_decisions(store, by_pk, found))
    questions = {(d.one, d.other): d for d in left if d.outcome == decisions.Outcome.REVIEW}
    asked = decisions.forget_open(store.connection, [blocks.national_ids[a] for a in concerned], but=questions)
    sure = [j for j in found if j.outcome == Outcome.MERGE]
    merge(store, people, [Merge(*j.pair, *_why(by_pk, j)) for j in sure])
    waiting = decisions.settled(store.connection, Kind.SAME_PERSON)
    fresh = [d for d in left if (d.one, d.other) not in waiting]
    decisions.add(store.connection, fresh)
    decisions.renew(store.connection, {pk: questions[pair] for pair, pk in asked.items()})
    store.counts["match"].update(str(d.outcome) for d in fresh if d.outcome == decisions.Outcome.REVIEW)


def _decisions(store: Store, by_pk: Mapping[int, Candidate], judgements: Iterable[Judgement]) -> Iterator[Decision]:
    """Of what was not merged."""
    for j in judgements:
        if j.outcome != Outcome.MERGE:
            one, other = (by_pk[pk].national_id for pk in j.pair)
            how, reason, *scored = _why(by_pk, j)
            taken = store.run_id, store.actor, store.at
            yield Decision(Kind.SAME_PERSON, decisions.Outcome(j.outcome), one, other, how, reason, *taken, *scored)


def _why(by_pk: Mapping[int, Candidate], j: Judgement) -> tuple[Any, ...]:
    """How, reason, score, probability, weights, and both records."""
    return j.how, j.reason, j.score, j.probability, j.weights, _seen(by_pk, j)


def _seen(by_pk: Mapping[int, Candidate], j: Judgement) -> Seen:
    """Both records, as far as they were compared."""
    return [{name: _plain(getattr(by_pk[pk], name)) for name in _COMPARED} for pk in j.pair]


def _plain(value: Any) -> Any:
    return sorted(value) if isinstance(value, frozenset) else value
