"""``POST /v1/match`` and ``/v1/match/batch``: who is meant by a line of an address book, and is its address right.

One line is an object of texts (``matching.FIELDS``), in a body and not in a URL, since URLs are logged.  Answers hold
nothing but the public directory, whoever asks, and nothing of a list is kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING

import orjson
from flask import Blueprint, Response, request

from directory_service.errors import AnnuaireError, LimitExceeded, RegistryUnavailable
from directory_service.matching import check_line, describe
from directory_service.web.bodies import BATCH_LIMIT, BODY_LIMIT, expect_type, lines_of, read_body
from directory_service.web.context import directory, identify, json_answer, uncached
from directory_service.web.parameters import parse_object, read_query
from directory_service.web.problems import problem_body

if TYPE_CHECKING:
    from directory_service.index.directory import Directory

blueprint = Blueprint("match", __name__)

_GROUP = 50  # lines answered from one build: a batch must see changes, and sends what it has


@blueprint.post("/v1/match")
def match() -> Response:
    read_query(request.query_string, ())
    identify()
    expect_type("application/json")
    return uncached(json_answer(_answer(directory(), read_body())))


@blueprint.post("/v1/match/batch")
def batch() -> Response:
    """One line of JSON to each, in order, sent as they come; a line that does not read is answered by its problem."""
    read_query(request.query_string, ())
    identify()
    lines = lines_of(read_body(BATCH_LIMIT))
    directory().build()  # without an index, the answer is 503 and not ten thousand problems
    return uncached(Response(_answers(directory(), lines), content_type="application/x-ndjson"))


def _answer(asked: Directory, body: bytes) -> bytes:
    if len(body) > BODY_LIMIT:
        raise LimitExceeded(f"au plus {BODY_LIMIT} octets par ligne")
    line = describe(parse_object(body))
    with asked.held() as build:
        return orjson.dumps({"build": build.id, **check_line(asked, line).as_dict()})


def _answers(asked: Directory, lines: Sequence[bytes]) -> Iterator[bytes]:
    left = iter(enumerate(lines, 1))
    while group := list(islice(left, _GROUP)):
        try:
            with asked.held():
                yield b"".join([_line(asked, line, number) for number, line in group])
        except RegistryUnavailable as error:  # the index went away meanwhile
            yield b"".join(_problem(error, number) for number, _ in group)


def _line(asked: Directory, line: bytes, number: int) -> bytes:
    try:
        return _answer(asked, line) + b"\n"
    except AnnuaireError as error:
        return _problem(error, number)


def _problem(error: AnnuaireError, number: int) -> bytes:
    where = f"ligne {number}" + (f", {error.where}" if error.where else "")
    return problem_body(error.slug, error.http_status, error.message, where) + b"\n"
