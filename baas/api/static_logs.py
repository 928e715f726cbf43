"""`/logs/{log}/…`: logs as static files that anybody can mirror and cache (C2SP tlog-tiles). Default deny.

A log answers whoever its administration published it to, which is everybody, or its own people with their token. For
anybody else it is not there, in the same words as one that never was. Files are of the anchored log only, and none but
`checkpoint` ever changes: so a full tile may be kept for a year, and a narrower one until the full one is there.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable

from fastapi import APIRouter, Request, Response
from sqlmodel import Session

from baas.api.calls import services_of
from baas.api.middleware import bearer
from baas.errors import NotFound
from baas.logs import files
from baas.logs.model import Log
from baas.tenancy import TenantScope

router = APIRouter(prefix="/logs/{log}", include_in_schema=False)
#: Seconds for which each may be kept; a checkpoint is asked for again and again.
FULL, NARROWER, CHECKPOINT = 31_536_000, 86_400, 2


@router.api_route("/checkpoint", methods=["GET", "HEAD"])
def checkpoint(log: str, request: Request) -> Response:
    """The newest checkpoint that the chain holds."""

    def make(session: Session, found: Log) -> tuple[bytes, str]:
        newest = services_of(request).logs.newest_checkpoint(session, found)
        if newest is None:
            raise NotFound("checkpoint", "yet")
        return str(newest.checkpoint).encode(), f"max-age={CHECKPOINT}"

    return _answer(request, log, "text/plain; charset=utf-8", make)


@router.api_route("/tile/{path:path}", methods=["GET", "HEAD"])
def tile(log: str, path: str, request: Request) -> Response:
    """A tile of hashes, or a bundle of entries, which is compressed for whoever takes gzip."""

    def make(session: Session, found: Log) -> tuple[bytes, str]:
        wanted = files.tile_of(found, f"tile/{path}")
        kept = f"max-age={FULL}, immutable" if wanted.full else f"max-age={NARROWER}"
        return files.content(session, found, wanted), kept

    return _answer(request, log, "application/octet-stream", make, compress=path.startswith("entries/"))


def _answer(
    request: Request,
    log_id: str,
    media_type: str,
    make: Callable[[Session, Log], tuple[bytes, str]],
    *,
    compress: bool = False,
) -> Response:
    services = services_of(request)
    token = bearer(request.headers)
    # a token that does not hold is refused as everywhere: it must not look like a log that is gone
    caller = services.tokens.authenticate(token) if token is not None else None
    if caller is not None and caller.administration_id is not None:
        services.meters.request(caller.administration_id)
    with services.store.reading() as session:
        found = services.publication.readable(session, TenantScope(caller) if caller else None, log_id)
        data, kept = make(session, found)
    headers = {
        "Cache-Control": f"{'public' if found.published else 'private'}, {kept}",
        "Vary": "Authorization" + (", Accept-Encoding" if compress else ""),
        "Cross-Origin-Resource-Policy": "cross-origin",
    }
    if compress and "gzip" in request.headers.get("accept-encoding", ""):
        data = gzip.compress(data, 6, mtime=0)
        headers["Content-Encoding"] = "gzip"
    headers["ETag"] = f'"{hashlib.sha256(data).hexdigest()}"'
    if headers["ETag"] in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(data, headers=headers, media_type=media_type)
