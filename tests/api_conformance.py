"""Every answer that a test gets is what the description of its route says: status, type, members.

An observer of the application (Flask's signal ``request_finished``), not a mock: tests ask what they ask, and what is
answered to them is held against the document, with no member allowed that it does not describe.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import orjson
from flask import Flask, Response, request, request_finished
from jsonschema import Draft202012Validator, FormatChecker

from directory_service.web.api.documentation import openapi_of
from directory_service.web.openapi.document import SCHEMAS, path_of
from directory_service.web.openapi.terms import closed


@contextmanager
def conforming() -> Iterator[list[str]]:
    """What was answered otherwise than described, route by route."""
    found: list[str] = []

    def look(app: Flask, response: Response, **_: Any) -> None:
        if request.url_rule is not None and request.method in _METHODS:
            found.extend(faults(_read(openapi_of(app)), response))

    request_finished.connect(look)
    try:
        yield found
    finally:
        request_finished.disconnect(look)


_METHODS = {"GET": "get", "PUT": "put", "POST": "post", "PATCH": "patch", "DELETE": "delete"}


def faults(document: dict[str, Any], response: Response) -> list[str]:
    """Of the answer to the request under way."""
    assert request.url_rule
    name = f"{request.method} {path_of(request.url_rule.rule)} {response.status_code}"
    told = document["paths"].get(path_of(request.url_rule.rule), {}).get(_METHODS[request.method])
    if told is None:
        return []
    said = told["responses"].get(str(response.status_code))
    if said is None:
        return [f"{name} : code non décrit"]
    said = document["components"]["responses"][said["$ref"].rpartition("/")[2]] if "$ref" in said else said
    content = said.get("content", {})
    if not content or response.status_code == 304:
        return []
    if response.mimetype not in content:
        return [f"{name} : {response.mimetype} non décrit"]
    told = content[response.mimetype]
    lines = "x-itemSchema" in told
    if response.is_streamed or not (lines or response.mimetype.endswith("json")):
        return []
    check = _validator(orjson.dumps(told["x-itemSchema" if lines else "schema"]))
    body = gzip.decompress(response.data) if response.content_encoding == "gzip" else response.data
    found = [orjson.loads(line) for line in (body.splitlines() if lines else [body])]
    errors = (error for one in found for error in check.iter_errors(one))
    return [f"{name} : {error.json_path} : {error.message[:300]}" for error in errors]


@cache
def _read(openapi: bytes) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(openapi)
    return found


@cache
def _validator(schema: bytes) -> Draft202012Validator:
    whole = {"allOf": [orjson.loads(schema)], "components": {"schemas": closed(SCHEMAS)}}
    return Draft202012Validator(whole, format_checker=FormatChecker())
