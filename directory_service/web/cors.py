"""Which pages of other sites may ask in a browser (the Fetch standard, 3.2): those of the setting ``cors_origins``,
and only what anybody may ask.  Never with credentials: a secret has no business in a page.

``OPTIONS`` is answered here as well: 204 with ``Allow``, and what a preflight wants to know.
"""

from __future__ import annotations

from typing import Any, Final

from flask import Flask, Response, request
from flask.globals import request_ctx

from directory_service.web.openapi.route import Route, Who, description_of

ANY: Final = "*"
_AGE: Final = "7200"  # seconds that a preflight may be remembered: what Chromium keeps at most
_SENT: Final = "Content-Type, If-None-Match"
_SHOWN: Final = "ETag, RateLimit, RateLimit-Policy, Retry-After"


def allow_origins(app: Flask, origins: frozenset[str]) -> None:
    """Answers ``OPTIONS``; with any ``origins``, lets their pages read what is public."""
    views = app.view_functions
    routes = {name for name, view in views.items() if (route := description_of(view)) and _is_open(route)}

    def options() -> Response | None:
        rule = request.url_rule
        if request.method != "OPTIONS" or not getattr(rule, "provide_automatic_options", False):
            return None  # what has its own answer (CardDAV) gives it
        allowed = sorted(request_ctx.url_adapter.allowed_methods() if request_ctx.url_adapter else ())
        response = Response(status=204)
        del response.headers["Content-Type"]
        response.headers["Allow"] = ", ".join(allowed)
        if request.headers.get("Access-Control-Request-Method") and origins:
            _preflight(response, allowed)
        return response

    def _preflight(response: Response, allowed: list[str]) -> None:
        headers = response.headers
        headers["Vary"] = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"
        wanted = request.headers["Access-Control-Request-Method"]
        if _origin(origins) and wanted in allowed and _endpoint(wanted) in routes:
            headers["Access-Control-Allow-Origin"] = _origin(origins)
            headers["Access-Control-Allow-Methods"] = wanted
            headers["Access-Control-Allow-Headers"] = _SENT
            headers["Access-Control-Max-Age"] = _AGE

    def shown(response: Response) -> Response:
        if request.endpoint in routes and request.method != "OPTIONS":
            if ANY not in origins:
                response.vary.add("Origin")
            if found := _origin(origins):
                response.headers["Access-Control-Allow-Origin"] = found
                response.headers["Access-Control-Expose-Headers"] = _SHOWN
        return response

    app.before_request(options)
    if origins:
        app.after_request(shown)


def _is_open(route: Route) -> bool:
    return route.who is Who.ANYBODY and route.asks


def _origin(origins: frozenset[str]) -> str:
    """What to answer to the page that asks; empty for one that may not."""
    if ANY in origins:
        return ANY
    asking = request.headers.get("Origin", "")
    return asking if asking in origins else ""


def _endpoint(method: str) -> str:
    """The route that this address has for a method."""
    adapter: Any = request_ctx.url_adapter
    rule, _ = adapter.match(method=method)
    return str(rule)
