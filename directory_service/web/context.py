"""What every route shares: the directory it asks and the other services, who is asking and what is theirs.

What is answered, with its build and caching, is in ``answers``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from flask import Flask, current_app, g, request

from directory_service.errors import Forbidden
from directory_service.index.query import View
from directory_service.model.ins import PATIENT_DOMAIN
from directory_service.model.mailboxes import domain_of
from directory_service.model.rhythms import DAILY, Rhythms
from directory_service.trust.access import BadCredentials, Caller

if TYPE_CHECKING:
    from directory_service.accesslog import AccessLog
    from directory_service.index.directory import Directory
    from directory_service.registry.desk import Desk
    from directory_service.settings import Settings
    from directory_service.trust.doors import Bearer, Doors
    from directory_service.trust.receipts import Receipts
    from directory_service.web.clients import Clients
    from directory_service.web.limiting import Limiter

_SERVICES = "annuaire"


@dataclass(frozen=True, slots=True)
class Services:
    """What the routes of one application work with.  Without settings (tests, tools that only read) there is nothing
    to sign with, no registry to write into, and nobody is counted."""

    directory: Directory
    doors: Doors
    clients: Clients
    settings: Settings | None = None
    log: AccessLog | None = None
    receipts: Receipts | None = None
    desk: Desk | None = None
    limiter: Limiter | None = None


def attach(app: Flask, services: Services) -> None:
    app.extensions[_SERVICES] = services


def services() -> Services:
    return cast("Services", current_app.extensions[_SERVICES])


def directory() -> Directory:
    return services().directory


def settings() -> Settings | None:
    """None in an application that was made without any: tests, and tools that only read."""
    return services().settings


def rhythms() -> Rhythms:
    """How often sources publish, as the settings say."""
    known = settings()
    return known.source_rhythms if known else DAILY


def access_log() -> AccessLog | None:
    return services().log


def receipts() -> Receipts | None:
    """What signs verdicts; None where the application was made without settings, and has no keys."""
    return services().receipts


def patient_domain() -> str:
    known = settings()
    return known.patient_domain if known else PATIENT_DOMAIN


def identify_caller() -> Caller:
    """The caller with its name and rights, where those count.  Raises BadCredentials like ``identify``."""
    view, name = identify(), g.get("operator", "")
    found = directory().operator(name) if name else None
    return Caller(view, name, frozenset(found.rights if found else ()))


def identify() -> View:
    """The caller's view; its operator as ``g.operator``, its program as ``g.client`` (both empty for nobody): by
    ``Authorization: Bearer`` with an operator's secret or a program's key (RFC 6750 2.1), or by a client certificate;
    anonymous without either.  A program sees what anybody sees.

    Raises BadCredentials for any other authorization, so that a wrong secret or certificate never falls back to the
    anonymous answer; Forbidden where the two are not of one operator; TooManyAttempts after many wrong secrets.
    """
    known: View | None = g.get("view")
    if known is not None:  # it was asked for the limits already
        return known
    shown = _bearer()
    by_certificate = services().clients.operator_of(request.environ)
    if shown is not None and by_certificate and shown.operator != by_certificate:
        raise Forbidden("le secret et le certificat ne sont pas du même opérateur")
    g.operator = shown.operator if shown and shown.operator else by_certificate
    g.client = shown.client if shown else ""
    g.secret_hash = shown.secret_hash if shown else ""
    g.view = View.OPERATOR if g.operator else View.ANONYMOUS
    return g.view  # type: ignore[no-any-return]


def _bearer() -> Bearer | None:
    """Whose secret the request holds; None where it holds no authorization."""
    header = request.environ.get("HTTP_AUTHORIZATION")
    if header is None:
        return None
    scheme, _, token = header.partition(" ")
    secret = token.strip() if scheme.lower() == "bearer" else ""
    return services().doors.bearer(secret, address())


def address() -> str:
    """The client's: that of the connection, or what a trusted proxy says of it, the last one that is not a proxy's
    own."""
    environ, proxies = request.environ, services().clients.proxies
    peer: str = environ.get("REMOTE_ADDR") or ""
    passed = environ.get("HTTP_X_FORWARDED_FOR") if proxies.held else None
    if passed is None or peer not in proxies:
        return peer
    told = [bare for part in passed.split(",") if (bare := _without_port(part.strip()))]
    return next((part for part in reversed(told) if part not in proxies), peer)


def _without_port(text: str) -> str:
    """Some proxies tell ``192.0.2.1:5678`` and ``[2001:db8::1]:5678``: each connection would be a client of its own."""
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0] if text.count(":") == 1 else text


def publisher() -> str:
    """The name of the operator who is asking, for routes that are for operators.  Raises BadCredentials for anybody
    else."""
    identify()
    name = str(g.get("operator", ""))
    if not name:
        raise BadCredentials("cette route demande l'authentification d'un opérateur")
    return name


def require_own(operator: str, address: str) -> None:
    """Raises Forbidden, whether the address exists or not, unless the operator holds its domain today."""
    if not directory().holds(operator, domain_of(address)):
        raise Forbidden("ce domaine n'est pas l'un des vôtres")
