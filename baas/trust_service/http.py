"""Revocation over HTTP: CRLs (RFC 5280 section 4.2.1.13), OCSP (RFC 6960 appendix A), and the authorities' certificates.

They answer anybody: that is what they are for. Nothing that is asked for changes anything.
"""

from __future__ import annotations

import base64
import binascii
import logging

from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from baas.trust_service.acts import Acts
from baas.trust_service.clients import body_of
from baas.trust_service.pki import Pki
from baas.trust_service.revocation import MAX_REQUEST_BYTES, refused

OCSP_REQUEST = "application/ocsp-request"
OCSP_RESPONSE = "application/ocsp-response"
CRL = "application/pkix-crl"
CERTIFICATE = "application/pkix-cert"
KIND = "ocsp"
AUTHORITIES = ("root", "issuing")

log = logging.getLogger(__name__)


def routes(pki: Pki, acts: Acts) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    def answered(request: bytes) -> Response:
        try:
            response = pki.ocsp(request)
            acts.record(KIND, "", request, response)
        except Exception:
            # RFC 6960 section 2.3: a failure of the responder is an answer too. Its cause stays in our log.
            log.exception("the OCSP responder failed")
            response = refused(ocsp.OCSPResponseStatus.INTERNAL_ERROR)
        return Response(response, media_type=OCSP_RESPONSE)

    @router.get("/crl/{name}.crl")
    def crl(name: str) -> Response:
        if name not in AUTHORITIES:
            return _unknown(name)
        return Response(pki.crl(name), media_type=CRL)

    @router.get("/ca/{name}.cer")
    def certificate(name: str) -> Response:
        if name not in AUTHORITIES:
            return _unknown(name)
        found = pki.root if name == "root" else pki.issuing
        return Response(found.public_bytes(Encoding.DER), media_type=CERTIFICATE)

    @router.post("/ocsp")
    async def ocsp_post(request: Request) -> Response:
        media_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
        if media_type != OCSP_REQUEST:
            text = f"expected Content-Type {OCSP_REQUEST}, got {media_type!r}\n"
            return Response(text, 415, media_type="text/plain")
        body = await body_of(request, MAX_REQUEST_BYTES)
        return await run_in_threadpool(
            answered, b"" if body is None else body
        )  # no request is that long: malformed

    @router.get("/ocsp/{encoded:path}")
    def ocsp_get(encoded: str) -> Response:
        """The base64 of the request in the path, percent-encoded (appendix A.1)."""
        try:
            request = base64.b64decode(encoded.encode(), validate=True)
        except (binascii.Error, ValueError):
            request = b""  # which is answered as malformed
        return answered(request)

    return router


def _unknown(name: str) -> Response:
    text = f"expected one of {', '.join(AUTHORITIES)}, got {name[:40]!r}\n"
    return Response(text, 404, media_type="text/plain")
