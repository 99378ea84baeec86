"""``GET /v1/changes``: what changed, in order, for who keeps a copy (docs/howto/follow-changes.md)."""

from __future__ import annotations

import orjson
from flask import Blueprint, Response, request

from directory_service.web.context import directory, identify, json_answer, uncached, with_items
from directory_service.web.parameters import Text, Whole, read_query

blueprint = Blueprint("changes", __name__)
MOST = 1_000  # changes of one answer: two megabytes
_KNOWN = (Text("since", 60), Whole("limit", 1, MOST, 100))


@blueprint.get("/v1/changes")
def changes() -> Response:
    """The same to everybody: unlisted mailboxes are in it for nobody."""
    asked = read_query(request.query_string, _KNOWN)
    identify()  # a wrong secret is told, here as elsewhere
    build, found = directory().changes(asked["since"] or "0", asked["limit"])
    body = with_items(build, map(orjson.dumps, found.items), next=found.next, more=found.more)
    return uncached(json_answer(b"".join(body)))
