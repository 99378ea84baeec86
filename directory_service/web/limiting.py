"""How often each caller may ask, and how many different records it may have: told in ``RateLimit`` and
``RateLimit-Policy`` (draft-ietf-httpapi-ratelimit-headers-10), refused by 429 with ``Retry-After``.

A caller is an operator or a program by its name, else an address (IPv6: a /64).  Routes are counted by kind
(``openapi.route.Rate``), so that a batch takes nothing from who types.  The machine itself is not counted while it has
no name: a proxy that ``trusted_proxies`` does not tell of would be everybody.  ``trust`` counts; this only translates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from math import ceil
from typing import TYPE_CHECKING, Any, Final

from flask import Flask, Response, g, request

from directory_service.errors import BudgetSpent, TooManyRequests
from directory_service.trust.harvest import Client, Harvest, network
from directory_service.trust.rates import Quota, Rates, Taken
from directory_service.trust.throttle import is_local
from directory_service.web.context import address, identify, services
from directory_service.web.openapi.document import APART
from directory_service.web.openapi.route import Rate, View, description_of

if TYPE_CHECKING:
    from pathlib import Path

    from directory_service.settings import Settings

WINDOW: Final = 60.0  # seconds: the settings are so many a minute
_SPENT: Final = "assez de fiches différentes pour aujourd'hui ; les accès par numéro et par adresse restent ouverts"
_local = lru_cache(maxsize=4096)(is_local)


class Limiter:
    """Of one process; with the other processes of the node where ``rates`` and ``harvest`` are files."""

    def __init__(self, quotas: Mapping[Rate, int], factor: int, rates: Rates, harvest: Harvest) -> None:
        self.rates, self.harvest = rates, harvest
        self._quotas = {
            (rate, named): (f"{rate}{'+' if named else '-'}", Quota(most * (factor if named else 1), WINDOW))
            for rate, most in quotas.items()
            for named in (False, True)
            if most
        }
        self._policies = {key: f'"{key[0]}";q={quota.most};w={int(WINDOW)}' for key, (_, quota) in self._quotas.items()}

    def take(self, rate: Rate, name: str, where: str) -> tuple[str, Taken] | None:
        """The policy, and what became of this request; None where it is not counted."""
        key = rate, bool(name)
        found = self._quotas.get(key)
        if found is None or (not name and _local(where)):
            return None
        kind, quota = found
        return self._policies[key], self.rates.take(kind + (name or network(where)), quota)

    def budget(self, name: str, where: str) -> Client | None:
        """Whose records are to be counted."""
        return None if not name and _local(where) else self.harvest.client(where, name)


def limiter_of(settings: Settings, files: tuple[Path | None, Path | None]) -> Limiter:
    """``files``: where rates and records are counted together with others."""
    counted: list[Rate] = [rate for rate in Rate if rate is not Rate.FREE]
    quotas = {rate: int(getattr(settings, f"http_rate_{rate}")) for rate in counted}
    rates, harvest = files
    ldap = settings.ldap
    budgets = ldap.harvest_anonymous, ldap.harvest_operator, ldap.harvest_window
    return Limiter(quotas, settings.http_rate_factor, Rates(rates), Harvest(*budgets, harvest))


def limit(app: Flask) -> None:
    """Counts every request of this application, but those of operations and of pages that hold no data."""
    kinds = {name: _rate_of(name, view) for name, view in app.view_functions.items()}

    def admit() -> None:
        rate = kinds.get(request.endpoint or "", Rate.FREE)
        if rate is Rate.FREE or request.method == "OPTIONS":
            return
        identify()
        counter = services().limiter
        taken = counter.take(rate, _name(), address()) if counter else None
        if taken is None:
            return
        g.taken = taken
        if not taken[1].allowed:
            raise TooManyRequests("trop de requêtes : réessayez plus tard", retry_after=max(1, ceil(taken[1].wait)))

    app.before_request(admit)
    app.after_request(_tell)


def counted(rate: Rate) -> Callable[[View], View]:
    """For views that are no part of the API, and have no description."""

    def marked(view: View) -> View:
        view.counted = rate  # type: ignore[attr-defined]
        return view

    return marked


def _rate_of(endpoint: str, view: Callable[..., Any]) -> Rate:
    """A route without description is read, unless it is a page's that does not say."""
    said = getattr(view, "counted", None)
    if isinstance(said, Rate):
        return said
    described = description_of(view)
    apart = endpoint.partition(".")[0] in APART or endpoint.endswith("static")
    return described.rate if described else Rate.FREE if apart else Rate.READ


def _name() -> str:
    """Of an operator or a program, never one for the other."""
    return g.operator or (f"~{g.client}" if g.client else "")


def _tell(response: Response) -> Response:
    told: tuple[str, Taken] | None = g.get("taken")
    if told is not None:
        policy, taken = told
        headers = response.headers
        headers["RateLimit-Policy"] = policy
        headers["RateLimit"] = f"{policy.partition(';')[0]};r={taken.left};t={taken.reset}"
    return response


def require_budget() -> Client | None:
    """Who is to be given records, to be told to ``count_records``.  Raises BudgetSpent."""
    counter = services().limiter
    client = counter.budget(_name(), address()) if counter else None
    if counter and client and counter.harvest.spent(client):
        raise BudgetSpent(_SPENT, retry_after=max(1, ceil(counter.harvest.renewed_in(client))))
    return client


def count_records(client: Client | None, ids: Iterable[int]) -> None:
    counter = services().limiter
    if counter and client:
        counter.harvest.count(client, ids)
