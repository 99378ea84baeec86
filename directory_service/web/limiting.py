"""How often each caller may ask, and how many different records it may have: told in ``RateLimit`` and
``RateLimit-Policy`` (draft-ietf-httpapi-ratelimit-headers-10), refused by 429 with ``Retry-After``.

A caller is an operator or a program by its name, else an address (IPv6: a /64).  Routes are counted by kind
(``openapi.route.Rate``), so that a batch takes nothing from who types.  The machine itself is not counted while it has
no name: a proxy that ``trusted_proxies`` does not tell of would be everybody.  Searches and verifications that take the
processor long count as several (``Meter``).  ``trust`` counts; this only translates.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from math import ceil
from time import thread_time
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from flask import Flask, Response, g, request

from directory_service.errors import BudgetSpent, TooManyRequests
from directory_service.model.networks import is_local, subscriber_of
from directory_service.trust.harvest import Client, Harvest
from directory_service.trust.rates import Quota, Rates, Taken
from directory_service.web.context import address, identify
from directory_service.web.openapi.document import APART
from directory_service.web.openapi.route import Rate, View, description_of

if TYPE_CHECKING:
    from pathlib import Path

    from directory_service.settings import Settings

Counting = Callable[[Iterable[int]], None]
LINES: Final = 10  # descriptions that are matched for one verification
PIECE: Final = 0.05  # seconds of processor for what is counted once
_DEAR: Final = (Rate.SEARCH, Rate.VERIFY)
WINDOW: Final = 60.0  # seconds: the settings are so many a minute
_SPENT: Final = "nombre de fiches différentes par jour atteint ; les accès par numéro et par adresse restent ouverts"


class Policy(NamedTuple):
    """One quota, and how it is told."""

    item: str  # of both fields
    told: str  # RateLimit-Policy
    prefix: str  # of callers' names, so that each policy counts for itself
    quota: Quota


class Policies(NamedTuple):
    """For callers without a name, and with one; None: not counted."""

    anonymous: Policy | None
    named: Policy | None


_UNCOUNTED: Final = Policies(None, None)


class Asking(NamedTuple):
    """Who makes the request under way, and what became of it."""

    name: str
    where: str
    limiter: Limiter
    policy: Policy | None = None
    taken: Taken | None = None


class Spending(NamedTuple):
    """The budget that an answer takes from."""

    harvest: Harvest
    client: Client

    def record(self, ids: Iterable[int]) -> None:
        self.harvest.count(self.client, ids)


class Limiter:
    """Of one process; with the other processes of the node where ``rates`` and ``harvest`` are files."""

    def __init__(self, quotas: Mapping[Rate, int], factor: int, rates: Rates, harvest: Harvest) -> None:
        self.rates, self.harvest = rates, harvest
        self._policies = {
            rate: Policies(_policy(rate, "-", most), _policy(rate, "+", most * factor))
            for rate, most in quotas.items()
            if most
        }

    def policies(self, rate: Rate) -> Policies:
        return self._policies.get(rate, _UNCOUNTED)

    def take(self, policies: Policies, name: str, where: str, times: int = 1) -> Asking:
        policy = _policy_of(policies, name, where)
        if policy is None:
            return Asking(name, where, self)
        taken = self.rates.take(_counted_as(policy, name, where), policy.quota, times)
        return Asking(name, where, self, policy, taken)

    def owe(self, policies: Policies, name: str, where: str, times: int) -> None:
        policy = _policy_of(policies, name, where)
        if policy is not None:
            self.rates.owe(_counted_as(policy, name, where), policy.quota, times)

    def give_back(self, asking: Asking) -> None:
        if asking.policy is not None:
            self.rates.give_back(_counted_as(asking.policy, asking.name, asking.where), asking.policy.quota)

    def spend(self, name: str, where: str) -> Spending | None:
        """What counts the records of an answer; None where they are not counted.  Raises BudgetSpent."""
        if not name and is_local(where):
            return None
        client = self.harvest.client(where, name)
        if self.harvest.spent(client):
            raise BudgetSpent(_SPENT, retry_after=max(1, ceil(self.harvest.renewed_in(client))))
        return Spending(self.harvest, client)


class Meter:
    """The processor's time that was counted, and that was used: a name and a town take a search some milliseconds, five
    words that nobody has a fifth of a second.  One thread's."""

    def __init__(self, asking: Asking, policies: Policies, times: int) -> None:
        self._asking, self._policies, self._times = asking, policies, times
        self._began, self._used = thread_time(), 0.0

    @contextmanager
    def part(self) -> Iterator[None]:
        """One of many that a request brings.  Raises TooManyRequests once the caller has used what it may."""
        if self._used >= self._times * PIECE:
            _require(self._asking.limiter.take(self._policies, self._asking.name, self._asking.where))
            self._times += 1
        start = thread_time()
        try:
            yield
        finally:
            self._used += thread_time() - start
            self._owe(self._used)

    def settle(self) -> int:
        """At the end of a request: how many times more it is counted."""
        return self._owe(thread_time() - self._began)

    def add(self, times: int) -> None:
        """So much was counted besides."""
        self._times += times

    def _owe(self, used: float) -> int:
        more = max(0, int(used / PIECE) - self._times)
        if more:
            self._times += more
            self._asking.limiter.owe(self._policies, self._asking.name, self._asking.where, more)
        return more


def _policy_of(policies: Policies, name: str, where: str) -> Policy | None:
    return policies.named if name else None if is_local(where) else policies.anonymous


