"""Routes of a chain's state: snapshots, restoring, clones, exported and imported chains, its clock, its operations."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Header, Path, Query, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import StreamingResponse

from baas.api.calls import Calling, Uploading
from baas.api.chains import Name, chain_out
from baas.chains import schemas
from baas.chains.states import MAX_UPLOAD
from baas.store.idempotency import IdempotentRequest
from sandbox.snapshot_records import Branch, Snapshot

router = APIRouter(tags=["chains"])
Which = Annotated[str, Path(description="the snapshot's name", max_length=64)]


def _snapshot(found: Snapshot) -> schemas.SnapshotOut:
    return schemas.SnapshotOut(
        name=found.name,
        number=found.number,
        hash=f"0x{found.hash.hex()}",
        timestamp=found.timestamp,
        offset_ms=found.offset_ms,
        branch=found.branch,
        at_ms=found.at_ms,
        author=found.author,
        state_digest=None if found.state_digest is None else found.state_digest.hex(),
    )


def _branch(found: Branch) -> schemas.BranchOut:
    return schemas.BranchOut(
        branch=found.branch,
        at_ms=found.at_ms,
        actor=found.actor,
        snapshot=found.snapshot,
        number=found.number,
        hash=f"0x{found.hash.hex()}",
        abandoned_to=found.head_number,
        abandoned_hash=f"0x{found.head_hash.hex()}",
    )


@router.post("/chains/{chain}/snapshots", status_code=201, response_model=schemas.SnapshotOut)
def take_snapshot(chain: Name, body: schemas.SnapshotIn, call: Calling) -> Response:
    """Records the chain's state by name, once nothing waits: number, hash, clock, author, and a digest of the state."""
    return call.act(lambda: _snapshot(call.services.states.take(call.scope, chain, body.name)))


@router.get("/chains/{chain}/snapshots")
def list_snapshots(chain: Name, call: Calling) -> schemas.SnapshotsOut:
    """The snapshots, the oldest first."""
    return schemas.SnapshotsOut(
        items=[_snapshot(each) for each in call.services.states.snapshots(call.scope, chain)]
    )


@router.get("/chains/{chain}/snapshots/{snapshot}/check")
def verify_snapshot(chain: Name, snapshot: Which, call: Calling) -> schemas.SnapshotCheckOut:
    """Computes the digest of its state again and compares."""
    found = call.services.states.verify(call.scope, chain, snapshot)
    return schemas.SnapshotCheckOut(
        name=found.snapshot.name,
        holds=found.holds,
        on_chain=found.on_chain,
        state_digest=None if found.digest is None else found.digest.hex(),
    )


@router.delete("/chains/{chain}/snapshots/{snapshot}", status_code=204)
def remove_snapshot(chain: Name, snapshot: Which, call: Calling) -> Response:
    """Forgets the record; no block is touched."""
    return call.act(lambda: call.services.states.remove(call.scope, chain, snapshot))


@router.post("/chains/{chain}/snapshots/{snapshot}/restore", response_model=schemas.BranchOut)
def restore_snapshot(chain: Name, snapshot: Which, call: Calling) -> Response:
    """Goes back to it, on a new branch; the blocks after it are kept apart. Refused where anything is anchored: clone."""
    return call.act(lambda: _branch(call.services.states.restore(call.scope, chain, snapshot)), 200)


@router.get("/chains/{chain}/branches")
def list_branches(chain: Name, call: Calling) -> schemas.BranchesOut:
    """The newest 1,000 restores, and which blocks each left behind."""
    return schemas.BranchesOut(
        items=[_branch(each) for each in call.services.states.branches(call.scope, chain)]
    )


@router.post("/chains/{chain}/clone", status_code=201, response_model=schemas.ChainOut)
def clone_chain(chain: Name, body: schemas.CloneIn, call: Calling) -> Response:
    """Another chain with a chain id of its own, that begins with this one's state, or a snapshot's."""
    return call.act(
        lambda: chain_out(call, call.services.states.clone(call.scope, chain, body.label, body.snapshot))
    )


