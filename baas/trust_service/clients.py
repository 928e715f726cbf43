"""Who asks: an administration by its code and its client secret, in HTTP's own `Basic` header (RFC 7617)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable

from fastapi import Request

#: Whether this is the client secret of the administration with this code; compares in constant time.
Authenticate = Callable[[str, str], bool]

CHALLENGE = {"WWW-Authenticate": 'Basic realm="baas sandbox", charset="UTF-8"'}


def administration_of(request: Request, authenticate: Authenticate) -> str | None:
    """The administration whose secret the request carries; None without one, for an unknown one, for a wrong one."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic" or len(value) > 1024:
        return None
    try:
        code, colon, secret = base64.b64decode(value, validate=True).decode("utf-8").partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return code if colon and authenticate(code, secret) else None


async def body_of(request: Request, limit: int) -> bytes | None:
    """The request's body; None where it is longer than `limit` bytes, and then the rest is not read."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > limit:
            return None
    return bytes(body)
