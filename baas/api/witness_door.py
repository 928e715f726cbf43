"""`POST /witnesses/{address}/add-checkpoint`: the door of the witnesses inside this service (C2SP tlog-witness).

Public: a witness answers whoever holds a checkpoint that a log which it follows has signed; nothing else counts.
"""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from baas.api.calls import services_of
from baas.errors import NotFound
from sandbox.witness import TEXT, Answer

router = APIRouter(include_in_schema=False)


@router.post("/witnesses/{address}/add-checkpoint")
async def add_checkpoint(address: str, request: Request) -> Response:
    """The witness's own answer, in the protocol's statuses; the body is bounded as every request's is."""
    body = await request.body()
    witnesses = services_of(request).witnesses
    try:
        answer = await run_in_threadpool(witnesses.answer, address, body)
    except NotFound as error:
        answer = Answer(404, TEXT, f"{error}\n")
    return Response(answer.text, answer.status, {"Content-Type": answer.content_type})
