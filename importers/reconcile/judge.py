"""Three outcomes for a pair: one person (merge), perhaps (review), or not (apart), each with its reason.  PURE.

Rules come first (``rules``): they are sure or silent.  Of each record that they leave, everybody who may be the same
person is scored (``weights``), and the scores of all of them are weighed against one another and against nobody: two
namesakes share what one alone would have.  To be merged a pair must, besides, rest on something that names do not say
(``identifying``), contradict itself nowhere, and stand alone on both sides.  See docs/decisions/0020.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Set
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from importers.reconcile import rules
from importers.reconcile.candidate import Candidate, Pair
from importers.reconcile.features import LEVELS, Crowds, compare, family, given, place, profession
from importers.reconcile.weights import UNKNOWN, Levels, Model

MERGE_BITS: Final = 10.0
MERGE_PROBABILITY: Final = 0.999
REVIEW_PROBABILITY: Final = 0.2  # one of five namesakes; past that the queue would ask what nobody can answer
VERSION: Final = "model:1"
_BY_NAME: Final = rules.same_name_profession_structure.__name__


class Outcome(StrEnum):
    MERGE = "merge"
    REVIEW = "review"
    APART = "apart"


@dataclass(frozen=True, slots=True)
class Judgement:
    """``pair``: who would be absorbed, by whom.  ``how``: rule:<name> or model:<version>; ``score`` in bits and
    ``probability`` are None of a rule.  ``weights``: (comparison, level, bits)."""

    pair: Pair
    outcome: Outcome
    how: str
    reason: str
    score: float | None = None
    probability: float | None = None
    weights: tuple[tuple[str, str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class _Scored:
    pair: Pair
    levels: Levels
    score: float


def judge(
    candidates: Collection[Candidate], pairs: Set[Pair], crowds: Crowds, model: Model, refused: Set[tuple[str, str]]
) -> list[Judgement]:
    """At most one judgement for each record under an ADELI number: the best of its ``pairs``.  ``refused``: national
    ids (ADELI, RPPS) that a person said are two people; they are not considered at all."""
    by_pk = {c.pk: c for c in candidates}
    asked = {pair for pair in pairs if _ids(by_pk, pair) not in refused}
    beside: dict[int, list[Candidate]] = defaultdict(list)  # each ADELI record's
    for absorbed, survivor in asked:
        beside[absorbed].append(by_pk[survivor])
    found = []
    for d in rules.decide(candidates):
        pair = d.absorbed, d.survivor
        if _ids(by_pk, pair) not in refused:
            doubt = _crowded(by_pk, pair, beside[pair[0]], crowds) if d.rule == _BY_NAME else ""
            outcome = Outcome.REVIEW if doubt else Outcome.MERGE
            found.append(Judgement(pair, outcome, d.how, doubt or d.reason))
    settled = {j.pair[0] for j in found}
    scored: dict[int, list[_Scored]] = defaultdict(list)
    for pair in sorted(asked):
        if pair[0] not in settled:
            levels = compare(by_pk[pair[0]], by_pk[pair[1]], crowds)
            scored[pair[0]].append(_Scored(pair, levels, model.score(levels)))
    return sorted(found + _judged(scored, model), key=lambda j: j.pair)


def _crowded(by_pk: Mapping[int, Candidate], pair: Pair, beside: Iterable[Candidate], crowds: Crowds) -> str:
    """In a large structure one's very names may be another's: the more so, the more people bear them elsewhere."""
    one, chosen = by_pk[pair[0]], by_pk[pair[1]]
    if place(one, chosen, crowds) != "many":
        return ""
    others = (other for other in beside if other.pk != chosen.pk)
    namesake = any(
        family(one, o) == "same" and given(one, o) == "same" and profession(one, o) == "same" for o in others
    )
    return "grande structure, et homonyme de même profession ailleurs" if namesake else ""


def _ids(by_pk: Mapping[int, Candidate], pair: Pair) -> tuple[str, str]:
    return by_pk[pair[0]].national_id, by_pk[pair[1]].national_id


def _judged(scored: Mapping[int, list[_Scored]], model: Model) -> list[Judgement]:
    best = {pk: max(found, key=lambda s: s.score) for pk, found in scored.items()}
    wooed: dict[int, int] = defaultdict(int)  # how many ADELI records have this one as their best
    for s in best.values():
        if s.score > 0:
            wooed[s.pair[1]] += 1
    return [_judgement(best[pk], found, wooed[best[pk].pair[1]] > 1, model) for pk, found in scored.items()]


def _judgement(best: _Scored, rivals: Iterable[_Scored], shared: bool, model: Model) -> Judgement:
    chance = 2**best.score / (1 + sum(2**s.score for s in rivals))
    doubt = _doubt(best, chance, shared)
    worth = best.score > 0 and chance >= REVIEW_PROBABILITY
    outcome = Outcome.APART if not worth else Outcome.REVIEW if doubt else Outcome.MERGE
    weights = model.weights(best.levels)
    reason = doubt if outcome != Outcome.MERGE else "ressemblance sûre : " + said(weights)
    return Judgement(best.pair, outcome, VERSION, reason, round(best.score, 3), round(chance, 6), tuple(weights))


def _doubt(best: _Scored, chance: float, shared: bool) -> str:
    """Why a pair is not merged; empty when it may be."""
    level = {name: LEVELS[name][n] if n != UNKNOWN else "" for name, n in zip(LEVELS, best.levels, strict=True)}
    if level["civility"] == "other" or level["profession"] == "other":
        return "civilité ou profession contradictoires"
    if level["family"] in ("other", "other_woman"):  # by marriage, or a mailbox handed on: not for us to say
        return "le nom de famille diffère"
    if level["given"] in ("initials", "shared", "other"):  # father and daughter, one practice
        return "les prénoms ne désignent pas la même personne"
    if level["given"] == "near" and level["mailbox"] != "held":  # Marie and Maria, two sisters
        return "prénoms proches, mais différents"
    if not identifying(level):
        return "seuls les noms et le lieu les rapprochent"
    if shared:
        return "plusieurs fiches ADELI désignent la même personne"
    if chance < MERGE_PROBABILITY:
        return "plusieurs personnes possibles" if best.score >= MERGE_BITS else "ressemblance insuffisante"
    return "" if best.score >= MERGE_BITS else "ressemblance insuffisante"


def identifying(level: Mapping[str, str]) -> bool:
    """Whether something besides names and place speaks for one person: a mailbox held by both, a structure where few
    work."""
    return level["mailbox"] == "held" or level["place"] in ("few", "some")


_SAID: Final = {
    "family": {"same": "même nom", "near": "nom à une faute près", "part": "une partie du nom",
               "other_woman": "autre nom (femme)", "other": "autre nom"},
    "given": {"same": "mêmes prénoms", "begins": "prénoms qui commencent de même", "near": "prénom à une faute près",
              "initials": "initiales", "shared": "un prénom commun", "other": "autre prénom"},
    "civility": {"same": "même civilité", "other": "autre civilité"},
    "profession": {"same": "même profession", "other": "autre profession"},
    "place": {"few": "même petite structure", "some": "même structure", "many": "même grande structure",
              "postcode": "même code postal", "department": "même département", "elsewhere": "autre département"},
    "mailbox": {"held": "même BAL", "named": "BAL au nom de l'autre", "other": "autres BAL"},
}  # fmt: skip


def said(weights: Iterable[tuple[str, str, float]]) -> str:
    """The levels reached, in French."""
    return ", ".join(_SAID[name][level] for name, level, _ in weights)
