"""The three endpoints over HTTP: `procesa` in a POST, as SOAP 1.1 has it, and the WSDL in a GET with `?wsdl`.

A body is read in pieces and not at all beyond its limit; what large messages have together in memory is bounded, and so is
how many are answered at once: who comes when there is no room is told to come back.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http import HTTPStatus
from weakref import WeakValueDictionary

import anyio
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from baas.exchange_service.desk.answering import Desk, Incoming
from baas.exchange_service.refusals import RETRY_SECONDS, Coming, refusal
from baas.exchange_service.room import FREE, SLOWEST, NoRoom, Place, Room
from baas.exchange_service.tls import PEER_CERTIFICATE
from baas.protocols import mtom, soap
from baas.protocols.pci import names
from baas.protocols.pci.wsdl import Endpoint, wsdl
from baas.protocols.soap import FaultCode, SoapError

MOST_BYTES = 16 << 20
"""Of one request. Five hundred elements have some 2 MB; base64 leaves room for files of 11 MB."""
MOST_WAITING = 64 << 20
"""Bytes of all large requests that are being read or answered; and of all large answers that are being sent."""
MOST_OF_ONE = 32 << 20
"""The same of one sender: a client's certificate, or the address of who shows none."""
MOST_AT_ONCE, MOST_AT_ONCE_OF_ONE = 8, 6
"""Requests that are answered at the same time, of all and of one sender."""
LARGE = 1 << 20
"""Bytes from which a request is answered while no other large one is: reading one takes some twelve times its size."""
PIECE = 64 << 10
"""Bytes of an answer that are handed on at once."""

CRL = "application/pkix-crl"


class Front:
    """The ASGI application around one desk. `address` is asked for the URL that the WSDL names.

    `crl` gives an authority's CRL by its name, as the trust service has it (KeyError for none): whoever has the exchange's
    address alone can tell whether who signs its evidence is revoked.
    """

    def __init__(self, desk: Desk, address: Callable[[], str], crl: Callable[[str], bytes]) -> None:
        self._desk, self._address = desk, address
        self._crl = crl
        self._requests, self._answers = Room(MOST_WAITING, MOST_OF_ONE), Room(MOST_WAITING, MOST_OF_ONE)
        self._turns = asyncio.Semaphore(MOST_AT_ONCE)
        self._turns_of: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()
        # one thread for all large ones: what it frees is what it takes again, where each thread keeps its own
        self._large = ThreadPoolExecutor(1, "exchange large")
        self.application = Starlette(
            routes=[Route(each.path, self._endpoint(each), methods=["GET", "POST"]) for each in Endpoint]
            + [Route("/crl/{name}.crl", self._revoked)]
        )
        # nobody is sent elsewhere, to the host that he named himself
        self.application.router.redirect_slashes = False

    def _endpoint(self, at: Endpoint) -> Callable[[Request], object]:
        async def endpoint(request: Request) -> Response:
            if request.method != "POST":
                return self._described(at, request)
            coming = Coming(request.receive)
            try:
                return await self._answered(at, Request(request.scope, coming))
            except SoapError as error:
                return refusal(error, coming)
            except ClientDisconnect:
                return Response(status_code=400)  # to nobody

        return endpoint

    def _described(self, at: Endpoint, request: Request) -> Response:
        if request.url.query.lower() == "wsdl":
            found = wsdl(at, f"{self._address()}{at.path}")
            return Response(found, media_type=soap.CONTENT_TYPE)
        return Response(
            "SOAP 1.1: POST a message, or GET ?wsdl\n", 405, {"Allow": "POST"}, media_type="text/plain"
        )

    async def _revoked(self, request: Request) -> Response:
        """A CRL (RFC 5280 section 4.2.1.13), for anybody."""
        try:
            found = await anyio.to_thread.run_sync(self._crl, request.path_params["name"])
        except KeyError:
            return Response("no such authority\n", 404, media_type="text/plain")
        return Response(found, media_type=CRL)

    async def _answered(self, at: Endpoint, request: Request) -> Response:
        content_type = request.headers.get("content-type", "")
        media_type = soap.media_type(content_type)
        if media_type not in (soap.MEDIA_TYPE, mtom.MEDIA_TYPE):
            raise SoapError(
                FaultCode.CLIENT,
                f"expected Content-Type {soap.MEDIA_TYPE}, or {mtom.MEDIA_TYPE} for MTOM, got {media_type[:80]!r}",
                status=HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            )
        action = request.headers.get("soapaction", "").strip().strip('"')
        if action not in ("", names.SOAP_ACTION):
            raise SoapError(
                FaultCode.CLIENT, f"expected SOAPAction {names.SOAP_ACTION}, got {action[:120]!r}"
            )
        _require_one_reading(request)
        peer = request.scope.get("state", {}).get(PEER_CERTIFICATE)
        sender = _sender(peer, request)
        with self._requests.place(sender) as place:
            pieces = await _body(request, place)
            work = partial(self._work, at, pieces, content_type, media_type == mtom.MEDIA_TYPE, peer)
            if place.came > LARGE:
                answer = await asyncio.get_running_loop().run_in_executor(self._large, work)
            else:
                own = self._turns_of.setdefault(sender, asyncio.Semaphore(MOST_AT_ONCE_OF_ONE))
                async with own, self._turns:
                    answer = await anyio.to_thread.run_sync(work)
        return _Answer(answer, self._answers, sender)

    def _work(
        self, at: Endpoint, pieces: list[bytes], content_type: str, multipart: bool, peer: bytes | None
    ) -> bytes:
        body = b"".join(pieces)
        pieces.clear()
        envelope = mtom.read(body, content_type, limit=MOST_BYTES) if multipart else body
        return self._desk.answer(Incoming(at, body, envelope, multipart, peer), limit=MOST_BYTES)


