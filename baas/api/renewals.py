"""Routes of renewals: receipts re-anchored under another algorithm before what they rest on ends."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from baas.api.administrations import Code
from baas.api.calls import Call, Calling, Paging
from baas.api.chains import Of
from baas.renewals.model import RenewalRow
from baas.renewals.schemas import NeedingOut, NeedingsOut, ProofOut, RenewalIn, RenewalOut
from baas.renewals.service import DEFAULT
from baas.wire import Page
from sandbox.evidence.receipt import renewal_to_json

router = APIRouter(tags=["renewals"])


def _out(call: Call, row: RenewalRow) -> RenewalOut:
    return RenewalOut(
        id=row.id,
        administration_id=row.administration_id,
        algorithm=row.algorithm,
        whole=row.whole,
        size=row.size,
        missing=row.missing,
        requested=row.requested,
        anchored=row.anchored,
        stamped=row.token is not None,
        problem=call.services.renewing.problem(row),
    )


@router.post("/renewals", status_code=202, response_model=RenewalOut)
def request_renewal(body: RenewalIn, call: Calling) -> Response:
    """Renews an administration's receipts, or leaves that their holder made. 409 once what they rest on has ended."""

    def act() -> RenewalOut:
        leaves = [bytes.fromhex(each) for each in body.leaves]
        with call.services.store.session() as session:
            row = call.services.renewals.request(
                session, call.scope, body.administration, body.algorithm, leaves
            )
        call.services.renewing.poke()
        return _out(call, row)

    return call.act(act, 202)


@router.get("/renewals")
def list_renewals(call: Calling, page: Paging, administration: Of = None) -> Page[RenewalOut]:
    """The renewals that were asked for, oldest first."""
    found = call.read(
        lambda session: call.services.renewals.listing(session, call.scope, page, administration)
    )
    return Page(items=[_out(call, row) for row in found.rows], next=found.next)


@router.get("/renewals/{renewal}")
def show_renewal(renewal: str, call: Calling) -> RenewalOut:
    """How far one is."""
    return _out(call, call.read(lambda session: call.services.renewals.get(session, call.scope, renewal)))


@router.get("/renewals/{renewal}/proof")
def show_proof(
    renewal: str, call: Calling, leaf: Annotated[str, Query(pattern=r"^[0-9a-f]{64}$")]
) -> ProofOut:
    """The place of a holder's leaf in it; 409 with Retry-After until it is on the chain."""
    found = call.read(
        lambda session: call.services.renewals.proof(session, call.scope, renewal, bytes.fromhex(leaf))
    )
    return ProofOut(renewal=dict(renewal_to_json(found)))


@router.get("/administrations/{code}/needing-documents")
def list_needing(
    code: Code, call: Calling, algorithm: Annotated[str, Query(max_length=40)] = DEFAULT
) -> NeedingsOut:
    """Receipts that only who has their document can renew under the algorithm."""
    found = call.read(lambda session: call.services.renewals.needing(session, call.scope, code, algorithm))
    return NeedingsOut(
        items=[
            NeedingOut(
                origin=each.log.origin,
                index=each.receipt.inclusion.index,
                algorithms=[digest.algorithm for digest in each.receipt.document.digests()],
            )
            for each in found
        ]
    )
