"""The HTTP face as a Flask application.

``create_app`` wires and does nothing else: routes are in ``api``, errors in ``problems``, what operations need in
``operations``.  No cookie, no session, no template: every answer is a function of the request and of the build.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Flask, Response

from directory_service.accesslog import AccessLog
from directory_service.trust.access import Secrets
from directory_service.web import context, operations, problems
from directory_service.web.api import (
    changes,
    export,
    log,
    mailboxes,
    organizations,
    practitioners,
    search,
    status,
    suggest,
    verify,
)

if TYPE_CHECKING:
    from directory_service.index.directory import Directory
    from directory_service.settings import Settings

_BLUEPRINTS = (
    suggest,
    search,
    practitioners,
    organizations,
    mailboxes,
    verify,
    status,
    log,
    changes,
    export,
    operations,
)
BODY_LIMIT = 16 * 1024  # bytes; routes that take more say so


def create_app(directory: Directory, settings: Settings | None = None) -> Flask:
    """The application over an open directory, which the caller closes.  ``settings`` say how old an index may be and
    where accesses are logged; without them, any age will do and nothing is."""
    app = Flask("annuaire", static_folder=None)
    app.config.update(MAX_CONTENT_LENGTH=BODY_LIMIT, ANNUAIRE=settings)
    app.url_map.merge_slashes = False  # no redirection that would repeat the path
    wanted = settings and settings.access_log
    accesses = AccessLog(settings.access_log, settings.access_log_address) if settings and wanted else None
    context.attach(app.extensions, directory, Secrets(directory), accesses)
    problems.register(app)
    for module in _BLUEPRINTS:
        app.register_blueprint(module.blueprint)
    operations.measure(app)
    app.after_request(_guard)
    return app


def _guard(response: Response) -> Response:
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
