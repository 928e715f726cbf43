"""Routes of administrations and of AOC's staff."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Path, Response

from baas.administrations import repository
from baas.administrations.limits import Limits
from baas.administrations.schemas import (
    AdministrationIn,
    AdministrationOut,
    LimitsIn,
    LimitsOut,
    StaffIn,
    StaffOut,
    SuspensionIn,
)
from baas.api.calls import Call, Calling, Paging, page_out
from baas.tenancy import CallerKind
from baas.wire import Page

router = APIRouter(tags=["administrations"])
Code = Annotated[str, Path(description="the administration's INE10 or DIR3 code", max_length=40)]


@router.post("/administrations", status_code=201, response_model=AdministrationOut)
def create_administration(body: AdministrationIn, call: Calling) -> Response:
    """Registers an administration. For AOC's operators."""
    return call.write(
        lambda session: AdministrationOut.model_validate(
            call.services.administrations.create(session, call.scope, body.code, body.name, body.kind)
        )
    )


@router.get("/administrations")
def list_administrations(call: Calling, page: Paging) -> Page[AdministrationOut]:
    """The administrations that you reach: your own and those by mandate; all of them for staff."""
    return call.read(
        lambda session: page_out(AdministrationOut, repository.administrations(session, call.scope, page))
    )


@router.get("/administrations/{code}")
def show_administration(code: Code, call: Calling) -> AdministrationOut:
    """One administration by its code."""
    return call.read(
        lambda session: AdministrationOut.model_validate(repository.administration(session, call.scope, code))
    )


@router.get("/administrations/{code}/limits")
def show_limits(code: Code, call: Calling) -> LimitsOut:
    """What the administration may use, and what it uses now."""
    owner, limits = call.read(lambda session: call.services.limits.get(session, call.scope, code))
    return _limits_out(call, owner, limits)


@router.put("/administrations/{code}/limits", response_model=LimitsOut)
def set_limits(code: Code, body: LimitsIn, call: Calling) -> Response:
    """Sets limits of this administration alone. For operators."""

    def act() -> LimitsOut:
        with call.services.store.session() as session:
            said = body.model_dump(exclude_unset=True)
            owner, limits = call.services.limits.set(session, call.scope, code, said)
        call.services.meters.changed(owner)
        return _limits_out(call, owner, limits)

    return call.act(act, 200)


def _limits_out(call: Call, owner: str, limits: Limits) -> LimitsOut:
    gas, stored = call.services.meters.used(owner)
    return LimitsOut(**asdict(limits), used_gas=gas, used_stored_bytes=stored)


@router.post("/administrations/{code}/suspend", response_model=AdministrationOut)
def suspend_administration(code: Code, body: SuspensionIn, call: Calling) -> Response:
    """Closes its doors: it changes nothing, and its chains answer nobody. Its receipts can be read. For operators."""
    response = call.write(
        lambda session: AdministrationOut.model_validate(
            call.services.administrations.suspend(session, call.scope, code, body.reason)
        ),
        200,
    )
    with call.services.store.reading() as session:
        owner = repository.administration(session, call.scope, code)
    call.services.chains.closes(owner.id)
    return response


@router.post("/administrations/{code}/resume", response_model=AdministrationOut)
def resume_administration(code: Code, body: SuspensionIn, call: Calling) -> Response:
    """Opens them again. For operators."""
    return call.write(
        lambda session: AdministrationOut.model_validate(
            call.services.administrations.resume(session, call.scope, code, body.reason)
        ),
        200,
    )


@router.post("/staff", status_code=201, response_model=StaffOut, tags=["staff"])
def create_staff(body: StaffIn, call: Calling) -> Response:
    """Adds an operator or an evaluator of AOC. For operators."""
    return call.write(
        lambda session: StaffOut.model_validate(
            call.services.administrations.add_staff(session, call.scope, body.label, body.kind)
        )
    )


@router.get("/staff", tags=["staff"])
def list_staff(call: Calling, page: Paging) -> Page[StaffOut]:
    """AOC's operators and evaluators. For operators."""
    call.scope.require_staff("listing staff", CallerKind.OPERATOR)
    return call.read(lambda session: page_out(StaffOut, repository.staff(session, page)))


@router.delete("/staff/{staff_id}", status_code=204, tags=["staff"])
def end_staff(staff_id: str, call: Calling) -> Response:
    """Ends somebody's access: all their tokens are refused from now on. For operators."""
    return call.write(lambda session: call.services.administrations.end_staff(session, call.scope, staff_id))
