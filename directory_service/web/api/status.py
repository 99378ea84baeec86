"""``GET /v1/status``: which build answers, how old each source is, how much each branch holds, how well records were
matched.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
from flask import Blueprint, Response, request

from directory_service.index.freshness import age_of, source_age
from directory_service.model.quality import figures
from directory_service.registry.clock import format_instant
from directory_service.web.context import directory, json_answer
from directory_service.web.parameters import read_query

blueprint = Blueprint("status", __name__)


@blueprint.get("/v1/status")
def status() -> Response:
    read_query(request.query_string, ())
    build, now = directory().build(), datetime.now(UTC)
    body = {
        "build": build.id,
        "built_at": build.built_at,
        "at": format_instant(now),
        "age_seconds": age_of(build.built_at, now),
        "counts": build.counts,
        "sources": [_aged(source, now) for source in build.sources],
        "white_list": directory().has_white_list(),
        "quality": {"matching": figures()},
    }
    response = json_answer(orjson.dumps(body))
    response.headers["Cache-Control"] = "no-store"
    return response


def _aged(source: dict[str, Any], now: datetime) -> dict[str, Any]:
    return {**source, "age_seconds": source_age(source, now)}
