"""The form that a pilot is made with: what it offers, and the plan that somebody filled in, or what is wrong with it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any, Final

from pydantic import ValidationError

from baas.ades.types import Format, Level
from baas.connectors import Subject, connectors
from baas.console.fields import Mistakes
from baas.console.visits import PostedVisit, Visit
from baas.errors import Invalid
from baas.metrics import CHAIN, Kind, Metric, metrics
from baas.pilots import screening
from baas.pilots.checks import fewest_pairs
from baas.pilots.plan import OF_TWO, Plan
from baas.pilots.terms import DataClass

#: What the form begins with: a plan that a laptop runs in some minutes, of every arm.
TEXTS: Final = ("problem", "hypothesis", "alternative")
NUMBERS: Final = ("mid", "pairs", "interval", "timeout", "clock_limit_ms", "seed", "log_period")
FIRST: Final = {
    "subject": Subject.DOCUMENT.value,
    "counterpart": "",
    "primary": "time_to_evidence",
    "mid": "2",
    "pairs": "60",
    "interval": "1",
    "timeout": "30",
    "clock_limit_ms": "2000",
    "log_period": "10",
    "data_class": DataClass.SYNTHETIC.value,
    "seal_level": Level.T.value,
    "disturbed": "",
    "delay_ms": "",
    "use-verified_offline": "guardrail",
    "margin-verified_offline": "8",
    "use-evidence_bytes": "secondary",
    "use-tampering_noticed": "secondary",
    "use-time_to_confirmation": "secondary",
    "use-verification_time": "secondary",
    "use-verifiable_until": "secondary",
}
#: An arm is compared, only observed, or left out.
PARTS: Final = ("compared", "observed", "")
USES: Final = ("secondary", "guardrail", "")
#: What the arm `seal` can give for a digest.
LEVELS: Final = (Level.T, Level.B)
#: The field that is about a part of the plan, where the service refuses that part.
PLACES: Final = {
    "arms": "arms",
    "observed": "arms",
    "primary": "primary",
    "guardrails": "secondary",
    "secondary": "secondary",
    "pairs": "pairs",
    "log_period": "log_period",
    "disturbance": "disturbed",
    "counterpart": "counterpart",
    "data_class": "data_class",
    "screening": "screening",
}
#: A question of the screening trees, as its field sends it; one that nobody answers sends "".
ANSWERS: Final = {"yes": True, "no": False, "": None}
#: Arms that begin otherwise than compared: only their issuer can check their evidence.
OBSERVED: Final = frozenset({"csv"})
#: Left out of what the form shows first: AOC authorises an administration to ask these, and until then each act fails.
AUTHORISED: Final = frozenset({"exchange"})


def offered(visit: Visit) -> dict[str, Any]:
    """What there is to choose from, in the visit's language."""
    language = visit.language
    known = metrics()
    return {
        "arms": [{"slug": slug, "title": each.title[language]} for slug, each in connectors().items()],
        "parts": [
            {"slug": each, "text": visit.t(f"console.pilot_form.part.{each or 'none'}")} for each in PARTS
        ],
        "primaries": [
            {"slug": slug, "text": each.texts[language], "unit": _unit(visit, each)}
            for slug, each in known.items()
            if each.kind is Kind.PAIRED_DIFFERENCE
        ],
        "metrics": [
            {
                "slug": slug,
                "text": each.texts[language],
                "unit": _unit(visit, each),
                "uses": [use for use in USES if use != "guardrail" or each.kind is not Kind.TRIAL_TABLE],
            }
            for slug, each in known.items()
        ],
        "levels": [
            {"slug": each.value, "text": visit.t(f"console.pilot_form.level.{each.value}")} for each in LEVELS
        ],
        "subjects": [
            {"slug": each.value, "text": visit.t(f"console.pilot_form.subjects.{each.value}")}
            for each in Subject
        ],
        "trees": [
            {
                "slug": tree.slug,
                "title": tree.title[language],
                "source": tree.source,
                "questions": [
                    {
                        "id": each.id,
                        "field": f"screening-{each.id}",
                        "text": each.text[language],
                        "note": each.note.get(language, ""),
                    }
                    for each in tree.questions
                ],
            }
            for tree in screening.trees()
        ],
        "data_classes": [
            {"slug": each.value, "text": visit.t(f"report.data_class.{each.value}")}
            for each in DataClass
            if each is not DataClass.REAL_PERSONAL
        ],
    }


def first() -> dict[str, str]:
    """The fields as the form shows them before anybody typed anything."""
    parts = {
        f"arm-{slug}": "observed" if slug in OBSERVED else "" if slug in AUTHORISED else "compared"
        for slug in connectors()
    }
    return {**FIRST, **parts, "seed": str(secrets.randbelow(10**9))}


def sent(posted: PostedVisit) -> dict[str, str]:
    """The fields as they were typed."""
    return {name: posted.field(name) for name in posted.form if name != "csrf_token"}


