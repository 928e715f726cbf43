"""Routes of an administration's witnesses; logs ask them elsewhere (`witness_door.py`)."""

from __future__ import annotations

from fastapi import APIRouter, Response

from baas.api.calls import Calling, Paging, page_out
from baas.api.chains import Of
from baas.wire import Page
from baas.witnesses import schemas

router = APIRouter(tags=["witnesses"])


@router.post("/witnesses", status_code=201, response_model=schemas.WitnessOut)
def create_witness(body: schemas.WitnessIn, call: Calling) -> Response:
    """Makes a witness inside this service. Which logs it follows, its admin says afterwards."""
    return call.act(
        lambda: schemas.WitnessOut.model_validate(
            call.services.witnesses.create(call.scope, body.administration, body.label)
        )
    )


@router.get("/witnesses")
def list_witnesses(call: Calling, page: Paging, administration: Of = None) -> Page[schemas.WitnessOut]:
    """The witnesses of the administrations that you may see."""
    return page_out(schemas.WitnessOut, call.services.witnesses.listing(call.scope, page, administration))


@router.get("/known-witnesses")
def list_known_witnesses(call: Calling) -> schemas.KnownWitnessesOut:
    """Every witness that a log may name: those inside this service, and those elsewhere that its operator named."""
    known = call.read(call.services.witnesses.known)
    items = [schemas.KnownWitnessOut.model_validate(each) for each in known.values()]
    return schemas.KnownWitnessesOut(items=items)


@router.get("/witnesses/{witness}")
def show_witness(witness: str, call: Calling) -> schemas.SeenOut:
    """One witness, the logs that it follows, and the split views that they showed it."""
    row = call.services.witnesses.get(call.scope, witness)
    logs, contradictions = call.services.witnesses.seen(call.scope, witness)
    return schemas.SeenOut(
        **schemas.WitnessOut.model_validate(row).model_dump(),
        logs=[schemas.FollowedOut.model_validate(each) for each in logs],
        contradictions=[schemas.ContradictionOut.model_validate(each) for each in contradictions],
    )


@router.post("/witnesses/{witness}/follow", status_code=204)
def follow_log(witness: str, body: schemas.FollowIn, call: Calling) -> Response:
    """Cosigns for a log from now on. Take its origin and key from the administration's trust root."""
    return call.act(lambda: call.services.witnesses.follow(call.scope, witness, body.origin, body.key))


@router.post("/witnesses/{witness}/unfollow", status_code=204)
def unfollow_log(witness: str, body: schemas.UnfollowIn, call: Calling) -> Response:
    """Cosigns no more for that log. What it cosigned stays valid, and is not forgotten."""
    return call.act(lambda: call.services.witnesses.unfollow(call.scope, witness, body.origin))
