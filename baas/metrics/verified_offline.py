"""The share of acts that led to evidence which verified without any server, of all acts that were due."""

from __future__ import annotations

from baas.metrics import Direction, Kind, Measurements, Metric, RateSample
from baas.metrics._pairs import by_case


def sample(measurements: Measurements) -> RateSample:
    counts = {}
    for arm in measurements.arms:
        acts = by_case(measurements, arm).values()
        counts[arm] = (sum(act.good for act in acts), len(acts))
    return RateSample(counts)


METRIC = Metric(
    slug="verified_offline",
    texts={
        "ca": "Evidències que es verifiquen fora de línia",
        "es": "Evidencias que se verifican sin conexión",
        "en": "Evidence that verifies offline",
    },
    unit="proportion",
    direction=Direction.HIGHER_IS_BETTER,
    kind=Kind.RATE,
    sample=sample,
)
