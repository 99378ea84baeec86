"""The HTTP face as a Flask application.

``create_app`` wires and does nothing else: routes are in ``api``, pages in ``portal``, errors in ``problems``, what
operations need in ``operations``.  No cookie, no session: every answer is a function of the request and of the build.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Flask, Response
from werkzeug.routing import BaseConverter

from directory_service.accesslog import AccessLog
from directory_service.registry.desk import Desk
from directory_service.runfolder import harvest_file, rates_file
from directory_service.trust.doors import Doors
from directory_service.trust.keys import Keys
from directory_service.trust.receipts import Receipts
from directory_service.trust.throttle import Throttle
from directory_service.web import operations, portal, problems
from directory_service.web.api import (
    cards,
    certificates,
    changes,
    documentation,
    export,
    log,
    mailboxes,
    match,
    operators,
    organizations,
    practitioners,
    publication,
    reconcile,
    rightbox,
    search,
    status,
    suggest,
    verify,
)
from directory_service.web.bodies import BODY_LIMIT
from directory_service.web.clients import Clients, clients_of
from directory_service.web.context import Services, attach
from directory_service.web.cors import allow_origins
from directory_service.web.dav import routes as carddav
from directory_service.web.limiting import limit, limiter_of
from directory_service.web.retirement import announce

if TYPE_CHECKING:
    from directory_service.index.directory import Directory
    from directory_service.settings import Settings
    from directory_service.tls import Tls

_BLUEPRINTS = (
    suggest, search, practitioners, organizations, rightbox, mailboxes, certificates, publication, operators, verify,
    status, log, changes, export, cards, match, reconcile, carddav, documentation, operations,
)  # fmt: skip


def create_app(directory: Directory, settings: Settings | None = None, tls: Tls | None = None) -> Flask:
    """The application over an open directory, which the caller closes.  ``settings`` say how old an index may be, where
    accesses are logged, where the keys are and which proxies are believed; without them, any age will do, nothing is,
    receipts are refused and no proxy is.  ``tls`` is that of the port it is served on."""
    app = Flask("annuaire", static_folder=None)
    app.config.update(MAX_CONTENT_LENGTH=BODY_LIMIT)
    app.url_map.merge_slashes = False  # no redirection that would repeat the path
    app.url_map.converters["address"] = _Address
    problems.register(app)
    for module in _BLUEPRINTS:
        app.register_blueprint(module.blueprint)
    if settings is None or settings.portal:
        portal.attach(app)
    operations.measure(app)
    allow_origins(app, frozenset(settings.cors_origins.split()) if settings else frozenset())
    services = _without(directory) if settings is None else _with(directory, settings, tls)
    announce(app)
    if services.limiter:
        limit(app, services.limiter)
    app.after_request(_guard)
    attach(app, services)
    return app


def _without(directory: Directory) -> Services:
    return Services(directory, Doors(directory), Clients(directory))


def _with(directory: Directory, settings: Settings, tls: Tls | None) -> Services:
    throttle = Throttle(settings.ldap_bind_failures, settings.ldap_bind_pause, patience=0.0)
    log = AccessLog(settings.access_log, settings.access_log_address) if settings.access_log else None
    shared = rates_file(settings.run_folder), harvest_file(settings.run_folder)
    return Services(
        directory,
        Doors(directory, throttle),
        clients_of(directory, settings, tls),
        settings,
        log,
        Receipts(Keys(settings.keys_folder, registry=settings.registry_url), settings.issuer),
        _desk(settings),
        limiter_of(settings, shared),
    )


def _desk(settings: Settings) -> Desk:
    """Two threads of a worker, if it has as many, are never waiting for the registry."""
    return Desk(settings.registry_url, patience=settings.publication_wait, writers=settings.threads - 2)


class _Address(BaseConverter):
    """A part of a path that is an address: a slash may stand before its @, and nowhere else."""

    regex = "[^@]*@[^/@]*|[^/]+"
    part_isolating = False


def _guard(response: Response) -> Response:
    """What does not say for how long it is true (health, measures, address books) is kept by no cache on the way, some
    of which would keep it for minutes."""
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers.setdefault("Cache-Control", "no-store")
    return response
