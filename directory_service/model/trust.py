"""The trusted space over time: stretches of domains, suspensions, and when a domain is therefore trusted.  PURE.

Instants are UTC text of the registry (``YYYY-MM-DDTHH:MM:SSZ``), which sorts as time does.  A stretch holds its first
instant and not its last: what is suspended at noon is out of trust at noon.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

MANUAL, LISTED = "manual", "whitelist"  # who says so: a person, or an imported list
ACTIVE, SUSPENDED, WITHDRAWN = "active", "suspended", "withdrawn"
FOREVER = "9999"  # after any instant
_DOMAIN = re.compile(r"(?=.{4,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]", re.ASCII)


def domain_name(text: str) -> str:
    """A mail domain as we keep it, in lower case without its last dot; empty for what is none."""
    written = text.strip()
    lowered = written.lower().rstrip(".")
    return lowered if written.isascii() and _DOMAIN.fullmatch(lowered) else ""  # the sign of Kelvin is no k


class Span(NamedTuple):
    """From ``since`` until ``until``, which is None while it lasts."""

    since: str
    until: str | None = None


@dataclass(frozen=True, slots=True)
class DomainStretch:
    """One operator holding one domain for a while.  ``subject``: certificate name under which a list says so."""

    name: str
    since: str
    until: str | None = None
    source: str = MANUAL
    subject: str = ""
    description: str = ""
    responsible: str = ""
    support: str = ""
    updated: str = ""  # as the list dates its entry


def trusted_spans(held: Iterable[Span], suspended: Sequence[Span]) -> list[Span]:
    """When one operator may be trusted for one domain: the union of ``held`` without ``suspended``, in order.  What
    is suspended from its first instant on leaves an empty span: it was known, and never trusted."""
    found: list[Span] = []
    for span in _merged(held):
        found += _without(span, _merged(suspended))
    return found


def _merged(spans: Iterable[Span]) -> list[Span]:
    """Spans that touch or overlap, made one."""
    merged: list[Span] = []
    for span in sorted(spans, key=lambda s: (s.since, _end(s))):
        if merged and span.since <= _end(merged[-1]):
            last = max(merged[-1], span, key=_end)
            merged[-1] = Span(merged[-1].since, last.until)
        else:
            merged.append(span)
    return merged


def _without(span: Span, cuts: Sequence[Span]) -> list[Span]:
    parts, start = [], span.since
    for cut in cuts:
        if _end(cut) <= start or cut.since >= _end(span):
            continue
        if cut.since > start:
            parts.append(Span(start, cut.since))
        if _end(cut) >= _end(span):
            return parts or [Span(span.since, span.since)]
        start = _end(cut)
    return [*parts, Span(start, span.until)]


def _end(span: Span) -> str:
    return span.until or FOREVER
