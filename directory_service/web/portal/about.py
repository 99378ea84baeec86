"""Pages that explain: help, accessibility, data and legal notice."""

from __future__ import annotations

from flask import Response

from directory_service.web.context import directory
from directory_service.web.portal.base import blueprint, page


@blueprint.get("/aide", strict_slashes=False)
def helping() -> Response:
    return page("help")


@blueprint.get("/accessibilite", strict_slashes=False)
def accessibility() -> Response:
    return page("accessibility")


@blueprint.get("/mentions-legales", strict_slashes=False)
def legal() -> Response:
    return page("legal", lambda: {"build": directory().build()})
