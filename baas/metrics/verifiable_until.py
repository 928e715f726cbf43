"""Days from the act until its evidence must be renewed: until the first thing in it expires.

Where nothing expires the value is `HORIZON`, a hundred years, which no certificate in use reaches: it stands for
"no date", and texts say so. What ends an algorithm is no expiry and is not counted. An act that gave no evidence which
passes a check has no value: its pair is counted as missing.
"""

from __future__ import annotations

from typing import Final

from baas.metrics import Direction, Kind, Measurements, Metric, Observation, PairedSample
from baas.metrics._pairs import paired

HORIZON: Final = 36_525.0
_DAY_MS: Final = 24 * 3600 * 1000


def sample(measurements: Measurements) -> PairedSample:
    def days(act: Observation) -> tuple[float, bool] | None:
        if not act.holds:
            return None
        if act.verifiable_until_ms is None:
            return HORIZON, False
        return min((act.verifiable_until_ms - act.submitted_ms) / _DAY_MS, HORIZON), False

    return paired(measurements, days, limit=None, well=lambda act: act.holds)


METRIC = Metric(
    slug="verifiable_until",
    texts={
        "ca": "Dies fins que cal renovar l'evidència (36.525, cent anys: res no hi caduca)",
        "es": "Días hasta que hay que renovar la evidencia (36.525, cien años: nada caduca en ella)",
        "en": "Days until the evidence must be renewed (36,525, a hundred years: nothing in it expires)",
    },
    unit="days",
    direction=Direction.HIGHER_IS_BETTER,
    kind=Kind.PAIRED_DIFFERENCE,
    sample=sample,
    quantiles=("p50",),
)