def plan_from(fields: Mapping[str, str]) -> Plan:
    """The plan that was filled in. Mistakes names every field that cannot be used."""
    found: dict[str, Any] = {name: fields.get(name, "") for name in TEXTS}
    wrong: dict[str, str] = {}

    def number(name: str, field: str) -> float | None:
        try:
            return float(fields.get(field, "").replace(",", ".").replace("\u202f", ""))
        except ValueError:
            wrong[field] = "number"
            return None

    for name in NUMBERS:
        value = number(name, name)
        if value is not None:
            found[name] = int(value) if value.is_integer() and name in ("pairs", "seed") else value
    arms = [slug for slug in connectors() if fields.get(f"arm-{slug}") == "compared"]
    if not arms:
        wrong["arms"] = "arms"
    found |= {
        "arms": arms,
        "observed": [slug for slug in connectors() if fields.get(f"arm-{slug}") == "observed"],
        "primary": fields.get("primary", ""),
        "subject": fields.get("subject", Subject.DOCUMENT.value),
        "counterpart": fields.get("counterpart", ""),
        "screening": _answered(fields, wrong),
        "data_class": fields.get("data_class", ""),
        "legacy_sha1": fields.get("legacy_sha1") == "yes",
        "seal": {"format": Format.CADES.value, "level": fields.get("seal_level", "")},
        "secondary": [],
        "guardrails": {},
    }
    for slug, metric in metrics().items():
        use = fields.get(f"use-{slug}", "")
        if slug == found["primary"] or use not in USES or not use:
            continue
        if use == "secondary":
            found["secondary"].append(slug)
        elif (margin := number(slug, f"margin-{slug}")) is not None:
            found["guardrails"][slug] = margin / 100 if metric.unit == "proportion" else margin
    if fields.get("disturbed"):
        delay = number("delay_ms", "delay_ms")
        found["disturbance"] = {"arm": fields["disturbed"], "delay_ms": delay}
    return _validated(found, wrong)


def refused(error: Invalid, plan: Plan) -> Mistakes:
    """What the service says of a plan, beside the field that it is about."""
    name = error.pointer.removeprefix("/plan/").split("/")[0]
    blanks: dict[str, dict[str, object]] = {
        "pairs": {"least": fewest_pairs(len(plan.arms))},
        "log_period": {"most": f"{plan.timeout / 2:g}".replace(".", ",")},
    }
    field = PLACES.get(name, "")
    kind = {
        "pairs": "few_pairs",
        "log_period": "long_period",
        "data_class": "person_data",
        "counterpart": "counterpart" if plan.subject in OF_TWO else "no_counterpart",
    }.get(name, name if field else "plan")
    if field == "arms" and any(plan.subject not in connectors()[each].subjects for each in plan.incumbents):
        kind = "subject"
    if field in ("primary", "secondary") and plan.subject is not Subject.PERSON_FACT:
        named = (plan.primary, *plan.guardrails, *plan.secondary)
        if any(each in metrics() and metrics()[each].about_a_person for each in named):
            kind = "not_a_person"
    return Mistakes.one(field, f"pilot_form.mistake.{kind}", **blanks.get(name, {}))


def _validated(found: dict[str, Any], wrong: dict[str, str]) -> Plan:
    plan: Plan | None = None
    try:
        plan = Plan.model_validate(found)
    except ValidationError as error:
        for each in error.errors():
            name = str(each["loc"][0])
            field = {
                "guardrails": f"margin-{each['loc'][-1]}",
                "seal": f"seal_{each['loc'][-1]}",
                "disturbance": "delay_ms",
            }.get(name, name)
            wrong.setdefault(field, "text" if name in TEXTS else "arms" if name == "arms" else "range")
    if wrong or plan is None:
        raise Mistakes({field: (f"pilot_form.mistake.{kind}", {}) for field, kind in wrong.items()})
    return plan


def _answered(fields: Mapping[str, str], wrong: dict[str, str]) -> dict[str, bool]:
    """The questions of the trees that were answered."""
    found: dict[str, bool] = {}
    for name in screening.question_ids():
        said = fields.get(f"screening-{name}", "")
        if said not in ANSWERS:
            wrong["screening"] = "screening"
        elif (answer := ANSWERS[said]) is not None:
            found[name] = answer
    return found


def arm_title(visit: Visit, slug: str) -> str:
    """An arm's name in the visit's language."""
    if slug == CHAIN:
        return visit.t("report.arm.chain")
    known = connectors()
    return str(known[slug].title[visit.language]) if slug in known else slug


def _unit(visit: Visit, metric: Metric) -> str:
    if metric.kind is Kind.TRIAL_TABLE:
        return ""
    return visit.t("report.unit.points" if metric.unit == "proportion" else f"report.unit.{metric.unit}")
