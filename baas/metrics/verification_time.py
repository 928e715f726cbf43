"""Seconds of processor time that checking one piece of evidence takes without any server, on this machine.

Processor time and not the clock's: what else the machine did meanwhile is no property of the evidence.

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
        "ca": "Temps de procés de la comprovació fora de línia",
        "es": "Tiempo de proceso de la comprobación sin conexión",
        "en": "Processor time of the offline check",
    },
    unit="s",
    direction=Direction.LOWER_IS_BETTER,
    kind=Kind.PAIRED_DIFFERENCE,
    sample=sample,
    quantiles=("p50", "p95"),
    offline=True,
)
