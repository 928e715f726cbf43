"""Routes of logs: which there are, and who may read them as static files."""

from __future__ import annotations

from fastapi import APIRouter, Response

from baas.api.calls import Calling, Paging, page_out
from baas.api.chains import Of
from baas.logs.schemas import LogOut
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
