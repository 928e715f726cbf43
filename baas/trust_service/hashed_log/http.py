"""The log over HTTP, under /registre. An administration names its own records only, so it cannot ask for another's.

POST /registre                       {"digest": hex, "period_ms": n}   201, once the record is on disk
GET  /registre/<period_ms>/<position>                                  200 the evidence; 404 not stamped yet, or unknown
"""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from baas.clock import Clock, iso
from baas.protocols.hashed_log import MEDIA_TYPE, PATH, PERIODS_MS
from baas.trust_service.clients import CHALLENGE, Authenticate, administration_of, body_of
from baas.trust_service.hashed_log.keeping import HashedLog, NotStamped, UnknownRecord
from baas.trust_service.hashed_log.writer import TooManyLogs

MAX_REQUEST_BYTES = 4096

_DIGEST = re.compile(r"[0-9a-f]{64}")
_NUMBER = re.compile(r"[1-9][0-9]{0,14}", re.ASCII)


def routes(log: HashedLog, authenticate: Authenticate, clock: Clock) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.post(PATH)
    async def record(request: Request) -> Response:
        administration = administration_of(request, authenticate)
        if administration is None:
            return _unauthenticated()
        wanted = _wanted(await body_of(request, MAX_REQUEST_BYTES))
        if isinstance(wanted, str):
            return _refused(400, "bad_request", wanted)
        digest, period_ms = wanted
        try:
            kept = await asyncio.wrap_future(log.append(administration, digest, period_ms))
        except TooManyLogs as refusal:
            return _refused(403, "too_many_logs", str(refusal))
        entry = kept.record.entry
        return JSONResponse(
            {
                "position": entry.position,
                "period_ms": period_ms,
                "time": iso(entry.time),
                "digest": entry.digest.hex(),
                "previous": kept.record.previous.hex(),
                "hmac": kept.record.mac.hex(),
                "stamped_after": iso(kept.closes),
                "seconds": max(0.0, (kept.closes - clock.now()).total_seconds()),
            },
            201,
        )

    @router.get(PATH + "/{period_ms}/{position}")
    async def evidence(request: Request, period_ms: str, position: str) -> Response:
        administration = administration_of(request, authenticate)
        if administration is None:
            return _unauthenticated()
        unknown = _refused(404, "unknown_record", "this administration has no such record")
        if not (_NUMBER.fullmatch(period_ms) and _NUMBER.fullmatch(position)):
            return unknown
        try:
            held = await run_in_threadpool(log.evidence, administration, int(period_ms), int(position))
        except UnknownRecord:
            return unknown
        except NotStamped as waiting:
            return _refused(
                404,
                "not_stamped",
                "the period of this record has no time-stamp yet",
                stamped_after=iso(waiting.closes),
                seconds=max(0.0, (waiting.closes - clock.now()).total_seconds()),
            )
        return Response(held, media_type=MEDIA_TYPE)

    return router


def _wanted(body: bytes | None) -> tuple[bytes, int] | str:
    """The digest and the period; or in words what was expected."""
    if body is None:
        return f"expected at most {MAX_REQUEST_BYTES} bytes"
    expected = 'expected {"digest": 64 hexadecimal digits, "period_ms": a number}'
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        return expected
    if not isinstance(fields, dict) or set(fields) != {"digest", "period_ms"}:
        return expected
    digest, period_ms = fields["digest"], fields["period_ms"]
    if not isinstance(digest, str) or not _DIGEST.fullmatch(digest) or type(period_ms) is not int:
        return expected
    if not PERIODS_MS[0] <= period_ms <= PERIODS_MS[1]:
        return f"expected a period of {PERIODS_MS[0]} to {PERIODS_MS[1]} ms"
    return bytes.fromhex(digest), period_ms


def _unauthenticated() -> Response:
    return JSONResponse(
        {"error": "unauthenticated", "detail": "the administration's code and client secret are needed"},
        401,
        CHALLENGE,
    )


def _refused(status: int, error: str, detail: str, **more: Any) -> Response:
    return JSONResponse({"error": error, "detail": detail, **more}, status)
