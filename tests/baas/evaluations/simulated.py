"""A simulated run for the tests of this package: fictional services with known delays."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from baas.connectors import Capabilities, Environment, Erasure, LegalEffect, OnLedger
from baas.evaluations.evaluate import Terms
from baas.evaluations.report import About
from baas.metrics import CHAIN, OF_A_RECORD, Attack, Measurements, Observation, Outcome, Trial
from baas.pilots.arms import ArmFacts
from baas.pilots.plan import Plan
from baas.pilots.terms import DataClass, DltUse

LAB = Environment.LAB_EMULATOR

TERMS = Terms(
    plan_sha256="a" * 64,
    arms=("timestamp",),
    observed=(),
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
    offline={CHAIN: True, "timestamp": True},
    conditions=Plan(
        problem="x" * 10, hypothesis="x" * 10, alternative="x" * 10, mid=0.25, seed=1, log_period=2.0
    ).model_dump(
        mode="json", include={"seal", "log_period", "legacy_sha1", "disturbance", "interval", "timeout"}
    ),
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

NAMES = {
    "timestamp": ("segell de temps (RFC 3161)", "sello de tiempo (RFC 3161)", "time-stamp (RFC 3161)"),
    "seal": ("segell electrònic", "sello electrónico", "e-seal"),
    "log": ("bitàcola encadenada", "bitácora encadenada", "hash-linked log"),
    "exchange": ("servei d'intercanvi de dades", "servicio de intercambio de datos", "data exchange service"),
    "csv": ("codi segur de verificació", "código seguro de verificación", "secure verification code"),
}


def facts(arm: str, **changed: Any) -> ArmFacts:
    capabilities = Capabilities(
        provider="embedded",
        qualified=False,
        legal_effect=LegalEffect.NONE,
        digest_algorithms=("sha-256",),
        operators_who_must_collude=1,
        verifies_offline=arm != "csv",
        files_offline=("token",),
        anchors_offline=("tsa_root",),
        on_ledger=OnLedger.NOTHING,
        erasure=Erasure.NOTHING_KEPT,
    )
    titles = dict(zip(("ca", "es", "en"), NAMES[arm], strict=True)) if arm != CHAIN else {}
    return ArmFacts(arm, titles, LAB, replace(capabilities, **changed))


ARMS = (facts(CHAIN), facts("timestamp"))


def terms_of(arms: tuple[str, ...], observed: tuple[str, ...] = (), **changed: Any) -> Terms:
    """The terms for a plan of these arms."""
    every = (CHAIN, *arms, *observed)
    return replace(
        TERMS,
        arms=arms,
        observed=observed,
        environments=dict.fromkeys(every, LAB),
        offline={arm: arm != "csv" for arm in every},
        **changed,
    )


def act(case: int, arm: str, seconds: float | None, *, replicate: int = 0, position: int = 0) -> Observation:
    """One act that took so many seconds; None: it never gave evidence."""
    due, came = float(case), seconds is not None
    offline = came and arm != "csv"
    return Observation(
        case=case,
        arm=arm,
        replicate=replicate,
        position=position,
        intended_at=due,
        submitted_at=due,
        evidence_at=due + seconds if seconds is not None else None,
        submitted_ms=1_795_000_000_000 + 1000 * case,
        verified=offline,
        outcome=Outcome.OK if came else Outcome.TIMEOUT,
        reason="" if came else "no answer within the limit",
        evidence_bytes=(5200 if arm == CHAIN else 1217) if came else 0,
        evidence_sha256="cd" * 32 if came else "",
        clock_offset_ms=(12.0 if arm == CHAIN else 1.0) if came else None,
        verification=(0.004 if arm == CHAIN else 0.002) if offline else None,
        confirmed=came,
        confirmation=0.01 if came else None,
        verifiable_until_ms=None if arm == CHAIN else 1_795_000_000_000 + 365 * 24 * 3600 * 1000,
    )


def run(
    n: int = 60,
    *,
    delay: float = 0.6,
    control_delay: float = 0.0,
    lost: tuple[int, ...] = (),
    seed: int = 5,
    incumbents: tuple[str, ...] = ("timestamp",),
    slower: dict[str, float] | None = None,
) -> Measurements:
    """n cases; the chain takes `delay` seconds more. Cases in `lost` give no evidence in the chain.

    `slower` are the seconds that an incumbent takes more. The A/A control of the first one is `control_delay` off.
    """
    rng = np.random.default_rng(seed)
    observations = []
    for case in range(n):
        base, first = float(rng.gamma(2, 0.01)), bool(case % 2)
        chain = None if case in lost else base + delay + float(rng.gamma(2, 0.02))
        observations.append(act(case, CHAIN, chain, position=0 if first else 9))
        for number, arm in enumerate(incumbents):
            more = base + (slower or {}).get(arm, 0.0)
            off = control_delay if number == 0 else 0.0
            observations += [
                act(case, arm, more + float(rng.gamma(2, 0.01)), position=1 + 2 * number),
                act(case, arm, more + off + float(rng.gamma(2, 0.01)), replicate=1, position=2 + 2 * number),
            ]
    return Measurements(incumbents, 10.0, tuple(observations), tuple(trials()))


def trials() -> list[Trial]:
    found = []
    for number in range(9):
        for attack in OF_A_RECORD:
            noticed = attack is not Attack.NONE
            who = ("holder", "rebut.json") if noticed else ("", "")
            found.append(Trial(CHAIN, attack, number, noticed, *who, without_operator=noticed))
            seen = attack is Attack.DELETE
            who = ("holder", "resposta.tsr") if seen else ("", "")
            found.append(Trial("timestamp", attack, number, seen, *who, without_operator=seen))
    return found
