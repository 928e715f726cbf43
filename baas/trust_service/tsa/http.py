"""The authority over HTTP (RFC 3161 section 3.4), at the path that AOC's own service has."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from baas.protocols.rfc3161 import MAX_REQUEST_BYTES, QUERY, REPLY
from baas.trust_service.tsa.authority import TimeStampAuthority

PATH = "/psis/catcert/tsp"


def routes(authority: TimeStampAuthority) -> APIRouter:
    """The route to mount: a TimeStampReq in, a TimeStampResp out, a refusal being a reply like any other."""
    router = APIRouter()

    @router.post(PATH, include_in_schema=False)
    async def time_stamp(request: Request) -> Response:
        media_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
        if media_type != QUERY:
            return Response(
                f"expected Content-Type {QUERY}, got {media_type!r}\n", 415, media_type="text/plain"
            )
        body = bytearray()
        async for part in request.stream():
            body += part
            if len(body) > MAX_REQUEST_BYTES:
                break  # the authority says by how much it is too long; the rest is not read
        return Response(await run_in_threadpool(authority.respond, bytes(body)), media_type=REPLY)

    return router
