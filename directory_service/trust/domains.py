"""Who holds the domains of several addresses today, each domain asked for once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from directory_service.model.mailboxes import domain_of

if TYPE_CHECKING:
    from directory_service.index.directory import Directory


def operators_by_domain(directory: Directory) -> Callable[[str], list[str] | None]:
    """The operators of a domain; None where nothing says who may be trusted for it."""
    known: dict[str, list[str] | None] = {}

    def operators(domain: str) -> list[str] | None:
        if domain not in known:
            known[domain] = directory.operators_of(domain) or ([] if directory.has_trust_of(domain) else None)
        return known[domain]

    return operators


def untrusted(directory: Directory, addresses: Iterable[str]) -> frozenset[str]:
    """Those of these addresses whose domain nobody of the trusted space holds."""
    operators = operators_by_domain(directory)
    return frozenset(address for address in addresses if operators(domain_of(address)) == [])
