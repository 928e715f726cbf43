"""The JSON-RPC door of each chain, outside the API: `/rpc/{chain}` with a header, `/rpc/{chain}/{token}` for wallets.

In a header, the token is an API token of somebody who reaches the chain's administration, or an RPC token of this very
chain; in an address, where tokens are easily left behind, only the latter. What comes in is not looked at here: the
chain's gateway is the only door.
"""

from __future__ import annotations

import base64
import binascii

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from baas.api.calls import services_of
from baas.api.middleware import bearer
from baas.errors import Unauthenticated
from baas.tenancy import TenantScope
from baas.wiring import Services

router = APIRouter(prefix="/rpc", include_in_schema=False)
MEDIA_TYPE = "application/json"


@router.post("/{chain}")
async def rpc(chain: str, request: Request) -> Response:
    return await _answer(chain, bearer(request.headers) or _basic(request), request, in_address=False)


@router.post("/{chain}/{token}")
async def rpc_of_wallet(chain: str, token: str, request: Request) -> Response:
    return await _answer(chain, token, request, in_address=True)


async def _answer(chain: str, token: str | None, request: Request, *, in_address: bool) -> Response:
    body = await request.body()
    answer = await run_in_threadpool(_handle, services_of(request), chain, token, body, in_address)
    return Response(status_code=204) if answer is None else Response(answer, media_type=MEDIA_TYPE)


def _handle(services: Services, chain: str, token: str | None, body: bytes, in_address: bool) -> bytes | None:
    caller = services.tokens.authenticate(token, rpc=True)
    if in_address and caller.chain_id is None:
        raise Unauthenticated
    _, awake = services.chains.use(TenantScope(caller), chain)
    return awake.rpc(body)


def _basic(request: Request) -> str | None:
    """The password of HTTP Basic (RFC 7617); the user name does not matter."""
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(encoded, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return None
