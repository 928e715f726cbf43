"""The explorer's pages: blocks, a block, a transaction, an address. They link to each other and need no script."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from baas.chains.model import Chain
from baas.console.visits import PATH, SignedIn, redirect
from baas.errors import NotFound

router = APIRouter()
PAGE = 25
#: Hex digits of an input or of an event's data that a page shows; the API has all of them.
SHOWN = 2_000
Position = Annotated[int, Query(ge=0, lt=2**63)]


@router.get("/chains/{chain}/blocks")
def blocks(
    chain: str,
    visit: SignedIn,
    highest: Annotated[int | None, Query(ge=0, lt=2**63)] = None,
    q: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """The newest blocks; with `q`, the page of what was typed."""
    explorer = visit.services.explorer
    row = visit.services.chains.get(visit.scope, chain)
    missing = None
    if q.strip():
        found = explorer.find(visit.scope, chain, q)
        if found is not None:
            return redirect(f"{_base(row)}/{found[0]}/{found[1]}")
        missing = q.strip()[:100]
    page = explorer.blocks(visit.scope, chain, highest, PAGE)
    return visit.page(
        "blocks",
        404 if missing else 200,
        chain=_chain(row),
        blocks=[{"row": each, "when": _when(each.timestamp)} for each in page.items],
        newest=highest is None,
        restores=[
            {
                "when": datetime.fromtimestamp(each.at_ms / 1000, UTC),
                "snapshot": each.snapshot,
                "number": each.number,
                "abandoned_to": each.abandoned_to,
            }
            for each in page.restores
        ],
        next=None if page.next is None else f"{_base(row)}/blocks?highest={page.next}",
        missing=missing,
    )


@router.get("/chains/{chain}/blocks/{block}")
def block_page(chain: str, block: str, visit: SignedIn, start: Position = 0) -> Response:
    row = visit.services.chains.get(visit.scope, chain)
    name = _checked("block", block, lambda text: text.isascii() and text.isdecimal() and len(text) < 19, 66)
    found = visit.services.explorer.block(visit.scope, chain, name, start)
    following = None if found.next is None else f"{_base(row)}/blocks/{found.number}?start={found.next}"
    return visit.page("block", chain=_chain(row), block=found, when=_when(found.timestamp), next=following)


@router.get("/chains/{chain}/transactions/{transaction}")
def transaction_page(chain: str, transaction: str, visit: SignedIn) -> Response:
    row = visit.services.chains.get(visit.scope, chain)
    name = _checked("transaction", transaction, lambda text: False, 66)
    found = visit.services.explorer.transaction(visit.scope, chain, name)
    return visit.page("transaction", chain=_chain(row), transaction=found, shown=SHOWN)


@router.get("/chains/{chain}/addresses/{address}")
def address_page(chain: str, address: str, visit: SignedIn) -> Response:
    row = visit.services.chains.get(visit.scope, chain)
    name = _checked("address", address, lambda text: False, 42)
    return visit.page(
        "address", chain=_chain(row), address=visit.services.explorer.address(visit.scope, chain, name)
    )


def _checked(kind: str, text: str, other: Any, length: int) -> str:
    """A name of that form, as the gateway takes it; what is none names nothing."""
    lower = text.lower()
    is_hex = len(lower) == length and lower.startswith("0x") and not set(lower[2:]) - set("0123456789abcdef")
    if not (is_hex or other(text)):
        raise NotFound(kind, text[:100])
    return lower


def _base(row: Chain) -> str:
    return f"{PATH}/chains/{row.id}"


def _chain(row: Chain) -> dict[str, str]:
    return {"id": row.id, "label": row.label}


def _when(timestamp: int) -> datetime | None:
    """A block's time; None for one that no calendar has, as an administrator may have set it."""
    try:
        return datetime.fromtimestamp(timestamp, UTC)
    except (OverflowError, ValueError, OSError):
        return None
