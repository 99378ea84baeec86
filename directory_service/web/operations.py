"""What those who run the service ask: is it alive, can it answer, how much and how fast.

Metrics carry the route's template, the method and the status, never a path or a query.  With several worker
processes, ``web.server`` sets PROMETHEUS_MULTIPROC_DIR before this module is imported, and ``/metrics`` adds them up.
"""

from __future__ import annotations

import os
import time

from flask import Blueprint, Flask, Response, g, request
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from directory_service.web.context import directory, json_answer

blueprint = Blueprint("operations", __name__)

# Around the promises of the performance page: 20 ms for a suggestion, 5 s for any search.
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0, 5.0)
_LABELS = ("route", "method", "status")
REQUESTS = Counter("annuaire_http_requests_total", "Requests answered.", _LABELS)
LATENCY = Histogram("annuaire_http_request_seconds", "Time to write an answer.", ("route",), buckets=_BUCKETS)

# Finding a labelled child takes a lock and builds a tuple of texts: done once per (route, method, status).
_children: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}


@blueprint.get("/healthz")
def healthz() -> Response:
    """The process answers; says nothing of what it could answer."""
    return json_answer(b'{"status":"ok"}')


@blueprint.get("/readyz")
def readyz() -> Response:
    """The index is open and read; 503 otherwise, as a problem."""
    build = directory().build()
    return json_answer(b'{"status":"ready","build":"' + build.id.encode() + b'"}')


@blueprint.get("/metrics")
def metrics() -> Response:
    return Response(generate_latest(_registry()), content_type=CONTENT_TYPE_LATEST)


def _registry() -> CollectorRegistry:
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return REGISTRY
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry


def measure(app: Flask) -> None:
    app.before_request(_start)
    app.after_request(_stop)


def _start() -> None:
    g.started = time.perf_counter()


def _stop(response: Response) -> Response:
    rule = request.url_rule
    key = (rule.rule if rule else "unmatched", _method(), response.status_code)
    counter, histogram = _children.get(key) or _make(key)
    counter.inc()
    histogram.observe(time.perf_counter() - g.get("started", time.perf_counter()))
    return response


def _method() -> str:
    """The method, or ``other``: a client may invent methods, and each would be a series."""
    method = request.method
    return method if method in ("GET", "HEAD", "POST", "OPTIONS", "PUT", "PATCH", "DELETE") else "other"


def _make(key: tuple[str, str, int]) -> tuple[Counter, Histogram]:
    route, method, status = key
    return _children.setdefault(key, (REQUESTS.labels(route, method, str(status)), LATENCY.labels(route)))
