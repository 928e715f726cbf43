"""Routes of logs: which there are, and who may read them as static files."""

from __future__ import annotations

from fastapi import APIRouter, Response
from sqlmodel import Session

from baas.api.calls import Call, Calling, Paging, page_out
from baas.api.chains import Of
from baas.logs.model import Log
from baas.logs.schemas import LogOut, LogWitnessOut, WitnessPolicyIn, WitnessPolicyOut
from baas.wire import Page

router = APIRouter(tags=["logs"])


@router.get("/logs")
def list_logs(call: Calling, page: Paging, administration: Of = None) -> Page[LogOut]:
    """The logs that you may see: one of documents for each administration, one for each register."""
    return call.read(
        lambda session: page_out(
            LogOut, call.services.publication.listing(session, call.scope, page, administration)
        )
    )


@router.get("/logs/{log}")
def show_log(log: str, call: Calling) -> LogOut:
    """One log: how far it is, and whether it is public."""
    return call.read(
        lambda session: LogOut.model_validate(call.services.publication.get(session, call.scope, log))
    )


@router.post("/logs/{log}/publish", status_code=201, response_model=LogOut)
def publish_log(log: str, call: Calling) -> Response:
    """Lets anybody read its checkpoint, tiles and entries at `/logs/{log}/` and mirror them."""
    return call.write(
        lambda session: LogOut.model_validate(call.services.publication.publish(session, call.scope, log))
    )


@router.post("/logs/{log}/withdraw", status_code=201, response_model=LogOut)
def withdraw_log(log: str, call: Calling) -> Response:
    """Serves it to the administration only from now on. Mirrors that were made keep what they have."""
    return call.write(
        lambda session: LogOut.model_validate(call.services.publication.withdraw(session, call.scope, log))
    )


@router.get("/logs/{log}/witnesses")
def show_log_witnesses(log: str, call: Calling) -> WitnessPolicyOut:
    """Which witnesses the log asks, how many must have cosigned, and how far each is."""
    return call.read(
        lambda session: _policy(call, session, call.services.publication.get(session, call.scope, log))
    )


@router.put("/logs/{log}/witnesses")
def set_log_witnesses(log: str, body: WitnessPolicyIn, call: Calling) -> Response:
    """From now on receipts come only from checkpoints that so many of these witnesses cosigned."""
    chosen: list[Log] = []

    def act(session: Session) -> WitnessPolicyOut:
        found = call.services.publication.get(session, call.scope, log)
        call.services.witnessing.set(session, call.scope, found, body.threshold, body.witnesses)
        chosen.append(found)
        return _policy(call, session, found)

    response = call.write(act, 200)
    for each in chosen:
        call.services.witnessing.poke(each.key)
    return response


@router.delete("/logs/{log}/witnesses", status_code=204)
def clear_log_witnesses(log: str, call: Calling) -> Response:
    """Asks no witness any more; receipts are made from any anchored checkpoint, as without witnesses."""

    def act(session: Session) -> None:
        found = call.services.publication.get(session, call.scope, log)
        call.services.witnessing.clear(session, call.scope, found)

    return call.write(act)


def _policy(call: Call, session: Session, log: Log) -> WitnessPolicyOut:
    witnessing = call.services.witnessing
    policy = witnessing.policy(session, log)
    if policy is None:
        return WitnessPolicyOut(threshold=0, operators=1, witnessed_size=None, witnesses=[])
    shown = [
        LogWitnessOut(**each.model_dump(exclude={"log"}), problem=witnessing.problem(log, each.key))
        for each in policy.witnesses
    ]
    return WitnessPolicyOut(
        threshold=policy.threshold,
        operators=policy.operators,
        witnessed_size=witnessing.witnessed_size(session, log),
        witnesses=shown,
    )
