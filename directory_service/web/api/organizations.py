"""``GET /v1/organizations/{id}``: one structure by FINESS, SIRET, SIREN or idNat_Struct."""

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

blueprint = Blueprint("organizations", __name__)


@blueprint.get("/v1/organizations/<path:identifier>")
@describe(Route(
    "Une structure, par n'importe lequel de ses numéros", "Fiches",
    ok("La fiche de la structure", ref("OrganizationAnswer")),
    path=(Place("id", "FINESS, SIRET, SIREN ou idNat_Struct", example="690000005"),),
    problems=("not-found",), cached=True,
))  # fmt: skip
def organization(identifier: str) -> Response:
    read_query(request.query_string, ())
    view = identify()
    asked = clean_text(identifier, "id")
    build, hit = settled(lambda: _find(asked, view))
    return cached(view, lambda: with_record(build, hit.json), build=build)


def _find(asked: str, view: View) -> Hit:
    """A false number is told with those that it was probably meant for."""
    found = directory()
    try:
        return found.organization(asked, view)
    except NotFound as error:
        raise NotFound(error.message, suggestions=found.near_structures(asked, view)) from None
