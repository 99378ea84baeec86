"""Pages that explain: help, accessibility, data and legal notice."""

from __future__ import annotations

from typing import Any

from flask import Response

from directory_service.index.freshness import published_at
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
    return page("legal", _data)


def _data() -> dict[str, Any]:
    """The build in force, and when each source that it is made of was published."""
    build = directory().build()
    return {"build": build, "sources": [(str(s["name"]), published_at(s)) for s in build.sources]}
