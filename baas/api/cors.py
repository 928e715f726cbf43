"""Which web pages and wallets may call a chain's JSON-RPC door from a browser: CORS and private-network access.

The door takes no cookie: who calls is said by a token in the address or in the Authorization header, which a page has
only if its user gave it. So a foreign page gains nothing by being let in, and it is let in without credentials, ever.
The Fetch standard section 3.3; the private-network header is WICG's Private Network Access (decision 18).
"""

from __future__ import annotations

import re

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: The addresses that this rules: the public door, and the administrators'.
DOORS = ("/rpc/", "/rpc-admin/")

#: Wallets' extensions, any page under https, and pages of the developer's own machine. Not `null` (a file, a sandboxed
#: frame: nobody's page), not plain http from elsewhere, where anybody on the way can be the page.
_ORIGIN = re.compile(
    r"(?:(?:chrome|moz|safari-web)-extension://[A-Za-z0-9-]+"
    r"|https://[A-Za-z0-9.\-]+(?::\d{1,5})?"
    r"|https://\[[0-9A-Fa-f:.]+\](?::\d{1,5})?"
    r"|http://(?:localhost|127(?:\.\d{1,3}){3}|\[::1\]|[A-Za-z0-9-]+\.localhost)(?::\d{1,5})?)\Z"
)
_METHODS = "POST"
_HEADERS = "Authorization, Content-Type"
#: Seconds for which a browser may remember a preflight's answer.
_REMEMBERED = "600"


def may_call(origin: str) -> bool:
    """Whether pages of this origin may read what the door answers."""
    return len(origin) <= 300 and _ORIGIN.match(origin) is not None


class CrossOrigin:
    """Answers preflights, and names the calling origin on every answer of the doors: refusals too, or a wallet
    would say "network error" where a reason is given.

    A preflight is answered before anybody looks at the address: it says nothing of chains and tokens.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(DOORS):
            await self.app(scope, receive, send)
            return
        asked = Headers(scope=scope)
        origin = asked.get("origin", "")
        if scope["method"] == "OPTIONS":
            await _answer(_preflight(asked, origin), send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.add_vary_header("Origin")
                headers["Cross-Origin-Resource-Policy"] = "cross-origin"
                if may_call(origin):
                    headers["Access-Control-Allow-Origin"] = origin
                    headers["Access-Control-Expose-Headers"] = "Retry-After"
            await send(message)

        await self.app(scope, receive, with_headers)


def _preflight(asked: Headers, origin: str) -> dict[str, str]:
    """The headers of the answer to OPTIONS; to an origin that may not call, none that lets it."""
    headers = {
        "Allow": "OPTIONS, POST",
        "Vary": "Origin, Access-Control-Request-Method, Access-Control-Request-Headers",
    }
    if may_call(origin):
        headers |= {
            "Access-Control-Allow-Origin": origin,
            "Access-Control-Allow-Methods": _METHODS,
            "Access-Control-Allow-Headers": _HEADERS,
            "Access-Control-Max-Age": _REMEMBERED,
        }
        if asked.get("access-control-request-private-network") == "true":
            headers["Access-Control-Allow-Private-Network"] = "true"
    return headers


async def _answer(headers: dict[str, str], send: Send) -> None:
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": 204, "headers": raw})
    await send({"type": "http.response.body", "body": b""})
