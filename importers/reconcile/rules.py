"""Who is who, beside the link table: deterministic rules, each a function of one sentence.  PURE.

A rule looks at candidates, records under an ADELI number only and records under an RPPS number, and answers pairs.
Name and place alone never make a pair: there are 36 practitioners of one name (formats.md §1).  What rules leave open
is weighed by ``judge``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass

from directory_service.model.names import squash, words
from importers.reconcile.candidate import Candidate


@dataclass(frozen=True, slots=True)
class Decision:
    """``absorbed`` (ADELI only) is the same person as ``survivor`` (RPPS)."""

    absorbed: int
    survivor: int
    rule: str
    reason: str

    @property
    def how(self) -> str:
        return "rule:" + self.rule


def compatible_names(a: Candidate, b: Candidate) -> bool:
    """Same family name, given names that begin alike, and no contradiction of civility."""
    if squash(a.family_name) != squash(b.family_name) or not squash(a.family_name):
        return False
    if a.civility and b.civility and a.civility != b.civility:
        return False
    first, second = words(a.given_names), words(b.given_names)
    shorter = min(len(first), len(second))
    return shorter > 0 and first[:shorter] == second[:shorter]


def same_mailbox(candidates: Iterable[Candidate]) -> Iterator[Decision]:
    """One personal mailbox was held under an ADELI number and under an RPPS number, with compatible names."""
    for a, b in _unique_pairs(candidates, lambda c: c.mailboxes):
        if compatible_names(a, b):
            yield Decision(a.pk, b.pk, "same_mailbox", "même BAL personnelle et noms compatibles")


def same_name_profession_structure(candidates: Iterable[Candidate]) -> Iterator[Decision]:
    """Same names and same profession at the same identified structure, and nobody else like them on either side."""

    def keys(c: Candidate) -> Iterable[Hashable]:
        name = squash(c.family_name), squash(c.given_names)
        return [(name, place) for place in c.structures if all(name)]

    for a, b in _unique_pairs(candidates, keys):
        if compatible_names(a, b):
            reason = "mêmes nom, prénoms, profession et structure, sans homonyme"
            yield Decision(a.pk, b.pk, "same_name_profession_structure", reason)


Rule = Callable[[Iterable[Candidate]], Iterator[Decision]]
RULES: tuple[Rule, ...] = (same_mailbox, same_name_profession_structure)


def decide(candidates: Iterable[Candidate]) -> list[Decision]:
    """The decisions of every rule, the surest rule first.  A record that two rules or two pairs would give to
    different people is left alone."""
    held = sorted(candidates, key=lambda c: c.pk)
    taken: dict[int, Decision] = {}
    disputed: set[int] = set()
    for rule in RULES:
        for decision in rule(held):
            first = taken.setdefault(decision.absorbed, decision)
            if first.survivor != decision.survivor:
                disputed.add(decision.absorbed)
    return [d for pk, d in sorted(taken.items()) if pk not in disputed]


def _unique_pairs(
    candidates: Iterable[Candidate], keys: Callable[[Candidate], Iterable[Hashable]]
) -> Iterator[tuple[Candidate, Candidate]]:
    """(ADELI only, RPPS) of the keys that exactly one record has on each side."""
    adeli: dict[Hashable, list[Candidate]] = defaultdict(list)
    rpps: dict[Hashable, list[Candidate]] = defaultdict(list)
    for candidate in candidates:
        for key in keys(candidate):
            (rpps if candidate.has_rpps else adeli)[key].append(candidate)
    for key, found in adeli.items():
        if len(found) == 1 and len(rpps.get(key, ())) == 1:
            yield found[0], rpps[key][0]
