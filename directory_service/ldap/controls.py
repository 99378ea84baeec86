"""Which controls we take, and with which operations (RFC 4511 4.1.11); and those of a search, read together.  PURE.

What each one means is in a module of its own: ``paging``, ``sorting``, ``listing``, ``matched``.  ManageDsaIT asks for
nothing here, since there are no referrals.  A search without controls never comes here.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final, NamedTuple

from directory_service.errors import AnnuaireError, InvalidInput
from directory_service.index.query import Query
from directory_service.ldap.codes import UNAVAILABLE_CRITICAL_EXTENSION
from directory_service.ldap.filters import Resolve
from directory_service.ldap.limits import Limits
from directory_service.ldap.listing import VLV, Listing, asked_listing
from directory_service.ldap.matched import MATCHED_VALUES, Values, asked_values
from directory_service.ldap.messages import CompareRequest, Controls, Request, SearchRequest, WriteRequest
from directory_service.ldap.paging import PAGED_RESULTS, Page, asked_page
from directory_service.ldap.sorting import SORT, Ordering, SortRules, asked_order

MANAGE_DSA_IT: Final = "2.16.840.1.113730.3.4.2"

_SEARCH: Final = (SearchRequest,)
_TAKEN: Final[dict[str, tuple[type[Request], ...]]] = {
    PAGED_RESULTS: _SEARCH,
    SORT: _SEARCH,
    VLV: _SEARCH,
    MATCHED_VALUES: _SEARCH,
    MANAGE_DSA_IT: (SearchRequest, CompareRequest, WriteRequest),
}
SUPPORTED_CONTROLS: Final = tuple(_TAKEN)


class Unavailable(AnnuaireError):
    """A critical control that we do not have, or not for this operation."""

    ldap_code = UNAVAILABLE_CRITICAL_EXTENSION


def check(request: Request) -> None:
    """Raises ``Unavailable``; ``InvalidInput`` for a control sent twice, since nothing says which of the two is meant
    (RFC 4511 4.1.11)."""
    seen: set[str] = set()
    for control in request.controls:
        if type(request) not in _TAKEN.get(control.oid, ()):
            if control.critical:
                raise Unavailable("contrôle critique inconnu, ou qui ne va pas avec cette opération")
            continue
        if control.oid in seen:
            raise InvalidInput("contrôle présent deux fois")
        seen.add(control.oid)
        if control.oid == MANAGE_DSA_IT and control.value:
            raise InvalidInput("ManageDsaIT n'a pas de valeur")


class Asked(NamedTuple):
    """What the controls of a search ask for; None for those that are not there, ``values`` empty."""

    page: Page | None = None
    order: Ordering | None = None
    listing: Listing | None = None
    values: Values = ()


class Context(NamedTuple):
    """What reading controls takes: who asks, and what answers."""

    resolve: Resolve
    rules: SortRules
    limits: Limits
    who: str
    key: bytes  # signs cookies
    total: int  # entries of all pages of one search


def read_controls(controls: Controls, query: Query, context: Context) -> tuple[Query, Asked]:
    """What is asked for, and the query in the order asked for.  Raises ``InvalidInput``."""
    given = {control.oid: control for control in controls}
    order = asked_order(given.get(SORT), context.rules)
    if order and not order.fault:
        query = replace(query, sort=order.keys)
    page = asked_page(given.get(PAGED_RESULTS), query, context.who, context.key, context.total)
    listing = asked_listing(given.get(VLV), query, context.who, context.key)
    if page and listing:
        raise InvalidInput("pages et vue de liste ensemble")
    values = asked_values(given.get(MATCHED_VALUES), context.resolve, context.limits)
    return query, Asked(page, order, listing, values)
