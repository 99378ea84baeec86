"""The HTTP face as a Flask application.

``create_app`` wires and does nothing else: routes are in ``api``, pages in ``portal``, errors in ``problems``, what
operations need in ``operations``.  No cookie, no session: every answer is a function of the request and of the build.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Flask, Response

from directory_service.accesslog import AccessLog
from directory_service.registry.desk import Desk
from directory_service.trust.access import Secrets
from directory_service.trust.keys import Keys
from directory_service.trust.receipts import Receipts
from directory_service.web import context, operations, portal, problems
from directory_service.web.api import (
    cards,
    certificates,
    changes,
    export,
    log,
    mailboxes,
    match,
    operators,
    organizations,
    practitioners,
    publication,
    reconcile,
    search,
    status,
    suggest,
    verify,
)
from directory_service.web.bodies import BODY_LIMIT
from directory_service.web.clients import Clients, clients_of
from directory_service.web.dav import routes as carddav
from directory_service.web.registry import attach_desk

if TYPE_CHECKING:
    from directory_service.index.directory import Directory
    from directory_service.settings import Settings
    from directory_service.tls import Tls

_BLUEPRINTS = (
    suggest, search, practitioners, organizations, mailboxes, certificates, publication, operators, verify, status, log,
    changes, export, cards, match, reconcile, carddav, operations,
)  # fmt: skip


def create_app(directory: Directory, settings: Settings | None = None, tls: Tls | None = None) -> Flask:
    """The application over an open directory, which the caller closes.  ``settings`` say how old an index may be, where
    accesses are logged, where the keys are and which proxies are believed; without them, any age will do, nothing is,
    receipts are refused and no proxy is.  ``tls`` is that of the port it is served on."""
    app = Flask("annuaire", static_folder=None)
    app.config.update(MAX_CONTENT_LENGTH=BODY_LIMIT, ANNUAIRE=settings)
    app.url_map.merge_slashes = False  # no redirection that would repeat the path
    wanted = settings and settings.access_log
    accesses = AccessLog(settings.access_log, settings.access_log_address) if settings and wanted else None
    signing = Receipts(Keys(settings.keys_folder), settings.issuer) if settings else None
    clients = clients_of(directory, settings, tls) if settings else Clients(directory)
    context.attach(app.extensions, directory, Secrets(directory), clients, accesses, signing)
    attach_desk(app.extensions, _desk(settings))
    problems.register(app)
    for module in _BLUEPRINTS:
        app.register_blueprint(module.blueprint)
    if settings is None or settings.portal:
        portal.attach(app)
    operations.measure(app)
    app.after_request(_guard)
    return app


def _desk(settings: Settings | None) -> Desk | None:
    """Two threads of a worker, if it has as many, are never waiting for the registry."""
    if settings is None:
        return None
    return Desk(settings.registry_url, patience=settings.publication_wait, writers=settings.threads - 2)


def _guard(response: Response) -> Response:
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