@router.post("/chains/{chain}/export", response_class=StreamingResponse)
def export_chain(chain: Name, body: schemas.ChainExportIn, call: Calling) -> StreamingResponse:
    """The chain as a zip that runs elsewhere. Without a password no key is in it."""
    row, pieces = call.services.states.export(call.scope, chain, body.password)
    disposition = f'attachment; filename="chain-{row.chain_id}.zip"'
    return StreamingResponse(
        pieces, media_type="application/zip", headers={"Content-Disposition": disposition}
    )


@router.get("/chains/{chain}/clock")
def show_clock(chain: Name, call: Calling) -> schemas.ClockOut:
    """How far the chain's clock is from real time, and how often it was moved."""
    found = call.services.states.clock(call.scope, chain)
    return schemas.ClockOut(acts=found.acts, offset_ms=found.offset_ms)


@router.post("/chains/{chain}/clock", response_model=schemas.ClockOut)
def move_clock(chain: Name, body: schemas.ClockIn, call: Calling) -> Response:
    """Moves the chain's clock. It is written down, and every later receipt states it."""

    def act() -> schemas.ClockOut:
        moved = call.services.states.move_clock(call.scope, chain, body.seconds)
        return schemas.ClockOut(acts=moved.acts, offset_ms=moved.offset_ms)

    return call.act(act, 200)


@router.get("/chains/{chain}/operations")
def list_operations(chain: Name, call: Calling) -> schemas.OperationsOut:
    """What administrators did with the chain's state and clock, the newest first."""
    return schemas.OperationsOut(
        items=[
            schemas.OperationOut(
                id=each.id, at_ms=each.at_ms, actor=each.actor, act=each.act, detail=dict(each.detail)
            )
            for each in call.services.states.operations(call.scope, chain)
        ]
    )


@router.post("/chains/import", status_code=201, response_model=schemas.ChainOut)
async def import_chain(
    request: Request,
    upload: Uploading,
    administration: Annotated[str, Query(description="the owner's INE10 or DIR3 code", max_length=40)],
    label: Annotated[str, Query(min_length=1, max_length=200)],
    as_clone: Annotated[
        bool, Query(description="under a new chain id, as a clone of its newest block")
    ] = False,
    sealing_key: Annotated[
        str | None,
        Query(description="the key that must have signed it, known by another way", max_length=300),
    ] = None,
    password: Annotated[
        str | None,
        Header(alias="Keystore-Password", description="of the accounts' keys in it", max_length=1024),
    ] = None,
    idempotency_key: Annotated[str | None, Header()] = None,
) -> Response:
    """An exported chain, the body being its zip: checked to the last byte, and refused with the part that does not hold."""
    services, scope = upload.services, upload.scope
    await run_in_threadpool(services.states.may_import, scope, administration)
    with services.states.scratch() as directory:
        archive, digest, size = directory / "archive.zip", hashlib.sha256(), 0
        with archive.open("wb") as file:
            async for piece in request.stream():
                size += len(piece)
                if size > MAX_UPLOAD:
                    raise HTTPException(413, f"expected at most {MAX_UPLOAD} bytes, got more")
                digest.update(piece)
                await run_in_threadpool(file.write, piece)
        idempotent = None
        if idempotency_key is not None:
            asked = f"POST {request.url.path}?{request.url.query}"
            idempotent = IdempotentRequest(scope.caller.actor_id, idempotency_key, asked, digest.digest())
        call = replace(upload, idempotent=idempotent)

        def act() -> schemas.ChainOut:
            arrived = services.states.bring_in(
                scope,
                administration,
                label,
                archive,
                as_clone=as_clone,
                expected_key=sealing_key,
                password=password,
            )
            return chain_out(call, arrived.row)

        return await run_in_threadpool(call.act, act)
