"""How the mailboxes of an operator fare: silent beyond its rhythm, withdrawn in mass, a domain that vanished.  PURE.

A rhythm is learnt, not set: operators publish every day or every month.  Instants are text of the registry, days its
first ten characters.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from typing import Any, Final

LEARNT_OVER: Final = 90  # days
_ENOUGH: Final = 4  # days with openings or closings, before there is a rhythm
_SHORTEST: Final = 7  # days: holidays are no silence
_PATIENCE: Final = 2  # times the longest gap seen
RECENT: Final = 30  # days that a vanished domain is told
MOST: Final = 50  # anomalies told; more are counted


@dataclass(frozen=True, slots=True)
class Limits:
    """From when on a withdrawal is told."""

    share: float = 20.0  # percent of an operator's mailboxes closed in a day: an ordinary day closes 0.1 % of all
    floor: int = 10  # mailboxes: shares of small numbers say little


@dataclass(frozen=True, slots=True)
class DomainState:
    """Mailboxes of one domain.  ``lately``: closed in the day before the last change of all."""

    name: str
    operators: tuple[str, ...]  # that hold it today
    opened: int
    closed: int
    lately: int
    last_change: str
    last_closing: str  # empty: none ever


@dataclass(frozen=True, slots=True)
class OperatorState:
    """Mailboxes of one operator; ``operator`` is empty for domains that none holds.  ``rhythm``: the longest stretch of
    days without an opening or a closing, None while too few were seen.  ``vanished``: domain and instant."""

    operator: str
    domains: int
    mailboxes: int
    lately: int
    last_change: str
    rhythm: int | None
    vanished: tuple[tuple[str, str], ...]


def states(domains: Iterable[DomainState], days: dict[str, set[str]], today: date) -> list[OperatorState]:
    """By operator.  ``days``: domain ► days on which one of its mailboxes opened or closed."""
    held: dict[str, list[DomainState]] = {}
    for state in domains:
        for name in state.operators or ("",):
            held.setdefault(name, []).append(state)
    return [_state(name, some, days, today) for name, some in sorted(held.items())]


def _state(name: str, held: Sequence[DomainState], days: dict[str, set[str]], today: date) -> OperatorState:
    gone = sorted(
        (d.last_closing, d.name) for d in held if not d.opened and d.closed and _age(d.last_closing, today) <= RECENT
    )
    return OperatorState(
        operator=name,
        domains=len(held),
        mailboxes=sum(d.opened for d in held),
        lately=sum(d.lately for d in held),
        last_change=max(d.last_change for d in held),
        rhythm=rhythm({day for d in held for day in days.get(d.name, ())}),
        vanished=tuple((domain, at) for at, domain in reversed(gone)),
    )


def rhythm(days: set[str]) -> int | None:
    """In days."""
    if len(days) < _ENOUGH:
        return None
    ordered = sorted(map(date.fromisoformat, days))
    return max(_SHORTEST, *((later - day).days for day, later in pairwise(ordered)))


def _age(instant: str, today: date) -> int:
    return (today - date.fromisoformat(instant[:10])).days


def anomalies(found: Iterable[dict[str, Any]], now: datetime, limits: Limits = Limits()) -> list[dict[str, Any]]:
    """Of ``OperatorState`` as dicts, what is not as it should be, the gravest kind first."""
    told: list[dict[str, Any]] = []
    for state in found:
        told += [
            {"kind": "vanished_domain", "operator": state["operator"] or None, "domain": domain, "since": at}
            for domain, at in state["vanished"]
        ]
        told += _withdrawal(state, limits)
        if state["operator"]:  # domains of nobody have no rhythm
            told += _silence(state, now.date())
    return sorted(told, key=lambda a: _ORDER.index(a["kind"]))


_ORDER: Final = ("mass_withdrawal", "vanished_domain", "silent_operator")


def _withdrawal(state: dict[str, Any], limits: Limits) -> Iterable[dict[str, Any]]:
    before, closed = state["mailboxes"] + state["lately"], state["lately"]
    if closed >= max(1, limits.floor) and closed * 100 >= before * limits.share:
        share = round(100 * closed / before, 1)
        said = {"kind": "mass_withdrawal", "operator": state["operator"] or None, "since": state["last_change"]}
        yield {**said, "closed": closed, "percent": share}


def _silence(state: dict[str, Any], today: date) -> Iterable[dict[str, Any]]:
    longest, age = state["rhythm"], _age(state["last_change"], today)
    if longest is not None and age > _PATIENCE * longest:
        said = {"kind": "silent_operator", "operator": state["operator"], "since": state["last_change"]}
        yield {**said, "days": age, "rhythm_days": longest}
