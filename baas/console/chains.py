"""Test chains: what there is, how each one is, and creating, starting, stopping, extending and deleting them."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from baas.administrations import repository
from baas.chains.errors import ChainDeleted
from baas.chains.model import Chain
from baas.console.chain_pages import CHANGES, LABEL, administrations, engine_title, may, shown, taken
from baas.console.visits import PATH, Posted, PostedVisit, SignedIn, Visit, redirect
from baas.errors import Conflict, Invalid, QuotaExceeded
from baas.logs.model import LogKind
from baas.logs.service import TEMPLATE_OF
from baas.store.paging import MOST, PageOf
from baas.tenancy import Role
from baas.texts import catalogue
from sandbox.engines import Adopting, Installable, engines
from sandbox.errors import EngineError, SpecError

router = APIRouter()
#: The engine that is chosen unless somebody says otherwise; the list begins with it.
DEFAULT = "embedded"
#: Lengths of life that the form to extend a chain offers at first.
MORE_DAYS = 90


@router.get("/chains")
def chains(
    visit: SignedIn, after: Annotated[str | None, Query(pattern=r"^[0-9A-Z]{26}$")] = None
) -> Response:
    return chains_page(visit, after=after)


@router.post("/chains")
def create_chain(posted: Posted) -> Response:
    label, engine = posted.field("label"), posted.field("engine") or DEFAULT
    offered = {each["slug"]: each["endpoints"] for each in _engines(posted) if each["offered"]}
    if not LABEL.fullmatch(label):
        return chains_page(posted, 422, problem=posted.t("console.chains.bad_name"))
    if engine not in offered:
        return chains_page(posted, 422, problem=posted.t("console.chains.bad_engine"))
    with posted.services.store.reading() as session:
        owner = repository.administration(session, posted.scope, posted.field("administration"))
    if taken(posted, owner.id, label):
        return chains_page(posted, 409, problem=posted.t("console.chains.taken").format(name=label))
    adopts = offered[engine] is not None
    try:
        row = posted.services.chains.create(
            posted.scope,
            posted.field("administration"),
            label,
            engine,
            faucet=bool(posted.field("faucet")),
            endpoint=posted.field("endpoint") if adopts else "",
        )
    except QuotaExceeded:
        return chains_page(posted, 409, problem=posted.t("console.error.kind.quota-exceeded"))
    except (SpecError, Conflict, EngineError):
        if not adopts:
            raise
        return chains_page(posted, 409, problem=posted.t("console.chains.bad_endpoint"))
    if not adopts:  # whoever has only the console could not notarise on an empty chain
        posted.services.deployments.deploy(posted.scope, row.id, TEMPLATE_OF[LogKind.DOCUMENTS], {})
    return redirect(f"{PATH}/chains/{row.id}")


@router.get("/chains/{chain}")
def chain_page(chain: str, visit: SignedIn) -> Response:
    """One chain as it is; looking at it wakes nobody."""
    try:
        row = visit.services.chains.get(visit.scope, chain)
    except ChainDeleted as error:
        return _deleted(visit, chain, error)
    return _page(visit, row)


@router.post("/chains/{chain}/start")
def start_chain(chain: str, posted: Posted) -> Response:
    row = posted.services.chains.start(posted.scope, chain)
    posted.services.pipeline.resume(row.id)
    return redirect(f"{PATH}/chains/{row.id}")


@router.post("/chains/{chain}/stop")
def stop_chain(chain: str, posted: Posted) -> Response:
    row = posted.services.chains.stop(posted.scope, chain)
    return redirect(f"{PATH}/chains/{row.id}")


@router.post("/chains/{chain}/extend")
def extend_chain(chain: str, posted: Posted) -> Response:
    days = posted.field("days")
    try:
        row = posted.services.chains.extend(
            posted.scope, chain, int(days) if days.isdecimal() and len(days) < 6 else 0
        )
    except Invalid:
        row = posted.services.chains.get(posted.scope, chain)
        most = posted.services.chains.policy.most_days
        return _page(posted, row, 422, posted.t("console.life.bad_days").format(most=most))
    posted.services.pipeline.resume(row.id)
    return redirect(f"{PATH}/chains/{row.id}")


@router.post("/chains/{chain}/delete")
def delete_chain(chain: str, posted: Posted) -> Response:
    """Only when its name is typed: nothing brings a chain back."""
    row = posted.services.chains.get(posted.scope, chain)
    posted.scope.require(row.administration_id, "deleting a chain", *CHANGES)
    if posted.field("confirm") != row.label:
        return _page(posted, row, 422, posted.t("console.life.bad_confirmation").format(name=row.label))
    posted.services.chains.delete(posted.scope, row.id)
    return redirect(f"{PATH}/chains/{row.id}")


def _page(visit: Visit, row: Chain, status: int = 200, problem: str | None = None) -> Response:
    services = visit.services
    return visit.page(
        "chain",
        status,
        chain=shown(visit, row),
        tab="overview",
        deployments=services.deployments.listing(visit.scope, row.id, PageOf(None, MOST)).rows,
        may_change=may(visit, row, *CHANGES),
        may_extend=may(visit, row, Role.ADMIN),
        more_days=min(MORE_DAYS, services.chains.policy.most_days),
        most_days=services.chains.policy.most_days,
        problem=problem,
    )


def _deleted(visit: Visit, name: str, error: ChainDeleted) -> Response:
    """What is left of a deleted chain: its name, and where its evidence is (410 Gone)."""
    with visit.services.store.reading() as session:
        condition = Chain.chain_id == int(name) if name.isdecimal() and len(name) < 17 else Chain.id == name
        row = visit.scope.find(session, Chain, name, condition)
    return visit.page(
        "chain_deleted",
        410,
        chain={
            "label": row.label,
            "chain_id": row.chain_id,
            "deleted": row.deleted,
            "administration": administrations(visit)[row.administration_id],
            "api": error.evidence,
        },
    )


def chains_page(
    visit: Visit, status: int = 200, problem: str | None = None, after: str | None = None
) -> Response:
    """The list of chains, with the forms to create and to import one."""
    found = visit.services.chains.listing(visit.scope, PageOf(after, MOST))
    names = administrations(visit)
    with visit.services.store.reading() as session:
        own = visit.administrations(session, *CHANGES)
        importing = visit.administrations(session, Role.ADMIN)
    posted = visit if isinstance(visit, PostedVisit) else None
    return visit.page(
        "chains",
        status,
        chains=[shown(visit, row, names) for row in found.rows],
        next=f"{PATH}/chains?after={found.next}" if found.next else None,
        administrations=own,
        importing=importing,
        engines=_engines(visit) if own else [],
        chosen={
            name: posted.field(name) if posted else ""
            for name in ("administration", "label", "engine", "endpoint")
        }
        | {"faucet": posted is None or bool(posted.field("faucet"))},
        usage=_usage(visit),
        hours=visit.services.settings.quota_gas_hours,
        days=visit.services.chains.policy.days,
        problem=problem,
    )


def _engines(visit: Visit) -> list[dict[str, Any]]:
    """Every engine: what it is for, and whether a chain can be made with it here, or what has to be done first.

    `endpoints` are the names of the chains elsewhere that it can adopt; None of one that makes its own.
    """
    known = catalogue(visit.language)
    found = []
    for slug, each in sorted(engines().items(), key=lambda item: item[0] != DEFAULT):
        named = each.named() if isinstance(each, Adopting) else None
        ready = each.installed() is not None if isinstance(each, Installable) else named != []
        found.append(
            {
                "slug": slug,
                "title": engine_title(visit, slug),
                "text": known.get(f"console.engine.{slug}.text", each.title),
                "offered": ready,
                "endpoints": named,
                "command": "BAAS_ENDPOINTS=…" if named is not None else f"baas engine install {slug}",
            }
        )
    return found


def _usage(visit: Visit) -> list[dict[str, Any]]:
    """What each administration of the caller's may use, and what it uses now."""
    services, found = visit.services, []
    with services.store.reading() as session:
        seen = [
            (each, services.limits.get(session, visit.scope, each.code)[1])
            for each in visit.administrations(session, *Role)
        ]
    for each, limits in seen:
        gas, stored = services.meters.used(each.id)
        live = services.chains.listing(visit.scope, PageOf(None, MOST), each.code).rows
        found.append(
            {
                "administration": each.name,
                "chains": len(live),
                "most_chains": limits.chains,
                "megabytes": stored / 10**6,
                "most_megabytes": limits.stored_bytes / 10**6,
                "gas": gas / 10**6,
                "most_gas": limits.gas_per_period / 10**6,
                "requests": limits.requests_per_second,
            }
        )
    return found
