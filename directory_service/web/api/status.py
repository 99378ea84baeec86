"""``GET /v1/status``: which build answers, how old each source is, how much each branch holds, how well records were
matched; what is not as it should be, and to operators how the mailboxes of each fare.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
from flask import Blueprint, Response, request

from directory_service.index.freshness import age_of, published_age, published_at, silent_sources, source_age
from directory_service.index.query import View
from directory_service.model.anomalies import MOST, Limits, anomalies
from directory_service.model.quality import figures
from directory_service.model.rhythms import Silence
from directory_service.registry.clock import format_instant
from directory_service.web.answers import json_answer, uncached
from directory_service.web.context import directory, identify, rhythms, settings
from directory_service.web.openapi.route import Route, describe, ok
from directory_service.web.openapi.terms import ref
from directory_service.web.parameters import read_query

blueprint = Blueprint("status", __name__)


@blueprint.get("/v1/status")
@describe(Route(
    "L'état de l'annuaire : fraîcheur de chaque source, anomalies, qualité", "Service",
    ok("L'état", ref("Status")),
))  # fmt: skip
def status() -> Response:
    read_query(request.query_string, ())
    view = identify()
    with directory().held() as build:
        states, white_list = directory().operator_states(), directory().has_white_list()
    now = datetime.now(UTC)
    unusual = anomalies(states, now, _limits())
    silent = {s.source: s for s in silent_sources(build, rhythms(), now)}
    body = {
        "build": build.id,
        "built_at": build.built_at,
        "at": format_instant(now),
        "age_seconds": age_of(build.built_at, now),
        "counts": build.counts,
        "sources": [_aged(source, now) | {"silent": source["name"] in silent} for source in build.sources],
        "anomalies": [*map(_anomaly, silent.values()), *unusual[:MOST]],
        "anomalies_total": len(silent) + len(unusual),
        "white_list": white_list,
        "quality": {"matching": figures()},
    }
    if view >= View.OPERATOR:
        body["operators"] = [_operator(state, unusual, now) for state in states]
    return uncached(json_answer(orjson.dumps(body)))


def _aged(source: dict[str, Any], now: datetime) -> dict[str, Any]:
    ages = {"age_seconds": source_age(source, now), "published_age_seconds": published_age(source, now)}
    return {**source, "published": published_at(source), "rhythm_hours": rhythms().of(source["name"]), **ages}


def _limits() -> Limits:
    known = settings()
    return known.anomaly_limits if known else Limits()


def _operator(state: dict[str, Any], unusual: list[dict[str, Any]], now: datetime) -> dict[str, Any]:
    """How the mailboxes of one operator fare, and what kinds of anomaly are told of it; null: those of domains that
    none holds."""
    name = state["operator"] or None
    kinds = list(dict.fromkeys(a["kind"] for a in unusual if a["operator"] == name))
    shown = {name: state[name] for name in ("domains", "mailboxes", "last_change")}
    age = {"age_seconds": age_of(state["last_change"], now), "rhythm_days": state["rhythm"]}
    return {"operator": name, **shown, **age, "anomalies": kinds}


def _anomaly(silence: Silence) -> dict[str, Any]:
    found = {"kind": "silent_source", "source": silence.source, "since": silence.published}
    return {**found, "hours": silence.hours, "rhythm_hours": silence.rhythm}
