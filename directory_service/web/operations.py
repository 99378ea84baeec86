"""What those who run the service ask: is it alive, can it answer, how much and how fast.

Metrics carry the route's template, the method and the status, never a path or a query; so does the access log.  With
several worker processes, PROMETHEUS_MULTIPROC_DIR is set before this module is imported, and ``/metrics`` adds them up,
LDAP workers among them; what it says of the index is looked up when it is asked.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Flask, Response, g, request
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector

from directory_service.errors import AnnuaireError, RegistryUnavailable
from directory_service.index.directory import Build, Directory
from directory_service.index.freshness import age_of, data_age, published_age, silent_sources, source_age
from directory_service.model.clients import PREFIX
from directory_service.web.answers import json_answer
from directory_service.web.context import access_log, address, directory, rhythms, settings
from directory_service.web.openapi.route import Rate, Route, describe, ok
from directory_service.web.openapi.terms import ref

blueprint = Blueprint("operations", __name__)

# Around the promises of the performance page: 20 ms for a suggestion, 5 s for any search.
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0, 5.0)
_LABELS = ("route", "method", "status")
REQUESTS = Counter("annuaire_http_requests_total", "Requests answered.", _LABELS)
LATENCY = Histogram("annuaire_http_request_seconds", "Time to write an answer.", ("route",), buckets=_BUCKETS)

# Finding a labelled child takes a lock and builds a tuple of texts: done once per (route, method, status).
_children: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}


@blueprint.get("/healthz")
@describe(Route("Le processus répond-il ?", "Service", ok("Oui", ref("Alive")), rate=Rate.FREE))
def healthz() -> Response:
    """The process answers; says nothing of what it could answer."""
    return json_answer(b'{"status":"ok"}')


@blueprint.get("/readyz")
@describe(Route("L'index est-il lisible, et assez récent ?", "Service", ok("Oui", ref("Ready")), rate=Rate.FREE))
def readyz() -> Response:
    """The index is open, read, and not older than it may be; 503 otherwise, as a problem."""
    build = _build(directory())
    known = settings()
    if known and known.ready_age and data_age(build) > known.ready_age:
        raise RegistryUnavailable("les données de l'index sont trop anciennes")
    return json_answer(b'{"status":"ready","build":"' + build.id.encode() + b'"}')


@blueprint.get("/metrics")
@describe(Route(
    "Les mesures, pour Prometheus", "Service", ok("Du texte", None, "text/plain"), rate=Rate.FREE,
))  # fmt: skip
def metrics() -> Response:
    text = generate_latest(_registry()) + generate_latest(_IndexGauges(directory()))
    return Response(text, content_type=CONTENT_TYPE_LATEST)


def _build(opened: Directory) -> Build:
    """Raises RegistryUnavailable, for a file that is no index too."""
    try:
        return opened.build()
    except sqlite3.Error:
        raise RegistryUnavailable("l'index est illisible : lancez `annuaire index --rebuild`") from None


class _IndexGauges:
    """What the index says of itself, when asked.  Ages are computed by whoever asks: a follower that has died would
    go on telling that all is fresh."""

    def __init__(self, opened: Directory) -> None:
        self._directory = opened

    def collect(self) -> Iterator[GaugeMetricFamily]:
        try:
            build = _build(self._directory)
        except AnnuaireError:
            yield _gauge("annuaire_index_up", "Whether the index can be read.", [((), 0)])
            return
        now = datetime.now(UTC)
        yield _gauge("annuaire_index_up", "Whether the index can be read.", [((), 1)])
        yield _gauge("annuaire_index_sequence", "Last change of the registry in the index.", [((), build.seq)])
        built = age_of(build.built_at, now) or 0
        yield _gauge("annuaire_index_build_age_seconds", "Time since the last full build.", [((), built)])
        data = data_age(build, now)
        yield _gauge("annuaire_index_data_age_seconds", "Time since the newest data came in.", [((), data)])
        ages = [((str(s["name"]),), age) for s in build.sources if (age := source_age(s, now)) is not None]
        yield _gauge("annuaire_source_age_seconds", "Time since a source was last read.", ages, ("source",))
        made = [((str(s["name"]),), age) for s in build.sources if (age := published_age(s, now)) is not None]
        yield _gauge("annuaire_source_extract_age_seconds", "Time since a source made its extract.", made, ("source",))
        silent = {s.source for s in silent_sources(build, rhythms(), now)}
        told = [((str(s["name"]),), int(s["name"] in silent)) for s in build.sources]
        yield _gauge("annuaire_source_silent", "Whether a source is silent beyond its rhythm.", told, ("source",))
        counts = [((kind,), number) for kind, number in build.counts.items()]
        yield _gauge("annuaire_index_records", "Records in the index.", counts, ("kind",))


def _gauge(name: str, doc: str, values: Iterable[tuple[tuple[str, ...], float]], labels: tuple[str, ...] = ()
           ) -> GaugeMetricFamily:  # fmt: skip
    family = GaugeMetricFamily(name, doc, labels=labels)
    for label, value in values:
        family.add_metric(label, value)
    return family


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
    route = rule.rule.replace("<address:", "<") if rule else "unmatched"  # as the route has always been called
    key = (route, _method(), response.status_code)
    counter, histogram = _children.get(key) or _make(key)
    now = time.perf_counter()
    seconds = now - g.get("started", now)
    counter.inc()
    histogram.observe(seconds)
    _log(key, seconds, response)
    return response


def account(app: Flask, environ: dict[str, Any], response: Response) -> None:
    """Counts and logs an answer that the application did not give.  ``environ`` as WSGI has it, of what is known."""
    with app.request_context(environ):
        _stop(response)


def _log(key: tuple[str, str, int], seconds: float, response: Response) -> None:
    log = access_log()
    if log is None:
        return
    route, method, status = key
    record = {"operation": method, "route": route, "status": status, "ms": round(seconds * 1000, 3)}
    # What is sent as it comes has no size yet, and asking for it would make it wait.
    length = 0 if response.is_streamed else response.calculate_content_length() or 0
    program = g.get("client")
    size = {"identity": f"{PREFIX}{program}" if program else g.get("operator", ""), "bytes": length}
    log.add("http", address(), record | size)
    log.flush()


_METHODS = ("GET", "HEAD", "POST", "OPTIONS", "PUT", "PATCH", "DELETE", "PROPFIND", "REPORT")


def _method() -> str:
    """The method, or ``other``: a client may invent methods, and each would be a series."""
    method = request.method
    return method if method in _METHODS else "other"


def _make(key: tuple[str, str, int]) -> tuple[Counter, Histogram]:
    route, method, status = key
    return _children.setdefault(key, (REQUESTS.labels(route, method, str(status)), LATENCY.labels(route)))
