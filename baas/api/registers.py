"""Routes of registers: rows in, checkpoints, consistency proofs and receipts out."""

from __future__ import annotations

import json
from typing import Annotated

from fastapi import APIRouter, Query, Response
from sqlmodel import Session

from baas.api.calls import Call, Calling, Paging
from baas.api.chains import Of
from baas.api.notarisations import accepted_out
from baas.api.receipt_files import RECEIPTS, In, Language, receipt_file
from baas.logs.model import Anchor, Log
from baas.notarisations.schemas import AcceptedOut
from baas.receipts import Format
from baas.registers import export, schemas
from baas.registers.model import Register
from baas.registers.presets import presets
from baas.registers.service import Appended
from baas.wire import Page

router = APIRouter(tags=["registers"])
LINES, MOST = "application/x-ndjson", 2**63 - 1
# in the query, since real registers number their rows `2024/0001`
Key = Annotated[str, Query(description="the row's value in the register's key column", max_length=1000)]


@router.post("/registers", status_code=201, response_model=schemas.RegisterOut)
def open_register(body: schemas.RegisterIn, call: Calling) -> Response:
    """Opens a register on a free `hash-registry` deployment."""

    def act(session: Session) -> schemas.RegisterOut:
        register = call.services.registers.open(
            session,
            call.scope,
            body.administration,
            body.name or "",
            body.key or "",
            body.columns or (),
            body.deployment,
            preset=body.preset,
            numbering=body.numbering,
        )
        return _register(call, session, register)

    return call.write(act)


@router.get("/registers")
def list_registers(call: Calling, page: Paging, administration: Of = None) -> Page[schemas.RegisterOut]:
    """The registers that you may see."""

    def ask(session: Session) -> Page[schemas.RegisterOut]:
        found = call.services.registers.listing(session, call.scope, page, administration)
        return Page(items=[_register(call, session, each) for each in found.rows], next=found.next)

    return call.read(ask)


@router.get("/register-presets")
def list_presets(call: Calling) -> schemas.PresetsOut:
    """Ready-made registers: their columns, key and numbering."""
    return schemas.PresetsOut(items=[schemas.PresetOut.model_validate(each) for each in presets().values()])


@router.get("/registers/{register}/numbering")
def show_numbering(register: str, call: Calling, language: Language = "ca") -> schemas.NumberingOut:
    """Which numbers are missing, which rows have several versions, which number is used twice."""
    found = call.read(lambda session: call.services.registers.numbering(session, call.scope, register))
    groups = [
        schemas.GroupOut(
            year=each.year,
            body=each.body,
            count=each.count,
            last=each.last,
            missing=[schemas.RunOut.model_validate(run) for run in each.missing],
            several=[schemas.SeveralOut.model_validate(one) for one in each.several],
            repeated=each.repeated,
            text=each.sentence(language),
        )
        for each in found.groups
    ]
    return schemas.NumberingOut(
        pattern=found.pattern,
        whole=found.whole,
        groups=groups,
        others=found.others,
        examples=found.examples,
        erased=found.erased,
        lines=found.lines(language),
    )


@router.get("/registers/{register}")
def show_register(register: str, call: Calling) -> schemas.RegisterOut:
    """One register and how far its log is."""
    return call.read(
        lambda session: _register(
            call, session, call.services.registers.get(session, call.scope, register)[0]
        )
    )


@router.post("/registers/{register}/entries", status_code=202, response_model=schemas.AppendedOut)
def append_rows(register: str, body: schemas.RowsIn, call: Calling) -> Response:
    """Creates the rows whose key is new, amends those that changed; the same row again changes nothing."""

    def out(done: Appended) -> schemas.AppendedOut:
        return schemas.AppendedOut(
            batch=done.batch.id if done.batch else None,
            created=done.created,
            amended=done.amended,
            unchanged=done.unchanged,
            first_index=done.batch.first_index if done.batch else None,
            warnings=list(done.warnings),
        )

    return call.accept(
        lambda session: call.services.registers.append(session, call.scope, register, body.rows), out
    )


@router.get("/registers/{register}/entries")
def show_entry(register: str, key: Key, call: Calling) -> schemas.VersionsOut:
    """Every version of a row, oldest first."""
    found = call.read(lambda session: call.services.registers.versions(session, call.scope, register, key))
    return schemas.VersionsOut(items=[schemas.VersionOut.model_validate(each) for each in found])


@router.post("/registers/{register}/revocations", status_code=202, response_model=AcceptedOut)
def revoke_entry(register: str, body: schemas.RowRevocationIn, call: Calling) -> Response:
    """Leaves a row without effect, with a reason. Its earlier versions stay provable."""
    return call.accept(
        lambda session: call.services.registers.revoke(session, call.scope, register, body.key, body.reason),
        accepted_out,
    )


