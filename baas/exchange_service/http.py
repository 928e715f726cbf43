"""The three endpoints over HTTP: `procesa` in a POST, as SOAP 1.1 has it, and the WSDL in a GET with `?wsdl`.

A body is read in pieces and not at all beyond its limit; what all bodies have together in memory is bounded, and so is how
many are answered at once: who comes when there is no room is told to come back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http import HTTPStatus

import anyio
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from baas.exchange_service.desk.answering import Desk, Incoming
from baas.exchange_service.tls import PEER_CERTIFICATE
from baas.protocols import mtom, soap
from baas.protocols.pci import names
from baas.protocols.pci.wsdl import Endpoint, wsdl
from baas.protocols.soap import FaultCode, SoapError

MOST_BYTES = 16 << 20
"""Of one request. Five hundred elements have some 2 MB; base64 leaves room for files of 11 MB."""
MOST_WAITING = 32 << 20
"""Bytes of all requests that are being read or answered."""
MOST_AT_ONCE = 8
"""Requests that are answered at the same time."""
LARGE = 1 << 20
"""Bytes from which a request is answered while no other large one is: reading one takes some twelve times its size."""
RETRY_SECONDS = 5

CRL = "application/pkix-crl"


class Front:
    """The ASGI application around one desk. `address` is asked for the URL that the WSDL names.

    `crl` gives an authority's CRL by its name, as the trust service has it (KeyError for none): whoever has the exchange's
    address alone can tell whether who signs its evidence is revoked.
    """

    def __init__(self, desk: Desk, address: Callable[[], str], crl: Callable[[str], bytes]) -> None:
        self._desk, self._address = desk, address
        self._crl = crl
        self._waiting = 0
        self._turns = asyncio.Semaphore(MOST_AT_ONCE)
        # one thread for all large ones: what it frees is what it takes again, where each thread keeps its own
        self._large = ThreadPoolExecutor(1, "exchange large")
        self.application = Starlette(
            routes=[Route(each.path, self._endpoint(each), methods=["GET", "POST"]) for each in Endpoint]
            + [Route("/crl/{name}.crl", self._revoked)]
        )

    def _endpoint(self, at: Endpoint) -> Callable[[Request], object]:
        async def endpoint(request: Request) -> Response:
            if request.method != "POST":
                return self._described(at, request)
            try:
                return await self._answered(at, request)
            except SoapError as error:
                headers = {}
                if error.status is not HTTPStatus.INTERNAL_SERVER_ERROR:
                    headers["Connection"] = "close"  # what is left of the body is not read
                if error.status is HTTPStatus.SERVICE_UNAVAILABLE:
                    headers["Retry-After"] = str(RETRY_SECONDS)
                return Response(soap.fault(error), error.status, headers, media_type=soap.CONTENT_TYPE)
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
        held = 0
        pieces: list[bytes] = []
        try:
            declared = request.headers.get("content-length", "")
            if declared.isdigit() and int(declared) > MOST_BYTES:
                raise _too_large()
            async for piece in request.stream():
                if held + len(piece) > MOST_BYTES:
                    raise _too_large()
                if self._waiting + len(piece) > MOST_WAITING:
                    raise SoapError(
                        FaultCode.SERVER,
                        f"too much is being answered: send the same message again in {RETRY_SECONDS} seconds",
                        status=HTTPStatus.SERVICE_UNAVAILABLE,
                    )
                self._waiting += len(piece)
                held += len(piece)
                pieces.append(piece)
            peer = request.scope.get("state", {}).get(PEER_CERTIFICATE)
            work = partial(self._work, at, pieces, content_type, media_type == mtom.MEDIA_TYPE, peer)
            if held > LARGE:
                answer = await asyncio.get_running_loop().run_in_executor(self._large, work)
            else:
                async with self._turns:
                    answer = await anyio.to_thread.run_sync(work)
        finally:
            self._waiting -= held
        return Response(answer, media_type=soap.CONTENT_TYPE)

    def _work(
        self, at: Endpoint, pieces: list[bytes], content_type: str, multipart: bool, peer: bytes | None
    ) -> bytes:
        body = b"".join(pieces)
        pieces.clear()
        envelope = mtom.read(body, content_type, limit=MOST_BYTES) if multipart else body
        return self._desk.answer(Incoming(at, body, envelope, multipart, peer), limit=MOST_BYTES)


def _too_large() -> SoapError:
    return SoapError(
        FaultCode.CLIENT,
        f"the request has more than {MOST_BYTES} bytes: send its elements in several requests",
        status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    )
