"""``GET /v1/operators``, ``/v1/operators/{name}``, ``/v1/domains/{domain}``: the trusted space, which is public.

Contacts name people: operators see them, nobody else does.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson
from flask import Blueprint, Response, request

from directory_service.web.context import cached, directory, identify, settled, with_items, with_record
from directory_service.web.parameters import clean_text, read_query

blueprint = Blueprint("operators", __name__)


@blueprint.get("/v1/operators")
def operators() -> Response:
    """All of them, by name, each with the number of its domains."""
    read_query(request.query_string, ())
    view = identify()

    def answer() -> Iterable[bytes]:
        build, found = settled(lambda: directory().operator_records(view))
        return with_items(build, (orjson.dumps(_brief(record)) for record in found))

    return cached(view, answer)


@blueprint.get("/v1/operators/<name>")
def operator(name: str) -> Response:
    read_query(request.query_string, ())
    view = identify()
    asked = clean_text(name, "name").lower()

    def answer() -> Iterable[bytes]:
        build, found = settled(lambda: directory().operator_record(asked, view))
        return with_record(build, orjson.dumps(found))

    return cached(view, answer)


@blueprint.get("/v1/domains/<domain>")
def domain(domain: str) -> Response:
    read_query(request.query_string, ())
    view = identify()
    asked = clean_text(domain, "domain", 253).lower()

    def answer() -> Iterable[bytes]:
        build, found = settled(lambda: directory().domain_record(asked))
        return with_record(build, orjson.dumps(found))

    return cached(view, answer)


def _brief(record: dict[str, Any]) -> dict[str, Any]:
    held = {d["name"] for d in record["domains"] if d["until"] is None}
    shown = ("name", "label", "structure", "status", "since")
    return {**{name: record[name] for name in shown}, "domains": len(held)}
