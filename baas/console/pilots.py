"""Pilots: making one, its steps from the frozen plan to a person's decision, its verdicts and its report."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from fastapi.responses import HTMLResponse

from baas.connectors import ConnectorError
from baas.console.exchanges import page_of
from baas.console.fields import Mistakes, Texts, attempt
from baas.console.pilot_form import arm_title, first, offered, plan_from, refused, sent
from baas.console.visits import PATH, Posted, PostedVisit, SignedIn, Visit, redirect
from baas.errors import Conflict, Invalid
from baas.evaluations import page
from baas.evaluations.report import DECISIONS
from baas.exchange_service.authorisations import Authorisation
from baas.exchanges.service import NotAuthorised
from baas.logs.model import Log
from baas.metrics import metrics
from baas.notarisations.service import NotDeployed
from baas.pilots import screening
from baas.pilots.lifecycle import PilotState
from baas.pilots.model import Pilot
from baas.pilots.plan import NIGHT, Plan
from baas.pilots.records import plan_of
from baas.pilots.service import MEASURES
from baas.readiness.items import items
from baas.readiness.service import NotReady
from baas.store.paging import PageOf
from baas.tenancy import Role
from sandbox.errors import IllegalTransition

router = APIRouter()
MOST_TITLE, LEAST_REASON, MOST_REASON = 200, 10, 2000
#: The level of evidence from which on a pilot may be scaled.
SCALES = 3


@router.get("/pilots")
def pilots(
    visit: SignedIn, after: Annotated[str | None, Query(pattern=r"^[0-9A-Z]{26}$")] = None
) -> Response:
    with visit.services.store.reading() as session:
        found = visit.services.pilots.listing(session, visit.scope, PageOf(after), None)
        names = {each.id: each.name for each in visit.administrations(session)}
        may_create = bool(visit.administrations(session, *MEASURES)) and not visit.is_staff
    return visit.page(
        "pilots",
        pilots=[_shown(visit, pilot, names) for pilot in found.rows],
        next=f"{PATH}/pilots?after={found.next}" if found.next else None,
        may_create=may_create,
    )


@router.get("/pilots/new")
def new(visit: SignedIn) -> Response:
    return _form(visit, first())


@router.post("/pilots")
def create(posted: Posted) -> Response:
    """A draft of the plan that was filled in."""
    return attempt(
        lambda: _create(posted), posted, lambda status, said: _form(posted, sent(posted), status, said)
    )


@router.get("/pilots/{pilot}")
def pilot_page(pilot: str, visit: SignedIn) -> Response:
    return _page(visit, pilot)


@router.post("/pilots/{pilot}/freeze")
def freeze(pilot: str, posted: Posted) -> Response:
    """Fixes the plan: from then on nothing of it changes."""
    return _act(posted, pilot, lambda: posted.services.pilots.freeze(posted.scope, pilot))


@router.post("/pilots/{pilot}/run")
def run(pilot: str, posted: Posted) -> Response:
    """Begins the run; the page tells how far it is."""
    return _act(posted, pilot, lambda: posted.services.pilots.start(posted.scope, pilot))


@router.post("/pilots/{pilot}/evaluate")
def evaluate(pilot: str, posted: Posted) -> Response:
    """Applies the rules that were fixed before."""

    def done() -> Log:
        with posted.services.store.session() as session:
            return posted.services.evaluations.evaluate(session, posted.scope, pilot)[1]

    return _act(posted, pilot, lambda: posted.services.logs.poke(done()))


@router.post("/pilots/{pilot}/decide")
def decide(pilot: str, posted: Posted) -> Response:
    """A person's decision, and why."""
    return _act(posted, pilot, lambda: _decide(posted, pilot))


@router.get("/pilots/{pilot}/report")
def report(pilot: str, visit: SignedIn) -> Response:
    """The report's page, as it is printed and published; it has a policy of its own."""
    with visit.services.store.reading() as session:
        found = visit.services.evaluations.report(session, visit.scope, pilot)
    html = page.render(json.loads(found), visit.language)
    return HTMLResponse(html, headers={"Content-Security-Policy": page.SECURITY_POLICY})


# -- what is done --------------------------------------------------------------------------------------


def _create(posted: PostedVisit) -> Response:
    title, fields = posted.field("title"), sent(posted)
    wrong: dict[str, tuple[str, dict[str, object]]] = {}
    if not 0 < len(title) <= MOST_TITLE:
        wrong["title"] = ("pilot_form.mistake.title", {"most": MOST_TITLE})
    try:
        plan = plan_from(fields)
    except Mistakes as mistakes:
        raise Mistakes({**wrong, **mistakes.keys}) from mistakes
    if wrong:
        raise Mistakes(wrong)
    try:
        with posted.services.store.session() as session:
            made = posted.services.pilots.create(
                session, posted.scope, posted.field("administration"), title, plan
            )
    except Invalid as error:
        raise refused(error, plan) from error
    return redirect(f"{PATH}/pilots/{made.id}")


