"""Routes of privacy: erasures, series and their retention dates, DPIA records."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter, Response
from sqlmodel import Session

from baas.api.calls import Call, Calling, Paging, page_out
from baas.api.chains import Of
from baas.logs.model import Log
from baas.privacy.model import Erasure
from baas.privacy.schemas import ErasureIn, ErasureOut, RowErasureIn
from baas.wire import Page

router = APIRouter(tags=["privacy"])


@router.post("/notarisations/{notarisation}/erasure", status_code=202, response_model=ErasureOut)
def erase_notarisation(notarisation: str, body: ErasureIn, call: Calling) -> Response:
    """Erases what a notarisation was of: digests, salt and whatever could match it. Its entry stays, and opens no more.

    It cannot be undone. A receipt that somebody holds still opens: that copy is the holder's.
    """
    return _accept(
        call,
        lambda session: call.services.erasures.notarisation(session, call.scope, notarisation, body.basis),
    )


@router.post("/registers/{register}/erasures", status_code=202, response_model=ErasureOut)
def erase_rows(register: str, body: RowErasureIn, call: Calling) -> Response:
    """Erases versions of a register's rows; their keys go with the last version that has content."""
    return _accept(
        call,
        lambda session: call.services.erasures.rows(
            session, call.scope, register, body.indexes, body.basis, keep_key=body.keep_key
        ),
    )


@router.get("/erasures")
def list_erasures(call: Calling, page: Paging, administration: Of = None) -> Page[ErasureOut]:
    """The erasures that you may see, oldest first."""
    return call.read(
        lambda session: page_out(
            ErasureOut, call.services.erasures.listing(session, call.scope, page, administration)
        )
    )


@router.get("/erasures/{erasure}")
def show_erasure(erasure: str, call: Calling) -> ErasureOut:
    """How far an erasure is."""
    return call.read(
        lambda session: ErasureOut.model_validate(call.services.erasures.get(session, call.scope, erasure))
    )


def _accept(call: Call, act: Callable[[Session], tuple[Erasure, Log]]) -> Response:
    response = call.accept(act, ErasureOut.model_validate)
    call.services.scrubber.poke()
    return response
