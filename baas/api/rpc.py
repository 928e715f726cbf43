"""The JSON-RPC doors of each chain, outside the API: `/rpc/{chain}` with a header, `/rpc/{chain}/{token}` for wallets.

The administrator's endpoint is the same at `/rpc-admin/…`. Who gets in is `rpc_entry`'s matter. What comes in is
not looked at here: the chain's gateway is the only door.
"""

from __future__ import annotations

from weakref import WeakKeyDictionary

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from baas.api.calls import services_of
from baas.api.rpc_entry import Knock
from baas.errors import Suspended, TooMuch
from baas.tenancy import RpcEndpoint
from sandbox import chain as runtime
from sandbox.errors import OverQuota
from sandbox.gateway import Asker, refuse
from sandbox.gateway.errors import suspended

router = APIRouter(include_in_schema=False)
MEDIA_TYPE = "application/json"
#: Bodies of one chain that are answered at once. Each chain has threads of its own, so that what is slow on one
#: keeps only its own callers waiting: not another chain, the API or the console.
THREADS_OF_A_CHAIN = 8


@router.post("/rpc/{chain}")
async def rpc(chain: str, request: Request) -> Response:
    return await _answer(Knock.of(RpcEndpoint.PUBLIC, chain, request.headers), request)


@router.post("/rpc/{chain}/{token}")
async def rpc_of_wallet(chain: str, token: str, request: Request) -> Response:
    return await _answer(Knock.of(RpcEndpoint.PUBLIC, chain, request.headers, token), request)


@router.post("/rpc-admin/{chain}")
async def rpc_of_administrator(chain: str, request: Request) -> Response:
    return await _answer(Knock.of(RpcEndpoint.ADMIN, chain, request.headers), request)


@router.post("/rpc-admin/{chain}/{token}")
async def rpc_of_administrators_tool(chain: str, token: str, request: Request) -> Response:
    return await _answer(Knock.of(RpcEndpoint.ADMIN, chain, request.headers, token), request)


async def _answer(knock: Knock, request: Request) -> Response:
    body = await request.body()
    try:
        asker, awake = await run_in_threadpool(knock.enter, services_of(request))
    except Suspended as closed:
        answer = refuse(body, suspended(closed.reason))
    except TooMuch as over:
        headers = {"Retry-After": str(over.retry_after)}
        return Response(refuse(body, too_often(over)), 429, headers, MEDIA_TYPE)
    else:
        answer = await answered(awake, body, asker)
    return Response(status_code=204) if answer is None else Response(answer, media_type=MEDIA_TYPE)


def too_often(over: TooMuch) -> OverQuota:
    """A limit of requests as JSON-RPC says it."""
    return OverQuota("Request rate limit exceeded", "request-rate", over.limit, over.used, over.retry_after)


async def answered(awake: runtime.Chain, body: bytes, asker: Asker) -> bytes | None:
    """The chain's answer to a body, on one of the chain's own threads."""
    limiter = _limiters.setdefault(awake, CapacityLimiter(THREADS_OF_A_CHAIN))
    return await to_thread.run_sync(awake.rpc, body, asker, limiter=limiter)


_limiters: WeakKeyDictionary[runtime.Chain, CapacityLimiter] = WeakKeyDictionary()
