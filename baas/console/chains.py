"""Test chains: what there is, how to connect, and creating, starting and stopping them."""

from __future__ import annotations

import re
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
from sandbox.lifecycle import DesiredState
from sandbox.permissions import Role as AllowlistRole

router = APIRouter()
CHANGES = (Role.ADMIN, Role.DEVELOPER)
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
    allowed = awake.allowlist()
    return [
        {
            "label": label,
            "address": address,
            "sender": address in allowed.get(AllowlistActKind.SEND, []),
            "deployer": address in allowed.get(AllowlistActKind.DEPLOY, []),
        }
        for label, address in awake.accounts.list().items()
    ]


def _names(visit: Visit) -> dict[str, str]:
    with visit.services.store.reading() as session:
        return {each.id: each.name for each in visit.administrations(session)}