def _counted_as(policy: Policy, name: str, where: str) -> str:
    return policy.prefix + (name or subscriber_of(where))


def _policy(rate: Rate, mark: str, most: int) -> Policy:
    item = f'"{rate}"'
    return Policy(item, f"{item};q={most};w={int(WINDOW)}", f"{rate}{mark}", Quota(most, WINDOW))


def limiter_of(settings: Settings, files: tuple[Path | None, Path | None]) -> Limiter:
    """``files``: where rates and records are counted together with others."""
    counted: list[Rate] = [rate for rate in Rate if rate is not Rate.FREE]
    quotas = {rate: int(getattr(settings, f"http_rate_{rate}")) for rate in counted}
    rates, harvest = files
    ldap = settings.ldap
    budgets = ldap.harvest_anonymous, ldap.harvest_operator, ldap.harvest_window
    return Limiter(quotas, settings.http_rate_factor, Rates(rates), Harvest(*budgets, harvest))


def limit(app: Flask, limiter: Limiter) -> None:
    """Counts every request of this application, but those of operations and of pages that hold no data."""
    rates = {name: _rate_of(name, view) for name, view in app.view_functions.items()}
    known = {name: limiter.policies(rate) for name, rate in rates.items() if rate is not Rate.FREE}
    dear = {name for name, rate in rates.items() if rate in _DEAR}
    nameless = {name for name, view in app.view_functions.items() if getattr(view, "nameless", False)}

    def admit() -> None:
        policies = known.get(request.endpoint or "")
        if policies is None or request.method == "OPTIONS":
            return
        if request.endpoint not in nameless:
            identify()
        _admit(limiter.take(policies, _name(), address()))
        if request.endpoint in dear:
            g.meter = Meter(g.asking, policies, 1)

    app.before_request(admit)
    app.after_request(_tell)


def _admit(asking: Asking) -> None:
    g.asking = asking
    _require(asking)


def _require(asking: Asking) -> None:
    if asking.taken is not None and not asking.taken.allowed:
        wait = max(1, ceil(asking.taken.wait))
        raise TooManyRequests("trop de requêtes : réessayez plus tard", retry_after=wait)


def asked_again() -> None:
    """This request will come once more: it is to be counted then."""
    asking: Asking | None = g.get("asking")
    if asking is not None:
        asking.limiter.give_back(asking)


def take_also(rate: Rate, times: int = 1) -> None:
    """What the request turns out to ask is counted as this kind too.  Raises TooManyRequests."""
    asking: Asking | None = g.get("asking")
    if asking is not None:
        _admit(asking.limiter.take(asking.limiter.policies(rate), asking.name, asking.where, times))


def take_lines(lines: int) -> Callable[[], AbstractContextManager[None]]:
    """The same of descriptions that are matched, some milliseconds each, however many a request brings.  Gives what
    each is to be matched in, which counts those that take longer."""
    times = lines // LINES if lines > LINES else 0
    if times:
        take_also(Rate.VERIFY, times)
    asking: Asking | None = g.get("asking")
    if asking is None:
        return nullcontext
    meter: Meter | None = g.get("meter")
    if meter is None:
        meter = Meter(asking, asking.limiter.policies(Rate.VERIFY), 1)
    meter.add(times)
    return meter.part


def counted(rate: Rate, *, nameless: bool = False) -> Callable[[View], View]:
    """For views that are no part of the API, and have no description.  ``nameless``: whatever authorization comes with
    the request is not looked at, so that it opens no higher limit and refuses nobody."""

    def marked(view: View) -> View:
        view.counted = rate  # type: ignore[attr-defined]
        view.nameless = nameless  # type: ignore[attr-defined]
        return view

    return marked


def _rate_of(endpoint: str, view: Callable[..., Any]) -> Rate:
    """A route without description is read, unless it is a page's that does not say."""
    said = getattr(view, "counted", None)
    if isinstance(said, Rate):
        return said
    described = description_of(view)
    apart = endpoint.partition(".")[0] in APART
    return described.rate if described else Rate.FREE if apart else Rate.READ


def _name() -> str:
    """Of an operator or a program, never one for the other."""
    operator, client = g.get("operator", ""), g.get("client", "")
    return operator or (f"~{client}" if client else "")


def _tell(response: Response) -> Response:
    asking: Asking | None = g.get("asking")
    if asking is not None and asking.policy is not None and asking.taken is not None:
        policy, taken = asking.policy, asking.taken
        meter: Meter | None = g.get("meter")
        left = max(0, taken.left - (meter.settle() if meter else 0))
        response.headers.add("RateLimit-Policy", policy.told)
        response.headers.add("RateLimit", f"{policy.item};r={left};t={taken.reset}")
    return response


def spending() -> Counting:
    """To be told which records the answer holds.  Raises BudgetSpent for whoever was given enough today."""
    return purse()()


def purse() -> Callable[[], Counting]:
    """``spending`` of the caller under way, for answers that go on after the request: asked again for each part."""
    asking: Asking | None = g.get("asking")
    return partial(_spending, asking)


def _spending(asking: Asking | None) -> Counting:
    found = asking.limiter.spend(asking.name, asking.where) if asking else None
    return found.record if found else _uncounted


def numbered(names: Iterable[str]) -> list[int]:
    """For ``spending``, records that are known by their names alone: the number or the address of each.  One that was
    found by ``/v1/search`` too counts twice, which a budget of a hundred thousand can bear."""
    return [int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest()) for name in names]


def _uncounted(ids: Iterable[int]) -> None:
    """Who is not counted: the machine itself, an application without settings."""
