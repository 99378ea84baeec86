"""``POST /v1/match`` and ``/v1/match/batch``: who is meant by a line of an address book, and is its address right.

One line is an object of texts (``matching.FIELDS``), in a body and not in a URL, since URLs are logged.  Answers hold
nothing but the public directory, whoever asks, and nothing of a list is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING

import orjson
from flask import Blueprint, Response, request

from directory_service.errors import LimitExceeded
from directory_service.matching import check_line, describe
from directory_service.web.batches import answered
from directory_service.web.bodies import BATCH_LIMIT, BODY_LIMIT, expect_type, lines_of, read_body
from directory_service.web.context import directory, identify, json_answer, uncached
from directory_service.web.limiting import counted, entry_of, spending, take_lines
from directory_service.web.openapi.route import Rate
from directory_service.web.parameters import parse_object, read_query

if TYPE_CHECKING:
    from directory_service.index.directory import Directory

blueprint = Blueprint("match", __name__)

_GROUP = 50  # lines answered from one build


@blueprint.post("/v1/match")
@counted(Rate.VERIFY)
def match() -> Response:
    read_query(request.query_string, ())
    identify()
    expect_type("application/json")
    return uncached(json_answer(_answer(directory(), spending(), read_body())))


@blueprint.post("/v1/match/batch")
@counted(Rate.BATCH)
def batch() -> Response:
    """One line of JSON to each, in order, sent as they come; a line that does not read is answered by its problem."""
    read_query(request.query_string, ())
    identify()
    lines = lines_of(read_body(BATCH_LIMIT))
    take_lines(len(lines))
    directory().build()  # without an index, the answer is 503 and not ten thousand problems
    answers = answered(directory(), lines, partial(_answer, directory(), spending()), _GROUP)
    return uncached(Response(answers, content_type="application/x-ndjson"))


def _answer(asked: Directory, count: Callable[[Iterable[int]], None], body: bytes) -> bytes:
    if len(body) > BODY_LIMIT:
        raise LimitExceeded(f"au plus {BODY_LIMIT} octets par ligne")
    line = describe(parse_object(body))
    with asked.held() as build:
        found = check_line(asked, line)
        count([entry_of(c.id) for c in found.candidates])
        return orjson.dumps({"build": build.id, **found.as_dict()})
