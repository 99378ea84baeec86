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
from directory_service.model.mailboxes import MailboxType
from directory_service.model.people import Status
from directory_service.web.context import cached, directory, identify, with_items
from directory_service.web.parameters import Choice, Several, Text, Whole, YesNo, read_query

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
def search() -> Response:
    given = read_query(request.query_string, PARAMETERS)
    view = identify()
    chosen = {c.name: given[c.name] for c in CRITERIA}
    # Browsing everybody is not searching; the export is there for that.
    if not any(chosen[name] for name in _TEXTS):
        raise InvalidInput(f"au moins un critère est attendu parmi : {', '.join(_TEXTS)}", where="requête")
    wishes = Wishes(given["facets"], given["exact"], given["explain"], given["sort"] or SORTS[0], given["near"])

    def answer() -> Iterable[bytes]:
        page = directory().find(Criteria(**chosen), view, given["limit"], given["cursor"] or None, wishes)
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

    return cached(view, answer)


def _items(page: Page, fields: tuple[str, ...]) -> Iterator[bytes]:
    """The records as they are stored, unless something is to be left out or added."""
    if not (fields or page.why):
        yield from (hit.json for hit in page.hits)
        return
    for n, hit in enumerate(page.hits):
        record: Mapping[str, Any] = orjson.loads(hit.json)
        shown = {name: record[name] for name in fields} if fields else dict(record)
        yield orjson.dumps({**shown, "match": page.why[n]} if page.why else shown)
