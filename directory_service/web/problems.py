"""Errors as RFC 9457 problem details: one JSON shape for every failure of the HTTP face, Flask's own included.

No problem repeats what was asked: neither the query, nor the path, nor a name.  What went wrong inside is logged as
types and lines of code only, under the incident number that the caller receives, since the message of an exception
may hold the text of a query.
"""

from __future__ import annotations

import logging
import traceback
import uuid

from flask import Flask, Response
from werkzeug.exceptions import HTTPException

from directory_service.errors import AnnuaireError, NotFound, TooManyRequests, damaged
from directory_service.web.openapi.route import Place, Rate, Route, describe, ok
from directory_service.web.problemtypes import PROBLEMS, problem_body

MIMETYPE = "application/problem+json"
log = logging.getLogger("annuaire.http")
_OF_STATUS = {
    404: "not-found",
    405: "method-not-allowed",
    408: "bad-request",
    413: "too-large",
    415: "unsupported-media-type",
    416: "range-not-satisfiable",
}


def problem(
    slug: str, status: int, detail: str, where: str | None = None, suggestions: tuple[str, ...] = ()
) -> Response:
    return problem_response(problem_body(slug, status, detail, where, _build(), suggestions), status)


def problem_response(body: bytes, status: int) -> Response:
    """No cache keeps it: by itself one may keep a 404 or a 414 (RFC 9110 15.1)."""
    response = Response(body, status, content_type=MIMETYPE)
    response.headers["Cache-Control"] = "no-store"
    return response


def statuses() -> dict[str, int]:
    """The status that each problem comes with, by its slug."""
    found, left = {slug: status for status, slug in _OF_STATUS.items()} | {"bad-request": 400}, [AnnuaireError]
    while left:
        error = left.pop()
        found.setdefault(error.slug, error.http_status)
        left += error.__subclasses__()
    return found


def from_error(error: AnnuaireError) -> Response:
    suggestions = error.suggestions if isinstance(error, NotFound) else ()
    response = problem(error.slug, error.http_status, error.message, error.where, suggestions)
    if isinstance(error, TooManyRequests):
        response.headers["Retry-After"] = str(error.retry_after)
    if error.http_status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="annuaire"'
    if error.http_status == 503 or error.slug == "key-in-use":
        response.headers["Retry-After"] = "5"
    if error.http_status >= 500:
        log.error("réponse %d : %s", error.http_status, _frames(error))
    return response


def from_http(error: HTTPException) -> Response:
    """Flask's and werkzeug's own errors; their descriptions may quote the request, ours do not."""
    status = error.code or 500
    slug = _OF_STATUS.get(status, "bad-request" if status < 500 else "internal")
    response = problem(slug, status, PROBLEMS[slug][1])
    for name, value in error.get_headers():
        if name in ("Allow", "Content-Range", "Retry-After"):
            response.headers[name] = value
    return response


def from_fault(error: Exception) -> Response:
    if unreadable := damaged(error):
        return from_error(unreadable.with_traceback(error.__traceback__))
    incident = uuid.uuid4().hex[:12]
    log.error("incident %s : %s", incident, _frames(error))
    return problem("internal", 500, f"Incident {incident}.")


def register(app: Flask) -> None:
    """Every exception becomes a problem, and every problem type has its page."""
    app.register_error_handler(AnnuaireError, from_error)
    app.register_error_handler(HTTPException, from_http)
    app.register_error_handler(Exception, from_fault)
    app.add_url_rule("/problems/<slug>", "problem_page", problem_page, methods=["GET"])


@describe(Route(
    "Ce que veut dire un problème", "Service", ok("Du texte", None, "text/plain"),
    path=(Place("slug", "La fin d'un `type`", example="invalid-input"),), problems=("not-found",), rate=Rate.FREE,
))  # fmt: skip
def problem_page(slug: str) -> Response:
    """What a problem ``type`` leads to, for the person who follows it."""
    if slug not in PROBLEMS:
        return problem("not-found", 404, "aucun problème ne porte ce nom")
    title, text = PROBLEMS[slug]
    return Response(f"{title}\n\n{text}\n", content_type="text/plain; charset=utf-8")


def _frames(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f"{type(error).__name__} " + " < ".join(f"{f.filename}:{f.lineno} {f.name}" for f in reversed(frames))


def _build() -> str:
    """The build in force, or nothing while there is none: a problem is told all the same."""
    from directory_service.web.context import directory

    try:
        return str(directory().build().id)
    except Exception:
        return ""
