"""``POST /v1/verify`` and ``/v1/verify/batch``: is this address really this person's?  ``GET /v1/verify/range/…``: the
same of an address that is not said.  ``GET /.well-known/jwks.json``: what receipts are checked with.

Questions come in a body and not in a URL, since URLs are logged by every proxy on the way.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import orjson
from flask import Blueprint, Response, request

from directory_service.errors import InvalidInput, NotFound
from directory_service.index.query import View
from directory_service.index.ranges import DIGITS
from directory_service.trust.ranges import verdicts_in
from directory_service.web.asking import Asker
from directory_service.web.context import (
    cached,
    directory,
    identify,
    identify_caller,
    json_answer,
    lines_of,
    patient_domain,
    read_body,
    receipts,
)
from directory_service.web.parameters import read_query

blueprint = Blueprint("verify", __name__)

BODY_LIMIT = 16 * 1024  # bytes: every field at its longest, escaped
MOST_LINES = 10_000
BATCH_LIMIT = 8 * 1024 * 1024  # bytes: 10,000 questions of the longest form
JWKS_AGE = 300  # seconds that a set of keys may be kept: who meets an unknown key asks again
_RANGE = re.compile(rf"[0-9a-f]{{{DIGITS}}}", re.ASCII)


@blueprint.post("/v1/verify")
def verify() -> Response:
    read_query(request.query_string, ())
    asker = _asker()
    if request.mimetype != "application/json":
        raise UnsupportedBody("le corps doit être application/json")
    return _fresh(json_answer(asker.answer(read_body(BODY_LIMIT))))


@blueprint.post("/v1/verify/batch")
def batch() -> Response:
    """One question a line, one answer a line, in order, sent as they come."""
    read_query(request.query_string, ())
    asker = _asker()
    lines = lines_of(read_body(BATCH_LIMIT), MOST_LINES)
    directory().build()  # without an index, the answer is 503 and not ten thousand problems
    return _fresh(Response(asker.answers(lines), content_type="application/x-ndjson"))


@blueprint.get("/v1/verify/range/<start>")
def in_range(start: str) -> Response:
    """The same answer for everybody: it holds nothing but the public directory."""
    read_query(request.query_string, ())
    identify()
    wanted = start.lower()
    if not _RANGE.fullmatch(wanted):
        raise InvalidInput(f"les {DIGITS} premiers chiffres hexadécimaux d'une empreinte SHA-256 sont attendus")

    def answer() -> Iterable[bytes]:
        build, found = verdicts_in(directory(), wanted)
        yield orjson.dumps({"build": build, "range": wanted, "verdicts": found})

    return cached(View.ANONYMOUS, answer)


@blueprint.get("/.well-known/jwks.json")
def jwks() -> Response:
    """RFC 7517: public halves of every key that ever signed here, or is about to."""
    held = receipts()
    if held is None:
        raise NotFound("ce service n'a pas de clé de signature")
    body = orjson.dumps(held.keys.ring().jwks())
    response = Response(body, content_type="application/jwk-set+json")
    response.headers["Cache-Control"] = f"public, max-age={JWKS_AGE}"
    return response


class UnsupportedBody(InvalidInput):
    """The body announces another type than JSON."""

    http_status = 415
    slug = "unsupported-media-type"


def _asker() -> Asker:
    return Asker(directory(), identify_caller(), patient_domain(), receipts())


def _fresh(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response
