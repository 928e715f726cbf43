"""A chain's state: snapshots, going back, clones, exported copies, its clock, and what administrators did with it."""

from __future__ import annotations

import re
import shutil
from collections import defaultdict
from collections.abc import AsyncIterator
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Response
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from baas.chains.model import Chain
from baas.console.chain_pages import (
    CHANGES,
    CLOSED_ERRORS,
    LABEL,
    Mistake,
    actor_name,
    attempt,
    closed_page,
    may,
    open_chain,
    people,
    shown,
    taken,
    when,
)
from baas.console.chains import chains_page
from baas.console.forgery import require_own
from baas.console.visits import PATH, Posted, PostedVisit, SignedIn, Visit, redirect
from baas.errors import Conflict, QuotaExceeded
from baas.tenancy import Role
from baas.texts import catalogue
from sandbox.errors import ChainError, IllegalClock, IllegalRestore, SnapshotNotFound, TransferRefused
from sandbox.operations import Operation

router = APIRouter()
TAB = "snapshots"
NAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?")
#: Seconds of what the form to move a clock counts in, and the most that it takes.
UNITS, MOST = {"minutes": 60, "hours": 3_600, "days": 86_400}, 100_000
#: How many of the newest operations a page shows.
OPERATIONS = 50


@router.get("/chains/{chain}/snapshots")
def snapshots(chain: str, visit: SignedIn) -> Response:
    return _page(visit, visit.services.chains.get(visit.scope, chain))


@router.post("/chains/{chain}/snapshots")
def take(chain: str, posted: Posted) -> Response:
    row = posted.services.chains.get(posted.scope, chain)
    return attempt(posted, lambda: _take(posted, row), partial(_page, posted, row))


@router.post("/chains/{chain}/snapshots/{snapshot}/verify")
def verify(chain: str, snapshot: str, posted: Posted) -> Response:
    row = posted.services.chains.get(posted.scope, chain)
    try:
        found = posted.services.states.verify(posted.scope, row.id, snapshot)
    except SnapshotNotFound:
        return _page(posted, row, 404, posted.t("console.mistake.no_snapshot"))
    outcome = "left" if not found.on_chain else {True: "holds", False: "broken", None: "unknown"}[found.holds]
    return _page(posted, row, verified={"name": snapshot, "outcome": outcome})


@router.post("/chains/{chain}/snapshots/{snapshot}/restore")
def restore(chain: str, snapshot: str, posted: Posted) -> Response:
    """Only when it is said that one knows what this does."""
    row = posted.services.chains.get(posted.scope, chain)
    return attempt(posted, lambda: _restore(posted, row, snapshot), partial(_page, posted, row))


@router.post("/chains/{chain}/snapshots/{snapshot}/remove")
def remove(chain: str, snapshot: str, posted: Posted) -> Response:
    row = posted.services.chains.get(posted.scope, chain)
    try:
        posted.services.states.remove(posted.scope, row.id, snapshot)
    except SnapshotNotFound:
        return _page(posted, row, 404, posted.t("console.mistake.no_snapshot"))
    return redirect(f"{PATH}/chains/{row.id}/snapshots")


@router.post("/chains/{chain}/clone")
def clone(chain: str, posted: Posted) -> Response:
    row = posted.services.chains.get(posted.scope, chain)
    return attempt(posted, lambda: _clone(posted, row), partial(_page, posted, row))


@router.post("/chains/{chain}/export")
def export(chain: str, posted: Posted) -> Response:
    """The chain as a zip, without any key: with keys only the command exports."""
    row, pieces = posted.services.states.export(posted.scope, chain)
    disposition = f'attachment; filename="chain-{row.chain_id}.zip"'
    return StreamingResponse(
        pieces, media_type="application/zip", headers={"Content-Disposition": disposition}
    )


@router.post("/chains/{chain}/clock")
def move_clock(chain: str, posted: Posted) -> Response:
    row = posted.services.chains.get(posted.scope, chain)
    return attempt(posted, lambda: _move(posted, row), partial(_page, posted, row))


async def _uploaded(visit: SignedIn) -> AsyncIterator[PostedVisit]:
    form = await require_own(visit.request, visit.csrf_token, files=1)
    try:
        yield PostedVisit(visit.console, visit.request, visit.language, visit.caller, visit.csrf_token, form)
    finally:
        await form.close()


@router.post("/chains/import")
async def import_chain(posted: Annotated[PostedVisit, Depends(_uploaded)]) -> Response:
    """An exported chain, which is checked to the last byte before anything of it is kept."""
    return await run_in_threadpool(
        attempt, posted, lambda: _import(posted), lambda status, problem: chains_page(posted, status, problem)
    )


def _take(posted: PostedVisit, row: Chain) -> Response:
    name = posted.field("name")
    if not NAME.fullmatch(name):
        raise Mistake("mistake.snapshot_name")
    if name in {each.name for each in posted.services.states.snapshots(posted.scope, row.id)}:
        raise Mistake("mistake.snapshot_taken", name=name)
    try:
        posted.services.states.take(posted.scope, row.id, name)
    except ChainError as error:
        raise Mistake("mistake.snapshot_busy") from error
    return redirect(f"{PATH}/chains/{row.id}/snapshots")