class _Answer(Response):
    """An answer that goes as its client reads it, and counts for as long."""

    def __init__(self, content: bytes, room: Room, sender: str) -> None:
        super().__init__(content, media_type=soap.CONTENT_TYPE)
        self._room, self._sender = room, sender

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        content = memoryview(self.body)
        with self._room.place(self._sender) as place:
            try:
                place.take(len(content))
            except NoRoom as error:
                kept = _no_room(error, "the answer is kept: ask for it again, in a message signed anew,")
                await refusal(kept)(scope, receive, send)
                return
            start = {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
            await send(start)
            for at in range(0, len(content), PIECE):
                more = at + PIECE < len(content)
                piece = bytes(content[at : at + PIECE])
                await send({"type": "http.response.body", "body": piece, "more_body": more})


def _sender(peer: bytes | None, request: Request) -> str:
    """Who is told apart from others before anything of a message was judged."""
    if peer is not None:
        return hashlib.sha256(peer).hexdigest()
    return "" if request.client is None else request.client.host


def _require_one_reading(request: Request) -> None:
    """Raises SoapError for a body of which another server, before or behind this one, could read something else."""
    coding = request.headers.get("content-encoding", "identity").strip().lower()
    if coding != "identity":
        raise SoapError(
            FaultCode.CLIENT,
            f"expected a message as it is, got one in the Content-Encoding {coding[:40]!r}: send it without",
            status=HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        )
    if "transfer-encoding" in request.headers and "content-length" in request.headers:
        raise SoapError(
            FaultCode.CLIENT,
            "the body's length is said in two ways: expected Content-Length, or Transfer-Encoding, got both",
            status=HTTPStatus.BAD_REQUEST,
        )


async def _body(request: Request, place: Place) -> list[bytes]:
    """The pieces of a body. Raises SoapError."""
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > MOST_BYTES:
        raise _too_large()
    pieces: list[bytes] = []
    try:
        async with asyncio.timeout(None) as limit:
            with place.coming(limit):
                async for piece in request.stream():
                    if place.came + len(piece) > MOST_BYTES:
                        raise _too_large()
                    place.take(len(piece))
                    pieces.append(piece)
    except NoRoom as error:
        raise _no_room(error) from error
    except TimeoutError as error:
        if place.gave_up:
            raise _no_room(NoRoom("another needed the room, and this message came slowly")) from error
        raise SoapError(
            FaultCode.CLIENT,
            f"a message of more than {FREE >> 10} KiB must come at {SLOWEST >> 10} KiB a second at least: send it again",
            status=HTTPStatus.REQUEST_TIMEOUT,
        ) from error
    return pieces


def _no_room(error: NoRoom, what: str = "send the same message again") -> SoapError:
    return SoapError(
        FaultCode.SERVER,
        f"{error}: {what} in {RETRY_SECONDS} seconds",
        status=HTTPStatus.SERVICE_UNAVAILABLE,
    )


def _too_large() -> SoapError:
    return SoapError(
        FaultCode.CLIENT,
        f"the request has more than {MOST_BYTES} bytes: send its elements in several requests",
        status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    )
