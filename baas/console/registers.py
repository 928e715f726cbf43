"""Books and registers: what there is, opening one, its rows and their versions, its numbers, and who may mirror its log."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import asdict
from functools import partial
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Query, Response
from sqlmodel import Session
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from baas.chains.model import Chain
from baas.console.chain_pages import Mistake, attempt
from baas.console.forgery import require_own
from baas.console.visits import PATH, Posted, PostedVisit, SignedIn, Visit, redirect
from baas.console.witnesses import witnesses_of
from baas.errors import AlreadyExists, Conflict, Invalid, NotFound
from baas.logs.effects import NotInEffect
from baas.logs.model import Log, LogKind
from baas.logs.service import TEMPLATE_OF
from baas.receipts import RENDERINGS, Format, render
from baas.registers import csv_file
from baas.registers.model import Register
from baas.registers.presets import presets
from baas.registers.rows import MOST_ROWS, REASONS, RECTIFICATION_REASONS
from baas.registers.versions import Version
from baas.store.paging import MOST, PageOf
from baas.tenancy import Role
from sandbox.lifecycle import DesiredState

router = APIRouter()
WRITES = (Role.ADMIN, Role.DEVELOPER)
#: Entries on one page; numbering findings that a page lists.
ENTRIES, FINDINGS = 25, 20
#: Entries of a register whose numbers are looked at each time it is shown; of a larger one, when it is asked for.
LOOKED_AT = 50_000


@router.get("/registers")
def registers(
    visit: SignedIn, after: Annotated[str | None, Query(pattern=r"^[0-9A-Z]{26}$")] = None
) -> Response:
    return _list(visit, after=after)


@router.post("/registers")
def create(posted: Posted) -> Response:
    """A register of a preset or of columns of one's own; its contract is deployed on the chosen chain if need be."""
    return attempt(posted, lambda: _create(posted), partial(_list, posted))


@router.get("/registers/{register}")
def register_page(
    register: str,
    visit: SignedIn,
    before: Annotated[int | None, Query(ge=0, le=2**62)] = None,
    numbers: bool = False,
) -> Response:
    return _page(visit, register, before=before, numbers=numbers)


async def _uploaded(visit: SignedIn) -> AsyncIterator[PostedVisit]:
    form = await require_own(visit.request, visit.csrf_token, files=1)
    try:
        yield PostedVisit(visit.console, visit.request, visit.language, visit.caller, visit.csrf_token, form)
    finally:
        await form.close()


@router.post("/registers/{register}/import")
async def import_rows(register: str, posted: Annotated[PostedVisit, Depends(_uploaded)]) -> Response:
    """Rows of a CSV file: new keys are created, changed rows amended; the same row again changes nothing."""
    return await run_in_threadpool(
        attempt,
        posted,
        lambda: _import(posted, register),
        lambda status, said: _page(posted, register, status, said),
    )


@router.post("/registers/{register}/publish")
def publish(register: str, posted: Posted) -> Response:
    """Lets anybody mirror the log, or nobody else any more."""
    services = posted.services
    with services.store.session() as session:
        _, log = services.registers.get(session, posted.scope, register)
        act = services.publication.withdraw if posted.field("withdraw") else services.publication.publish
        act(session, posted.scope, log.id)
    return redirect(f"{PATH}/registers/{register}")


@router.get("/registers/{register}/row")
def row_page(register: str, visit: SignedIn, key: Annotated[str, Query(max_length=1000)] = "") -> Response:
    """Every version of a row."""
    return _row(visit, register, key)


@router.get("/registers/{register}/receipt")
def row_receipt(
    register: str,
    visit: SignedIn,
    key: Annotated[str, Query(max_length=1000)],
    version: Annotated[int, Query(ge=1, le=2**62)],
    format_: Annotated[Format, Query(alias="format")] = Format.JSON,
) -> Response:
    """The receipt of one version, in any of its formats."""
    with visit.services.store.reading() as session:
        source = visit.services.registers.source(session, visit.scope, register, key, version)
    rendering = RENDERINGS[format_]
    name = f"{register}-{source.receipt.inclusion.index}{rendering.suffix}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(render(source, format_, visit.language), media_type=rendering.media_type, headers=headers)


@router.post("/registers/{register}/revoke")
def revoke(register: str, posted: Posted) -> Response:
    return _act(posted, register, _revoke)


@router.post("/registers/{register}/rectify")
def rectify(register: str, posted: Posted) -> Response:
    return _act(posted, register, _rectify)


# -- what is done --------------------------------------------------------------------------------------


