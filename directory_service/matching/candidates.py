"""Who, or what, a description means: candidates best first, each with a confidence and its reasons.

``confidence`` is out of 100 and means that: of a hundred answers given with 80, some eighty are right
(docs/reference/matching.md).  ``match`` is true of one candidate at most, and only when nothing is left to doubt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from directory_service.entries.labels import person_label
from directory_service.matching.agreement import agree_person, agree_structure
from directory_service.matching.description import Description, Kind
from directory_service.matching.judging import LEAST, Outcome, confidences, is_sure, outcome, score
from directory_service.matching.retrieve import find_people, find_structures
from directory_service.matching.seeker import Found
from directory_service.matching.weights import Feature

if TYPE_CHECKING:
    from directory_service.index.directory import Directory

MOST: Final = 10  # candidates of one description, unless fewer are asked for


@dataclass(frozen=True, slots=True)
class Candidate:
    """``record`` is the JSON of ``/v1/practitioners/{id}`` or ``/v1/organizations/{id}``."""

    id: str
    kind: Kind
    label: str
    confidence: int
    match: bool
    features: tuple[Feature, ...]
    record: dict[str, Any]

    @property
    def reasons(self) -> tuple[str, ...]:
        """In French, the most telling first."""
        told = sorted(self.features, key=lambda f: -abs(f.weight))
        return tuple(f.said for f in told)

    def as_dict(self) -> dict[str, object]:
        """As the faces show it, without the record."""
        return {
            "id": self.id,
            "type": self.kind.value,
            "label": self.label,
            "confidence": self.confidence,
            "match": self.match,
            "features": [f.as_dict() for f in self.features],
        }


@dataclass(frozen=True, slots=True)
class Matched:
    """``candidates`` best first; ``outcome`` says what may be made of them."""

    outcome: Outcome
    candidates: tuple[Candidate, ...]

    @property
    def best(self) -> Candidate | None:
        return self.candidates[0] if self.candidates else None

    @property
    def match(self) -> Candidate | None:
        """The one that is surely meant."""
        return self.best if self.outcome is Outcome.SURE else None


def candidates(directory: Directory, d: Description, *, kind: Kind = Kind.PERSON, limit: int = MOST) -> Matched:
    """Whom ``d`` may mean, among ``kind``.  Raises RegistryUnavailable while there is no index."""
    if not d:
        return Matched(Outcome.NONE, ())
    found = (find_people if kind is Kind.PERSON else find_structures)(directory, d)
    weighed = sorted(_weighed(d, kind, found), key=lambda pair: -pair[0])
    return _judged(kind, weighed, found, limit)


def _weighed(d: Description, kind: Kind, found: Found) -> list[tuple[float, tuple[Feature, ...], dict[str, Any]]]:
    holders = frozenset(found.holders)
    agreed = (
        (agree_person(d, record, holders) if kind is Kind.PERSON else agree_structure(d, record), record)
        for record in found.records.values()
    )
    return [(score(features), features, record) for features, record in agreed]


def _judged(
    kind: Kind, weighed: Sequence[tuple[float, tuple[Feature, ...], dict[str, Any]]], found: Found, limit: int
) -> Matched:
    sure_of = confidences([w[0] for w in weighed], more=found.more)
    sure = bool(weighed) and is_sure(weighed[0][1], sure_of[0])
    shown = [
        Candidate(record["id"], kind, label_of(kind, record), confidence, sure and at == 0, features, record)
        for at, (confidence, (_, features, record)) in enumerate(zip(sure_of, weighed, strict=True))
        if confidence >= LEAST
    ]
    return Matched(outcome(sure_of, sure), tuple(shown[:limit]))


def label_of(kind: Kind, record: dict[str, Any]) -> str:
    """``Dr Zoé D'ESSAI, Médecin, LYON``: what tells this one from others at a glance."""
    if kind is Kind.STRUCTURE:
        return ", ".join(p for p in (record["trade_name"] or record["name"], _town([record["address"]])) if p)
    title = (record["title"] or {}).get("code", "")
    name = person_label(title, record["given_names"] or "", record["family_name"] or "")
    skill = next((s["label"] for s in record["specialties"]), (record["profession"] or {}).get("label", ""))
    return ", ".join(p for p in (name, skill, _town([a["address"] for a in record["activities"]])) if p)


def _town(places: Sequence[dict[str, Any] | None]) -> str:
    return next((town for p in places if p and (town := p["city"] or p["cedex"])), "")
