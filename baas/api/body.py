"""What a request's body may be: so many bytes, and JSON nested so deep.

Both are counted as the body comes, so that nothing too large is ever held.
"""

from __future__ import annotations

import re

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from baas.api.problems import TOO_LARGE, problem
from baas.chains.states import MAX_UPLOAD

DEEPEST = 100
#: Bodies that are taken in pieces, and how many bytes they may have.
UPLOADS = {"/api/v1/chains/import": MAX_UPLOAD, "/console/chains/import": MAX_UPLOAD}
RPC = ("/rpc/", "/rpc-admin/")


class BodyLimit:
    """Refuses a body of more than `limit` bytes (413), and JSON nested deeper than `DEEPEST` (400).

    Python 3.11's JSON reader recurses on the C stack, guarded by the recursion limit alone; libraries of the
    chains raise that to 100,000 when they are imported, and then a body of brackets would end the process.
    """

    def __init__(self, app: ASGIApp, origin: str, limit: int) -> None:
        self.app, self.origin, self.limit = app, origin, limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers, most = Headers(scope=scope), UPLOADS.get(scope["path"], self.limit)
        said = headers.get("content-length", "")
        if said.isdecimal() and int(said) > most:
            detail = f"expected at most {most} bytes, got {said}"
            response = problem(self.origin, TOO_LARGE, detail, headers={"Connection": "close"})
            await response(scope, receive, send)
            return
        # the chains' door reads any body as JSON; the API only what says that it is
        as_json = scope["path"].startswith(RPC) or "json" in headers.get("content-type", "").lower()
        depth, size = JsonDepth(), 0

        async def counted() -> Message:
            nonlocal size
            message = await receive()
            body = message.get("body", b"")
            size += len(body)
            if size > most:
                detail = f"expected at most {most} bytes, got more"
                raise HTTPException(413, detail, {"Connection": "close"})
            if as_json and depth.after(body) > DEEPEST:
                raise HTTPException(400, "nested too deep", {"Connection": "close"})
            return message

        await self.app(scope, counted, send)


class JsonDepth:
    """How deep a JSON text that comes in pieces is nested, without reading its values.

    For what is no JSON the number means nothing, and the reader refuses it anyway.
    """

    _SIGN = re.compile(rb'\\.?|["\[\]{}]', re.DOTALL)

    def __init__(self) -> None:
        self._depth, self._in_string, self._escaped = 0, False, False

    def after(self, piece: bytes) -> int:
        """The greatest depth within `piece`, given all the pieces before it. It stops looking past `DEEPEST`."""
        deepest = self._depth
        for sign in self._SIGN.finditer(piece, 1 if self._escaped and piece else 0):
            found = sign.group()
            if found == b'"':
                self._in_string = not self._in_string
            elif not self._in_string and found in b"[{":
                self._depth += 1
                deepest = max(deepest, self._depth)
                if deepest > DEEPEST:
                    break
            elif not self._in_string and found in b"]}":
                self._depth -= 1
        if piece:
            # a piece may end between a backslash and what it escapes
            self._escaped = self._ends_escaping(piece)
        return deepest

    def _ends_escaping(self, piece: bytes) -> bool:
        backslashes = len(piece) - len(piece.rstrip(b"\\"))
        if backslashes == len(piece) and self._escaped:
            backslashes -= 1
        return backslashes % 2 == 1
