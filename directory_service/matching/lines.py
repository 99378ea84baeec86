"""One line of somebody's address book: is its address still right, who is meant, and where does one write to her now.

A line says an address, a person, or both, in whatever columns it has; nothing is required.  Each is answered by itself,
so that a list of 10,000 is 10,000 answers that come one by one.  Nothing of a list is kept or logged.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Final

from directory_service.matching.addresses import (
    SAID_OF_STATE,
    AddressState,
    Judged,
    LookAlike,
    judge_address,
    stated,
)
from directory_service.matching.agreement import is_given_name, name_way
from directory_service.matching.candidates import Candidate, Matched, candidates
from directory_service.matching.description import Description, Kind, describe
from directory_service.matching.judging import LIKELY, Outcome
from directory_service.matching.seeker import PUBLIC
from directory_service.matching.weights import Way
from directory_service.model.ins import PATIENT_DOMAIN
from directory_service.model.rightbox import Choice, Fit
from directory_service.trust.rightbox import choice_of

if TYPE_CHECKING:
    from directory_service.index.directory import Directory

Line = Description | Mapping[str, str] | str
_GROUP: Final = 100  # lines answered from one build
_CANDIDATES: Final = 5
_USUAL: Final = "report"  # what address books are kept for: her own box, then those of who reads for her
# Of several addresses of a line, the one that it is answered about: first one that may be written to, then one that the
# directory knows, then one that was meant for such.
_TELLING: Final = (
    AddressState.CURRENT, AddressState.CLOSED, AddressState.INACTIVE, AddressState.LOOKALIKE, AddressState.UNKNOWN,
    AddressState.UNTRUSTED, AddressState.MALFORMED, AddressState.NONE,
)  # fmt: skip
_SPOKEN: Final = re.compile(r"[^\W\d_]{2,}(?:[.\-_][^\W\d_]{2,})+")


@dataclass(frozen=True, slots=True)
class LineResult:
    """``state`` is that of the address, ``until`` since when it is out of service; ``outcome``, ``confidence`` (out of
    100) and ``candidates`` are about who is meant.  ``mailboxes`` are those of the best candidate, the one to write to
    first (``model.rightbox``), ``usable`` those of them that may be written to; ``mailbox`` is the right one, "" where
    there is none, several do as well, or the candidate is not more likely meant than not.  ``others`` are the
    other addresses of the line."""

    address: str
    state: AddressState
    until: str
    holders: tuple[str, ...]  # labels of those who hold the address today
    lookalikes: tuple[LookAlike, ...]
    outcome: Outcome
    confidence: int
    candidates: tuple[Candidate, ...]
    mailbox: str
    mailboxes: tuple[str, ...]
    usable: tuple[str, ...] = ()
    others: tuple[Judged, ...] = ()

    @property
    def keep(self) -> bool:
        """The address may stay as it is: in service, and hers as far as the line says."""
        return self.state is AddressState.CURRENT

    @property
    def is_likely(self) -> bool:
        """Is the best candidate more likely meant than not?"""
        return self.confidence >= LIKELY

    @property
    def said(self) -> str:
        """The state in French."""
        return SAID_OF_STATE[self.state]

    @property
    def told(self) -> list[str]:
        """Numbers and addresses of those that the answer tells of, beyond what the line says."""
        alike = (x.address for found in (self.lookalikes, *(o.lookalikes for o in self.others)) for x in found)
        return [*(c.id for c in self.candidates), *alike]

    def as_dict(self) -> dict[str, object]:
        return {
            **stated(self.address, self.state, self.until),
            "holders": list(self.holders),
            "lookalikes": [x.as_dict() for x in self.lookalikes],
            "outcome": self.outcome.value,
            "confidence": self.confidence,
            "candidates": [c.as_dict() for c in self.candidates],
            "mailbox": self.mailbox or None,
            "mailboxes": list(self.mailboxes),
            "others": [o.as_dict() for o in self.others],
        }


def check_line(directory: Directory, line: Line, patient_domain: str = PATIENT_DOMAIN) -> LineResult:
    """``patient_domain`` as for ``verify.ask``.  Raises InvalidInput for unknown or overlong fields,
    RegistryUnavailable while there is no index."""
    d = line if isinstance(line, Description) else describe(line)
    judged = [judge_address(directory, address, patient_domain) for address in (d.address, *d.others)]
    judged.sort(key=lambda each: _TELLING.index(each.state))
    found = _checked(directory, d, judged)
    hers = [o.address for o in found.others if o.state is AddressState.CURRENT]
    if hers and found.state is AddressState.OTHER_HOLDER:  # an address may be open, and a colleague's
        found = _checked(directory, d, sorted(judged, key=lambda each: each.address != hers[0]))
    return found


def _checked(directory: Directory, d: Description, addresses: Sequence[Judged]) -> LineResult:
    """The line as one of the first of its addresses."""
    judged, *others = addresses
    d = replace(d, address=judged.address)
    asked = _who(d, judged)
    kind = _kind(asked, judged)
    matched = candidates(directory, asked, kind=kind, limit=_CANDIDATES)
    if kind is Kind.PERSON and matched.outcome is Outcome.NONE and (d.structure or d.structure_id or d.text):
        matched = candidates(directory, asked, kind=Kind.STRUCTURE, limit=_CANDIDATES)
    best = matched.best
    chosen = choice_of(directory, best.record, _USUAL, PUBLIC) if best and best.record["mailboxes"] else None
    told = tuple(replace(o, state=_state(o, d, matched)) for o in others)
    return replace(_result(judged, d, matched, chosen), others=told)


def check_lines(
    directory: Directory, lines: Iterable[Line], patient_domain: str = PATIENT_DOMAIN
) -> Iterator[LineResult]:
    """One answer a line, in order, some at a time from one build."""
    left = iter(lines)
    while group := list(islice(left, _GROUP)):
        with directory.held():
            yield from [check_line(directory, line, patient_domain) for line in group]


def _who(d: Description, judged: Judged) -> Description:
    """What is asked about the person: of a line that names nobody, and whose address nobody holds, the words of the
    address.  ``zoe.d-essai@…`` is how most addresses are made."""
    if d.whole_name or d.identifier or d.text or d.structure_id or judged.holders or not d.address:
        return d
    local = d.address.rpartition("@")[0]
    if not _SPOKEN.fullmatch(local):
        return d
    return replace(d, name=re.sub(r"[._]+", " ", local))


def _kind(d: Description, judged: Judged) -> Kind:
    if d.whole_name or d.identifier:
        return Kind.PERSON
    if any(h["kind"] == "structure" for h in judged.present or judged.holders) or d.structure_id:
        return Kind.STRUCTURE
    return Kind.STRUCTURE if d.structure and not d.text and not d.address else Kind.PERSON


def _result(judged: Judged, d: Description, matched: Matched, chosen: Choice | None) -> LineResult:
    best = matched.best
    return LineResult(
        judged.address,
        _state(judged, d, matched),
        judged.until,
        tuple(dict.fromkeys(h["label"] for h in judged.present)),
        judged.lookalikes,
        matched.outcome,
        best.confidence if best else 0,
        matched.candidates,
        _mailbox(judged, chosen, matched),
        tuple(j.box.address for j in chosen.boxes) if chosen else (),
        _usable(chosen),
    )


def _state(judged: Judged, d: Description, matched: Matched) -> AddressState:
    """Open is not enough: the line may say somebody else.  Holders that are structures are nobody's contradiction:
    people write a colleague's name beside the box of a ward."""
    people = [h for h in judged.present if h["kind"] == "person"]
    if judged.state is not AddressState.CURRENT or not people or len(people) < len(judged.present):
        return judged.state
    match = matched.match
    if match is not None:
        return judged.state if match.id in [h["id"] for h in people] else AddressState.OTHER_HOLDER
    if not d.whole_name:
        return judged.state
    ways = [name_way(d, h["family_name"] or "", h["given_names"] or "") for h in people]
    called = any(is_given_name(d.whole_name, h["given_names"] or "") for h in people)
    return AddressState.OTHER_HOLDER if set(ways) <= {Way.DIFFERS, Way.GIVEN} and not called else judged.state


def _usable(chosen: Choice | None) -> tuple[str, ...]:
    return tuple(j.box.address for j in chosen.boxes if j.fit is not Fit.NO) if chosen else ()


def _mailbox(judged: Judged, chosen: Choice | None, matched: Matched) -> str:
    """The line's own address while it is hers and may be written to; else the one of hers that it was taken for, or the
    right one, if she is more likely meant than not.  Of a line that finds nobody, the one that it was taken for."""
    usable = _usable(chosen)
    alike = [x.address for x in judged.lookalikes]
    if judged.state is AddressState.CURRENT and judged.address in usable:
        return judged.address
    if near := [a for a in alike if a in usable]:
        return near[0]
    if matched.best:
        return (chosen.recommended or "") if chosen and matched.best.confidence >= LIKELY else ""
    if judged.state is AddressState.CURRENT:
        return judged.address
    return alike[0] if len(alike) == 1 else ""
