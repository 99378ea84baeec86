"""``GET /v1/practitioners/{id}/mailboxes`` and ``/v1/organizations/{id}/mailboxes``: to which box does one write for a
purpose?  ``trust.rightbox`` answers; ambiguous rather than guessed."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import orjson
from flask import Blueprint, Response, request

from directory_service.index.query import View
from directory_service.model.publication import PURPOSES
from directory_service.trust.rightbox import Asked, Record, organization_mailboxes, practitioner_mailboxes
from directory_service.web.answers import cached, with_record
from directory_service.web.context import directory, identify
from directory_service.web.openapi.route import Place, Route, describe, ok
from directory_service.web.openapi.terms import ref
from directory_service.web.parameters import Choice, Text, clean_text, read_query

blueprint = Blueprint("rightbox", __name__)

PARAMETERS = (Choice("purpose", tuple(PURPOSES)), Text("structure"), Text("service"))


_ANSWER = ok("Ses boîtes, la mieux indiquée d'abord, avec leurs raisons", ref("RightMailboxes"))
_NEVER_GUESSED = "Ce que rien ne tranche est `ambiguous`, et `would_decide` dit ce qui trancherait."


@blueprint.get("/v1/practitioners/<path:identifier>/mailboxes")  # path: as for the practitioner
@describe(Route(
    "À quelle boîte d'un professionnel écrire, pour tel usage ?", "Bonne boîte", _ANSWER, _NEVER_GUESSED,
    query=PARAMETERS, path=(Place("id", "RPPS, ADELI ou idNat_PS", example="10900000018"),),
    problems=("not-found",), cached=True,
))  # fmt: skip
def of_practitioner(identifier: str) -> Response:
    view = identify()
    asked, number = _asked(), clean_text(identifier, "id")
    return _answer(view, lambda: practitioner_mailboxes(directory(), number, asked, view))


@blueprint.get("/v1/organizations/<path:identifier>/mailboxes")
@describe(Route(
    "À quelle boîte d'une structure écrire, pour tel usage ?", "Bonne boîte", _ANSWER, _NEVER_GUESSED,
    query=PARAMETERS, path=(Place("id", "FINESS, SIRET, SIREN ou idNat_Struct", example="690000005"),),
    problems=("not-found",), cached=True,
))  # fmt: skip
def of_organization(identifier: str) -> Response:
    view = identify()
    asked, number = _asked(), clean_text(identifier, "id")
    return _answer(view, lambda: organization_mailboxes(directory(), number, asked, view))


def _asked() -> Asked:
    return Asked(**read_query(request.query_string, PARAMETERS))


def _answer(view: View, read: Callable[[], tuple[str, Record]]) -> Response:
    build, record = read()

    def answer() -> Iterable[bytes]:
        return with_record(build, orjson.dumps(record))

    # Certificates expire while the build stays what it is.
    valid = sum(item["certificate"] << n for n, item in enumerate(record["items"]))
    return cached(view, answer, state=f"-{valid:x}", build=build)
