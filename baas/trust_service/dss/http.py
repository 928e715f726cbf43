"""The DSS over HTTP: SOAP 1.1 in a POST, at PSIS' own path."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from baas.protocols import soap
from baas.protocols.soap import FaultCode, SoapError
from baas.trust_service.clients import Authenticate, administration_of
from baas.trust_service.dss.answering import SignatureService

PATH = "/psis/catcert/dss"
MAX_BYTES = 16 << 20
"""Of one request. Base64 and the envelope leave room for a document of some 11 MB; one text is 10 MB at most."""


def routes(service: SignatureService, authenticate: Authenticate) -> APIRouter:
    """The route to mount. A fault has the status 500, as SOAP 1.1 wants, but where HTTP has a word of its own."""
    router = APIRouter()

    @router.post(PATH, include_in_schema=False)
    async def dss(request: Request) -> Response:
        try:
            body = await _body(request)
            administration = administration_of(request, authenticate)
            answer = await run_in_threadpool(service.answer, body, administration)
        except SoapError as error:
            # What is left of the body is not read: the connection ends with this answer.
            headers = {"Connection": "close"} if error.status is HTTPStatus.REQUEST_ENTITY_TOO_LARGE else None
            return Response(soap.fault(error), error.status, headers, media_type=soap.CONTENT_TYPE)
        return Response(answer, media_type=soap.CONTENT_TYPE)

    return router


async def _body(request: Request) -> bytes:
    media_type = soap.media_type(request.headers.get("content-type", ""))
    if media_type != soap.MEDIA_TYPE:
        raise SoapError(
            FaultCode.CLIENT,
            f"expected Content-Type {soap.MEDIA_TYPE}, got {media_type[:80]!r}",
            status=HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        )
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > MAX_BYTES:
        raise _too_large()
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MAX_BYTES:
            raise _too_large()
    return bytes(body)


def _too_large() -> SoapError:
    return SoapError(
        FaultCode.CLIENT,
        f"the request has more than {MAX_BYTES} bytes; send a digest (DocumentHash) instead of the document",
        status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    )
