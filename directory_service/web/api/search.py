"""``GET /v1/search``: practitioners by the one box and by criteria, all of which must hold; facets, reasons, pages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson
from flask import Blueprint, Response, request

from directory_service.errors import InvalidInput
from directory_service.index.criteria import SORTS
from directory_service.index.directory import Criteria, Page, Wishes
from directory_service.index.onebox.facets import FACETS
from directory_service.index.shield import SHIELD, shielded_people
from directory_service.model.mailboxes import MailboxType
from directory_service.model.people import Status
from directory_service.web.answers import cached, with_items
from directory_service.web.context import directory, identify
from directory_service.web.limiting import spending
from directory_service.web.openapi.route import Rate, Route, describe, ok
from directory_service.web.openapi.terms import ref
from directory_service.web.parameters import Choice, Several, Text, Whole, YesNo, read_query

blueprint = Blueprint("search", __name__)

TEXTS = (
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
    *(Text(name) for name in TEXTS),
    Choice("type", tuple(MailboxType)),
    Choice("status", tuple(Status)),
)
# Members of a practitioner (contract.md §3), for callers who want some of them.
FIELDS = (
    "id",
    "rpps",
    "adeli",
    "status",
    "status_since",
    "title",
    "family_name",
    "given_names",
    "profession",
    "category",
    "specialties",
    "activities",
    "mailboxes",
    "sources",
    *SHIELD,
)
PARAMETERS = (
    *CRITERIA,
    Text("near"),
    YesNo("exact"),
    Choice("sort", SORTS),
    Several("facets", FACETS, whole="true"),
    Several("fields", FIELDS),
    YesNo("explain"),
    Whole("limit", 1, 100, default=20),
    Text("cursor"),
)


@blueprint.get("/v1/search")
@describe(Route(
    "Cherche des professionnels par critères, qui doivent tous être remplis", "Recherche",
    ok("Une page de professionnels, le mieux placé en premier", ref("SearchPage")),
    f"Au moins un critère est attendu parmi : {', '.join(TEXTS)}.",
    query=PARAMETERS, problems=("budget-spent", "limit-exceeded"), rate=Rate.SEARCH, cached=True,
))  # fmt: skip
def search() -> Response:
    given = read_query(request.query_string, PARAMETERS)
    view = identify()
    chosen = {c.name: given[c.name] for c in CRITERIA}
    # Browsing everybody is not searching; the export is there for that.
    if not any(chosen[name] for name in TEXTS):
        raise InvalidInput(f"au moins un critère est attendu parmi : {', '.join(TEXTS)}", where="requête")
    wishes = Wishes(given["facets"], given["exact"], given["explain"], given["sort"] or SORTS[0], given["near"])

    def answer() -> Iterable[bytes]:
        count = spending()
        page = directory().find(Criteria(**chosen), view, given["limit"], given["cursor"] or None, wishes)
        count([hit.id for hit in page.hits])
        more = {} if page.facets is None else {"facets": page.facets, "facets_exact": page.facets_exact}
        return with_items(
            page.build,
            _items(page, given["fields"]),
            total=page.total,
            total_exact=page.total_exact,
            relaxed=page.relaxed,
            next=page.next,
            **more,
        )

    return cached(view, answer, long=True)


def _items(page: Page, fields: tuple[str, ...]) -> Iterator[bytes]:
    """The records with what tells homonyms apart; some members only, and why they match, where that is asked."""
    told = shielded_people(page.hits)
    if not (fields or page.why):
        yield from told
        return
    for n, item in enumerate(told):
        record: Mapping[str, Any] = orjson.loads(item)
        shown = {name: record[name] for name in fields} if fields else dict(record)
        yield orjson.dumps({**shown, "match": page.why[n]} if page.why else shown)
