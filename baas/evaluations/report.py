"""The report as one plain dictionary (JSON): what was compared, what came out, what does not follow from it.

Its canonical form (RFC 8785) is what is notarised; the page is made from it alone. Schema `baas.report/3`:

    schema, generated_at, version
    pilot         id, title, problem, administrations, data_are_fictional
    subject       what the cases are about: subject, counterpart (the second administration's name, or null), asked {arm:
                  what it was asked of a case}
    plan          sha256, frozen_at, arms, observed (slugs), primary, mid, guardrails {metric: margin}, pairs_planned,
                  clock_limit_ms, seed, data_class, dlt_use; and what else it fixed for the arms: seal {format, level,
                  policy}, log_period (s), legacy_sha1, disturbance {arm, delay_ms} or null, interval, timeout (s),
                  subject, counterpart (a code or ""), screening {question: answer}
    arms          the chain first, then those compared, then those observed: arm, role (`chain`, `compared`,
                  `observed`), titles by language (the chain's are the catalogue's, so empty), environment, and every
                  field of `baas.connectors.Capabilities`: provider, qualified, legal_effect, digest_algorithms,
                  operators_who_must_collude, verifies_offline, files_offline, anchors_offline, on_ledger, erasure
    comparisons   one for each compared arm, in the plan's order:
        incumbent       the arm's slug
        outcomes        primary first: metric, texts, unit, direction, kind, role, margin, arms {chain, incumbent:
                        {name: estimate}}, difference, confidence, hodges_lehmann, cliffs_delta, failures and censored
                        {arm: count}, missing, origin
        not_applicable  slugs of metrics that this arm cannot have: its evidence does not verify offline
        controls        aa (estimate), aa_confidence, order {chain_first, incumbent_first}, clock_offset_ms {arm: ms or
                        null}, drift (estimate)
        pairs           how many pairs the primary metric has
        verdict         verdict, reasons, rules, inputs_sha256, evidence_level, more_pairs
        verdict_inputs  all that the rules read
    observed      as comparisons, without verdict and verdict_inputs
    verdict       overall: verdict, decided_by (arms), rules, evidence_level, more_pairs
    screening     what the published trees say of the plan's answers, as `baas.pilots.screening.told` gives it
    once_only     applicable (whether the cases are facts about a person), arms {arm: {metric: estimate}}: documents that
                  nobody had to bring, reports that were not sent twice
    hand_over     null, or offered_by, accepted_and_completed_by (names), arms [arm, steps_signed_with, keys [key,
                  holder], each_body_keeps], keys_in_one_laboratory (whether one laboratory holds them all in fact)
    trials        attack × arm: arm, attack, trials, noticed, without_operator, noticed_by, with_file, seconds, rate
    outages       what happened to each arm while its service was cut off, as `baas.pilots.outages` keeps it
    limits        evidence_level, operators_who_must_collude (of the weakest arm), conclusion_about_aoc_services,
                  qualified (slugs of arms that say they are), chain_keys_identify_or_sign_for_citizens,
                  log_period_shortened, legacy_sha1, disturbed
    decision      decision, reason, by, at; null until a person decides
    raw_sha256    of the measurements' canonical JSON

An estimate is value, low, high, n, method, not_estimable ("" or why not, in signs that need no language).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import rfc8785

from baas.connectors import Environment, Subject
from baas.evaluations import subjects
from baas.evaluations.evaluate import Comparison, Evaluation, Terms
from baas.evaluations.outcomes import Outcome
from baas.evaluations.statistics import Estimate
from baas.evaluations.verdict import Inputs, Overall, conclude, overall
from baas.metrics import CHAIN
from baas.pilots import screening
from baas.pilots.arms import ArmFacts
from baas.pilots.plan import NIGHT

SCHEMA: Final = "baas.report/3"
DECISIONS: Final = ("scale", "iterate", "stop_learned", "not_admissible")


@dataclass(frozen=True)
class About:
    """What the report says of the pilot. `problem` completes "For ..."; times are ISO 8601 in UTC.

    `administrations` are the names of those that take part, the pilot's own first; `counterpart` is the second one's.
    """

    pilot: str
    title: str
    problem: str
    administrations: tuple[str, ...]
    plan_frozen_at: str
    generated_at: str
    version: str
    counterpart: str | None = None


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
    about: About,
    arms: Sequence[ArmFacts],
    evaluation: Evaluation,
    decision: Decision | None = None,
    outages: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """The report. `arms` are the facts of the chain and of every arm of the plan, in this order.

    Raises ValueError where the facts contradict the evaluation: a report says what the rules read.
    """
    terms = evaluation.terms
    slugs = [each.arm for each in arms]
    subject = Subject(terms.conditions.get("subject", Subject.DOCUMENT))
    if tuple(each.arm for each in arms) != (CHAIN, *terms.arms, *terms.observed) or (
        {each.arm: each.environment for each in arms} != terms.environments
    ):
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
        "subject": subjects.told(subject, about.counterpart, slugs),
        "plan": {
            **terms.conditions,
            "sha256": terms.plan_sha256,
            "frozen_at": about.plan_frozen_at,
            "arms": list(terms.arms),
            "observed": list(terms.observed),
            "primary": terms.primary,
            "mid": terms.mid,
            "guardrails": dict(terms.guardrails),
            "pairs_planned": terms.pairs,
            "clock_limit_ms": terms.clock_limit_ms,
            "seed": terms.seed,
            "data_class": terms.data_class.value,
            "dlt_use": terms.dlt_use.value,
        },
        "arms": [{**each.to_json(), "role": _role(terms, each.arm)} for each in arms],
        "comparisons": [
            {
                **_comparison(each, terms),
                "verdict": asdict(each.verdict) if each.verdict else None,
                "verdict_inputs": each.inputs.to_json() if each.inputs else None,
            }
            for each in evaluation.comparisons
        ],
        "observed": [_comparison(each, terms) for each in evaluation.observed],
        "verdict": asdict(evaluation.verdict),
        "screening": screening.told(terms.conditions.get("screening", {})),
        "once_only": {
            "applicable": subject is Subject.PERSON_FACT,
            "arms": {
                arm: {slug: asdict(each) for slug, each in rates.items()}
                for arm, rates in evaluation.once_only.items()
            },
        },
        "hand_over": subjects.hand_over(subject, about.administrations[0], about.counterpart, slugs),
        "trials": [{**asdict(row), "rate": asdict(rate)} for row, rate in evaluation.trials],
        "outages": [dict(each) for each in outages],
        "limits": _limits(arms, evaluation),
        "decision": asdict(decision) if decision else None,
        "raw_sha256": evaluation.raw_sha256,
        "generated_at": about.generated_at,
        "version": about.version,
    }
    plain: dict[str, Any] = json.loads(canonical(report))
    return plain


def canonical(report: dict[str, Any]) -> bytes:
    """The report's canonical JSON (RFC 8785): the bytes whose digest is notarised."""
    return rfc8785.dumps(report)


