"""Once-only, for the person: of the documents that the cases needed, the share that nobody had to bring.

An act spared only what its evidence shows: one that failed, or whose evidence passes no check, spared nothing, and what it
needed still counts. Where no case is about a person nothing was needed, and the share is not estimable.
"""

from __future__ import annotations

from baas.metrics import Direction, Kind, Measurements, Metric, RateSample
from baas.metrics._pairs import by_case


def sample(measurements: Measurements) -> RateSample:
    counts, failures = {}, {}
    for arm in measurements.arms:
        acts = by_case(measurements, arm).values()
        spared = sum(act.documents_spared for act in acts if act.holds)
        counts[arm] = (spared, sum(act.documents_needed for act in acts))
        failures[arm] = sum(not act.holds for act in acts)
    return RateSample(counts, failures)


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
