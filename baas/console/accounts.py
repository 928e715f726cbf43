"""The custodial accounts of a chain: their addresses, what they may, a new one, and test ether."""

from __future__ import annotations

from functools import partial

from fastapi import APIRouter, Response

from baas.chains.model import Chain
from baas.console.chain_pages import (
    CHANGES,
    CLOSED_ERRORS,
    LABEL,
    Mistake,
    address_of,
    attempt,
    closed_page,
    may,
    open_chain,
    shown,
)
from baas.console.visits import PATH, Posted, PostedVisit, SignedIn, Visit, redirect
from sandbox import faucet
from sandbox.errors import AccountError, ChainError
from sandbox.permissions import ActKind

router = APIRouter()
TAB = "accounts"


@router.get("/chains/{chain}/accounts")
def accounts(chain: str, visit: SignedIn) -> Response:
    return _page(visit, visit.services.chains.get(visit.scope, chain))


@router.post("/chains/{chain}/accounts")
def create_account(chain: str, posted: Posted) -> Response:
    row = posted.services.chains.get(posted.scope, chain)
    return attempt(posted, lambda: _create(posted, row), partial(_page, posted, row))


@router.post("/chains/{chain}/faucet")
def give_ether(chain: str, posted: Posted) -> Response:
    row = posted.services.chains.get(posted.scope, chain)
    return attempt(posted, lambda: _give(posted, row), partial(_page, posted, row))


def _create(posted: PostedVisit, row: Chain) -> Response:
    label = posted.field("label")
    if not LABEL.fullmatch(label):
        raise Mistake("mistake.label")
    try:
        posted.services.chains.create_account(posted.scope, row.id, label)
    except AccountError as error:
        raise Mistake("mistake.label_taken", name=label) from error
    return redirect(f"{PATH}/chains/{row.id}/accounts")


def _give(posted: PostedVisit, row: Chain) -> Response:
    address, ether = address_of(posted.field("address"), "address"), posted.field("ether").replace(",", ".")
    try:
        faucet.wei_of(ether)
    except AccountError as error:
        raise Mistake("mistake.ether", most=faucet.MOST // faucet.ETHER) from error
    try:
        transaction = posted.services.chains.give(posted.scope, row.id, address, ether)
    except ChainError as error:
        raise Mistake("mistake.not_payable") from error
    except AccountError as error:
        raise Mistake("mistake.no_faucet") from error
    return _page(posted, row, given={"ether": ether, "address": address, "transaction": transaction})


def _page(
    visit: Visit,
    row: Chain,
    status: int = 200,
    problem: str | None = None,
    given: dict[str, str] | None = None,
) -> Response:
    try:
        awake = open_chain(visit, row)
    except CLOSED_ERRORS as error:
        return closed_page(visit, row, TAB, error)
    held = awake.accounts.list()
    return visit.page(
        "accounts",
        status,
        chain=shown(visit, row),
        tab=TAB,
        accounts=[
            {
                "label": label,
                "address": address,
                "sender": ActKind.SEND in awake.may(address),
                "deployer": ActKind.DEPLOY in awake.may(address),
                "purpose": label if label in ("anchoring", faucet.LABEL) else None,
            }
            for label, address in held.items()
        ],
        has_faucet=faucet.LABEL in held,
        most=faucet.MOST // faucet.ETHER,
        may_change=may(visit, row, *CHANGES),
        given=given,
        problem=problem,
    )
