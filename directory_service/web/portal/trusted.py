"""Which mailboxes a page warns of, since no operator of the trusted space holds their domain today."""

from __future__ import annotations

from collections.abc import Iterable

from directory_service.model.mailboxes import domain_of
from directory_service.web.context import directory


def untrusted(addresses: Iterable[str]) -> frozenset[str]:
    """Those of these addresses; none while no white list says who holds a domain."""
    found, asked = directory(), list(addresses)
    if not asked or not found.has_white_list():
        return frozenset()
    held = {domain: bool(found.operators_of(domain)) for domain in set(map(domain_of, asked))}
    return frozenset(address for address in asked if not held[domain_of(address)])
