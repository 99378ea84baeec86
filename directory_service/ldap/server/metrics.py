"""What one LDAP worker counts, for Prometheus.

The event loop counts in plain integers, under 1 µs an operation; once a second they are added to the metrics, which
take a lock and a write to shared memory each.  With PROMETHEUS_MULTIPROC_DIR set before this module is imported, the
metrics of all workers of a node, HTTP ones too, come together in ``/metrics`` of the HTTP face.
Labels are names of ours; nothing that a client sent becomes one.  docs/reference/observability.md says what each means.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter as Tally
from typing import Final

from prometheus_client import Counter, Gauge, Histogram

from directory_service.ldap.limits import NAMES

# Around the promises of the performance page: 10 ms for what is typed, 50 ms for the worst, 5 s for any search.
BUCKETS: Final = (0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0, 5.0)
_LAST: Final = len(BUCKETS)

OPERATIONS = Counter("annuaire_ldap_operations_total", "Operations answered.", ("operation", "code"))
SECONDS = Histogram("annuaire_ldap_operation_seconds", "Time to make an answer.", ("operation",), buckets=BUCKETS)
CONNECTIONS = Gauge("annuaire_ldap_open_connections", "Connections open now.", multiprocess_mode="livesum")
ACCEPTED = Counter("annuaire_ldap_connections_total", "Connections accepted.")
HANDSHAKES = Counter("annuaire_ldap_tls_handshakes_total", "TLS handshakes.", ("outcome",))
HEADERS = Counter("annuaire_ldap_proxy_headers_total", "PROXY protocol headers of balancers.", ("outcome",))
BYTES = Counter("annuaire_ldap_bytes_total", "Octets of requests and of answers, before TLS.", ("direction",))
ENTRIES = Counter("annuaire_ldap_entries_total", "Entries sent.")
LIMITS = Counter("annuaire_ldap_limit_total", "Limits met.", ("limit",))
SEQUENCE = Gauge(
    "annuaire_ldap_index_sequence", "Last change of the registry that the slowest worker answers from.",
    multiprocess_mode="livemin",
)  # fmt: skip


class Meter:
    """The plain integers of one event loop, which alone may touch them."""

    def __init__(self) -> None:
        self._reset()

    def _reset(self) -> None:
        self.operations: Tally[tuple[str, int]] = Tally()
        self.limits: Tally[str] = Tally()
        self.handshakes: Tally[str] = Tally()
        self.headers: Tally[str] = Tally()
        self.received = self.sent = self.entries = self.accepted = 0
        self._times: dict[str, list[float]] = {}  # how many in each bucket and beyond, then their sum

    def count(self, operation: str, code: int, seconds: float) -> None:
        """One operation answered.  ``code`` is below zero where there is no reply."""
        self.operations[operation, code] += 1
        times = self._times.get(operation)
        if times is None:
            times = self._times[operation] = [0.0] * (_LAST + 2)
        times[bisect_left(BUCKETS, seconds)] += 1
        times[_LAST + 1] += seconds

    def flush(self, connections: int) -> None:
        """Adds everything to the metrics, and starts again from zero."""
        for (operation, code), number in self.operations.items():
            OPERATIONS.labels(operation, str(code) if code >= 0 else "none").inc(number)
        for operation, times in self._times.items():
            _observe(SECONDS.labels(operation), times)
        for limit, number in self.limits.items():
            LIMITS.labels(limit).inc(number)
        for outcome, number in self.handshakes.items():
            HANDSHAKES.labels(outcome).inc(number)
        for outcome, number in self.headers.items():
            HEADERS.labels(outcome).inc(number)
        BYTES.labels("in").inc(self.received)
        BYTES.labels("out").inc(self.sent)
        ENTRIES.inc(self.entries)
        ACCEPTED.inc(self.accepted)
        CONNECTIONS.set(connections)
        self._reset()


def _observe(histogram: Histogram, times: list[float]) -> None:
    """Many observations at once, which the library has no public way to take.  Its buckets are not cumulative."""
    for bucket, number in zip(histogram._buckets, times, strict=False):
        if number:
            bucket.inc(number)
    histogram._sum.inc(times[-1])


def announce() -> None:
    """Every limit at zero, so that the first one met is seen as a rise; so with headers."""
    for limit in NAMES:
        LIMITS.labels(limit)
    for outcome in ("client", "peer", "failed"):
        HEADERS.labels(outcome)
