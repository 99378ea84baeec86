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
from directory_service.web.answers import cached, json_answer, uncached
from directory_service.web.asking import FIELDS, Asker
from directory_service.web.bodies import BATCH_LIMIT, expect_type, lines_of, read_body
from directory_service.web.context import directory, identify, identify_caller, patient_domain, receipts
from directory_service.web.openapi.route import JSON, LINES, Body, Place, Rate, Route, describe, ok
from directory_service.web.openapi.terms import ref
from directory_service.web.parameters import body_schema, read_query

blueprint = Blueprint("verify", __name__)

JWKS_AGE = 300  # seconds that a set of keys may be kept: who meets an unknown key asks again
_RANGE = re.compile(rf"[0-9a-f]{{{DIGITS}}}", re.ASCII)


@blueprint.post("/v1/verify")
@describe(Route(
    "Cette adresse est-elle vraiment celle de cette personne ?", "Vérification",
    ok("Le verdict et ses raisons", ref("Verdict")), "La réponse à une question bien formée est toujours 200.",
    body=Body({JSON: body_schema(FIELDS)}), problems=("unsupported-media-type", "limit-exceeded"), rate=Rate.VERIFY,
))  # fmt: skip
def verify() -> Response:
    read_query(request.query_string, ())
    asker = _asker()
    expect_type("application/json")
    return uncached(json_answer(asker.answer(read_body())))


@blueprint.post("/v1/verify/batch")
@describe(Route(
    "Vérifie des adresses par milliers, une question par ligne", "Vérification",
    ok("Un verdict ou un problème par ligne, dans l'ordre", ref("VerdictLine"), LINES),
    body=Body({LINES: body_schema(FIELDS), JSON: None, "text/plain": None}, "10 000 lignes et 8 Mio au plus", False),
    problems=("limit-exceeded",), rate=Rate.BATCH,
))  # fmt: skip
def batch() -> Response:
    """One question a line, one answer a line, in order, sent as they come."""
    read_query(request.query_string, ())
    asker = _asker()
    lines = lines_of(read_body(BATCH_LIMIT))
    directory().build()  # without an index, the answer is 503 and not ten thousand problems
    return uncached(Response(asker.answers(lines), content_type="application/x-ndjson"))


@blueprint.get("/v1/verify/range/<start>")
@describe(Route(
    "Vérifie une adresse sans la dire, par le début de son empreinte", "Vérification",
    ok("Les verdicts des empreintes qui commencent ainsi", ref("Range")),
    path=(Place("start", f"Les {DIGITS} premiers chiffres hexadécimaux du SHA-256 de l'adresse en minuscules",
                {"type": "string", "pattern": f"^[0-9a-fA-F]{{{DIGITS}}}$"}),),
    rate=Rate.VERIFY, cached=True,
))  # fmt: skip
def in_range(start: str) -> Response:
    """The same answer for everybody: it holds nothing but the public directory."""
    read_query(request.query_string, ())
    identify()
    wanted = start.lower()
    if not _RANGE.fullmatch(wanted):
        detail = f"les {DIGITS} premiers chiffres hexadécimaux d'une empreinte SHA-256 sont attendus"
        raise InvalidInput(detail, where="paramètre start")

    def answer() -> Iterable[bytes]:
        build, found = verdicts_in(directory(), wanted, patient_domain())
        yield orjson.dumps({"build": build, "range": wanted, "verdicts": found})

    return cached(View.ANONYMOUS, answer)


@blueprint.get("/.well-known/jwks.json")
@describe(Route(
    "Les clés publiques qui vérifient reçus, têtes et exports", "Vérification",
    ok("RFC 7517", ref("KeySet"), "application/jwk-set+json"), problems=("not-found",), rate=Rate.FREE,
))  # fmt: skip
def jwks() -> Response:
    """RFC 7517: public halves of every key that ever signed here, or is about to."""
    held = receipts()
    if held is None:
        raise NotFound("ce service n'a pas de clé de signature")
    body = orjson.dumps(held.keys.ring().jwks())
    response = Response(body, content_type="application/jwk-set+json")
    response.headers["Cache-Control"] = f"public, max-age={JWKS_AGE}"
    return response


def _asker() -> Asker:
    return Asker(directory(), identify_caller(), patient_domain(), receipts())
