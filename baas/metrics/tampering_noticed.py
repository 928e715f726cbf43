"""Who notices when the operator cheats: attacks by arm, with which file, and without whose servers.

Untouched records go through the same examination: an alarm on one of them is a false alarm.
"""

from __future__ import annotations

from baas.metrics import (
    OF_A_RECORD,
    Attack,
    Direction,
    Kind,
    Measurements,
    Metric,
    TrialRow,
    TrialTable,
)


def sample(measurements: Measurements) -> TrialTable:
    rows = []
    others = [each for each in Attack if any(t.attack is each for t in measurements.trials)]
    for attack in dict.fromkeys((*OF_A_RECORD, *others)):
        for arm in measurements.arms:
            trials = [t for t in measurements.trials if (t.arm, t.attack) == (arm, attack)]
            noticed = [t for t in trials if t.noticed]
            rows.append(
                TrialRow(
                    arm=arm,
                    attack=attack,
                    trials=len(trials),
                    noticed=len(noticed),
                    without_operator=sum(t.without_operator for t in noticed),
                    noticed_by=tuple(sorted({t.noticed_by for t in noticed})),
                    with_file=tuple(sorted({t.with_file for t in noticed})),
                    seconds=max((t.seconds for t in noticed if t.seconds is not None), default=None),
                )
            )
    return TrialTable(tuple(rows))


METRIC = Metric(
    slug="tampering_noticed",
    texts={
        "ca": "Trampes de l'operador que es detecten",
        "es": "Trampas del operador que se detectan",
        "en": "Operator's cheating that is noticed",
    },
    unit="trials",
    direction=Direction.HIGHER_IS_BETTER,
    kind=Kind.TRIAL_TABLE,
    sample=sample,
)
