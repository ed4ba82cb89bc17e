"""`/metrics`, for Prometheus: how the server and its journal do, and nothing about anybody.

Addresses are told by their kind, as in the access log. It is read from this machine, unless another
server speaks for somebody else, or with a key of the scope `metrics`.
"""

import os
from collections.abc import Iterator
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from litestar import Response, get
from litestar.datastructures import State
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from reciprocity.http.api.counter import AnyRequest
from reciprocity.http.api.counter import Counter as Doors
from reciprocity.http.api.keys import Scope
from reciprocity.http.frame import headers, threaded
from reciprocity.http.limit import network_of
from reciprocity.http.workers import FIGURES
from reciprocity.journal.figures import JournalFigures

__all__ = ["Metrics", "metrics"]

_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_FOR_OTHERS: Final = ("x-forwarded-for", "forwarded", "x-real-ip", "via")
_BUCKETS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


class Metrics:
    """What a server counts of its answers; the journal is counted when it is asked for."""

    def __init__(self, folder: Path) -> None:
        """Count for the brand in *folder*."""
        self._registry, self._journal = CollectorRegistry(), _OfTheJournal(folder)
        self._requests = Counter(
            "reciprocity_http_requests_total", "Answers, by kind of address and status.",
            ["kind", "status"], registry=self._registry,
        )  # fmt: skip
        self._seconds = Histogram(
            "reciprocity_http_request_seconds", "From a request's head to the end of its answer.",
            ["kind"], registry=self._registry, buckets=_BUCKETS,
        )  # fmt: skip
        self._registry.register(self._journal)
        self._of = cache(self._labelled)

    def note(self, kind: str, status: int, seconds: float) -> None:
        """Count one answer."""
        requests, took = self._of(kind, status)
        requests.inc()
        took.observe(seconds)

    def _labelled(self, kind: str, status: int) -> tuple[Counter, Histogram]:
        """What answers of this *kind* and *status* are counted by; there are few of either."""
        return self._requests.labels(kind, str(status)), self._seconds.labels(kind)

    def text(self) -> bytes:
        """All of it, in Prometheus's text format; of several workers, what all of them counted."""
        if FIGURES not in os.environ:
            return generate_latest(self._registry)
        together = CollectorRegistry()
        MultiProcessCollector(together)  # type: ignore[no-untyped-call]
        together.register(self._journal)
        return generate_latest(together)


class _OfTheJournal(Collector):
    """The journal's numbers, counted when they are asked for."""

    def __init__(self, folder: Path) -> None:
        self._figures = JournalFigures(folder)

    def describe(self) -> list[Metric]:
        """Nothing yet: nothing is counted before somebody asks."""
        return []

    def collect(self) -> Iterator[Metric]:
        """The numbers as they are."""
        now = self._figures.now()
        for name, what, value in (
            ("journal_events", "Events in the log.", now.events),
            ("standing_lag_events", "Events that the standings have yet to follow.", now.behind),
            ("pending_acts", "Acts that wait for keys, so that nothing is sent.", now.pending),
            ("outbox_messages", "Messages that wait to be sent.", now.queued),
        ):
            yield GaugeMetricFamily(f"reciprocity_{name}", what, value)
        deliveries = CounterMetricFamily(
            "reciprocity_deliveries", "What became of messages, by outcome.", labels=["outcome"]
        )
        for outcome, count in sorted(now.deliveries.items()):
            deliveries.add_metric([outcome], count)
        yield deliveries


@get("/metrics")
async def metrics(request: AnyRequest, state: State) -> Response[bytes]:
    """The server's figures, for whoever may read them."""
    counted: Metrics = state.metrics
    doors: Doors = state.counter
    told, network = request.headers.get("authorization", ""), network_of(request)
    here = _from_here(request)

    def work() -> bytes:
        if not here:
            doors.admit(told, Scope.METRICS, network)
        return counted.text()

    return Response(await threaded(work), media_type=_TYPE, headers=headers())


def _from_here(request: AnyRequest) -> bool:
    """Does it come from this machine, and from nobody whom a server here speaks for?"""
    if request.client is None or any(name in request.headers for name in _FOR_OTHERS):
        return False
    try:
        return ip_address(request.client.host).is_loopback
    except ValueError:
        return False
