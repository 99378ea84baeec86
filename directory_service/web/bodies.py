"""What a request brings along: its body, of the type and size that the route takes, whole or line by line."""

from __future__ import annotations

from flask import request
from gunicorn.http.errors import ParseException
from werkzeug.exceptions import BadRequest, ClientDisconnected, RequestEntityTooLarge

from directory_service.errors import InvalidInput, LimitExceeded
from directory_service.web.slow import ARRIVED, TOO_LATE

# Octets of one question, or of one mailbox: every field at its longest, escaped.  Routes that take more say so.
BODY_LIMIT = 16 * 1024
BATCH_LIMIT = 8 * 1024 * 1024  # octets: 10,000 questions of the longest form
MOST_LINES = 10_000


class UnsupportedBody(InvalidInput):
    """The body announces another type than the route takes."""

    http_status = 415
    slug = "unsupported-media-type"


class LateBody(InvalidInput):
    """Its client is too slow."""

    http_status = 408
    slug = "bad-request"


def expect_type(*types: str) -> None:
    """Raises UnsupportedBody, which names the first of them."""
    if request.mimetype not in types:
        raise UnsupportedBody(f"le corps doit être {types[0]}")


def read_body(limit: int = BODY_LIMIT) -> bytes:
    """The whole body, of ``limit`` octets at most; raises 413 beyond, also for a body that does not say its length
    (werkzeug ends such a body at the limit without a word, and a batch would lose its tail), 400 for chunks that are
    none and for a body that ends early (which werkzeug takes for whole), and 408 where we ended it."""
    request.max_content_length = limit + 1
    try:
        body = request.get_data(cache=False)
        short = len(body) < (request.content_length or 0)
    except ParseException:
        raise BadRequest from None
    except ClientDisconnected:
        body, short = b"", True
    if len(body) > limit:
        raise RequestEntityTooLarge  # the rest of it may still be on its way
    in_time = request.environ.get(ARRIVED, lambda: True)()
    if short:
        raise BadRequest if in_time else LateBody(TOO_LATE)
    return body


def lines_of(body: bytes) -> list[bytes]:
    """The lines of a batch.  Raises LimitExceeded past ``MOST_LINES``, before millions of empty ones take a hundred
    times the memory of the body."""
    lines = body.splitlines() if body.count(b"\n") + body.count(b"\r") <= 2 * MOST_LINES else None
    if lines is None or len(lines) > MOST_LINES:
        raise LimitExceeded(f"au plus {MOST_LINES} lignes par lot", where="corps")
    return lines
