"""``GET /v1/suggest``: mailboxes while typing, best first.  Asked at every keystroke: a hot path."""

from __future__ import annotations

from collections.abc import Iterable

from flask import Blueprint, Response, request

from directory_service.index.query import BRIEF
from directory_service.web.answers import SHORT, cached, turn, with_items
from directory_service.web.context import directory, identify
from directory_service.web.inloop import Later, in_loop
from directory_service.web.limiting import asked_again, spending
from directory_service.web.openapi.route import Rate, Route, describe, ok
from directory_service.web.openapi.terms import ref
from directory_service.web.parameters import Text, Whole, read_query

blueprint = Blueprint("suggest", __name__)

PARAMETERS = (Text("q", required=True), Whole("limit", 1, 20, default=10))


@blueprint.get("/v1/suggest")
@describe(Route(
    "Propose des boîtes pendant la saisie, la plus probable en premier", "Recherche",
    ok("Les boîtes proposées ; aucune pour un texte vide", ref("Suggestions")),
    query=PARAMETERS, problems=("budget-spent",), rate=Rate.SUGGEST, cached=True,
))  # fmt: skip
def suggest() -> Response:
    given = read_query(request.query_string, PARAMETERS)
    view = identify()

    def answer() -> Iterable[bytes]:
        # An emptied box is not a fault of the person typing: it suggests nothing.
        if not given["q"]:
            return with_items(directory().build().id, ())
        count = spending()
        found = directory().suggested(given["q"], given["limit"], view)
        if found is None and in_loop(request.environ):
            found = directory().suggestions(given["q"], given["limit"], view, BRIEF)
            if found.timed_out:
                asked_again()
                raise Later
        elif found is None:
            with turn():
                found = directory().suggestions(given["q"], given["limit"], view)
        count(found.ids)
        return with_items(found.build, (found.items,))

    return cached(view, answer, age=SHORT, build=directory().recent().id, in_turn=False)
