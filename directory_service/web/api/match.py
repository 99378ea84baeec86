"""``POST /v1/match`` and ``/v1/match/batch``: who is meant by a line of an address book, and is its address right.

One line is an object of texts (``matching.FIELDS``), in a body and not in a URL, since URLs are logged.  Answers hold
nothing but the public directory, whoever asks, and nothing of a list is kept.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

import orjson
from flask import Blueprint, Response, request

from directory_service.errors import LimitExceeded
from directory_service.matching import check_line
from directory_service.matching import describe as described
from directory_service.web.answers import json_answer, uncached
from directory_service.web.batches import answered
from directory_service.web.bodies import BATCH_LIMIT, BODY_LIMIT, expect_type, lines_of, read_body
from directory_service.web.context import directory, identify, patient_domain
from directory_service.web.limiting import Counting, numbered, purse, spending, take_lines
from directory_service.web.openapi.matching import DESCRIPTION
from directory_service.web.openapi.route import JSON, LINES, Body, Rate, Route, describe, ok
from directory_service.web.openapi.terms import ref
from directory_service.web.parameters import parse_object, read_query

if TYPE_CHECKING:
    from directory_service.index.directory import Directory

blueprint = Blueprint("match", __name__)

_GROUP = 50  # lines answered from one build


@blueprint.post("/v1/match")
@describe(Route(
    "Qui désigne cette ligne d'un carnet d'adresses, et son adresse est-elle juste ?", "Rapprochement",
    ok("L'état de l'adresse, et les personnes qui peuvent être désignées", ref("Line")),
    body=Body({JSON: DESCRIPTION}), problems=("unsupported-media-type", "limit-exceeded", "budget-spent"),
    rate=Rate.VERIFY,
))  # fmt: skip
def match() -> Response:
    read_query(request.query_string, ())
    identify()
    expect_type("application/json")
    return uncached(json_answer(_answer(directory(), read_body(), spending(), patient_domain())))


@blueprint.post("/v1/match/batch")
@describe(Route(
    "Nettoie un carnet d'adresses, une ligne par ligne", "Rapprochement",
    ok("Une réponse ou un problème par ligne, dans l'ordre", ref("LineAnswer"), LINES),
    body=Body({LINES: DESCRIPTION, JSON: None, "text/plain": None}, "10 000 lignes et 8 Mio au plus", False),
    problems=("limit-exceeded", "budget-spent"), rate=Rate.BATCH,
))  # fmt: skip
def batch() -> Response:
    """One line of JSON to each, in order, sent as they come; a line that does not read is answered by its problem."""
    read_query(request.query_string, ())
    identify()
    lines = lines_of(read_body(BATCH_LIMIT))
    part = take_lines(len(lines))
    directory().build()  # without an index, the answer is 503 and not ten thousand problems
    spending()
    answers = answered(directory(), lines, _answering(directory(), purse(), part, patient_domain()), _GROUP)
    return uncached(Response(answers, content_type="application/x-ndjson"))


def _answering(
    asked: Directory, spend: Callable[[], Counting], part: Callable[[], AbstractContextManager[None]], patients: str
) -> Callable[[bytes], bytes]:
    """Lines after the budget was spent, or that came too fast, are answered by that problem."""

    def answer(body: bytes) -> bytes:
        with part():
            return _answer(asked, body, spend(), patients)

    return answer


def _answer(asked: Directory, body: bytes, count: Counting, patients: str) -> bytes:
    if len(body) > BODY_LIMIT:
        raise LimitExceeded(f"au plus {BODY_LIMIT} octets par ligne")
    line = described(parse_object(body))
    with asked.held() as build:
        found = check_line(asked, line, patients)
    count(numbered(found.told))
    return orjson.dumps({"build": build.id, **found.as_dict()})
