"""A simulated run for the tests of this package: fictional services with known delays."""

from __future__ import annotations

import numpy as np

from baas.connectors import Environment, LegalEffect
from baas.evaluations.evaluate import Terms
from baas.evaluations.report import About, ArmFacts
from baas.metrics import CHAIN, Attack, Measurements, Observation, Outcome, Trial
from baas.pilots.terms import DataClass, DltUse

LAB = Environment.LAB_EMULATOR

TERMS = Terms(
    plan_sha256="a" * 64,
    primary="time_to_evidence",
    mid=0.25,
    guardrails={"verified_offline": 0.1, "evidence_bytes": 8192.0},
    secondary=("tampering_noticed",),
    pairs=60,
    clock_limit_ms=2000.0,
    seed=20261122,
    data_class=DataClass.SYNTHETIC,
    dlt_use=DltUse.NO,
    environments={CHAIN: LAB, "timestamp": LAB},
)

ABOUT = About(
    pilot="01JD0000000000000000000000",
    title="Constància de decrets <de prova>",
    problem="demostrar quan existia un decret",
    administrations=("Ajuntament de Vilafictícia", "Consell Comarcal de l'Exemple"),
    plan_frozen_at="2026-11-22T09:30:00.000Z",
    generated_at="2026-11-22T10:30:00.000Z",
    version="0.1.0",
)

ARMS = (
    ArmFacts(CHAIN, {}, LAB, 1, False, LegalEffect.NONE),
    ArmFacts(
        "timestamp",
        {
            "ca": "segell de temps (RFC 3161)",
            "es": "sello de tiempo (RFC 3161)",
            "en": "time-stamp (RFC 3161)",
        },
        LAB,
        1,
        False,
        LegalEffect.NONE,
    ),
)


def act(case: int, arm: str, seconds: float | None, *, replicate: int = 0, position: int = 0) -> Observation:
    """One act that took so many seconds; None: it never gave evidence."""
    due, came = float(case), seconds is not None
    return Observation(
        case=case,
        arm=arm,
        replicate=replicate,
        position=position,
        intended_at=due,
        submitted_at=due,
        evidence_at=due + seconds if seconds is not None else None,
        submitted_ms=1_795_000_000_000 + 1000 * case,
        verified=came,
        outcome=Outcome.OK if came else Outcome.TIMEOUT,
        reason="" if came else "no answer within the limit",
        evidence_bytes=(5200 if arm == CHAIN else 1217) if came else 0,
        evidence_sha256="cd" * 32 if came else "",
        clock_offset_ms=(12.0 if arm == CHAIN else 1.0) if came else None,
    )


def run(
    n: int = 60, *, delay: float = 0.6, control_delay: float = 0.0, lost: tuple[int, ...] = (), seed: int = 5
) -> Measurements:
    """n cases; the chain takes `delay` seconds more. Cases in `lost` give no evidence in the chain."""
    rng = np.random.default_rng(seed)
    observations = []
    for case in range(n):
        base, first = float(rng.gamma(2, 0.01)), bool(case % 2)
        chain = None if case in lost else base + delay + float(rng.gamma(2, 0.02))
        observations += [
            act(case, CHAIN, chain, position=0 if first else 1),
            act(case, "timestamp", base + float(rng.gamma(2, 0.01)), position=1 if first else 0),
            act(case, "timestamp", base + control_delay + float(rng.gamma(2, 0.01)), replicate=1, position=2),
        ]
    return Measurements("timestamp", 10.0, tuple(observations), tuple(trials()))


def trials() -> list[Trial]:
    found = []
    for number in range(9):
        for attack in Attack:
            noticed = attack is not Attack.NONE
            who = ("holder", "rebut.json") if noticed else ("", "")
            found.append(Trial(CHAIN, attack, number, noticed, *who, without_operator=noticed))
            seen = attack is Attack.DELETE
            who = ("holder", "resposta.tsr") if seen else ("", "")
            found.append(Trial("timestamp", attack, number, seen, *who, without_operator=seen))
    return found
