"""Routes of chains, their accounts and RPC tokens."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from sqlmodel import Session

from baas.api.calls import Call, Calling, Paging
from baas.chains import schemas
from baas.chains.model import Chain
from baas.tenancy import CallerKind, RpcEndpoint
from baas.wire import Page
from sandbox.faucet import WORTH_NOTHING
from sandbox.lifecycle import DesiredState

router = APIRouter(tags=["chains"])
Name = Annotated[str, Path(description="the chain's id, or its chain id in decimal", max_length=40)]
Of = Annotated[str | None, Query(description="only this administration's, by its code", max_length=40)]


def chain_out(call: Call, row: Chain) -> schemas.ChainOut:
    observed = call.services.chains.observed(row)
    head = call.services.chains.head(row)
    return schemas.ChainOut(
        **row.model_dump(include={"id", "administration_id", "label", "chain_id", "engine", "created"}),
        genesis_hash=row.genesis_hash,
        sealing_key=row.sealing_key,
        desired=DesiredState(row.desired),
        observed=observed,
        head=None
        if head is None
        else schemas.HeadOut(number=head.number, hash=f"0x{head.hash.hex()}", timestamp=head.timestamp),
        parent=None
        if row.parent_chain_id is None
        else schemas.ParentOut(
            chain_id=row.parent_chain_id, number=row.parent_number or 0, hash=row.parent_hash or ""
        ),
        rpc=f"/rpc/{row.id}",
        rpc_admin=f"/rpc-admin/{row.id}",
        expires=row.expires,
        seconds_left=max(0, int((row.expires - call.services.clock.now()).total_seconds())),
        deletion=call.services.chains.deletion(row),
        sleeps_at=call.services.chains.sleeps_at(row),
        warnings=call.services.chains.warnings(row, observed),
    )


@router.post("/chains", status_code=201, response_model=schemas.ChainOut)
def create_chain(body: schemas.ChainIn, call: Calling) -> Response:
    """A new isolated chain, awake, with one technical account that may send and deploy."""
    return call.act(
        lambda: chain_out(
            call,
            call.services.chains.create(
                call.scope,
                body.administration,
                body.label,
                body.engine,
                faucet=body.faucet,
                endpoint=body.endpoint,
            ),
        )
    )


@router.get("/chains")
def list_chains(call: Calling, page: Paging, administration: Of = None) -> Page[schemas.ChainOut]:
    """The chains that you may see, without the deleted ones."""
    found = call.services.chains.listing(call.scope, page, administration)
    return Page(items=[chain_out(call, row) for row in found.rows], next=found.next)


@router.get("/fleet")
def show_fleet(call: Calling) -> schemas.FleetOut:
    """All administrations' chains by state, and why those that failed did. For operators."""
    call.scope.require_staff("looking at the fleet", CallerKind.OPERATOR)
    fleet = call.services.fleet
    return schemas.FleetOut(
        awake=len(fleet.names_awake()),
        bound=fleet.bound,
        observed=call.services.chains.counts(),
        failures=[
            schemas.FailureOut(chain=chain, reason=reason) for chain, reason in fleet.failures().items()
        ],
    )


@router.get("/chains/{chain}")
def show_chain(chain: Name, call: Calling) -> schemas.ChainOut:
    """One chain: what is desired and what is observed."""
    return chain_out(call, call.services.chains.get(call.scope, chain))


@router.post("/chains/{chain}/start", response_model=schemas.ChainOut)
def start_chain(chain: Name, call: Calling) -> Response:
    """Wakes a stopped chain; what waits to be anchored on it goes on."""

    def act() -> schemas.ChainOut:
        row = call.services.chains.start(call.scope, chain)
        call.services.pipeline.resume(row.id)
        return chain_out(call, row)

    return call.act(act, 200)


@router.post("/chains/{chain}/stop", response_model=schemas.ChainOut)
def stop_chain(chain: Name, call: Calling) -> Response:
    """Ends its processes; what was accepted stays on disk. No request wakes it until it is started."""
    return call.act(lambda: chain_out(call, call.services.chains.stop(call.scope, chain)), 200)


@router.post("/chains/{chain}/extend", response_model=schemas.ChainOut)
def extend_chain(chain: Name, body: schemas.ExtensionIn, call: Calling) -> Response:
    """Sets its end, by the clock on the wall; a chain that expired and is not deleted yet runs again. For admins."""

    def act() -> schemas.ChainOut:
        row = call.services.chains.extend(call.scope, chain, body.days)
        call.services.pipeline.resume(row.id)
        return chain_out(call, row)

    return call.act(act, 200)


@router.delete("/chains/{chain}", status_code=204)
def delete_chain(chain: Name, call: Calling) -> Response:
    """Deletes its blocks. Receipts stay valid; its chain id is never used again."""
    return call.act(lambda: call.services.chains.delete(call.scope, chain))


@router.post("/chains/{chain}/faucet", status_code=201, response_model=schemas.FaucetOut)
def give_test_ether(chain: Name, body: schemas.FaucetIn, call: Calling) -> Response:
    """Test ether for an address, for contracts that are sent value: gas is free. It is worth nothing anywhere."""
    return call.act(
        lambda: schemas.FaucetOut(
            transaction=call.services.chains.give(call.scope, chain, body.address, body.amount),
            address=body.address,
            amount=body.amount,
            note=WORTH_NOTHING,
        )
    )


@router.post("/chains/{chain}/tokens", status_code=201, response_model=schemas.RpcTokenOut)
def create_rpc_token(chain: Name, body: schemas.RpcTokenIn, call: Calling) -> Response:
    """A token of its own kind: this chain's RPC at one endpoint and nothing else. Its URL works in wallets."""
    row = call.services.chains.get(call.scope, chain)

    def act(session: Session) -> schemas.RpcTokenOut:
        issued = call.services.tokens.issue_rpc(
            session, call.scope, body.label, row.administration_id, row.id, body.days, body.endpoint
        )
        door = "rpc-admin" if body.endpoint is RpcEndpoint.ADMIN else "rpc"
        return schemas.RpcTokenOut(
            id=issued.row.id,
            endpoint=body.endpoint,
            token=issued.text,
            url=f"/{door}/{row.id}/{issued.text}",
            expires=issued.row.expires,
        )

    return call.write(
        act, without_secret=lambda answer: answer.model_copy(update={"token": None, "url": None})
    )
