"""``/openapi.json``: what the API is, for programs; ``/docs``: the same for people, in plain HTML.

Both are made once, when somebody first asks, from the routes of the application that serves them; they hold no data.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from importlib.resources import files
from typing import Any

import orjson
from flask import Blueprint, Flask, Response, current_app, render_template, request
from markupsafe import Markup, escape

from directory_service.web.answers import cached_text, takes_gzip
from directory_service.web.openapi.document import document
from directory_service.web.openapi.page import operations, schemas
from directory_service.web.parameters import read_query

blueprint = Blueprint("documentation", __name__, template_folder="../templates")
_CODE = re.compile(r"`([^`]+)`")
_STRICT = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_STYLE = files("directory_service.web").joinpath("static/api.css").read_bytes()


@blueprint.get("/openapi.json")
def openapi() -> Response:
    read_query(request.query_string, ())
    return _packed("annuaire.openapi", openapi_of(current_app), "application/json")


@blueprint.get("/docs", strict_slashes=False)
def docs() -> Response:
    read_query(request.query_string, ())
    response = _packed("annuaire.docs", _page_of(current_app), "text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = _STRICT
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


@blueprint.get("/docs/style.css")
def style() -> Response:
    return cached_text(_STYLE, "text/css; charset=utf-8")


def _packed(name: str, body: bytes, kind: str) -> Response:
    """Both are long (over 100 kB) and pack to a tenth, which is made once."""
    packed = takes_gzip()
    sent = _once(current_app, f"{name}.gz", lambda: gzip.compress(body, 9, mtime=0)) if packed else body
    response = cached_text(sent, kind)  # each of the two has its own entity tag
    response.headers["Vary"] = "Accept-Encoding"
    if packed and response.status_code == 200:
        response.headers["Content-Encoding"] = "gzip"
    return response


def openapi_of(app: Flask) -> bytes:
    """The document of this application."""
    return _once(app, "annuaire.openapi", lambda: orjson.dumps(_document(app)))


def _page_of(app: Flask) -> bytes:
    return _once(app, "annuaire.docs", lambda: _page(_document(app)).encode())


def _once(app: Flask, name: str, make: Callable[[], bytes]) -> bytes:
    """Two threads that are the first make the same."""
    kept: bytes | None = app.extensions.get(name)
    if kept is None:
        kept = app.extensions[name] = make()
    return kept


def _document(app: Flask) -> dict[str, Any]:
    return document(app.url_map.iter_rules(), app.view_functions)


def _page(made: dict[str, Any]) -> str:
    known = {"operations": operations(made), "schemas": schemas(made), "portal": "portal" in current_app.blueprints}
    return render_template("api.html", document=made, **known)


@blueprint.app_template_filter("code")
def _code(text: str) -> Markup:
    """What stands between backquotes, as code."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped
