"""Seconds from the instant at which an act was due until a holder could rely on its evidence, by any check.

The check is the one that a holder makes in practice: offline where that is how it is done, or asking the issuer (a codi
segur de verificació). What such a check is worth is not told here. An act whose evidence was not confirmed counts at
the time limit, marked as censored; none is dropped. The offline verification, which is measured too, is left out.
"""

from __future__ import annotations

from baas.metrics import Direction, Kind, Measurements, Metric, Observation, PairedSample
from baas.metrics._pairs import paired


def sample(measurements: Measurements) -> PairedSample:
    limit = measurements.timeout

    def seconds(act: Observation) -> tuple[float, bool]:
        if not act.confirmed or act.evidence_at is None or act.confirmation is None:
            return limit, True
        took = act.evidence_at - act.intended_at + act.confirmation
        return (limit, True) if took >= limit else (took, False)

    return paired(measurements, seconds, limit, well=lambda act: act.confirmed)


METRIC = Metric(
    slug="time_to_confirmation",
    texts={
        "ca": "Temps des de l'instant previst fins a l'evidència comprovada, fora de línia o preguntant al servei",
        "es": "Tiempo desde el instante previsto hasta la evidencia comprobada, sin conexión o preguntando al servicio",
        "en": "Time from the intended instant to evidence that is checked, offline or by asking the service",
    },
    unit="s",
    direction=Direction.LOWER_IS_BETTER,
    kind=Kind.PAIRED_DIFFERENCE,
    sample=sample,
    quantiles=("p50", "p95", "p95_upper", "p99", "p99_upper"),
)
