"""Once-only, for the person: of the documents that the cases needed, the share that nobody had to bring."""

from __future__ import annotations

from baas.metrics import Direction, Kind, Measurements, Metric, RateSample
from baas.metrics._once_only import shares


def sample(measurements: Measurements) -> RateSample:
    return shares(measurements, lambda act: act.documents_spared, lambda act: act.documents_needed)


METRIC = Metric(
    slug="documents_spared",
    texts={
        "ca": "Documents que la persona interessada no ha hagut d'aportar",
        "es": "Documentos que la persona interesada no ha tenido que aportar",
        "en": "Documents that the person did not have to bring",
    },
    unit="proportion",
    direction=Direction.HIGHER_IS_BETTER,
    kind=Kind.RATE,
    sample=sample,
    about_a_person=True,
)
