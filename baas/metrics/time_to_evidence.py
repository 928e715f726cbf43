"""Seconds from the instant at which an act was due until evidence that verifies offline was in hand.

From the intended instant and not from the sending: a service that stalls must not be helped by the queue that
it causes. An act without verified evidence counts at the time limit, marked as censored; none is dropped.
"""

from __future__ import annotations

from baas.metrics import Direction, Kind, Measurements, Metric, Observation, PairedSample
from baas.metrics._pairs import paired


def sample(measurements: Measurements) -> PairedSample:
    limit = measurements.timeout

    def seconds(act: Observation) -> tuple[float, bool]:
        if not act.good or act.evidence_at is None or act.evidence_at - act.intended_at >= limit:
            return limit, True
        return act.evidence_at - act.intended_at, False

    return paired(measurements, seconds, limit)


METRIC = Metric(
    slug="time_to_evidence",
    texts={
        "ca": "Temps des de l'instant previst fins a l'evidència verificable fora de línia",
        "es": "Tiempo desde el instante previsto hasta la evidencia verificable sin conexión",
        "en": "Time from the intended instant to evidence that verifies offline",
    },
    unit="s",
    direction=Direction.LOWER_IS_BETTER,
    kind=Kind.PAIRED_DIFFERENCE,
    sample=sample,
    quantiles=("p50", "p95", "p95_upper", "p99", "p99_upper"),
    offline=True,
)