def _decide(posted: PostedVisit, pilot: str) -> None:
    decision, reason = posted.field("decision"), posted.field("reason")
    wrong: dict[str, tuple[str, dict[str, object]]] = {}
    if decision not in DECISIONS:
        wrong["decision"] = ("pilot.mistake.decision", {})
    if not LEAST_REASON <= len(reason) <= MOST_REASON:
        wrong["reason"] = ("pilot.mistake.reason", {"least": LEAST_REASON, "most": MOST_REASON})
    if wrong:
        raise Mistakes(wrong)
    with posted.services.store.session() as session:
        _, log = posted.services.evaluations.decide(session, posted.scope, pilot, decision, reason)
    posted.services.logs.poke(log)


def _act(posted: PostedVisit, pilot: str, act: Callable[[], object]) -> Response:
    """A step of a pilot; what stands in its way is told on the pilot's page."""

    def done() -> Response:
        try:
            act()
        except NotReady as error:
            names = ", ".join(items()[each].name[posted.language] for each in error.open_items)
            raise Mistakes.one("", "pilot.mistake.not_ready", items=names) from error
        except NotAuthorised as error:
            return _page(posted, pilot, 422, *_lacking(posted, error.lacking))
        except ConnectorError as error:
            raise Mistakes.one("", "pilot.mistake.service") from error
        except NotDeployed as error:
            raise Mistakes.one("", "error.kind.not-deployed") from error
        except IllegalTransition as error:
            raise Mistakes.one("", "pilot.mistake.step") from error
        except Conflict as error:
            raise Mistakes.one("", "pilot.mistake.conflict") from error
        return redirect(f"{PATH}/pilots/{pilot}")

    return attempt(done, posted, lambda status, said: _page(posted, pilot, status, said))


def _lacking(posted: PostedVisit, lacking: Authorisation) -> tuple[Texts, str]:
    """What of the exchange an administration may not ask, and where it is told how to."""
    said = posted.t("console.pilot.mistake.not_authorised").format(
        name=_named(posted, lacking.organisation),
        what=f"{lacking.product} · {lacking.modality}",
        purpose=lacking.purpose,
    )
    return {"": said}, page_of(lacking.organisation)


# -- what the pages show -------------------------------------------------------------------------------


def _form(visit: Visit, fields: dict[str, str], status: int = 200, mistakes: Texts | None = None) -> Response:
    with visit.services.store.reading() as session:
        owners = visit.administrations(session, *MEASURES)
        others = visit.administrations(session, Role.DEVELOPER)
    return visit.page(
        "pilot_new",
        status,
        administrations=[{"code": each.code, "name": each.name} for each in owners],
        counterparts=[{"code": each.code, "name": each.name} for each in others] if len(owners) > 1 else [],
        offered=offered(visit),
        fields=fields,
        mistakes=dict(mistakes or {}),
    )


def _page(
    visit: Visit, pilot_id: str, status: int = 200, mistakes: Texts | None = None, exchange: str = ""
) -> Response:
    with visit.services.store.reading() as session:
        pilot = visit.services.pilots.get(session, visit.scope, pilot_id)
        names = {each.id: each.name for each in visit.administrations(session)}
    plan, told = plan_of(pilot), json.loads(pilot.report) if pilot.report else None
    ended, planned = visit.services.pilots.progress(pilot)
    level = told["verdict"]["evidence_level"] if told else 0
    return visit.page(
        "pilot",
        status,
        pilot=_shown(visit, pilot, names)
        | {
            "plan_sha256": pilot.plan_sha256,
            "plan_notarisation": pilot.plan_notarisation,
            "report_notarisation": pilot.report_notarisation,
            "frozen": pilot.frozen,
            "measured": pilot.measured,
            "acts": ended,
            "acts_planned": planned,
        },
        plan=_plan(visit, plan),
        steps=_steps(pilot.state),
        verdicts=_verdicts(visit, told) if told else [],
        decided=_decided(visit, told) if told and told["decision"] else None,
        decisions=[
            {"slug": each, "text": visit.t(f"report.decision.{each}")}
            for each in DECISIONS
            if each != "scale" or level >= SCALES
        ],
        may_measure=_may(visit, pilot, *MEASURES),
        may_decide=_may(visit, pilot, Role.ADMIN),
        mistakes=dict(mistakes or {}),
        exchange=exchange,
        sent={name: visit.field(name) for name in ("decision", "reason")}
        if isinstance(visit, PostedVisit)
        else {"decision": "", "reason": ""},
    )


