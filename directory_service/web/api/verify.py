"""``POST /v1/verify`` and ``/v1/verify/batch``: is this address really this person's?

Questions come in a body and not in a URL, since URLs are logged by every proxy on the way.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson
from flask import Blueprint, Response, request

from directory_service.errors import AnnuaireError, InvalidInput, LimitExceeded
from directory_service.index.query import View
from directory_service.registry.clock import parse_instant
from directory_service.trust.verify import verify as ask
from directory_service.web.context import directory, identify, json_answer, read_body
from directory_service.web.parameters import LONGEST_ADDRESS, Flag, Text, read_fields, read_query, refused
from directory_service.web.problems import problem_body

blueprint = Blueprint("verify", __name__)

FIELDS = (
    Text("address", LONGEST_ADDRESS, required=True),
    Text("person"),
    Text("name"),
    Text("at", 40),
    Flag("receipt"),
)
BODY_LIMIT = 16 * 1024  # bytes: every field at its longest, escaped
MOST_LINES = 10_000
BATCH_LIMIT = 8 * 1024 * 1024  # bytes: 10,000 questions of the longest form


@blueprint.post("/v1/verify")
def verify() -> Response:
    read_query(request.query_string, ())
    view = identify()
    if request.mimetype != "application/json":
        raise UnsupportedBody("le corps doit être application/json")
    return _fresh(json_answer(_verdict(read_body(BODY_LIMIT), view)))


@blueprint.post("/v1/verify/batch")
def batch() -> Response:
    """One question a line, one answer a line, in order; a line that does not read is answered by its problem."""
    read_query(request.query_string, ())
    view = identify()
    lines = read_body(BATCH_LIMIT).splitlines()
    if len(lines) > MOST_LINES:
        raise LimitExceeded(f"au plus {MOST_LINES} lignes par lot", where="corps")
    body = b"".join(_answer(line, number, view) + b"\n" for number, line in enumerate(lines, 1))
    return _fresh(Response(body, content_type="application/x-ndjson"))


class UnsupportedBody(InvalidInput):
    """The body announces another type than JSON."""

    http_status = 415
    slug = "unsupported-media-type"


def _fresh(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response


def _answer(line: bytes, number: int, view: View) -> bytes:
    try:
        return _verdict(line, view)
    except AnnuaireError as error:
        where = f"ligne {number}" + (f", {error.where}" if error.where else "")
        return problem_body(error.slug, error.http_status, error.message, where)


def _verdict(body: bytes, view: View) -> bytes:
    asked = read_fields(_object(body), FIELDS)
    if asked["receipt"]:
        raise refused("receipt", "les reçus signés ne sont pas encore délivrés")
    found = ask(
        directory(),
        asked["address"],
        person=asked["person"] or None,
        name=asked["name"] or None,
        at=_instant(asked["at"]) if asked["at"] else None,
        view=view,
    )
    return orjson.dumps(found.as_dict())


def _instant(text: str) -> datetime:
    try:
        return parse_instant(text)
    except (InvalidInput, OverflowError):  # year 1 in a zone east of ours has no UTC
        raise refused("at", "une date ou un instant ISO 8601 est attendu, par exemple 2026-11-24T08:30:00Z") from None


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise InvalidInput("le corps n'est pas du JSON", where="corps") from None
    if not isinstance(value, dict):
        raise InvalidInput("un objet JSON est attendu", where="corps")
    return value
