"""``GET /v1/search``: practitioners by any criteria, all of which must hold."""

from __future__ import annotations

from collections.abc import Iterable

from flask import Blueprint, Response, request

from directory_service.errors import InvalidInput
from directory_service.index.directory import Criteria
from directory_service.model.mailboxes import MailboxType
from directory_service.model.people import Status
from directory_service.web.context import cached, directory, identify, with_items
from directory_service.web.limiting import spending
from directory_service.web.openapi.route import Rate, Route, describe, ok
from directory_service.web.openapi.terms import ref
from directory_service.web.parameters import Choice, Text, Whole, read_query

blueprint = Blueprint("search", __name__)

_TEXTS = (
    "q",
    "profession",
    "specialty",
    "department",
    "postcode",
    "city",
    "street",
    "structure",
    "family",
    "given",
    "address",
)
CRITERIA: tuple[Text | Choice, ...] = (
    *(Text(name) for name in _TEXTS),
    Choice("type", tuple(MailboxType)),
    Choice("status", tuple(Status)),
)
PARAMETERS = (*CRITERIA, Whole("limit", 1, 100, default=20), Text("cursor"))


@blueprint.get("/v1/search")
@describe(Route(
    "Cherche des professionnels par critères, qui doivent tous être remplis", "Recherche",
    ok("Une page de professionnels, le mieux placé en premier", ref("SearchPage")),
    f"Au moins un critère est attendu parmi : {', '.join(_TEXTS)}.",
    query=PARAMETERS, problems=("budget-spent",), rate=Rate.SEARCH, cached=True,
))  # fmt: skip
def search() -> Response:
    given = read_query(request.query_string, PARAMETERS)
    view = identify()
    chosen = {c.name: given[c.name] for c in CRITERIA}
    # Browsing everybody is not searching; the export is there for that.
    if not any(chosen[name] for name in _TEXTS):
        raise InvalidInput(f"au moins un critère est attendu parmi : {', '.join(_TEXTS)}", where="requête")

    def answer() -> Iterable[bytes]:
        count = spending()
        page = directory().find(Criteria(**chosen), view, given["limit"], given["cursor"] or None)
        count([hit.id for hit in page.hits])
        items = (hit.json for hit in page.hits)
        return with_items(page.build, items, total=page.total, total_exact=page.total_exact, next=page.next)

    return cached(view, answer)