def _may(visit: Visit, pilot: Pilot, *roles: Role) -> bool:
    held = visit.scope.caller.roles.get(pilot.administration_id, frozenset())
    return bool(held & frozenset(roles)) and visit.scope.caller.closed(pilot.administration_id) is None


def _steps(state: PilotState) -> list[dict[str, str]]:
    """The steps of a pilot in order, each past, current or to come."""
    order = list(PilotState)
    here = order.index(state)
    return [
        {"state": each.value, "place": "past" if n < here else "current" if n == here else "later"}
        for n, each in enumerate(order)
    ]


def _plan(visit: Visit, plan: Plan) -> dict[str, Any]:
    """The plan in words; numbers with their units."""
    known, language = metrics(), visit.language

    def metric(slug: str) -> str:
        return known[slug].texts[language] if slug in known else slug

    def amount(value: float, slug: str) -> str:
        unit = known[slug].unit if slug in known else ""
        if unit == "proportion":
            return f"{_number(value * 100)}\u00a0{visit.t('report.unit.points')}"
        return f"{_number(value)}\u00a0{visit.t(f'report.unit.{unit}') if unit else ''}"

    every = plan.incumbents
    return {
        "problem": plan.problem,
        "hypothesis": plan.hypothesis,
        "alternative": plan.alternative,
        "subject": visit.t(f"report.subject.{plan.subject.value}"),
        "counterpart": _named(visit, plan.counterpart),
        "screening": _screened(visit, plan),
        "arms": [arm_title(visit, each) for each in plan.arms],
        "observed": [arm_title(visit, each) for each in plan.observed],
        "primary": metric(plan.primary),
        "mid": amount(plan.mid, plan.primary),
        "guardrails": [f"{metric(slug)}: {amount(margin, slug)}" for slug, margin in plan.guardrails.items()],
        "secondary": [metric(each) for each in plan.secondary],
        "pairs": plan.pairs,
        "interval": _number(plan.interval),
        "timeout": _number(plan.timeout),
        "seal": f"{plan.seal.format.value}, {plan.seal.level.value}".upper() if "seal" in every else None,
        "log_period": _number(plan.log_period) if "log" in every else None,
        "shortened": "log" in every and plan.log_period < NIGHT,
        "disturbance": None
        if plan.disturbance is None
        else {"arm": arm_title(visit, plan.disturbance.arm), "delay": _number(plan.disturbance.delay_ms)},
        "legacy_sha1": plan.legacy_sha1,
        "data_class": visit.t(f"report.data_class.{plan.data_class.value}"),
    }


def _named(visit: Visit, code: str) -> str:
    """An administration of a plan as the visitor may see it: by name, or by its code alone."""
    if not code:
        return ""
    with visit.services.store.reading() as session:
        return next((each.name for each in visit.administrations(session) if each.code == code), code)


def _screened(visit: Visit, plan: Plan) -> list[dict[str, str]]:
    """What each questionnaire says of the plan's answers; empty where nobody answered any."""
    language = visit.language
    walks = {tree.slug: screening.walk(tree, plan.screening) for tree in screening.trees()}
    return [
        {
            "title": tree.title[language],
            "said": screening.verdicts()[verdict].text[language]
            if (verdict := walks[tree.slug].verdict)
            else visit.t("report.not_answered"),
        }
        for tree in screening.trees()
        if plan.screening
    ]


def _number(value: float) -> str:
    return f"{value:g}".replace(".", ",")


def _verdicts(visit: Visit, told: dict[str, Any]) -> list[dict[str, str]]:
    """The verdict beside each service of the plan."""
    return [
        {
            "arm": arm_title(visit, each["incumbent"]),
            "verdict": visit.t(f"report.verdict.{each['verdict']['verdict']}"),
        }
        for each in told["comparisons"]
    ]


def _decided(visit: Visit, told: dict[str, Any]) -> dict[str, str]:
    made = told["decision"]
    return {
        "decision": visit.t(f"report.decision.{made['decision']}"),
        "reason": made["reason"],
        "by": made["by"],
        "at": made["at"],
    }


def _shown(visit: Visit, pilot: Pilot, names: dict[str, str]) -> dict[str, Any]:
    return {
        "id": pilot.id,
        "title": pilot.title,
        "administration": names[pilot.administration_id],
        "state": pilot.state.value,
        "verdict": visit.t(f"report.verdict.{pilot.verdict}") if pilot.verdict else None,
        "decision": visit.t(f"report.decision.{pilot.decision}") if pilot.decision else None,
        "report": pilot.report is not None,
    }
