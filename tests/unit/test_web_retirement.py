"""A route that is to go says so in its answers and in the document."""

from __future__ import annotations

from datetime import date

from flask import Flask

from directory_service.web.openapi.document import document
from directory_service.web.openapi.route import Retired, Route, describe, ok
from directory_service.web.openapi.terms import TEXT
from directory_service.web.retirement import announce


def test_a_route_that_is_to_go_says_so_and_others_do_not() -> None:
    app = Flask("retired")
    retired = Retired(date(2026, 12, 1), date(2027, 12, 1), "/v2/old")

    @app.get("/v1/old")
    @describe(Route("Une route", "Service", ok("Oui", TEXT), retired=retired))
    def old() -> str:
        return "old"

    @app.get("/v1/new")
    @describe(Route("Une autre", "Service", ok("Oui", TEXT)))
    def new() -> str:
        return "new"

    announce(app)
    told = app.test_client().get("/v1/old").headers
    assert told["Deprecation"] == "@1796083200"  # RFC 9745 2
    assert told["Sunset"] == "Wed, 01 Dec 2027 00:00:00 GMT"  # RFC 8594 3
    assert told["Link"] == '</v2/old>; rel="successor-version"'
    assert "Deprecation" not in app.test_client().get("/v1/new").headers
    paths = document(app.url_map.iter_rules(), app.view_functions)["paths"]
    assert paths["/v1/old"]["get"]["deprecated"] and "deprecated" not in paths["/v1/new"]["get"]
