"""Is this address open, is its domain trusted, and is it this person's; may this operator send as it?

One question, one verdict, all of it read from one build.  Everything is judged from what the caller may see: a mailbox
hidden from the caller is ``unknown_address``, by the same path as one that does not exist.  Patients are
judged by rule, from the question alone (``_patient``).  Judging is pure (``_judge``); the rest only asks the directory.
Who is meant among the holders is ``picking``'s, the signature under a verdict ``receipts``' affair.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from directory_service.errors import InvalidInput, NotFound
from directory_service.index.query import View
from directory_service.model.ins import PATIENT_DOMAIN, is_ins
from directory_service.model.mailboxes import domain_of, is_patient, lowered
from directory_service.model.publication import SOURCE as PUBLICATION
from directory_service.registry.clock import CLOCK_SKEW, format_instant
from directory_service.trust.access import Caller
from directory_service.trust.picking import Holding, Picked, is_name, pick
from directory_service.trust.verdicts import Freshness, Holder, Outcome, Reason, Verdict, reason

if TYPE_CHECKING:
    from directory_service.index.directory import Build, Directory

_ADDRESS = re.compile(r"[^@\s]{1,64}@[^@\s.]+(?:\.[^@\s.]+)+")
# The sources that say so where no binding does: of an address that none names, of a domain, of a patient.
_BOXES, _WHITE_LIST, _RULE = "mssante.mailboxes", "mssante.whitelist", "rule"


@dataclass(frozen=True, slots=True)
class Question:
    """``person`` is any identifier ever issued to the person (or structure), or her name when it holds no digit;
    ``name`` is her name; "" where not given.  ``at`` is an instant with its zone, now when None.  ``sender``: the
    operator that would send as the address; None asks of the address as a recipient."""

    address: str
    person: str = ""
    name: str = ""
    at: datetime | None = None
    sender: str | None = None


def verify(
    directory: Directory,
    address: str,
    *,
    person: str | None = None,
    name: str | None = None,
    at: datetime | None = None,
    view: View,
    patient_domain: str = PATIENT_DOMAIN,
) -> Verdict:
    """``ask`` about a recipient, for a caller of whom nothing but the view counts."""
    question = Question(address, person or "", name or "", at)
    return ask(directory, question, Caller(view), patient_domain=patient_domain)


def ask(directory: Directory, question: Question, caller: Caller, *, patient_domain: str = PATIENT_DOMAIN) -> Verdict:
    """The verdict.  ``patient_domain``: where addresses are judged by rule; "" for none.
    Raises InvalidInput for what is not an address, or an instant to come."""
    with directory.held() as build:
        case = _case(question, build)
        if is_patient(case.address, patient_domain):
            return _patient(directory, case, question)
        return _verify(directory, case, question, caller)


def _verify(directory: Directory, case: _Case, question: Question, caller: Caller) -> Verdict:
    operators, trust = _trust(directory, case)
    if _is_untrusted(trust):
        return case.of(_WHITE_LIST).answer(Outcome.UNTRUSTED_DOMAIN, trust)
    if question.sender is not None:
        may, trust = _sender(directory, operators, trust, question.sender)
        if not may:
            return case.of(_WHITE_LIST).answer(Outcome.MISMATCH, trust)
    try:
        record = directory.mailbox(case.address, caller.view, unlisted=_may_see_unlisted(directory, case, caller))
    except NotFound:
        return case.answer(Outcome.UNKNOWN_ADDRESS, (*trust, reason("address_unknown")))
    holdings = [Holding.of(h) for h in record["holders"]]
    operator = question.sender or record.get("operator") or (operators[0] if len(operators) == 1 else "")
    then = [h for h in holdings if h.open_at(case.at)]
    case = replace(case, operator=operator, source=next((h.source for h in (*then, *holdings)), _BOXES))
    if case.source == PUBLICATION:
        case = replace(case, said=record["changed"] or "")
    person, name = question.person, question.name
    if person and not name and is_name(person):
        person, name = "", person
    return _judge(case, trust, holdings, pick(directory, holdings, person, name, caller.view))


def _may_see_unlisted(directory: Directory, case: _Case, caller: Caller) -> bool:
    """Whoever has the right, and whoever holds the domain today: it published them.  (The staff's view sees all.)"""
    if not caller.operator:
        return False
    return "unlisted" in caller.rights or directory.holds(caller.operator, case.domain)


def _sender(
    directory: Directory, operators: Sequence[str], trust: tuple[Reason, ...], sender: str
) -> tuple[bool, tuple[Reason, ...]]:
    """Whether the operator may send from the domain, by the white list alone: nothing is told of the mailbox."""
    if sender in operators:
        return True, (*trust, reason("operator_holds_domain"))
    found = directory.operator(sender)
    if found is None or found.status != "active":
        return False, (*trust, reason("operator_unknown"))
    if not operators:  # no white list
        return True, trust
    return False, (*trust, reason("other_operator"))


def _patient(directory: Directory, case: _Case, question: Question) -> Verdict:
    """By rule, from the question alone: no patient is in any registry here."""
    case = case.of(_RULE)
    said: tuple[Reason, ...] = ()
    if question.sender is not None:
        operators, trust = _trust(directory, case)
        if _is_untrusted(trust):
            return case.of(_WHITE_LIST).answer(Outcome.UNTRUSTED_DOMAIN, trust)
        may, said = _sender(directory, operators, trust, question.sender)
        if not may:
            return case.answer(Outcome.MISMATCH, said)
        case = replace(case, operator=question.sender)
    number = case.address.rpartition("@")[0].upper()
    if not is_ins(number):
        return case.answer(Outcome.UNKNOWN_ADDRESS, (*said, reason("patient_number")))
    said = (*said, reason("patient_rule"))
    person = re.sub(r"[\s.-]", "", question.person).upper()
    if question.name or (person and not is_ins(person)):
        return case.answer(Outcome.UNKNOWN_PERSON, (*said, reason("patient_unnamed")))
    if person and person != number:
        return case.answer(Outcome.MISMATCH, (*said, reason("other_holder")))
    return case.answer(Outcome.VERIFIED, (*said, *([reason("identifier_matches")] if person else [])))


@dataclass(frozen=True, slots=True)
class _Case:
    """What every answer to one question has in common."""

    address: str
    at: str
    build: Build
    past: bool
    operator: str = ""
    source: str = _BOXES
    said: str = ""  # when the operator last said something new of the mailbox, where it is the source

    @property
    def domain(self) -> str:
        return domain_of(self.address)

    def of(self, source: str) -> _Case:
        return replace(self, source=source)

    def answer(
        self, outcome: Outcome, reasons: Sequence[Reason], holdings: Sequence[Holding] = (), until: str = ""
    ) -> Verdict:
        """``holdings`` are those to name: the holder when they are all of one, and since when."""
        holders = {Holder(h.id, h.label) for h in holdings}
        return Verdict(
            outcome,
            self.address,
            self.at,
            self.build.id,
            tuple(reasons),
            holder=holders.pop() if len(holders) == 1 else None,
            since=min((h.since for h in holdings), default=""),
            until=until or max((h.until for h in holdings), default=""),
            operator=self.operator,
            freshness=Freshness(self.source, self.said or _seen(self.build, self.source)),
        )


def _seen(build: Build, source: str) -> str:
    """When a source made what was read of it last; "" for one that is no file."""
    return next((str(s["published"] or s["finished_at"]) for s in build.sources if s["name"] == source), "")


def _case(question: Question, build: Build) -> _Case:
    address, at, now = lowered(question.address.strip()), question.at, datetime.now(UTC)
    if not _ADDRESS.fullmatch(address):
        raise InvalidInput("une adresse de messagerie est attendue", where="paramètre address")
    if at is not None and at > now + CLOCK_SKEW:
        raise InvalidInput("cet instant est à venir", where="paramètre at")
    instant = min(at, now) if at is not None else now
    return _Case(address, format_instant(instant), build, past=at is not None and at < now - CLOCK_SKEW)


def _trust(directory: Directory, case: _Case) -> tuple[list[str], tuple[Reason, ...]]:
    """The operators that could be trusted for the domain at the instant asked about, and what that makes of it."""
    at = case.at if case.past else None
    operators = directory.operators_of(case.domain, at)
    if operators:
        return operators, (reason("domain_trusted"),)
    if not directory.has_trust_of(case.domain, at):
        return operators, (reason("no_white_list_then" if at and directory.has_white_list() else "no_white_list"),)
    left = directory.trust_left(case.domain, at)
    return operators, (*([reason("domain_left", left)] if left else ()), reason("domain_untrusted"))


def _is_untrusted(trust: tuple[Reason, ...]) -> bool:
    return trust[-1].code == "domain_untrusted"


def _judge(case: _Case, trust: tuple[Reason, ...], holdings: Sequence[Holding], picked: Picked) -> Verdict:
    """The table of contract.md §4, for one instant."""
    said = (*trust, *picked.reasons)
    if not picked.person:
        return case.answer(Outcome.UNKNOWN_PERSON, said)
    started = [h for h in holdings if h.since <= case.at]
    if not started:
        opening = min((h.since for h in holdings), default="")
        return case.answer(Outcome.UNKNOWN_ADDRESS, (*said, reason("not_yet_open", opening)))
    held = [h for h in picked.holdings if h.open_at(case.at)]
    if held:
        return _judge_open(case, said, held, picked)
    return _judge_not_held(case, said, started, [h for h in picked.holdings if h in started], picked)


def _judge_open(case: _Case, said: tuple[Reason, ...], held: list[Holding], picked: Picked) -> Verdict:
    said = (*said, reason("address_open"))
    if picked.by_name and len({h.id for h in held}) > 1:
        return case.answer(Outcome.AMBIGUOUS, (*said, reason("shared_name")))
    active = [h for h in held if not h.inactive_at(case.at)]
    if not active:
        ended = max(h.status_since for h in held)
        return case.answer(Outcome.INACTIVE, (*said, reason("holder_inactive", ended)), held, until=ended)
    of_holder = ["holder_active" if h.known else "holder_unregistered" for h in active]
    several = ["several_holders"] if len({h.id for h in active}) > 1 else []
    codes = dict.fromkeys((*of_holder, *several))
    return case.answer(Outcome.VERIFIED, (*said, *(reason(code) for code in codes)), active)


def _judge_not_held(
    case: _Case, said: tuple[Reason, ...], started: list[Holding], formerly: list[Holding], picked: Picked
) -> Verdict:
    """The person asked about (or, when none was, anybody) does not hold the address at that instant."""
    others = [h for h in started if h.open_at(case.at)]
    last = max((h.until for h in formerly), default="")
    if formerly:
        code = "former_holder" if picked.asked else "address_closed"
        return case.answer(Outcome.CLOSED, (*said, reason(code, last)), [h for h in formerly if h.until == last])
    closed = () if others else (reason("address_closed", max(h.until for h in started)),)
    return case.answer(Outcome.MISMATCH, (*said, *closed, reason("other_holder")), others)
