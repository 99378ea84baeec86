"""Is this address open, is its domain trusted, and is it this person's?  One question, one verdict.

Everything is judged from what the caller's view may see: a mailbox hidden from the caller is ``unknown_address``, by
the same path as one that does not exist.  Judging is pure (``_judge``); ``verify`` only asks the directory.
Signed receipts are not here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from directory_service.errors import InvalidInput, NotFound
from directory_service.index.query import View
from directory_service.model.identifiers import is_finess, is_siren, is_siret, parse_person_id, structure_keys
from directory_service.registry.clock import format_instant
from directory_service.trust.naming import NameMatch, compare_person, compare_structure
from directory_service.trust.verdicts import Holder, Outcome, Reason, Verdict, reason

if TYPE_CHECKING:
    from directory_service.index.directory import Directory, Hit

_ADDRESS = re.compile(r"[^@\s]{1,64}@[^@\s.]+(?:\.[^@\s.]+)+")
# Structure numbers whose key tells a mistyped one, by the type digit of idNat_Struct.
_KEYED = {"1": (is_finess,), "2": (is_siren,), "3": (is_siret,)}
_RETRIES = 3  # while changes come faster than a verdict is read: under a millisecond
_CLOCK_SKEW = timedelta(minutes=5)  # between the caller's clock and ours, before "now" is called the future


def verify(
    directory: Directory,
    address: str,
    *,
    person: str | None = None,
    name: str | None = None,
    at: datetime | None = None,
    view: View,
) -> Verdict:
    """``person`` is any identifier ever issued to the person (or structure), or her name when it holds no digit;
    ``name`` is her name.  ``at`` is an instant with its zone, now when None.
    Raises InvalidInput for what is not an address, or an instant to come."""
    verdict = _verify(directory, address, person, name, at, view)
    for _ in range(_RETRIES):
        # Several reads make one verdict: they must be of one build.
        if directory.build().id == verdict.build:
            break
        verdict = _verify(directory, address, person, name, at, view)
    return verdict


def _verify(
    directory: Directory, address: str, person: str | None, name: str | None, at: datetime | None, view: View
) -> Verdict:
    case = _case(directory, address, at)
    operators, trust = _trust(directory, case)
    if not operators and trust[-1].code == "domain_untrusted":
        return case.answer(Outcome.UNTRUSTED_DOMAIN, trust)
    try:
        record = directory.mailbox(case.address, view)
    except NotFound:
        return case.answer(Outcome.UNKNOWN_ADDRESS, (*trust, reason("address_unknown")))
    case = case.with_operator(record.get("operator") or (operators[0] if len(operators) == 1 else ""))
    if person and not name and _is_name(person):
        person, name = None, person
    holdings = [Holding.of(h) for h in record["holders"]]
    picked = _pick(directory, holdings, person, name, view)
    return _judge(case, trust, holdings, picked)


@dataclass(frozen=True, slots=True)
class Holding:
    """One stretch of time during which somebody held the address."""

    id: str  # in force
    ids: tuple[str, ...]  # every one that means this holder
    known: bool  # to a professional register
    label: str
    family_name: str
    given_names: str
    names: tuple[str, ...]  # of a structure: its names, and with the service
    since: str
    until: str  # empty while open
    status: str
    status_since: str

    @classmethod
    def of(cls, record: dict[str, Any]) -> Holding:
        """From one holder of ``entries.mailbox_record``."""
        return cls(
            id=record["id"],
            ids=tuple(i.casefold() for i in record["ids"]),
            known=record["known"],
            label=record["label"],
            family_name=record["family_name"] or "",
            given_names=record["given_names"] or "",
            names=tuple(record["names"]),
            since=record["since"] or "",
            until=record["until"] or "",
            status=record["status"] or "",
            status_since=record["status_since"] or "",
        )

    def open_at(self, instant: str) -> bool:
        return self.since <= instant and (not self.until or instant < self.until)

    def inactive_at(self, instant: str) -> bool:
        return self.status == "inactive" and self.status_since <= instant


@dataclass(frozen=True, slots=True)
class _Case:
    """What every answer to one question has in common."""

    address: str
    at: str
    build: str
    past: bool
    operator: str = ""

    def with_operator(self, operator: str) -> _Case:
        return _Case(self.address, self.at, self.build, self.past, operator)

    def answer(
        self, outcome: Outcome, reasons: Sequence[Reason], holdings: Sequence[Holding] = (), until: str = ""
    ) -> Verdict:
        """``holdings`` are those to name: the holder when they are all of one, and since when."""
        holders = {Holder(h.id, h.label) for h in holdings}
        return Verdict(
            outcome,
            self.address,
            self.at,
            self.build,
            tuple(reasons),
            holder=holders.pop() if len(holders) == 1 else None,
            since=min((h.since for h in holdings), default=""),
            until=until or max((h.until for h in holdings), default=""),
            operator=self.operator,
        )


@dataclass(frozen=True, slots=True)
class _Picked:
    """The holdings that the person asked about may claim, and what was found on the way.  ``person`` is False when
    nobody of that identifier exists; ``asked`` when the question named anybody, ``by_name`` when by name only."""

    holdings: tuple[Holding, ...]
    reasons: tuple[Reason, ...] = ()
    person: bool = True
    asked: bool = True
    by_name: bool = False


def _case(directory: Directory, address: str, at: datetime | None) -> _Case:
    address, now = address.strip().lower(), datetime.now(UTC)
    if not _ADDRESS.fullmatch(address):
        raise InvalidInput("une adresse de messagerie est attendue", where="adresse")
    if at is not None and at > now + _CLOCK_SKEW:
        raise InvalidInput("cet instant est à venir", where="instant")
    instant = min(at, now) if at is not None else now
    return _Case(address, format_instant(instant), directory.build().id, past=at is not None and at < now - _CLOCK_SKEW)


def _trust(directory: Directory, case: _Case) -> tuple[list[str], tuple[Reason, ...]]:
    """The operators that could be trusted for the domain at the instant asked about, and what that makes of it."""
    domain, at = case.address.rpartition("@")[2], case.at if case.past else None
    operators = directory.operators_of(domain, at)
    if operators:
        return operators, (reason("domain_trusted"),)
    if not directory.has_white_list(at):
        return operators, (reason("no_white_list_then" if at and directory.has_white_list() else "no_white_list"),)
    left = directory.trust_left(domain, at)
    return operators, (*([reason("domain_left", left)] if left else ()), reason("domain_untrusted"))


def _is_name(text: str) -> bool:
    return not any(c.isdigit() for c in text) and any(c.isalpha() for c in text)


def _pick(directory: Directory, holdings: list[Holding], person: str | None, name: str | None, view: View) -> _Picked:
    if not person:
        return _by_name(holdings, name) if name else _Picked(tuple(holdings), asked=False)
    picked = _by_identifier(directory, holdings, person, view)
    if not name or not picked.holdings:
        return picked
    named = _by_name(picked.holdings, name)
    return _Picked(named.holdings, (*picked.reasons, *named.reasons))


def _by_name(holdings: Sequence[Holding], name: str) -> _Picked:
    found = [(h, match) for h in holdings if (match := _compare(name, h)) is not NameMatch.NONE]
    # Of two holders of one surname, the one whose given name was written is meant.
    best = [h for h, match in found if match is NameMatch.FULL] or [h for h, _ in found]
    said = [str(match) for h, match in found if h in best] or [str(NameMatch.NONE)]
    return _Picked(tuple(best), tuple(reason(code) for code in dict.fromkeys(said)), by_name=True)


def _compare(name: str, holding: Holding) -> NameMatch:
    if holding.family_name:
        return compare_person(name, holding.family_name, holding.given_names)
    return compare_structure(name, holding.names)


def _by_identifier(directory: Directory, holdings: list[Holding], text: str, view: View) -> _Picked:
    """By the numbers that the record of the mailbox holds; another one is looked up only to tell somebody else's
    from nobody's."""
    parsed = parse_person_id(text)
    # An ADELI and a FINESS number look the same: the text may mean a person or a structure.
    keys = [key[1:] for key in structure_keys(text)]
    asked = {i.casefold() for i in (*keys, *([parsed.national] if parsed else []))}
    held = tuple(h for h in holdings if asked & set(h.ids))
    if held:
        former = all(h.id.casefold() not in asked for h in held)
        return _Picked(held, tuple(map(reason, ["identifier_matches", *["former_identifier"] * former])))
    found = _find_ids(directory, text, view)
    held = tuple(h for h in holdings if h.id in found)  # by SIRET where FINESS is the number in force
    if held:
        return _Picked(held, (reason("identifier_matches"),))
    sound = parsed is not None or any(form(key[1:]) for key in keys for form in _KEYED.get(key[:1], ()))
    said = () if found else (reason("identifier_unknown" if sound else "identifier_malformed"),)
    return _Picked((), said, person=bool(found))


