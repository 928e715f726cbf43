"""Test chains: what there is, how to connect, and creating, starting and stopping them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from baas.chains.model import Chain
from baas.chains.snippets import snippets
from baas.console.visits import PATH, Posted, SignedIn, Visit, redirect
from baas.errors import QuotaExceeded
from baas.logs.model import LogKind
from baas.logs.service import TEMPLATE_OF
from baas.store.paging import MOST, PageOf
from baas.tenancy import Role
from sandbox.gateway.rules import ORDER
from sandbox.lifecycle import DesiredState
from sandbox.permissions import ActKind

router = APIRouter()
CHANGES = (Role.ADMIN, Role.DEVELOPER)
#: The rules that the catalogue has a sentence for, and how many lines of refusals a page shows.
EXPLAINED, REFUSALS_SHOWN = frozenset({*ORDER, "method-table"}), 50
LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")


@router.get("/chains")
def chains(
    visit: SignedIn, after: Annotated[str | None, Query(pattern=r"^[0-9A-Z]{26}$")] = None
) -> Response:
    return _list(visit, after=after)


@router.post("/chains")
def create_chain(posted: Posted) -> Response:
    label = posted.field("label")
    if not LABEL.fullmatch(label):
        return _list(posted, 422, problem=posted.t("console.chains.bad_name"))
    try:
        row = posted.services.chains.create(posted.scope, posted.field("administration"), label)
    except QuotaExceeded:
        return _list(posted, 409, problem=posted.t("console.error.kind.quota-exceeded"))
    # whoever has only the console could not notarise on an empty chain
    posted.services.deployments.deploy(posted.scope, row.id, TEMPLATE_OF[LogKind.DOCUMENTS], {})
    return redirect(f"{PATH}/chains/{row.id}")


@router.get("/chains/{chain}")
def chain_page(chain: str, visit: SignedIn) -> Response:
    """One chain; a sleeping one wakes to show its accounts, a stopped one does not."""
    services = visit.services
    row = services.chains.get(visit.scope, chain)
    accounts = None if row.desired != DesiredState.RUNNING else _accounts(visit, row)
    deployments = services.deployments.listing(visit.scope, row.id, PageOf(None, MOST)).rows
    with services.store.reading() as session:
        may_change = row.administration_id in {each.id for each in visit.administrations(session, *CHANGES)}
    endpoint = f"{visit.request.url.scheme}://{visit.request.url.netloc}/rpc/{row.id}"
    return visit.page(
        "chain",
        chain=_shown(visit, row, _names(visit)) | {"endpoint": endpoint},
        accounts=accounts,
        refusals=[] if accounts is None else _refusals(visit, row),
        deployments=deployments,
        may_change=may_change,
        snippets=[{"name": each, "text": text} for each, text in snippets(endpoint, row.chain_id).items()],
    )


@router.post("/chains/{chain}/start")
def start_chain(chain: str, posted: Posted) -> Response:
    row = posted.services.chains.start(posted.scope, chain)
    posted.services.pipeline.resume(row.id)
    return redirect(f"{PATH}/chains/{row.id}")


@router.post("/chains/{chain}/stop")
def stop_chain(chain: str, posted: Posted) -> Response:
    row = posted.services.chains.stop(posted.scope, chain)
    return redirect(f"{PATH}/chains/{row.id}")


def _list(visit: Visit, status: int = 200, after: str | None = None, problem: str | None = None) -> Response:
    found = visit.services.chains.listing(visit.scope, PageOf(after, MOST))
    names = _names(visit)
    with visit.services.store.reading() as session:
        own = visit.administrations(session, *CHANGES)
    return visit.page(
        "chains",
        status,
        chains=[_shown(visit, row, names) for row in found.rows],
        next=f"{PATH}/chains?after={found.next}" if found.next else None,
        administrations=own,
        problem=problem,
    )


def _shown(visit: Visit, row: Chain, names: dict[str, str]) -> dict[str, Any]:
    head = visit.services.chains.head(row)
    return row.model_dump() | {
        "administration": names[row.administration_id],
        "observed": visit.services.chains.observed(row).value,
        "head": None if head is None else head.number,
    }


def _accounts(visit: Visit, row: Chain) -> list[dict[str, Any]]:
    _, awake = visit.services.chains.use(visit.scope, row.id)
    return [
        {
            "label": label,
            "address": address,
            "sender": ActKind.SEND in awake.may(address),
            "deployer": ActKind.DEPLOY in awake.may(address),
        }
        for label, address in awake.accounts.list().items()
    ]


def _refusals(visit: Visit, row: Chain) -> list[dict[str, Any]]:
    """Which rules refused whom how often, the most frequent first."""
    _, awake = visit.services.chains.use(visit.scope, row.id)
    return [
        {
            "rule": visit.t(f"console.rule.{each.rule}") if each.rule in EXPLAINED else each.rule,
            "sender": None if each.sender is None else f"0x{each.sender.hex()}",
            "number": each.number,
            "last": datetime.fromtimestamp(each.last_ms / 1000, UTC),
        }
        for each in awake.refusals.by_rule_and_sender(REFUSALS_SHOWN)
    ]


def _names(visit: Visit) -> dict[str, str]:
    with visit.services.store.reading() as session:
        return {each.id: each.name for each in visit.administrations(session)}
