"""The size of the evidence that a holder must keep for one document, in bytes.

An act that gave no evidence that passes a check, offline or by asking its service, has no size: its pair is counted
as missing, not as zero.
"""

from __future__ import annotations

from baas.metrics import Direction, Kind, Measurements, Metric, Observation, PairedSample
from baas.metrics._pairs import paired


def sample(measurements: Measurements) -> PairedSample:
    def size(act: Observation) -> tuple[float, bool] | None:
        return (float(act.evidence_bytes), False) if act.holds else None

    return paired(measurements, size, limit=None, well=lambda act: act.holds)


METRIC = Metric(
    slug="evidence_bytes",
    texts={
        "ca": "Mida de l'evidència per document",
        "es": "Tamaño de la evidencia por documento",
        "en": "Size of the evidence for one document",
    },
    unit="bytes",
    direction=Direction.LOWER_IS_BETTER,
    kind=Kind.PAIRED_DIFFERENCE,
    sample=sample,
    quantiles=("p50",),
)
