"""The report as one plain dictionary (JSON): what was compared, what came out, what does not follow from it.

Its canonical form (RFC 8785) is what is notarised; the page is rendered from it alone. Schema `baas.report/1`:

    pilot, plan, arms (the chain first), outcomes (primary first), trials, controls, verdict, verdict_inputs,
    decision (null until a person decides), raw_sha256, limits, generated_at, version
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import rfc8785

from baas.connectors import Environment, LegalEffect
from baas.evaluations.evaluate import Evaluation
from baas.evaluations.outcomes import Outcome
from baas.evaluations.verdict import Inputs, conclude
from baas.metrics import CHAIN, Kind

SCHEMA: Final = "baas.report/1"


@dataclass(frozen=True)
class About:
    """What the report says of the pilot. `problem` completes "For ..."; times are ISO 8601 in UTC."""

    pilot: str
    title: str
    problem: str
    administrations: tuple[str, ...]
    plan_frozen_at: str
    generated_at: str
    version: str


@dataclass(frozen=True)
class ArmFacts:
    """What the report says of one arm. `titles` by language; the chain's are the catalogue's, so empty."""

    arm: str
    titles: dict[str, str]
    environment: Environment
    operators_who_must_collude: int
    qualified: bool
    legal_effect: LegalEffect


@dataclass(frozen=True)
class Decision:
    """What a person decided: `scale`, `iterate`, `stop_learned` or `not_admissible`, and why."""

    decision: str
    reason: str
    by: str
    at: str


def assemble(
    about: About, arms: tuple[ArmFacts, ArmFacts], evaluation: Evaluation, decision: Decision | None = None
) -> dict[str, Any]:
    """The report. `arms` are the chain's and the incumbent's facts, in this order.

    Raises ValueError where the facts contradict the evaluation: a report may not say other than the rules read.
    """
    chain, incumbent = arms
    terms = evaluation.terms
    if chain.arm != CHAIN or {a.arm: a.environment for a in arms} != terms.environments:
        raise ValueError(f"expected the arms and environments of the plan, {terms.environments}, got {arms}")
    if decision and decision.decision == "scale" and Environment.LAB_EMULATOR in terms.environments.values():
        raise ValueError("scale cannot be decided on lab_emulator evidence")
    return {
        "schema": SCHEMA,
        "pilot": {
            "id": about.pilot,
            "title": about.title,
            "problem": about.problem,
            "administrations": list(about.administrations),
            "data_are_fictional": terms.data_class.value == "synthetic",
        },
        "plan": {
            "sha256": terms.plan_sha256,
            "frozen_at": about.plan_frozen_at,
            "primary": terms.primary,
            "mid": terms.mid,
            "guardrails": dict(terms.guardrails),
            "pairs_planned": terms.pairs,
            "pairs": evaluation.inputs.pairs,
            "clock_limit_ms": terms.clock_limit_ms,
            "seed": terms.seed,
            "data_class": terms.data_class.value,
            "dlt_use": terms.dlt_use.value,
        },
        "arms": [asdict(arm) for arm in arms],
        "outcomes": [
            _outcome(item, _role(slug, evaluation)) for slug, item in evaluation.outcomes.items()
            if item.metric.kind is not Kind.TRIAL_TABLE
        ],
        "trials": [
            {**asdict(row), "rate": asdict(rate)}
            for item in evaluation.outcomes.values() for row, rate in item.trials
        ],
        "controls": {
            "aa": asdict(evaluation.outcomes[terms.primary].control or _nothing()),
            "order": {
                "chain_first": evaluation.inputs.chain_first,
                "incumbent_first": evaluation.inputs.incumbent_first,
            },
            "clock_offset_ms": dict(evaluation.inputs.clock_offset_ms),
            "drift": asdict(evaluation.drift),
        },
        "verdict": asdict(evaluation.verdict),
        "verdict_inputs": evaluation.inputs.to_json(),
        "decision": asdict(decision) if decision else None,
        "raw_sha256": evaluation.inputs.raw_sha256,
        "limits": {
            "evidence_level": evaluation.verdict.evidence_level,
            "operators_who_must_collude": min(arm.operators_who_must_collude for arm in arms),
            "conclusion_about_aoc_services": False,
            "qualified_ledger": chain.qualified,
            "qualified_time_stamp": incumbent.qualified,
            "chain_keys_identify_or_sign_for_citizens": False,
        },
        "generated_at": about.generated_at,
        "version": about.version,
    }
