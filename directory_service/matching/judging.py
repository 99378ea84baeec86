"""From how candidates agree to how sure one may be.  PURE.

The confidence in a candidate is its share of all that the line may mean: each candidate weighs as its features say, and
« nobody in the directory » weighs as a stranger who agrees by chance.  Two homonyms who agree alike have less than half
each, whatever they agree in.  ``match`` asks for more than a high figure: see ``is_sure``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from directory_service.matching.weights import NOBODY, Feature, Field, Way

SURE: Final = 95  # out of 100: what a match needs at least
LIKELY: Final = 50  # more than anybody else, or nobody: what it takes to be written to
LEAST: Final = 5  # below, a candidate is not worth showing
_MANY: Final = 3.0  # weight of the homonyms that were not looked at, where there are any


class Outcome(StrEnum):
    SURE = "sure"  # one is meant
    DOUBTFUL = "doubtful"  # one may be meant: a person should look
    AMBIGUOUS = "ambiguous"  # several fit alike
    NONE = "none"  # nobody fits


def score(features: Sequence[Feature]) -> float:
    """The weights added up; places that say one thing in two ways (town and postcode) count once."""
    total = 0.0
    places: list[float] = []
    for feature in features:
        if feature.field in (Field.TOWN, Field.POSTCODE, Field.DEPARTMENT):
            places.append(feature.weight)
        else:
            total += feature.weight
    return total + (max(places) if places and max(places) > 0 else sum(places[:1]))


def confidences(scores: Sequence[float], *, more: bool = False) -> list[int]:
    """Out of 100, for candidates of these scores.  ``more``: others of the name were not looked at."""
    if not scores:
        return []
    top = max(*scores, NOBODY)
    masses = [math.exp(s - top) for s in scores]
    others = math.exp(NOBODY - top) + (len(scores) * math.exp(_MANY - top) if more else 0.0)
    whole = sum(masses) + others
    return [min(99, int(100 * mass / whole)) for mass in masses]


# What makes a name more than a name.
_BACKED: Final = frozenset(
    {
        (Field.PROFESSION, Way.EQUAL),
        (Field.SPECIALTY, Way.EQUAL),
        (Field.TOWN, Way.EQUAL),
        (Field.POSTCODE, Way.EQUAL),
        (Field.STRUCTURE, Way.EQUAL),
        (Field.PHONE, Way.EQUAL),
        (Field.ADDRESS, Way.FORMER),
        (Field.TEXT, Way.WORDS),
    }
)
_OWN: Final = frozenset({(Field.IDENTIFIER, Way.EQUAL), (Field.IDENTIFIER, Way.FORMER), (Field.ADDRESS, Way.EQUAL)})
_FULL: Final = frozenset({Way.EQUAL, Way.PART})


def is_sure(features: Sequence[Feature], confidence: int) -> bool:
    """A number or an address of hers, and nothing against the name; or her full name, and something beside it, with
    nothing that contradicts."""
    held = {(f.field, f.way) for f in features}
    name = next((f.way for f in features if f.field in (Field.NAME, Field.STRUCTURE_NAME)), None)
    if name in (Way.DIFFERS, Way.GIVEN) or (Field.IDENTIFIER, Way.DIFFERS) in held or confidence < SURE:
        return False
    if held & _OWN:
        return True
    against = any(f.weight < 0 and f.field is not Field.STATUS for f in features)
    return name in _FULL and bool(held & _BACKED) and not against


def outcome(confidence: Sequence[int], sure: bool) -> Outcome:
    """``confidence`` best first."""
    if sure:
        return Outcome.SURE
    if not confidence or confidence[0] < LEAST:
        return Outcome.NONE
    second = confidence[1] if len(confidence) > 1 else 0
    return Outcome.AMBIGUOUS if second * 3 >= confidence[0] else Outcome.DOUBTFUL
