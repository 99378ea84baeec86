"""An operator of the trusted space as JSON: what anybody may know, and with ``contacts`` what operators may.  PURE."""

from __future__ import annotations

from typing import Any

from directory_service.model.mailboxes import Operator
from directory_service.model.trust import DomainStretch

CONTACTS = "contacts"  # the member that names people


def operator_record(operator: Operator) -> dict[str, Any]:
    """``{"name","label","structure","status","since","source","subjects","suspensions","domains":[…],"contacts"}``;
    a domain that came and went is there as many times, with its dates."""
    return {
        "name": operator.name,
        "label": operator.label,
        "structure": operator.identity or None,
        "status": operator.status,
        "since": operator.since,
        "source": operator.source,
        "subjects": _subjects(operator),
        "suspensions": [span._asdict() for span in operator.suspensions],
        "domains": [_domain(stretch) for stretch in operator.stretches],
        CONTACTS: _contacts(operator),
    }


def _subjects(operator: Operator) -> list[str]:
    """Names of certificates that mean it: those that lists use, then those of its own client certificates."""
    own = (rule.value for rule in operator.certificates if rule.method == "subject")
    return list(dict.fromkeys((*operator.subjects, *own)))


def _domain(stretch: DomainStretch) -> dict[str, Any]:
    told = {"subject": stretch.subject, "description": stretch.description, "updated": stretch.updated}
    known = {name: value for name, value in told.items() if value}
    return {"name": stretch.name, "since": stretch.since, "until": stretch.until, "source": stretch.source, **known}


def _contacts(operator: Operator) -> dict[str, Any]:
    """Those given by hand, and those of the domains held today, which a list gives entry by entry."""
    held = (s for s in operator.stretches if s.until is None and (s.responsible or s.support))
    domains = [
        {"domain": s.name, "subject": s.subject, "responsible": s.responsible, "support": s.support} for s in held
    ]
    return {"responsible": operator.responsible, "support": operator.support, "domains": domains}
