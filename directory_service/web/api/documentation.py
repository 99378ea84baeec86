"""``/openapi.json``: what the API is, for programs; ``/docs``: the same for people, in plain HTML.

Both are made once, from the routes of the application that serves them; they hold no data.
"""

from __future__ import annotations

import re
from importlib.resources import files

import orjson
from flask import Blueprint, Flask, Response, render_template, request
from markupsafe import Markup, escape

from directory_service.web.context import cached_text, services
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
    return cached_text(services().openapi, "application/json")


@blueprint.get("/docs")
def docs() -> Response:
    read_query(request.query_string, ())
    response = cached_text(services().docs, "text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = _STRICT
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


@blueprint.get("/docs/style.css")
def style() -> Response:
    return cached_text(_STYLE, "text/css; charset=utf-8")


def written(app: Flask) -> tuple[bytes, bytes]:
    """The document and the page of this application."""
    made = document(app.url_map.iter_rules(), app.view_functions)
    with app.app_context():
        page = render_template("api.html", document=made, operations=operations(made), schemas=schemas(made))
    return orjson.dumps(made), page.encode()


@blueprint.app_template_filter("code")
def _code(text: str) -> Markup:
    """What stands between backquotes, as code."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped
