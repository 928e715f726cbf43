"""Whether a plan can be carried out and judged: better known before it is frozen than after its run."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Protocol

from baas.connectors import Subject
from baas.connectors.signature import OVER_A_DIGEST, told
from baas.errors import Invalid
from baas.metrics import CHAIN, Arm, Kind, Metric
from baas.pilots import screening
from baas.pilots.arms import ArmFacts
from baas.pilots.plan import NIGHT, OF_TWO, Plan
from baas.pilots.terms import DataClass

LOG = "log"


class Asked(Protocol):
    """What of a connector's class tells whether a plan may name it."""

    subjects: frozenset[Subject]


def check(
    plan: Plan, administration: str, known_arms: Mapping[Arm, Asked], known: Mapping[str, Metric]
) -> None:
    """Invalid, with the field and what would do, for a plan of `administration` whose run could not be judged."""
    _arms(plan, list(known_arms))
    _subject(plan, known_arms)
    _counterpart(plan, administration)
    _metrics(plan, known)
    _pairs(plan)
    _log(plan)
    _seal(plan)
    screening.check(plan.screening)


def check_offline(plan: Plan, known: Mapping[str, Metric], facts: Iterable[ArmFacts]) -> None:
    """Invalid where a compared arm's evidence does not verify offline and a metric of the verdict asks for just that."""
    online = [each.arm for each in facts if each.arm in plan.arms and not each.capabilities.verifies_offline]
    if not online:
        return
    for pointer, names in (("primary", [plan.primary]), ("guardrails", list(plan.guardrails))):
        for name in names:
            if known[name].offline:
                others = [
                    slug for slug, each in known.items() if each.kind is known[name].kind and not each.offline
                ]
                expected = (
                    f"a metric that the arm {', '.join(online)} can have, whose evidence only its service can check "
                    f"({', '.join(others)}); or that arm among `observed`, where it is shown and not judged"
                )
                raise Invalid(f"/plan/{pointer}", expected, repr(name))


def fewest_pairs(incumbents: int) -> int:
    """The fewest pairs for which every A/A control of so many incumbents has an interval.

    Distribution-free, of a median, at 1 − 0.05/k: 2·0.5ⁿ ≤ 0.05/k.
    """
    return math.ceil(math.log2(2 * incumbents / 0.05))


def _arms(plan: Plan, known: list[Arm]) -> None:
    seen: set[Arm] = set()
    for pointer, slugs in (("arms", plan.arms), ("observed", plan.observed)):
        for slug in slugs:
            if slug == CHAIN:
                raise Invalid(f"/plan/{pointer}", "incumbents alone: the chain is in every pilot", repr(slug))
            if slug not in known or slug in seen:
                raise Invalid(
                    f"/plan/{pointer}", f"arms of {', '.join(known)}, each in one place", repr(slug)
                )
            seen.add(slug)
    if plan.disturbance and plan.disturbance.arm not in (CHAIN, *seen):
        expected = f"an arm of this plan: {', '.join((CHAIN, *plan.incumbents))}"
        raise Invalid("/plan/disturbance/arm", expected, repr(plan.disturbance.arm))


def _subject(plan: Plan, known: Mapping[Arm, Asked]) -> None:
    fitting = [slug for slug, each in known.items() if plan.subject in each.subjects]
    for pointer, slugs in (("arms", plan.arms), ("observed", plan.observed)):
        for slug in slugs:
            if slug not in fitting:
                those = ", ".join(fitting) or "there is none"
                expected = f"arms that can be asked about the subject {plan.subject}: {those}"
                raise Invalid(f"/plan/{pointer}", expected, repr(slug))
    if plan.subject is Subject.PERSON_FACT and plan.data_class is not DataClass.SYNTHETIC:
        expected = f"{DataClass.SYNTHETIC}, where cases are facts about persons: real ones are personal data"
        raise Invalid("/plan/data_class", expected, plan.data_class.value)


def _counterpart(plan: Plan, administration: str) -> None:
    if plan.subject not in OF_TWO:
        if plan.counterpart:
            expected = f"none: only {' and '.join(sorted(OF_TWO))} have a second administration"
            raise Invalid("/plan/counterpart", expected, repr(plan.counterpart))
    elif not plan.counterpart:
        expected = f"the code of the second administration, which the subject {plan.subject} needs"
        raise Invalid("/plan/counterpart", expected, "none")
    elif plan.counterpart == administration:
        raise Invalid(
            "/plan/counterpart", "another administration than the pilot's own", repr(plan.counterpart)
        )


def _seal(plan: Plan) -> None:
    """A case has its document's digest: what is sealed otherwise, a PDF, has the seal within."""
    if plan.seal.level not in OVER_A_DIGEST.get(plan.seal.format, ()):
        expected = f"what is sealed over a digest: {told(OVER_A_DIGEST)}"
        raise Invalid("/plan/seal", expected, f"{plan.seal.format} {plan.seal.level}")


def _metrics(plan: Plan, known: Mapping[str, Metric]) -> None:
    seen: set[str] = set()
    for pointer, names, kinds in (
        ("primary", [plan.primary], {Kind.PAIRED_DIFFERENCE}),
        ("guardrails", list(plan.guardrails), {Kind.PAIRED_DIFFERENCE, Kind.RATE}),
        ("secondary", plan.secondary, set(Kind)),
    ):
        fitting = [slug for slug, metric in known.items() if metric.kind in kinds]
        for name in names:
            if name not in fitting or name in seen:
                expected = f"metrics of {', '.join(fitting)}, each in one place"
                raise Invalid(f"/plan/{pointer}", expected, repr(name[:80]))
            if known[name].about_a_person and plan.subject is not Subject.PERSON_FACT:
                expected = (
                    f"{name} for the subject {Subject.PERSON_FACT} alone: in others nothing is to be spared"
                )
                raise Invalid(f"/plan/{pointer}", expected, f"the subject {plan.subject}")
            seen.add(name)


def _pairs(plan: Plan) -> None:
    fewest = fewest_pairs(len(plan.arms))
    if plan.pairs < fewest:
        expected = f"at least {fewest} for {len(plan.arms)} arms: under that an A/A control has no interval"
        raise Invalid("/plan/pairs", expected, str(plan.pairs))


def _log(plan: Plan) -> None:
    """Evidence of the log comes when its period ends and is stamped: half of the time limit is left for that."""
    most = plan.timeout / 2
    if LOG in plan.incumbents and plan.log_period > most:
        expected = (
            f"at most {most:g} s, half of the timeout of {plan.timeout:g} s, for a plan with the arm {LOG}, whose evidence "
            f"comes when a period ends; a real night ({NIGHT:g} s) fits no run: shorten it, and the report says so"
        )
        raise Invalid("/plan/log_period", expected, f"{plan.log_period:g}")
