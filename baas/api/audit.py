"""Routes of the audit."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from sqlmodel import Session, col

from baas.administrations import repository
from baas.api.calls import Calling, Paging, page_out
from baas.audit import AuditRow, verify
from baas.audit.schemas import AuditRowOut, AuditVerificationOut
from baas.errors import AuditBroken
from baas.store.paging import paged
from baas.tenancy import CallerKind, Role
from baas.wire import Page

router = APIRouter(prefix="/audit", tags=["audit"])


@router.get("")
def list_audit(
    call: Calling,
    page: Paging,
    administration: Annotated[
        str | None,
        Query(description="its code; your own administration unless said, everything for operators"),
    ] = None,
) -> Page[AuditRowOut]:
    """What was done in an administration. For its auditors; AOC's operators see every act."""
    caller = call.scope.caller

    def ask(session: Session) -> Page[AuditRowOut]:
        rows = call.scope.select(AuditRow)
        chosen = caller.administration_id
        if administration is not None:
            chosen = repository.administration(session, call.scope, administration).id
        if chosen is None:
            call.scope.require_staff("reading the whole audit", CallerKind.OPERATOR)
        else:
            call.scope.require(chosen, "reading the audit", Role.AUDITOR, staff=[CallerKind.OPERATOR])
            rows = rows.where(col(AuditRow.administration_id) == chosen)
        return page_out(AuditRowOut, paged(session, rows, col(AuditRow.seq), page))

    return call.read(ask)


@router.get("/verification")
def verify_audit(call: Calling) -> AuditVerificationOut:
    """Walks the whole chain of hashes. For AOC's operators."""
    call.scope.require_staff("verifying the audit", CallerKind.OPERATOR)
    try:
        head = call.read(verify)
    except AuditBroken as error:
        return AuditVerificationOut(
            holds=False, size=None, head=None, first_broken=error.seq, reason=error.reason
        )
    return AuditVerificationOut(
        holds=True, size=head.size, head=head.hash.hex(), first_broken=None, reason=None
    )
