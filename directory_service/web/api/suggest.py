"""``GET /v1/suggest``: mailboxes while typing, best first.  Asked at every keystroke: a hot path."""

from __future__ import annotations

from collections.abc import Iterable

from flask import Blueprint, Response, request

from directory_service.web.context import SHORT, cached, directory, identify, with_items
from directory_service.web.parameters import Text, Whole, read_query

blueprint = Blueprint("suggest", __name__)

PARAMETERS = (Text("q", required=True), Whole("limit", 1, 20, default=10))


@blueprint.get("/v1/suggest")
def suggest() -> Response:
    given = read_query(request.query_string, PARAMETERS)
    view = identify()

    def answer() -> Iterable[bytes]:
        # An emptied box is not a fault of the person typing: it suggests nothing.
        if not given["q"]:
            return with_items(directory().build().id, ())
        return with_items(*directory().suggestions(given["q"], given["limit"], view))

    return cached(view, answer, age=SHORT)