def _create(posted: PostedVisit) -> Response:
    services, scope = posted.services, posted.scope
    chosen, name = posted.field("preset"), posted.field("name")
    columns = [each.strip() for each in posted.field("columns").split(",") if each.strip()]
    key, numbering = posted.field("key"), posted.field("numbering") or None
    if chosen and chosen in presets():
        ready = presets()[chosen]
        name, key, columns, numbering = (
            name or ready.name[posted.language],
            ready.key,
            list(ready.columns),
            None,
        )
    elif not (name and key and columns):
        raise Mistake("registers.bad_columns")
    chain = services.chains.get(scope, posted.field("chain"))
    scope.require(chain.administration_id, "opening a register", *WRITES)
    with services.store.reading() as session:
        (owner,) = (each for each in posted.administrations(session) if each.id == chain.administration_id)
        free = services.logs.free_deployments(scope, owner.id, LogKind.REGISTER)
        place = next((each.id for each in session.exec(free) if each.chain == chain.id), None)
    if place is None:  # whoever has only the console cannot deploy
        place = services.deployments.deploy(scope, chain.id, TEMPLATE_OF[LogKind.REGISTER], {}).id
    try:
        with services.store.session() as session:
            made = services.registers.open(
                session,
                scope,
                owner.code,
                name[:200],
                key,
                columns,
                place,
                preset=chosen or None,
                numbering=numbering,
            )
            _, log = services.registers.get(session, scope, made.id)
    except AlreadyExists as error:
        raise Mistake("registers.taken", name=name) from error
    except Invalid as error:
        raise Mistake("registers.bad_columns") from error
    services.logs.poke(log)
    return redirect(f"{PATH}/registers/{made.id}")


def _import(posted: PostedVisit, register: str) -> Response:
    upload = posted.form.get("csv")
    if not isinstance(upload, UploadFile) or not upload.size:
        raise Mistake("register.no_csv")
    services = posted.services
    done = {"created": 0, "amended": 0, "unchanged": 0}
    try:
        found = csv_file.rows(upload.file.read())
    except csv_file.NotCsv as error:
        raise Mistake(
            "register.bad_csv" if error.line else "register.bad_csv_file", line=error.line
        ) from error
    with services.store.reading() as session:
        known, _ = services.registers.get(session, posted.scope, register)
    expected = json.loads(known.columns)
    if set(found[0]) != set(expected):
        raise Mistake("register.other_columns", columns=", ".join(expected))
    for start in range(0, len(found), MOST_ROWS):
        try:
            with services.store.session() as session:
                part = found[start : start + MOST_ROWS]
                appended, log = services.registers.append(session, posted.scope, register, part)
        except Invalid as error:
            place = (
                start + int(error.pointer.split("/")[2]) + 2
                if error.pointer.startswith("/rows/")
                else start + 2
            )
            raise Mistake("register.bad_row", line=place) from error
        services.logs.poke(log)
        for each in done:
            done[each] += getattr(appended, each)
    return _page(posted, register, imported=done)


def _act(posted: PostedVisit, register: str, act: Any) -> Response:
    key = posted.field("key")

    def done() -> Response:
        try:
            with posted.services.store.session() as session:
                _, log = act(session, posted, register, key)
        except NotInEffect as error:
            raise Mistake("register.ended") from error
        except Conflict as error:
            raise Mistake("register.nothing_changed") from error
        except Invalid as error:
            raise Mistake("register.bad_reason") from error
        posted.services.logs.poke(log)
        return redirect(f"{PATH}/registers/{register}/row?key={quote(key, safe='')}")

    return attempt(posted, done, lambda status, said: _row(posted, register, key, status, said))


def _revoke(session: Session, posted: PostedVisit, register: str, key: str) -> Any:
    return posted.services.registers.revoke(session, posted.scope, register, key, posted.field("reason"))


def _rectify(session: Session, posted: PostedVisit, register: str, key: str) -> Any:
    found, _ = posted.services.registers.get(session, posted.scope, register)
    row = {name: posted.field(f"column-{at}") for at, name in enumerate(json.loads(found.columns))}
    row[found.key] = key
    return posted.services.registers.rectify(session, posted.scope, register, row, posted.field("reason"))


# -- pages ---------------------------------------------------------------------------------------------


def _list(visit: Visit, status: int = 200, problem: str | None = None, after: str | None = None) -> Response:
    services = visit.services
    with services.store.reading() as session:
        found = services.registers.listing(session, visit.scope, PageOf(after, 50), None)
        names = {each.id: each.name for each in visit.administrations(session)}
        shown = [_shown(visit, session, each, names) for each in found.rows]
        own = {each.id for each in visit.administrations(session, *WRITES)}
        chains = session.exec(
            visit.scope.select(Chain)
            .where(Chain.desired == DesiredState.RUNNING, Chain.engine != "remote")
            .limit(MOST)
        )
        places = [
            {"id": each.id, "label": each.label, "administration": names[each.administration_id]}
            for each in chains
            if each.administration_id in own
        ]
    return visit.page(
        "registers",
        status,
        registers=shown,
        next=f"{PATH}/registers?after={found.next}" if found.next else None,
        presets=[
            {"slug": each.slug, "name": each.name[visit.language], "about": each.about[visit.language]}
            for each in presets().values()
        ],
        chains=places,
        may_write=bool(own),
        problem=problem,
    )


