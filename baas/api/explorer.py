"""Routes that show what is on a chain. They only read, a page at a time."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query

from baas.api.calls import Calling
from baas.api.chains import Name
from baas.explorer import schemas
from baas.explorer.service import MOST_BLOCKS, MOST_TRANSACTIONS

router = APIRouter(tags=["explorer"])
BlockName = Annotated[
    str, Path(description="a block's number, or its hash", pattern=r"^(?:[0-9]{1,18}|0x[0-9a-fA-F]{64})$")
]
Hash = Annotated[str, Path(description="a transaction's hash", pattern=r"^0x[0-9a-fA-F]{64}$")]
AddressName = Annotated[str, Path(description="an address", pattern=r"^0x[0-9a-fA-F]{40}$")]
Position = Annotated[int, Query(ge=0, lt=2**63)]


@router.get("/chains/{chain}/blocks")
def list_blocks(
    chain: Name,
    call: Calling,
    highest: Annotated[
        int | None,
        Query(ge=0, lt=2**63, description="the `next` of the page before; without it, the newest block"),
    ] = None,
    limit: Annotated[int, Query(ge=1, le=MOST_BLOCKS)] = 25,
) -> schemas.BlocksOut:
    """Blocks, the newest first."""
    return schemas.BlocksOut.model_validate(call.services.explorer.blocks(call.scope, chain, highest, limit))


@router.get("/chains/{chain}/blocks/{block}")
def show_block(
    chain: Name,
    block: BlockName,
    call: Calling,
    start: Position = 0,
    limit: Annotated[int, Query(ge=1, le=MOST_TRANSACTIONS)] = MOST_TRANSACTIONS,
) -> schemas.BlockOut:
    """One block with its transactions."""
    return schemas.BlockOut.model_validate(
        call.services.explorer.block(call.scope, chain, block, start, limit)
    )


@router.get("/chains/{chain}/transactions/{transaction}")
def show_transaction(chain: Name, transaction: Hash, call: Calling) -> schemas.ExploredTransactionOut:
    """One transaction, its input and events decoded by the ABIs of the templates that are deployed on this chain."""
    return schemas.ExploredTransactionOut.model_validate(
        call.services.explorer.transaction(call.scope, chain, transaction)
    )


@router.get("/chains/{chain}/addresses/{address}")
def show_address(chain: Name, address: AddressName, call: Calling) -> schemas.AddressOut:
    """What is known of one address now."""
    return schemas.AddressOut.model_validate(call.services.explorer.address(call.scope, chain, address))
