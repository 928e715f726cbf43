"""Once-only, between administrations: of the reports that the cases needed, the share that nobody had to send again."""

from __future__ import annotations

from baas.metrics import Direction, Kind, Measurements, Metric, RateSample
from baas.metrics._once_only import shares


def sample(measurements: Measurements) -> RateSample:
    return shares(measurements, lambda act: act.reports_spared, lambda act: act.reports_needed)


METRIC = Metric(
    slug="reports_spared",
    texts={
        "ca": "Tramesses a una altra administració que no ha calgut repetir",
        "es": "Remisiones a otra administración que no ha sido necesario repetir",
        "en": "Reports that an administration did not have to send again",
    },
    unit="proportion",
    direction=Direction.HIGHER_IS_BETTER,
    kind=Kind.RATE,
    sample=sample,
    about_a_person=True,
)
