"""Counts for whoever watches the installation, in Prometheus' terms. No name of a tenant, chain or token is in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

#: A gauge: its name, what it says, and its value, or one value for each label.
Gauge = tuple[str, str, str | None, Callable[[], Mapping[str, float]]]


class Telemetry:
    """One service's counts; `text` is all of them. Gauges are asked for when somebody looks."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.wakes = Histogram(
            "baas_chain_wake_seconds",
            "How long chains took to wake",
            buckets=_SECONDS,
            registry=self._registry,
        )
        self.sealed = Counter(
            "baas_sealed_transactions", "Transactions that are in a block", registry=self._registry
        )
        self._calls = Counter(
            "baas_rpc_calls", "JSON-RPC calls", ["kind", "outcome"], registry=self._registry
        )
        self._refusals = Counter(
            "baas_rpc_refusals", "Refused JSON-RPC calls", ["rule"], registry=self._registry
        )

    def answered(self, kind: str, refused_by: str | None) -> None:
        """One JSON-RPC call: the kind of its method, and the rule that refused it, if any."""
        self._calls.labels(kind or "unknown", "ok" if refused_by is None else "refused").inc()
        if refused_by is not None:
            self._refusals.labels(refused_by).inc()

    def show(self, *gauges: Gauge) -> None:
        """From now on show these as well."""
        self._registry.register(_Asked(gauges))

    def text(self) -> bytes:
        """Everything, as Prometheus reads it."""
        return generate_latest(self._registry)


class _Asked(Collector):
    """Gauges whose values are asked for at each look."""

    def __init__(self, gauges: Iterable[Gauge]) -> None:
        self._gauges = tuple(gauges)

    def describe(self) -> Iterable[Metric]:
        return []

    def collect(self) -> Iterable[Metric]:
        for name, says, label, ask in self._gauges:
            family = GaugeMetricFamily(name, says, labels=[label] if label else None)
            for key, value in ask().items():
                family.add_metric([key] if label else [], value)
            yield family
