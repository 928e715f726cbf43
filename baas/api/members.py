"""Routes of an administration's members."""

from __future__ import annotations

from fastapi import APIRouter, Response
from sqlmodel import Session

from baas.administrations import repository
from baas.administrations.schemas import MemberIn, MemberOut, RolesIn
from baas.api.administrations import Code
from baas.api.calls import Calling, Paging, page_out
from baas.tenancy import CallerKind, Role
from baas.wire import Page

router = APIRouter(prefix="/administrations/{code}/members", tags=["members"])


@router.post("", status_code=201, response_model=MemberOut)
def create_member(code: Code, body: MemberIn, call: Calling) -> Response:
    """Adds a person with roles. For the administration's admins, and AOC's operators."""
    return call.write(
        lambda session: MemberOut.model_validate(
            call.services.administrations.add_member(session, call.scope, code, body.label, body.roles)
        )
    )


@router.get("")
def list_members(code: Code, call: Calling, page: Paging) -> Page[MemberOut]:
    """Its members, former ones included. For its admins and auditors, and AOC's operators."""

    def ask(session: Session) -> Page[MemberOut]:
        owner = repository.administration(session, call.scope, code)
        call.scope.require(owner.id, "listing members", Role.ADMIN, Role.AUDITOR, staff=[CallerKind.OPERATOR])
        return page_out(MemberOut, repository.members(session, call.scope, owner.id, page))

    return call.read(ask)


@router.put("/{member_id}/roles", response_model=MemberOut)
def set_member_roles(code: Code, member_id: str, body: RolesIn, call: Calling) -> Response:
    """Gives a member exactly these roles, at once. For admins and operators."""
    return call.write(
        lambda session: MemberOut.model_validate(
            call.services.administrations.set_roles(session, call.scope, code, member_id, body.roles)
        ),
        status=200,
    )


@router.delete("/{member_id}", status_code=204)
def end_member(code: Code, member_id: str, call: Calling) -> Response:
    """Ends a membership: the member's tokens are refused from now on. For admins and operators."""
    return call.write(
        lambda session: call.services.administrations.end_member(session, call.scope, code, member_id)
    )
