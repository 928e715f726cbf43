"""The report as one plain dictionary (JSON): what was compared, what came out, what does not follow from it.

Its canonical form (RFC 8785) is what is notarised; the page is made from it alone. Schema `baas.report/1`:

    pilot, plan, arms (the chain first), outcomes (primary first), trials, controls, verdict, verdict_inputs,
    decision (null until a person decides), raw_sha256, limits, generated_at, version
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Final

import rfc8785

from baas.connectors import Environment, LegalEffect
from baas.evaluations.evaluate import Evaluation
from baas.evaluations.outcomes import Outcome
from baas.evaluations.statistics import Estimate
from baas.evaluations.verdict import Inputs, Verdict, conclude
from baas.metrics import CHAIN, Kind

SCHEMA: Final = "baas.report/1"
DECISIONS: Final = ("scale", "iterate", "stop_learned", "not_admissible")


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

    def __post_init__(self) -> None:
        if self.decision not in DECISIONS or not self.reason or not self.by:
            raise ValueError(
                f"expected one of {', '.join(DECISIONS)}, a reason and who decided; got {self.decision!r}"
            )


def assemble(
    about: About, arms: tuple[ArmFacts, ArmFacts], evaluation: Evaluation, decision: Decision | None = None
) -> dict[str, Any]:
    """The report. `arms` are the chain's and the incumbent's facts, in this order.

    Raises ValueError where the facts contradict the evaluation: a report says what the rules read.
    """
    chain, incumbent = arms
    terms = evaluation.terms
    if chain.arm != CHAIN or {a.arm: a.environment for a in arms} != terms.environments:
        raise ValueError(f"expected the arms and environments of the plan, {terms.environments}, got {arms}")
    if decision and decision.decision == "scale" and Environment.LAB_EMULATOR in terms.environments.values():
        raise ValueError("scale cannot be decided on lab_emulator evidence")
    report = {
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
            _outcome(slug, item, evaluation)
            for slug, item in evaluation.outcomes.items()
            if item.metric.kind is not Kind.TRIAL_TABLE
        ],
        "trials": [
            {**asdict(row), "rate": asdict(rate)}
            for item in evaluation.outcomes.values()
            for row, rate in item.trials
        ],
        "controls": {
            "aa": asdict(evaluation.outcomes[terms.primary].control or NO_CONTROL),
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
    plain: dict[str, Any] = json.loads(canonical(report))
    return plain


def canonical(report: dict[str, Any]) -> bytes:
    """The report's canonical JSON (RFC 8785): the bytes whose digest is notarised."""
    return rfc8785.dumps(report)


def check(report: dict[str, Any]) -> Verdict:
    """The verdict, concluded again from the report's own inputs.

    Raises ValueError for another schema, or where the report states another verdict than its inputs give, or
    other intervals or digests than those that the rules read.
    """
    if report.get("schema") != SCHEMA:
        raise ValueError(f"expected a report of the schema {SCHEMA}, got {report.get('schema')!r}")
    if stated(report) != {key: report["verdict_inputs"][key] for key in stated(report)}:
        raise ValueError("the report states other numbers than those that the rules read: it was changed")
    verdict = conclude(Inputs.from_json(report["verdict_inputs"]))
    if json.loads(rfc8785.dumps(asdict(verdict))) != report["verdict"]:
        raise ValueError(
            f"the report states {report['verdict'].get('verdict')!r}, from its own inputs the rules conclude "
            f"{verdict.verdict.value!r}: it was changed after it was made"
        )
    return verdict


def stated(report: dict[str, Any]) -> dict[str, Any]:
    """What the report says in its own sections of the things that the rules read, in the rules' shape."""
    outcomes, controls, plan = report["outcomes"], report["controls"], report["plan"]
    return {
        "plan_sha256": plan["sha256"],
        "raw_sha256": report["raw_sha256"],
        "pairs": plan["pairs"],
        "pairs_planned": plan["pairs_planned"],
        "mid": plan["mid"],
        "data_class": plan["data_class"],
        "dlt_use": plan["dlt_use"],
        "environments": {arm["arm"]: arm["environment"] for arm in report["arms"]},
        "clock_offset_ms": controls["clock_offset_ms"],
        "clock_limit_ms": plan["clock_limit_ms"],
        "control": _interval(controls["aa"]),
        **controls["order"],
        "primary": next(_interval(o["difference"]) for o in outcomes if o["role"] == "primary"),
        "guardrails": [
            {
                "metric": o["metric"],
                "direction": o["direction"],
                "margin": o["margin"],
                "interval": _interval(o["difference"]),
            }
            for o in outcomes
            if o["role"] == "guardrail"
        ],
    }


def _interval(estimate: dict[str, Any]) -> dict[str, Any] | None:
    found = {name: estimate[name] for name in ("value", "low", "high")}
    return None if None in found.values() else found


NO_CONTROL = Estimate(None, None, None, 0, "none", "n = 0")


def _outcome(slug: str, item: Outcome, evaluation: Evaluation) -> dict[str, Any]:
    terms = evaluation.terms
    role = "primary" if slug == terms.primary else "guardrail" if slug in terms.guardrails else "secondary"
    return {
        "metric": slug,
        "texts": item.metric.texts,
        "unit": item.metric.unit,
        "direction": item.metric.direction,
        "kind": item.metric.kind,
        "role": role,
        "margin": terms.mid if role == "primary" else terms.guardrails.get(slug),
        "arms": {arm: {k: asdict(e) for k, e in values.items()} for arm, values in item.arms.items()},
        "difference": asdict(item.difference) if item.difference else None,
        "confidence": item.confidence,
        "hodges_lehmann": item.hodges_lehmann,
        "cliffs_delta": item.cliffs_delta,
        "failures": item.failures,
        "censored": item.censored,
        "missing": item.missing,
        "origin": "measured",
    }
