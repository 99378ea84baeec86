"""``GET /v1/changes``: what changed, in order, for operators who keep a copy (docs/howto/follow-changes.md)."""

from __future__ import annotations

import orjson
from flask import Blueprint, Response, request

from directory_service.index.query import View
from directory_service.trust.access import BadCredentials
from directory_service.web.answers import packed_answer, uncached, with_items
from directory_service.web.context import directory, identify
from directory_service.web.openapi.route import Rate, Route, Who, describe, ok
from directory_service.web.openapi.terms import ref
from directory_service.web.parameters import Text, Whole, read_query

blueprint = Blueprint("changes", __name__)
MOST = 1_000  # changes of one answer: two megabytes
_KNOWN = (Text("since", 60), Whole("limit", 1, MOST, 100))


@blueprint.get("/v1/changes")
@describe(Route(
    "Ce qui a changé, dans l'ordre, suppressions comprises", "Échanges",
    ok("Les changements qui suivent `since`", ref("Changes")),
    query=_KNOWN, problems=("cursor-expired",), who=Who.OPERATORS, rate=Rate.EXPORT,
))  # fmt: skip
def changes() -> Response:
    """The same to every operator: unlisted mailboxes are in it for nobody.  To nobody else: a thousand records a
    request, from the first on, would be the harvest that LDAP's budgets slow down (decision 0011).

    Packed for who takes gzip: nothing of the request is in it, so that its length tells nothing (BREACH)."""
    asked = read_query(request.query_string, _KNOWN)
    if identify() < View.OPERATOR:
        raise BadCredentials("le fil des changements est pour les opérateurs")
    build, found = directory().changes(asked["since"] or "0", asked["limit"])
    body = b"".join(with_items(build, map(orjson.dumps, found.items), next=found.next, more=found.more))
    return uncached(packed_answer(body))
