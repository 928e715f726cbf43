"""The issuer's site, under /csv. Who issues shows a client secret; who checks shows the code and nothing else.

    POST /csv                {"digest": hex, "document"?: base64, "media_type"?}    201, once it is on disk
    GET  /csv                where a person types a code
    GET  /csv/<code>         a page that says what stands under it, and its limits
    GET  /csv/<code>/copy    the copy itself

Whatever nothing stands under, mistyped, never issued or deleted, gets the same answer to the last byte.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from starlette.concurrency import run_in_threadpool

from baas.clock import iso
from baas.protocols.secure_code import DOCUMENT_TYPES, MAX_DOCUMENT_BYTES, PATH, read_code
from baas.trust_service.clients import CHALLENGE, Authenticate, administration_of, body_of
from baas.trust_service.pages import language_of, page
from baas.trust_service.secure_codes.keeping import Kept, SecureCodes

MAX_REQUEST_BYTES = MAX_DOCUMENT_BYTES * 4 // 3 + 4096

_DIGEST = re.compile(r"[0-9a-f]{64}")
_EXPECTED = 'expected {"digest": 64 hexadecimal digits, "document"?: base64, "media_type"?: text}'


def routes(
    codes: SecureCodes, authenticate: Authenticate, name_of: Callable[[str], str] = lambda code: code
) -> APIRouter:
    """`name_of` gives an administration's name by its code, for the page."""
    router = APIRouter(include_in_schema=False)

    @router.post(PATH)
    async def issue(request: Request) -> Response:
        administration = administration_of(request, authenticate)
        if administration is None:
            return JSONResponse(
                {
                    "error": "unauthenticated",
                    "detail": "the administration's code and client secret are needed",
                },
                401,
                CHALLENGE,
            )
        wanted = _wanted(await body_of(request, MAX_REQUEST_BYTES))
        if isinstance(wanted, str):
            return JSONResponse({"error": "bad_request", "detail": wanted}, 400)
        try:
            kept = await run_in_threadpool(codes.issue, administration, *wanted)
        except ValueError as error:
            return JSONResponse({"error": "bad_request", "detail": str(error)}, 400)
        return JSONResponse(
            {
                "code": kept.code,
                "path": f"{PATH}/{kept.code}",
                "issuer": kept.administration,
                "time": iso(kept.time),
                "digest": kept.digest.hex(),
                "kind": "document" if kept.whole else "statement",
            },
            201,
        )

    @router.get(PATH)
    async def ask(request: Request, code: str = "") -> Response:
        if not code:
            return page(request, "csv_ask", unknown=False, action=PATH)
        written = read_code(code)
        if written is None:
            return _unknown(request)
        return RedirectResponse(f"{PATH}/{written}?language={language_of(request)}", 303)

    @router.get(PATH + "/{code}")
    async def show(request: Request, code: str) -> Response:
        kept = await _find(codes, code)
        if kept is None:
            return _unknown(request)
        return page(
            request,
            "csv",
            code=kept.code,
            issuer=kept.administration,
            name=name_of(kept.administration),
            time=iso(kept.time),
            digest=kept.digest.hex(),
            whole=kept.whole,
            size=len(kept.copy),
            copy=f"{PATH}/{kept.code}/copy",
        )

    @router.get(PATH + "/{code}/copy")
    async def copy(code: str) -> Response:
        kept = await _find(codes, code)
        if kept is None:
            return JSONResponse(
                {"error": "unknown_code", "detail": "nothing stands under this code"},
                404,
                {"Cache-Control": "no-store"},
            )
        headers = {
            "Content-Disposition": f'attachment; filename="{kept.code}.{DOCUMENT_TYPES.get(kept.media_type, "json")}"',
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",
        }
        return Response(kept.copy, media_type=kept.media_type, headers=headers)

    return router


async def _find(codes: SecureCodes, typed: str) -> Kept | None:
    written = read_code(typed)
    return None if written is None else await run_in_threadpool(codes.find, written)


def _unknown(request: Request) -> Response:
    return page(request, "csv_ask", 404, keep_query=False, unknown=True, action=PATH)


def _wanted(body: bytes | None) -> tuple[bytes, bytes | None, str] | str:
    """The digest, the document and its media type; or in words what was expected."""
    if body is None:
        return f"expected at most {MAX_REQUEST_BYTES} bytes"
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        return _EXPECTED
    if not isinstance(fields, dict) or not {"digest"} <= set(fields) <= {"digest", "document", "media_type"}:
        return _EXPECTED
    if not all(isinstance(value, str) for value in fields.values()) or not _DIGEST.fullmatch(
        fields["digest"]
    ):
        return _EXPECTED
    document = None
    if "document" in fields:
        try:
            document = base64.b64decode(fields["document"], validate=True)
        except (binascii.Error, ValueError):
            return _EXPECTED
    return bytes.fromhex(fields["digest"]), document, fields.get("media_type", "application/octet-stream")
