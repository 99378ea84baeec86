"""``GET /v1/mailboxes``: open mailboxes by criteria; ``…/{address}``: one mailbox, open or closed, with its holders,
today or at an instant; and ``…/{address}/history``, every binding of the address.  What is hidden from the caller is
absent, by the same path.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

import orjson
from flask import Blueprint, Response, request

from directory_service.entries.history import as_of, history, shown
from directory_service.errors import InvalidInput
from directory_service.index.query import View
from directory_service.index.smime import Published
from directory_service.model.mailboxes import MailboxType, lowered
from directory_service.model.people import Status
from directory_service.registry.clock import CLOCK_SKEW, format_instant
from directory_service.web.answers import cached, settled, with_items, with_record
from directory_service.web.api.search import TEXTS
from directory_service.web.context import directory, identify
from directory_service.web.limiting import spending
from directory_service.web.openapi.route import Place, Rate, Route, describe, ok
from directory_service.web.openapi.terms import ref
from directory_service.web.parameters import (
    LONGEST_ADDRESS,
    Choice,
    Instant,
    Text,
    Whole,
    clean_text,
    read_query,
    refused,
)

blueprint = Blueprint("mailboxes", __name__)
PARAMETERS = (Instant("at", filled=True),)
_TEXTS = (*TEXTS, "service")
CRITERIA: tuple[Text | Choice, ...] = (
    *(Text(name) for name in _TEXTS),
    Choice("type", tuple(MailboxType)),
    Choice("status", tuple(Status)),
)
SEARCHED = (*CRITERIA, Whole("limit", 1, 100, default=20), Text("cursor"))
ADDRESS = Place("address", "Une adresse, majuscules et minuscules se valent", example="zoe.d-essai@medecin.mssante.fr")


@blueprint.get("/v1/mailboxes")
@describe(Route(
    "Cherche des boîtes ouvertes par critères, qui doivent tous être remplis", "Recherche",
    ok("Une page de boîtes, de personnes et de structures, dans l'ordre du rang", ref("MailboxPage")),
    f"Au moins un critère est attendu parmi : {', '.join(_TEXTS)}.",
    query=SEARCHED, problems=("budget-spent",), rate=Rate.SEARCH, cached=True,
))  # fmt: skip
def mailboxes() -> Response:
    given = read_query(request.query_string, SEARCHED)
    view = identify()
    asked = {c.name: given[c.name] for c in CRITERIA if given[c.name]}
    if asked.keys().isdisjoint(_TEXTS):  # browsing all is not searching; the export is there for that
        raise InvalidInput(f"au moins un critère est attendu parmi : {', '.join(_TEXTS)}", where="requête")

    def answer() -> Iterable[bytes]:
        count = spending()
        page = directory().find_mailboxes(asked, view, given["limit"], given["cursor"] or None)
        count([hit.id for hit in page.hits])
        return with_items(page.build, (hit.json for hit in page.hits), next=page.next, partial=page.partial)

    return cached(view, answer, long=True)


@blueprint.get("/v1/mailboxes/<address:address>")
@describe(Route(
    "Une boîte, ouverte ou fermée, aujourd'hui ou à un instant passé", "Fiches",
    ok("La boîte et ses titulaires", ref("MailboxAnswer")),
    "`ETag` finit par la version de la boîte : il vaut pour `If-Match` aussi.",
    query=PARAMETERS, path=(ADDRESS,), problems=("not-found",), cached=True,
))  # fmt: skip
def mailbox(address: str) -> Response:
    at = read_query(request.query_string, PARAMETERS)["at"]
    return _now(address) if at is None else _then(address, _past(at))


def _then(address: str, at: str) -> Response:
    """Without certificates: which ones were published at an instant is not kept."""

    def made(build: str, record: dict[str, Any]) -> Iterable[bytes]:
        return with_record(build, orjson.dumps(shown(as_of(record, at))), at=at)

    return _answer(address, made)


def _now(address: str) -> Response:
    view, asked = _asked(address)

    def read() -> tuple[dict[str, Any], list[Published]]:
        record = directory().mailbox(asked, view)
        return record, directory().certificates_of(asked) if record["status"] == "open" else []

    build, (record, certificates) = settled(read)

    def answer() -> Iterable[bytes]:
        return with_record(build, orjson.dumps({**shown(record), "certificates": [c.json for c in certificates]}))

    # Certificates expire while the build stays what it is.
    state = "".join(f"-{c.sha256[:8]}" for c in certificates)
    return cached(view, answer, state=state, build=build, version=record.get("version"))


@blueprint.get("/v1/mailboxes/<address:address>/history")
@describe(Route(
    "Toutes les attributions d'une adresse, la plus ancienne en premier", "Fiches",
    ok("Les attributions", ref("History")), path=(ADDRESS,), problems=("not-found",), cached=True,
))  # fmt: skip
def mailbox_history(address: str) -> Response:
    read_query(request.query_string, ())

    def made(build: str, record: dict[str, Any]) -> Iterable[bytes]:
        return with_items(build, map(orjson.dumps, history(record)), address=record["address"])

    return _answer(address, made)


def _answer(address: str, made: Callable[[str, dict[str, Any]], Iterable[bytes]]) -> Response:
    view, asked = _asked(address)
    build, record = settled(lambda: directory().mailbox(asked, view))
    found = made(build, record)
    return cached(view, lambda: found, build=build)


def _asked(address: str) -> tuple[View, str]:
    return identify(), lowered(clean_text(address, "address", LONGEST_ADDRESS))


def _past(moment: datetime) -> str:
    if moment > datetime.now(UTC) + CLOCK_SKEW:
        raise refused("at", "cet instant est à venir")
    return format_instant(moment)