def _find_ids(directory: Directory, text: str, view: View) -> set[str]:
    """National ids in force of the person and of the structure that the text numbers."""
    looks = (lambda: directory.practitioner(text, view)[0], lambda: directory.organization(text, view))
    return {str(json.loads(hit.json)["id"]) for hit in map(_found, looks) if hit}


def _found(look: Callable[[], Hit]) -> Hit | None:
    try:
        return look()
    except (NotFound, InvalidInput):
        return None


def _judge(case: _Case, trust: tuple[Reason, ...], holdings: Sequence[Holding], picked: _Picked) -> Verdict:
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


def _judge_open(case: _Case, said: tuple[Reason, ...], held: list[Holding], picked: _Picked) -> Verdict:
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
    case: _Case, said: tuple[Reason, ...], started: list[Holding], formerly: list[Holding], picked: _Picked
) -> Verdict:
    """The person asked about (or, when none was, anybody) does not hold the address at that instant."""
    others = [h for h in started if h.open_at(case.at)]
    last = max((h.until for h in formerly), default="")
    if formerly:
        code = "former_holder" if picked.asked else "address_closed"
        return case.answer(Outcome.CLOSED, (*said, reason(code, last)), [h for h in formerly if h.until == last])
    closed = () if others else (reason("address_closed", max(h.until for h in started)),)
    return case.answer(Outcome.MISMATCH, (*said, *closed, reason("other_holder")), others)
