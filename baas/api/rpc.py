"""The JSON-RPC door of each chain, outside the API: `/rpc/{chain}` with a header, `/rpc/{chain}/{token}` for wallets.

In a header, the token is an API token of somebody who reaches the chain's administration, or an RPC token of this very
chain; in an address, where tokens are easily left behind, only the latter. What comes in is not looked at here: the
chain's gateway is the only door.
"""

from __future__ import annotations

import base64
import binascii
from weakref import WeakKeyDictionary

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from baas.api.calls import services_of
from baas.api.middleware import bearer
from baas.errors import Unauthenticated
from baas.tenancy import TenantScope
from baas.wiring import Services
from sandbox import chain as runtime

router = APIRouter(prefix="/rpc", include_in_schema=False)
MEDIA_TYPE = "application/json"
#: Bodies of one chain that are answered at once. Each chain has threads of its own, so that what is slow on one
#: keeps only its own callers waiting: not another chain, the API or the console.
THREADS_OF_A_CHAIN = 8


@router.post("/{chain}")
async def rpc(chain: str, request: Request) -> Response:
    return await _answer(chain, bearer(request.headers) or _basic(request), request, in_address=False)


@router.post("/{chain}/{token}")
async def rpc_of_wallet(chain: str, token: str, request: Request) -> Response:
    return await _answer(chain, token, request, in_address=True)


async def _answer(chain: str, token: str | None, request: Request, *, in_address: bool) -> Response:
    body = await request.body()
    awake = await run_in_threadpool(_awake, services_of(request), chain, token, in_address)
    limiter = _limiters.setdefault(awake, CapacityLimiter(THREADS_OF_A_CHAIN))
    answer = await to_thread.run_sync(awake.rpc, body, limiter=limiter)
    return Response(status_code=204) if answer is None else Response(answer, media_type=MEDIA_TYPE)


_limiters: WeakKeyDictionary[runtime.Chain, CapacityLimiter] = WeakKeyDictionary()


def _awake(services: Services, chain: str, token: str | None, in_address: bool) -> runtime.Chain:
    caller = services.tokens.authenticate(token, rpc=True)
    if in_address and caller.chain_id is None:
        raise Unauthenticated
    _, awake = services.chains.use(TenantScope(caller), chain)
    return awake


def _basic(request: Request) -> str | None:
    """The password of HTTP Basic (RFC 7617); the user name does not matter."""
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(encoded, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return None
