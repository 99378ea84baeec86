"""Answers to requests that never reach the application: to those that do not read, and those that are not waited for.

They are problems like any other.
"""

from __future__ import annotations

from typing import Final

from flask import Response

from directory_service.web.problems import MIMETYPE
from directory_service.web.problemtypes import PROBLEMS, problem_body
from directory_service.web.slow import TOO_LATE

_LATE: Final = {
    408: ("bad-request", TOO_LATE),
    503: ("unavailable", "trop de corps arrivent à la fois : réessayez après `Retry-After`"),
}


def refusal(status: int) -> bytes:
    """The octets of the answer."""
    told = _problem(status)
    return f"HTTP/1.1 {told.status}\r\n{told.headers}".encode() + told.get_data()


def _problem(status: int) -> Response:
    slug, text = _LATE.get(status) or ("bad-request" if status < 500 else "internal", "")
    told = Response(problem_body(slug, status, text or PROBLEMS[slug][1]), status, content_type=MIMETYPE)
    told.headers["Connection"] = "close"
    if status == 503:
        told.headers["Retry-After"] = "5"
    return told