def _page(
    visit: Visit,
    register: str,
    status: int = 200,
    problem: str | None = None,
    before: int | None = None,
    imported: dict[str, int] | None = None,
    numbers: bool = False,
) -> Response:
    services = visit.services
    with services.store.reading() as session:
        found, log = services.registers.get(session, visit.scope, register)
        names = {each.id: each.name for each in visit.administrations(session)}
        shown = _shown(visit, session, found, names)
        versions = services.registers.newest_versions(session, visit.scope, register, before, ENTRIES + 1)
        witnesses = witnesses_of(visit, session, log)
        shown_numbers = None
        if found.numbering is not None and (numbers or log.accepted <= LOOKED_AT):
            looked = services.registers.numbering(session, visit.scope, register)
            lines = looked.lines(visit.language)
            shown_numbers = {
                "whole": looked.whole,
                "lines": lines[:FINDINGS],
                "more": max(0, len(lines) - FINDINGS),
            }
    following = versions[ENTRIES - 1].index if len(versions) > ENTRIES else None
    return visit.page(
        "register",
        status,
        register=shown,
        entries=[_entry(visit, register, each) for each in versions[:ENTRIES]],
        next=None if following is None else f"{PATH}/registers/{register}?before={following}#entries",
        numbering=shown_numbers,
        witnesses=witnesses,
        imported=imported,
        may_write=_may(visit, found, *WRITES),
        may_publish=_may(visit, found, Role.ADMIN)
        and visit.scope.caller.administration_id == found.administration_id,
        address=f"/logs/{log.id}/",
        problem=problem,
    )


def _row(visit: Visit, register: str, key: str, status: int = 200, problem: str | None = None) -> Response:
    services = visit.services
    with services.store.reading() as session:
        found, log = services.registers.get(session, visit.scope, register)
        names = {each.id: each.name for each in visit.administrations(session)}
        shown = _shown(visit, session, found, names)
        try:
            versions = services.registers.versions(session, visit.scope, register, key)
        except NotFound:
            return visit.page(
                "register_row", 404, **_none(shown, key, problem or visit.t("console.register.no_row"))
            )
        ended = services.registers.ended(session, log, key)
    columns = json.loads(found.columns)
    newest = versions[-1].content
    return visit.page(
        "register_row",
        status,
        register=shown,
        key=key,
        columns=columns,
        versions=[_entry(visit, register, each) for each in reversed(versions)],
        current=[newest[name] for name in columns] if newest is not None and not ended else None,
        ended=visit.t(f"console.register.happened.{ended}") if ended else None,
        reasons=[{"slug": each, "text": visit.t(f"console.reason.{each}")} for each in REASONS],
        rectification_reasons=[
            {"slug": each, "text": visit.t(f"console.reason.{each}")} for each in RECTIFICATION_REASONS
        ],
        may_write=_may(visit, found, *WRITES),
        problem=problem,
    )


def _none(shown: dict[str, Any], key: str, problem: str) -> dict[str, Any]:
    nothing: dict[str, Any] = {"columns": [], "versions": [], "current": None, "ended": None, "reasons": []}
    return nothing | {
        "register": shown,
        "key": key,
        "rectification_reasons": [],
        "may_write": False,
        "problem": problem,
    }


def _may(visit: Visit, register: Register, *roles: Role) -> bool:
    held = visit.scope.caller.roles.get(register.administration_id, frozenset())
    return bool(held & frozenset(roles)) and visit.scope.caller.closed(register.administration_id) is None


def _shown(visit: Visit, session: Session, register: Register, names: dict[str, str]) -> dict[str, Any]:
    found: Log = visit.services.registers.get(session, visit.scope, register.id)[1]
    progress = visit.services.registers.progress(found)
    return {
        "id": register.id,
        "name": register.name,
        "administration": names[register.administration_id],
        "key": register.key,
        "columns": json.loads(register.columns),
        "numbering": register.numbering,
        "origin": found.origin,
        "published": found.published,
        "created": register.created,
        # the genesis entry is none of the administration's
        "entries": progress.accepted - 1,
        "anchored": max(0, progress.anchored_size - 1),
        "waiting": progress.accepted - progress.anchored_size,
        "problem": progress.problem,
    }


def _entry(visit: Visit, register: str, version: Version) -> dict[str, Any]:
    """One version as tables show it, with the addresses of its row's page and of its receipts."""
    row = f"{PATH}/registers/{register}/row?key={quote(version.key, safe='')}"
    receipts = []
    if version.content is not None and version.state == "anchored":
        base = (
            f"{PATH}/registers/{register}/receipt?key={quote(version.key, safe='')}&version={version.version}"
        )
        receipts = [{"format": each.value, "address": f"{base}&format={each.value}"} for each in Format]
    return asdict(version) | {
        "state": version.state.value,
        "what": visit.t(f"console.register.kind.{version.kind}"),
        "why": visit.t(f"console.reason.{version.reason}") if version.reason else None,
        "row": row,
        "receipts": receipts,
    }
