"""Seconds that checking one piece of evidence takes without any server: this machine's, and all else equal.

An act whose evidence does not verify offline has no such time: its pair is counted as missing, not as slow.
"""

from __future__ import annotations

from baas.metrics import Direction, Kind, Measurements, Metric, Observation, PairedSample
from baas.metrics._pairs import paired


def sample(measurements: Measurements) -> PairedSample:
    def seconds(act: Observation) -> tuple[float, bool] | None:
        return (act.verification, False) if act.good and act.verification is not None else None

    return paired(measurements, seconds, limit=None)


METRIC = Metric(
    slug="verification_time",
    texts={
        "ca": "Temps de comprovació fora de línia",
        "es": "Tiempo de comprobación sin conexión",
        "en": "Time of the offline check",
    },
    unit="s",
    direction=Direction.LOWER_IS_BETTER,
    kind=Kind.PAIRED_DIFFERENCE,
    sample=sample,
    quantiles=("p50", "p95"),
    offline=True,
)
