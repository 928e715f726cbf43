"""How to connect to a chain: its addresses, an address for a wallet, and programs for the tools that developers have."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response

from baas.chains.model import Chain
from baas.chains.snippets import snippets
from baas.console.chain_pages import CHANGES, may, shown
from baas.console.forgery import is_https
from baas.console.visits import Posted, SignedIn, Visit
from baas.tenancy import Role, RpcEndpoint

router = APIRouter()
DOORS = {RpcEndpoint.PUBLIC: "rpc", RpcEndpoint.ADMIN: "rpc-admin"}
#: How long a wallet's address lasts unless another time is chosen, and at most.
DAYS, MOST_DAYS = 30, 365


@router.get("/chains/{chain}/connect")
def connect(chain: str, visit: SignedIn) -> Response:
    return _page(visit, visit.services.chains.get(visit.scope, chain))


@router.post("/chains/{chain}/connect")
def make_address(chain: str, posted: Posted) -> Response:
    """An address that holds a token of its own. It is on the page that answers, and nowhere ever after."""
    row = posted.services.chains.get(posted.scope, chain)
    label, days = posted.field("label"), posted.field("days") or str(DAYS)
    if not (days.isdecimal() and len(days) < 4 and 1 <= int(days) <= MOST_DAYS):
        return _page(posted, row, 422, posted.t("console.connect.bad_days").format(most=MOST_DAYS))
    if not 1 <= len(label) <= 200:
        return _page(posted, row, 422, posted.t("console.connect.bad_label"))
    endpoint = RpcEndpoint.ADMIN if posted.field("endpoint") == "admin" else RpcEndpoint.PUBLIC
    with posted.services.store.session() as session:
        issued = posted.services.tokens.issue_rpc(
            session, posted.scope, label, row.administration_id, row.id, int(days), endpoint
        )
        made = {
            "url": f"{_address(posted, row, endpoint)}/{issued.text}",
            "label": label,
            "endpoint": endpoint.value,
            "expires": issued.row.expires,
        }
    return _page(posted, row, made=made)


def _page(
    visit: Visit,
    row: Chain,
    status: int = 200,
    problem: str | None = None,
    made: dict[str, Any] | None = None,
) -> Response:
    public = _address(visit, row, RpcEndpoint.PUBLIC)
    return visit.page(
        "connect",
        status,
        chain=shown(visit, row),
        tab="connect",
        public=public,
        admin=_address(visit, row, RpcEndpoint.ADMIN),
        may_public=may(visit, row, Role.DEVELOPER),
        may_admin=may(visit, row, *CHANGES),
        days=DAYS,
        most_days=MOST_DAYS,
        made=made,
        snippets=[{"name": each, "text": text} for each, text in snippets(public, row.chain_id).items()],
        problem=problem,
    )


def _address(visit: Visit, row: Chain, endpoint: RpcEndpoint) -> str:
    scheme = "https" if is_https(visit.request) else "http"
    return f"{scheme}://{visit.request.url.netloc}/{DOORS[endpoint]}/{row.id}"
