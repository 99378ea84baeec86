"""To which of the mailboxes of a person, or of a structure, does one write for a purpose?  PURE.

Every rule of the table ``RULES`` looks at one fact of one box; boxes are ordered by the first rule that tells them
apart.  What was published decides before what is inferred from the type.  A rule that does not ``decide`` puts boxes in
order and chooses none: two boxes that differ by nothing else are *ambiguous*, and so is a single one that is in doubt.
Nothing is guessed: the answer says which fact would decide.  The rules in words: docs/reference/right-mailbox.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple

from directory_service.model.mailboxes import MailboxType
from directory_service.model.names import squash


class Fit(StrEnum):
    YES = "yes"
    DOUBTFUL = "doubtful"
    NO = "no"


@dataclass(frozen=True, slots=True)
class Box:
    """One open mailbox of the holder.  ``trusted`` is None while there is no white list; ``operator_left``: who
    published it holds the domain no more; ``activity``: whether the person works at one of the ``structures`` of the
    box today, None where the box names none or nothing is known of her work."""

    address: str
    type: MailboxType
    structures: tuple[str, ...] = ()  # national ids
    service: str = ""
    purposes: tuple[str, ...] = ()  # model.publication.PURPOSES
    preferred: bool = False
    rank: int | None = None  # 1 first
    paperless: bool | None = None
    active: bool = True  # the holder is
    trusted: bool | None = None
    operator_left: bool = False
    activity: bool | None = None
    certificate: bool = False  # S/MIME, valid today


@dataclass(frozen=True, slots=True)
class Need:
    """What the box is wanted for; "" where the caller does not say."""

    purpose: str = ""
    structure: str = ""  # national id
    service: str = ""


# For each purpose, the types from the most to the least fit; those of one set are as good.  A box of a type that is in
# ``FOR_PEOPLE`` but for software is in doubt: whoever wrote to it may never be read.
_PERSON, _ORG, _APP, _OFFICE = (
    MailboxType.PERSONAL, MailboxType.ORGANIZATIONAL, MailboxType.APPLICATION, MailboxType.OFFICE,
)  # fmt: skip
_CARE: Final = ({_PERSON}, {_OFFICE}, {_ORG}, {_APP})  # the person herself, then those who read for her
_DESK: Final = ({_OFFICE, _ORG}, {_PERSON}, {_APP})  # the secretaries first
_RESULTS: Final = ({_PERSON}, {_OFFICE}, {_ORG, _APP})  # software files them as well as people do
TYPES: Final = MappingProxyType(
    {
        "administrative": _DESK,
        "appointment": _DESK,
        "discharge": _CARE,
        "imaging": _RESULTS,
        "laboratory": _RESULTS,
        "prescription": _CARE,
        "report": _CARE,
        "telemedicine": _CARE,
        "urgent": _CARE,
    }
)
FOR_PEOPLE: Final = frozenset(("administrative", "appointment", "telemedicine", "urgent"))
# Sent instead of paper, so that it matters whether paper is still wanted.
INSTEAD_OF_PAPER: Final = frozenset(("discharge", "imaging", "laboratory", "prescription", "report"))
_LAST: Final = 1_000  # after every rank


class Found(NamedTuple):
    """What a rule makes of a box: the lower the better; ``code`` is one of ``REASONS``, "" with nothing to say."""

    score: int
    code: str = ""
    fit: Fit = Fit.YES


_SILENT: Final = Found(0)


def _holder(box: Box, need: Need) -> Found:
    return _SILENT if box.active else Found(1, "holder_inactive", Fit.NO)


def _trust(box: Box, need: Need) -> Found:
    return Found(1, "domain_untrusted", Fit.NO) if box.trusted is False else _SILENT


def _structure(box: Box, need: Need) -> Found:
    if not need.structure:
        return _SILENT
    if need.structure in box.structures:
        return Found(0, "same_structure")
    return Found(2, "other_structure", Fit.DOUBTFUL) if box.structures else Found(1)


def _service(box: Box, need: Need) -> Found:
    wanted = squash(need.service)
    if not wanted:  # signs alone name no service
        return _SILENT
    if not box.service:
        return Found(1)
    named = wanted in squash(box.service)
    return Found(0, "same_service") if named else Found(2, "other_service", Fit.DOUBTFUL)


def _activity(box: Box, need: Need) -> Found:
    if box.activity is None:
        return _SILENT
    return Found(0, "activity_current") if box.activity else Found(1, "activity_ended", Fit.DOUBTFUL)


def _operator(box: Box, need: Need) -> Found:
    return Found(1, "operator_changed", Fit.DOUBTFUL) if box.operator_left else _SILENT


def _purpose(box: Box, need: Need) -> Found:
    if not need.purpose:
        return _SILENT
    if need.purpose in box.purposes:
        return Found(0, "purpose_published")
    if box.purposes:
        return Found(2, "purpose_other", Fit.DOUBTFUL)
    return Found(1, "urgent_unsaid", Fit.DOUBTFUL) if need.purpose == "urgent" else Found(1)


def _preference(box: Box, need: Need) -> Found:
    if box.preferred:
        return Found(0, "preferred")
    return Found(box.rank, "ranked") if box.rank else Found(_LAST)


def _type(box: Box, need: Need) -> Found:
    order = TYPES.get(need.purpose, ())
    score = next((n for n, types in enumerate(order) if box.type in types), 0)
    if box.type is _APP and need.purpose in FOR_PEOPLE and need.purpose not in box.purposes:
        return Found(score, "read_by_software", Fit.DOUBTFUL)
    return Found(score, f"type_{box.type.lower()}") if order else _SILENT


def _paper(box: Box, need: Need) -> Found:
    wanted = box.paperless is False and need.purpose in INSTEAD_OF_PAPER
    return Found(1, "paper_wanted") if wanted else _SILENT


def _paperless(box: Box, need: Need) -> Found:
    said = box.paperless and need.purpose in INSTEAD_OF_PAPER
    return Found(0, "paperless_accepted") if said else Found(1)


def _certificate(box: Box, need: Need) -> Found:
    return Found(0, "certificate") if box.certificate else Found(1)


class Rule(NamedTuple):
    judge: Callable[[Box, Need], Found]
    decides: bool = True


RULES: Final = (
    Rule(_holder),
    Rule(_trust),
    Rule(_structure),
    Rule(_service),
    Rule(_activity),
    Rule(_operator),
    Rule(_purpose),
    Rule(_preference),
    Rule(_type),
    Rule(_paper),
    Rule(_paperless, decides=False),
    Rule(_certificate, decides=False),
)

# What the rules say, to a person.
REASONS: Final = MappingProxyType(
    {
        "holder_inactive": "le titulaire n'exerce plus, ou la structure est fermée",
        "domain_untrusted": "aucun opérateur de l'espace de confiance ne tient ce domaine",
        "same_structure": "la boîte est celle de la structure demandée",
        "other_structure": "la boîte est celle d'une autre structure que celle demandée",
        "same_service": "la boîte est celle du service demandé",
        "other_service": "la boîte est celle d'un autre service que celui demandé",
        "activity_current": "le titulaire exerce dans la structure de la boîte",
        "activity_ended": "le titulaire n'exerce plus dans la structure de la boîte",
        "operator_changed": "l'opérateur qui a publié la boîte ne tient plus ce domaine",
        "purpose_published": "l'opérateur destine la boîte à cet usage",
        "purpose_other": "l'opérateur destine la boîte à d'autres usages",
        "urgent_unsaid": "rien ne dit que la boîte est relevée tous les jours",
        "preferred": "l'opérateur dit que c'est la boîte préférée du titulaire",
        "ranked": "l'opérateur donne un rang à la boîte",
        "read_by_software": "la boîte est relevée par un logiciel",
        "type_per": "boîte personnelle (PER)",
        "type_cab": "boîte de cabinet (CAB)",
        "type_org": "boîte organisationnelle (ORG)",
        "type_app": "boîte applicative (APP)",
        "paper_wanted": "le titulaire n'accepte pas encore de se passer du papier",
        "paperless_accepted": "le titulaire accepte de se passer du papier",
        "certificate": "un certificat S/MIME valable est publié",
    }
)

# The facts that would decide, and the doubts that each would settle.
DECIDERS: Final = MappingProxyType(
    {
        "structure": "la structure dans laquelle le titulaire est à joindre (paramètre structure)",
        "service": "le service à joindre (paramètre service)",
        "purpose": "l'usage qui en sera fait (paramètre purpose), ou la publication de ceux de la boîte",
        "preferred": "la publication, par les opérateurs, d'une boîte préférée ou d'un rang",
        "holder": "la confirmation du titulaire que cette boîte est encore la bonne",
    }
)
_SETTLES: Final = MappingProxyType(
    {
        "other_structure": "structure",
        "other_service": "service",
        "activity_ended": "holder",
        "operator_changed": "holder",
        "purpose_other": "purpose",
        "urgent_unsaid": "purpose",
        "read_by_software": "purpose",
    }
)
_FITS: Final = tuple(Fit)


@dataclass(frozen=True, slots=True)
class Judged:
    """``reasons`` are codes of ``REASONS``, in the order of the rules."""

    box: Box
    fit: Fit
    reasons: tuple[str, ...]
    decisive: tuple[int, ...]  # what decides between boxes: least is best
    order: tuple[int, ...]  # the rest of the order


@dataclass(frozen=True, slots=True)
class Choice:
    """``boxes``, the best first.  ``recommended`` is one address or none; where there is none and some box would do,
    the choice is ``ambiguous``, and ``would_decide`` (codes of ``DECIDERS``) says by what it would not be."""

    boxes: tuple[Judged, ...]
    recommended: str | None
    ambiguous: bool
    would_decide: tuple[str, ...]


def choose(boxes: Iterable[Box], need: Need) -> Choice:
    """The order of the boxes does not matter."""
    judged = sorted((_judged(box, need) for box in boxes), key=lambda j: (j.decisive, j.order, j.box.address))
    best = [j for j in judged if j.decisive == judged[0].decisive and j.fit is not Fit.NO]
    if not best:
        return Choice(tuple(judged), None, ambiguous=False, would_decide=())
    if len(best) == 1 and best[0].fit is Fit.YES:
        return Choice(tuple(judged), best[0].box.address, ambiguous=False, would_decide=())
    return Choice(tuple(judged), None, ambiguous=True, would_decide=_would_decide(best, need))


def _judged(box: Box, need: Need) -> Judged:
    found = [(rule, rule.judge(box, need)) for rule in RULES]
    fit = max((f.fit for _, f in found), key=_FITS.index)
    return Judged(
        box,
        fit,
        tuple(f.code for _, f in found if f.code),
        (_FITS.index(fit), *(f.score for rule, f in found if rule.decides)),
        tuple(f.score for rule, f in found if not rule.decides),
    )


def _would_decide(best: Sequence[Judged], need: Need) -> tuple[str, ...]:
    """In the order of ``DECIDERS``."""
    boxes = [j.box for j in best]
    asked = {
        "structure": not need.structure and _differ(set(b.structures) for b in boxes),
        "service": not need.service and _differ(b.service for b in boxes),
        "purpose": not need.purpose and _differ((b.type, sorted(b.purposes)) for b in boxes),
        "preferred": len(boxes) > 1,
    }
    doubts = {_SETTLES[code] for j in best for code in j.reasons if code in _SETTLES}
    return tuple(code for code in DECIDERS if asked.get(code) or code in doubts)


def _differ(values: Iterable[object]) -> bool:
    first, *others = values
    return any(other != first for other in others)
