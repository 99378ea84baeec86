"""``GET /v1/practitioners/{id}``: one practitioner by any number she ever had."""

from __future__ import annotations

from collections.abc import Iterable

from flask import Blueprint, Response, request

from directory_service.errors import NotFound
from directory_service.index.directory import Hit
from directory_service.index.query import View
from directory_service.web.context import cached, directory, identify, settled, with_record
from directory_service.web.parameters import clean_text, read_query

blueprint = Blueprint("practitioners", __name__)


@blueprint.get("/v1/practitioners/<path:identifier>")  # path: an idNat_PS of type 3 holds a slash
def practitioner(identifier: str) -> Response:
    read_query(request.query_string, ())
    view = identify()
    asked = clean_text(identifier, "id")

    def answer() -> Iterable[bytes]:
        build, (hit, former) = settled(lambda: _find(asked, view))
        return with_record(build, hit.json, **({"resolved_from": former} if former else {}))

    return cached(view, answer)


def _find(asked: str, view: View) -> tuple[Hit, str | None]:
    """A false number is told with those that it was probably meant for."""
    found = directory()
    try:
        return found.practitioner(asked, view)
    except NotFound as error:
        raise NotFound(error.message, suggestions=found.near_persons(asked, view)) from None
