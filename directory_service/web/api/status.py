"""``GET /v1/status``: which build answers, how old each source is, how much each branch holds."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
from flask import Blueprint, Response, request

from directory_service.index.freshness import age_of, published_age, published_at, silent_sources, source_age
from directory_service.model.rhythms import Silence
from directory_service.registry.clock import format_instant
from directory_service.web.context import directory, json_answer, rhythms
from directory_service.web.parameters import read_query

blueprint = Blueprint("status", __name__)


@blueprint.get("/v1/status")
def status() -> Response:
    read_query(request.query_string, ())
    build, now = directory().build(), datetime.now(UTC)
    silent = {s.source: s for s in silent_sources(build, rhythms(), now)}
    body = {
        "build": build.id,
        "built_at": build.built_at,
        "at": format_instant(now),
        "age_seconds": age_of(build.built_at, now),
        "counts": build.counts,
        "sources": [_aged(source, now) | {"silent": source["name"] in silent} for source in build.sources],
        "anomalies": [_anomaly(silence) for silence in silent.values()],
        "white_list": directory().has_white_list(),
    }
    response = json_answer(orjson.dumps(body))
    response.headers["Cache-Control"] = "no-store"
    return response


def _aged(source: dict[str, Any], now: datetime) -> dict[str, Any]:
    ages = {"age_seconds": source_age(source, now), "published_age_seconds": published_age(source, now)}
    return {**source, "published": published_at(source), "rhythm_hours": rhythms().of(source["name"]), **ages}


def _anomaly(silence: Silence) -> dict[str, Any]:
    found = {"kind": "silent_source", "source": silence.source, "since": silence.published}
    return {**found, "hours": silence.hours, "rhythm_hours": silence.rhythm}