def check(report: dict[str, Any]) -> Overall:
    """The verdict, concluded again from the report's own inputs: on each incumbent, and on all of them.

    Raises ValueError for another schema, or where the report states another verdict than its inputs give, other
    incumbents than its plan names, or other intervals or digests than those that the rules read.
    """
    if report.get("schema") != SCHEMA:
        raise ValueError(f"expected a report of the schema {SCHEMA}, got {report.get('schema')!r}")
    comparisons = report["comparisons"]
    if [each["incumbent"] for each in comparisons] != report["plan"]["arms"]:
        raise ValueError("the report compares other arms than its plan names: it was changed")
    verdicts = {}
    for each in comparisons:
        said = stated(report, each)
        if said != {key: each["verdict_inputs"][key] for key in said}:
            raise ValueError("the report states other numbers than those that the rules read: it was changed")
        verdicts[each["incumbent"]] = conclude(Inputs.from_json(each["verdict_inputs"]))
        _require_same(asdict(verdicts[each["incumbent"]]), each["verdict"])
    found = overall(verdicts)
    _require_same(asdict(found), report["verdict"])
    if screening.contradicts(report["screening"]):
        raise ValueError("the report states of its screening what its answers do not give: it was changed")
    return found


def stated(report: dict[str, Any], comparison: dict[str, Any]) -> dict[str, Any]:
    """What the report says in its own sections of the things that the rules read, in the rules' shape."""
    outcomes, controls, plan = comparison["outcomes"], comparison["controls"], report["plan"]
    two = (CHAIN, comparison["incumbent"])
    return {
        "plan_sha256": plan["sha256"],
        "raw_sha256": report["raw_sha256"],
        "pairs": comparison["pairs"],
        "pairs_planned": plan["pairs_planned"],
        "mid": plan["mid"],
        "data_class": plan["data_class"],
        "dlt_use": plan["dlt_use"],
        "environments": {each["arm"]: each["environment"] for each in report["arms"] if each["arm"] in two},
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
        "disturbed": report["limits"]["disturbed"],
    }


NO_CONTROL = Estimate(None, None, None, 0, "none", "n = 0")


def _require_same(concluded: dict[str, Any], said: dict[str, Any]) -> None:
    if json.loads(rfc8785.dumps(concluded)) != said:
        raise ValueError(
            f"the report states {said.get('verdict')!r}, from its own inputs the rules conclude "
            f"{str(concluded['verdict'])!r}: it was changed after it was made"
        )


def _interval(estimate: dict[str, Any]) -> dict[str, Any] | None:
    found = {name: estimate[name] for name in ("value", "low", "high")}
    return None if None in found.values() else found


def _role(terms: Terms, arm: str) -> str:
    return CHAIN if arm == CHAIN else "compared" if arm in terms.arms else "observed"


def _limits(arms: Sequence[ArmFacts], evaluation: Evaluation) -> dict[str, Any]:
    conditions = evaluation.terms.conditions
    return {
        "evidence_level": evaluation.verdict.evidence_level,
        "operators_who_must_collude": min(each.capabilities.operators_who_must_collude for each in arms),
        "conclusion_about_aoc_services": False,
        "qualified": [each.arm for each in arms if each.capabilities.qualified],
        "chain_keys_identify_or_sign_for_citizens": False,
        "log_period_shortened": any(each.arm == "log" for each in arms)
        and conditions.get("log_period", NIGHT) < NIGHT,
        "legacy_sha1": bool(conditions.get("legacy_sha1")),
        "disturbed": evaluation.terms.disturbed,
    }


def _comparison(comparison: Comparison, terms: Terms) -> dict[str, Any]:
    primary = comparison.outcomes.get(terms.primary)
    chain_first, incumbent_first = comparison.order
    return {
        "incumbent": comparison.incumbent,
        "outcomes": [_outcome(slug, item, terms) for slug, item in comparison.outcomes.items()],
        "not_applicable": list(comparison.not_applicable),
        "pairs": len(primary.differences) if primary else 0,
        "controls": {
            "aa": asdict((primary and primary.control) or NO_CONTROL),
            "aa_confidence": primary.control_confidence if primary else None,
            "order": {"chain_first": chain_first, "incumbent_first": incumbent_first},
            "clock_offset_ms": dict(comparison.clock_offset_ms),
            "drift": asdict(comparison.drift),
        },
    }


def _outcome(slug: str, item: Outcome, terms: Terms) -> dict[str, Any]:
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