@router.post("/registers/{register}/rectifications", status_code=202, response_model=AcceptedOut)
def rectify_entry(register: str, body: schemas.RectificationIn, call: Calling) -> Response:
    """Corrects an error of a row in effect, with a reason: its next version."""
    return call.accept(
        lambda session: call.services.registers.rectify(session, call.scope, register, body.row, body.reason),
        accepted_out,
    )


@router.post("/registers/{register}/supersessions", status_code=202, response_model=AcceptedOut)
def supersede_entry(register: str, body: schemas.SupersessionIn, call: Calling) -> Response:
    """Puts another row, under a new key, in the place of one in effect."""
    return call.accept(
        lambda session: call.services.registers.supersede(
            session, call.scope, register, body.key, body.row, body.reason
        ),
        accepted_out,
    )


@router.get("/registers/{register}/receipt", response_class=Response, responses=RECEIPTS)
def show_entry_receipt(
    register: str,
    key: Key,
    call: Calling,
    version: Annotated[int | None, Query(ge=1)] = None,
    format_: In = Format.JSON,
    lang: Language = "ca",
) -> Response:
    """The proof of one version of a row, by default the newest with content."""
    source = call.read(
        lambda session: call.services.registers.source(session, call.scope, register, key, version)
    )
    return receipt_file(source, format_, lang, f"{register}-{source.receipt.inclusion.index}")


@router.post("/registers/{register}/checkpoint")
def latest_checkpoint(register: str, call: Calling) -> schemas.LatestOut:
    """The newest checkpoint, and how many entries are still on their way to one."""

    def ask(session: Session) -> schemas.LatestOut:
        _, log = call.services.registers.get(session, call.scope, register)
        call.services.logs.poke(log)
        newest = call.services.registers.newest_checkpoint(session, call.scope, register)
        return schemas.LatestOut(
            pending=log.accepted - log.anchored_size,
            problem=call.services.registers.progress(log).problem,
            checkpoint=_checkpoint(newest) if newest else None,
        )

    return call.read(ask)


@router.get("/registers/{register}/checkpoints")
def list_checkpoints(register: str, call: Calling) -> schemas.CheckpointsOut:
    """Every checkpoint, oldest first."""
    anchors = call.read(lambda session: call.services.registers.checkpoints(session, call.scope, register))
    return schemas.CheckpointsOut(items=[_checkpoint(each) for each in anchors])


@router.get("/registers/{register}/rows", response_class=Response)
def export_rows(
    register: str,
    call: Calling,
    start: Annotated[int, Query(ge=0)] = 0,
    stop: Annotated[int, Query(ge=0)] = MOST,
) -> Response:
    """The rows of entries `start` to `stop - 1` with what opens their commitments, a canonical JSON object a line: what
    an export's `rows.jsonl` is made of. As far as the log is anchored, and at most 5,000."""

    def ask(session: Session) -> bytes:
        _, log = call.services.registers.get(session, call.scope, register)
        return b"".join(export.rows(session, log, start, min(stop, start + export.ROWS_AT_ONCE)))

    return Response(call.read(ask), media_type=LINES)


@router.get("/registers/{register}/anchors", response_class=Response)
def export_anchors(register: str, call: Calling, after: Annotated[int, Query(ge=0)] = 0) -> Response:
    """The checkpoints of more than `after` entries with their anchors, one a line, oldest first, at most 100."""

    def ask(session: Session) -> bytes:
        _, log = call.services.registers.get(session, call.scope, register)
        return b"".join(export.anchors(session, log, after))

    return Response(call.read(ask), media_type=LINES)


@router.get("/registers/{register}/consistency")
def show_consistency(
    register: str, call: Calling, old: Annotated[int, Query(ge=1)], new: Annotated[int, Query(ge=1)]
) -> schemas.ConsistencyOut:
    """The proof that the log of `new` entries extends the log of `old` ones."""
    proof = call.read(
        lambda session: call.services.registers.consistency(session, call.scope, register, old, new)
    )
    return schemas.ConsistencyOut(old_size=old, new_size=new, proof=[each.hex() for each in proof])


def _register(call: Call, session: Session, register: Register) -> schemas.RegisterOut:
    log: Log = call.services.registers.get(session, call.scope, register.id)[1]
    progress = call.services.registers.progress(log)
    return schemas.RegisterOut(
        id=register.id,
        administration_id=register.administration_id,
        name=register.name,
        key=register.key,
        columns=json.loads(register.columns),
        preset=register.preset,
        numbering=register.numbering,
        log=log.id,
        origin=log.origin,
        published=log.published,
        accepted=progress.accepted,
        size=progress.size,
        anchored_size=progress.anchored_size,
        problem=progress.problem,
        created=register.created,
    )


def _checkpoint(anchor: Anchor) -> schemas.CheckpointOut:
    assert anchor.anchored is not None  # only anchored ones are listed
    return schemas.CheckpointOut(
        size=anchor.new_size,
        old_size=anchor.old_size,
        root=anchor.root.hex(),
        checkpoint=str(anchor.checkpoint),
        transaction_hash=anchor.transaction_hash,
        anchored=anchor.anchored,
    )
