"""Routes of mandates: an administration lets another act for it."""

from __future__ import annotations

from fastapi import APIRouter, Response
from sqlmodel import Session

from baas.administrations import repository
from baas.administrations.schemas import MandateIn, MandateOut
from baas.api.administrations import Code
from baas.api.calls import Calling, Paging, page_out
from baas.tenancy import CallerKind, Role
from baas.wire import Page

router = APIRouter(prefix="/administrations/{code}/mandates", tags=["mandates"])


@router.post("", status_code=201, response_model=MandateOut)
def grant_mandate(code: Code, body: MandateIn, call: Calling) -> Response:
    """Lets the provider's members act here, each with the roles that both the mandate and the member have.

    For the administration's own admins (not those by mandate), and AOC's operators.
    """
    return call.write(
        lambda session: MandateOut.model_validate(
            call.services.administrations.grant_mandate(
                session, call.scope, code, body.provider, body.roles, body.days
            )
        )
    )


@router.get("")
def list_mandates(code: Code, call: Calling, page: Paging) -> Page[MandateOut]:
    """The mandates that it gave, past ones included. For its admins and auditors, and AOC's operators."""

    def ask(session: Session) -> Page[MandateOut]:
        owner = repository.administration(session, call.scope, code)
        call.scope.require(
            owner.id, "listing mandates", Role.ADMIN, Role.AUDITOR, staff=[CallerKind.OPERATOR]
        )
        return page_out(MandateOut, repository.mandates(session, call.scope, owner.id, page))

    return call.read(ask)


@router.delete("/{mandate_id}", status_code=204)
def revoke_mandate(code: Code, mandate_id: str, call: Calling) -> Response:
    """Ends a mandate at once. For the administration's own admins, and AOC's operators."""
    return call.write(
        lambda session: call.services.administrations.revoke_mandate(session, call.scope, code, mandate_id)
    )
