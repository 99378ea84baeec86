"""Answers to requests that never reach the application: to those that do not read, and those that are not waited for.

They are problems like any other, and stand in the access log and in ``/metrics`` like any other, as far as it is known
who asked what.
"""

from __future__ import annotations

from typing import Any, Final

from flask import Flask, Response
from gunicorn.util import unquote_to_wsgi_str

from directory_service.web.operations import account
from directory_service.web.problems import problem_response
from directory_service.web.problemtypes import PROBLEMS, problem_body
from directory_service.web.slow import TOO_LATE

_LATE: Final = {
    408: ("bad-request", TOO_LATE),
    414: ("bad-request", "L'URL est trop longue."),
    431: ("bad-request", "Les en-têtes sont trop longs, ou trop nombreux."),
    503: ("unavailable", "trop de corps arrivent à la fois : réessayez après `Retry-After`"),
}


class Refusals:
    """Of one worker, whose threads share it."""

    def __init__(self, application: Flask) -> None:
        self._application = application

    def answer(self, status: int, address: str, request: Any) -> bytes:
        """Its octets, once it is counted and logged.  ``address`` is that of the connection; ``request`` gunicorn's,
        None where it could not be read."""
        told = _problem(status)
        account(self._application, _environ(address, request), told)
        return f"HTTP/1.1 {told.status}\r\n{told.headers}".encode() + told.get_data()


def _problem(status: int) -> Response:
    slug, text = _LATE.get(status) or ("bad-request" if status < 500 else "internal", "")
    told = problem_response(problem_body(slug, status, text or PROBLEMS[slug][1]), status)
    told.headers["Connection"] = "close"
    told.headers["X-Content-Type-Options"] = "nosniff"
    if status == 503:
        told.headers["Retry-After"] = "5"
    return told


def _environ(address: str, request: Any) -> dict[str, Any]:
    """What tells who asked what.  gunicorn's own, when made, asks for the body of whoever expects to be asked."""
    environ = {"REMOTE_ADDR": address, "SERVER_NAME": "", "SERVER_PORT": "", "wsgi.url_scheme": "http"}
    if request is None:
        return environ | {"REQUEST_METHOD": "", "PATH_INFO": ""}  # no method of any route
    passed = ",".join(value for name, value in request.headers if name == "X-FORWARDED-FOR")
    path = unquote_to_wsgi_str(request.path)
    return environ | {"REQUEST_METHOD": request.method, "PATH_INFO": path, "HTTP_X_FORWARDED_FOR": passed}