def _restore(posted: PostedVisit, row: Chain, snapshot: str) -> Response:
    posted.scope.require(row.administration_id, "restoring a snapshot", Role.ADMIN)
    if posted.field("confirm") != "yes":
        raise Mistake("mistake.restore_confirm")
    try:
        posted.services.states.restore(posted.scope, row.id, snapshot)
    except SnapshotNotFound as error:
        raise Mistake("mistake.no_snapshot") from error
    except IllegalRestore as error:
        if posted.services.states.anchored(posted.scope, row.id):
            raise Mistake("mistake.restore_anchored") from error
        raise Mistake("mistake.restore_left") from error
    return redirect(f"{PATH}/chains/{row.id}/snapshots")


def _clone(posted: PostedVisit, row: Chain) -> Response:
    label = _label(posted, row.administration_id)
    try:
        made = posted.services.states.clone(posted.scope, row.id, label, posted.field("snapshot") or None)
    except SnapshotNotFound as error:
        raise Mistake("mistake.no_snapshot") from error
    except QuotaExceeded as error:
        raise Mistake("error.kind.quota-exceeded") from error
    except ChainError as error:
        raise Mistake("mistake.clone") from error
    return redirect(f"{PATH}/chains/{made.id}")


def _move(posted: PostedVisit, row: Chain) -> Response:
    posted.scope.require(row.administration_id, "moving a chain's clock", Role.ADMIN)
    amount, unit = posted.field("amount"), UNITS.get(posted.field("unit"), 0)
    if not (re.fullmatch(r"-?[0-9]{1,6}", amount) and unit and 0 < abs(int(amount)) <= MOST):
        raise Mistake("mistake.clock_amount", most=MOST)
    if posted.field("confirm") != "yes":
        raise Mistake("mistake.clock_confirm")
    try:
        posted.services.states.move_clock(posted.scope, row.id, int(amount) * unit)
    except IllegalClock as error:
        raise Mistake("mistake.clock_behind") from error
    return redirect(f"{PATH}/chains/{row.id}/snapshots#clock")


def _import(posted: PostedVisit) -> Response:
    code, upload = posted.field("administration"), posted.form.get("archive")
    owner = posted.services.states.may_import(posted.scope, code)
    label = _label(posted, owner)
    if not isinstance(upload, UploadFile) or not upload.size:
        raise Mistake("mistake.no_archive")
    with posted.services.states.scratch() as directory:
        archive = directory / "archive.zip"
        with archive.open("wb") as file:
            shutil.copyfileobj(upload.file, file)
        try:
            arrived = posted.services.states.bring_in(
                posted.scope,
                code,
                label,
                archive,
                as_clone=posted.field("as_clone") == "yes",
                expected_key=posted.field("sealing_key") or None,
            )
        except TransferRefused as error:
            raise Mistake("mistake.archive", member=error.member) from error
        except QuotaExceeded as error:
            raise Mistake("error.kind.quota-exceeded") from error
        except Conflict as error:
            raise Mistake("mistake.chain_id_used") from error
    return redirect(f"{PATH}/chains/{arrived.row.id}")


def _label(posted: PostedVisit, owner: str) -> str:
    """The name of a new chain of that administration."""
    label = posted.field("label")
    if not LABEL.fullmatch(label):
        raise Mistake("chains.bad_name")
    if taken(posted, owner, label):
        raise Mistake("chains.taken", name=label)
    return label


def _page(
    visit: Visit,
    row: Chain,
    status: int = 200,
    problem: str | None = None,
    verified: dict[str, str] | None = None,
) -> Response:
    try:
        awake = open_chain(visit, row)
    except CLOSED_ERRORS as error:
        return closed_page(visit, row, TAB, error)
    states, known = visit.services.states, people(visit, row)
    done = awake.operations(OPERATIONS)
    clock = states.clock(visit.scope, row.id) if awake.seals else None
    return visit.page(
        "snapshots",
        status,
        chain=shown(visit, row),
        tab=TAB,
        seals=awake.seals,
        snapshots=[
            {
                "name": each.name,
                "number": each.number,
                "hash": f"0x{each.hash.hex()}",
                "at": when(each.at_ms),
                "author": actor_name(visit, known, each.author),
                "digest": None if each.state_digest is None else each.state_digest.hex(),
                "moved": each.offset_ms // 1000,
            }
            for each in (states.snapshots(visit.scope, row.id) if awake.seals else [])
        ],
        verified=verified,
        anchored=states.anchored(visit.scope, row.id),
        clock=None
        if clock is None
        else {
            "acts": clock.acts,
            "ahead": clock.offset_ms // 1000,
            "now": when(int(visit.services.clock.now().timestamp() * 1000)),
            "by": sorted({actor_name(visit, known, each.actor) for each in done if _moves(each)}),
        },
        operations=[
            {
                "at": when(each.at_ms),
                "actor": actor_name(visit, known, each.actor),
                "what": _said(visit, each),
            }
            for each in done
        ],
        may_change=may(visit, row, *CHANGES),
        may_restore=may(visit, row, Role.ADMIN),
        units=list(UNITS),
        problem=problem,
    )


def _moves(done: Operation) -> bool:
    return done.act in ("clock.move", "clock.set", "clock.next")


def _said(visit: Visit, done: Operation) -> str:
    """An operation in words; its slug where the catalogue has none, as of one that a later version added."""
    # "clone" has a sentence of its own, beside that of "clone.made"
    slug = "clone_made" if done.act == "clone.made" else done.act
    if slug == "snapshot.restore" and done.detail.get("abandoned_to") == done.detail.get("number"):
        slug = "snapshot.restore_nothing"
    key = f"console.operation.{slug}"
    known = catalogue(visit.language)
    if key not in known:
        return done.act
    return known[key].format_map(defaultdict(lambda: "?", done.detail))
