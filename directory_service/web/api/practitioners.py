"""``GET /v1/practitioners/{id}``: one practitioner by any number she ever had."""

from __future__ import annotations

from flask import Blueprint, Response, request

from directory_service.errors import NotFound
from directory_service.index.directory import Hit
from directory_service.index.query import View
from directory_service.web.answers import cached, settled, with_record
from directory_service.web.context import directory, identify
from directory_service.web.openapi.route import Place, Route, describe, ok
from directory_service.web.openapi.terms import ref
from directory_service.web.parameters import clean_text, read_query

blueprint = Blueprint("practitioners", __name__)

_ONLY_MAILBOXES = "seule la liste des boîtes connaît ce numéro : ses boîtes sont sous /v1/practitioners/{id}/mailboxes"


@blueprint.get("/v1/practitioners/<path:identifier>")  # path: an idNat_PS of type 3 holds a slash
@describe(Route(
    "Un professionnel, par n'importe quel numéro qu'il a porté", "Fiches",
    ok("La fiche ; `resolved_from` quand le numéro est un ancien", ref("PractitionerAnswer")),
    path=(Place("id", "RPPS (espaces permis), ADELI ou idNat_PS", example="10900000018"),),
    problems=("not-found",), cached=True,
))  # fmt: skip
def practitioner(identifier: str) -> Response:
    read_query(request.query_string, ())
    view = identify()
    asked = clean_text(identifier, "id")
    build, (hit, former) = settled(lambda: _find(asked, view))
    more = {"resolved_from": former} if former else {}
    return cached(view, lambda: with_record(build, hit.json, **more), build=build)


def _find(asked: str, view: View) -> tuple[Hit, str | None]:
    """A false number is told with those that it was probably meant for, that of whom only mailboxes know as such."""
    found = directory()
    try:
        return found.practitioner(asked, view)
    except NotFound as error:
        if found.held_under(asked, view):
            raise NotFound(_ONLY_MAILBOXES) from None
        raise NotFound(error.message, suggestions=found.near_persons(asked, view)) from None
