"""The registration office over HTTP: seals issued, certificates revoked and domains registered, for who holds its secret.

Only a trust service that stands alone has it (`python -m baas.trust_service`): within the product the same is done by
calls, and there is no door. Default deny: every request must carry the secret, in HTTP's `Basic` header.
"""

from __future__ import annotations

import json
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from baas.clock import iso
from baas.errors import Invalid
from baas.trust_service.clients import CHALLENGE, administration_of, body_of
from baas.trust_service.errors import TrustServiceError
from baas.trust_service.service import TrustService

OFFICE = "registration"
"""The name in the `Basic` header; no administration's code has that shape."""
MAX_BODY_BYTES = 4096


def routes(service: TrustService) -> APIRouter:
    pki = service.pki
    router = APIRouter(prefix="/registration", include_in_schema=False)

    def is_office(name: str, secret: str) -> bool:
        known = pki.knows(OFFICE, secret)
        return known and name == OFFICE

    async def asked(request: Request) -> dict[str, str] | Response:
        if administration_of(request, is_office) is None:
            return Response("the registration office's secret is needed\n", 401, CHALLENGE, "text/plain")
        body = await body_of(request, MAX_BODY_BYTES)
        try:
            values = json.loads(body or b"")
        except (ValueError, RecursionError):
            values = None
        if not isinstance(values, dict) or not all(isinstance(each, str) for each in values.values()):
            return _said(400, error="expected a JSON object of texts")
        return values

    @router.post("/seals")
    async def seal(request: Request) -> Response:
        """`code`, `name`, perhaps `identifier`: the administration's seal, as `Pki.enrol`."""
        values = await asked(request)
        return values if isinstance(values, Response) else await run_in_threadpool(enrolled, values)

    @router.post("/revocations")
    async def revocation(request: Request) -> Response:
        """`serial` in hexadecimal, perhaps `reason` (RFC 5280's word, such as `keyCompromise`), as `Pki.revoke`."""
        values = await asked(request)
        return values if isinstance(values, Response) else await run_in_threadpool(revoked, values)

    @router.post("/domains")
    async def domain(request: Request) -> Response:
        """`domain` (`https://seu.example`) of the administration `code`: the key by which Signador knows it."""
        values = await asked(request)
        return values if isinstance(values, Response) else await run_in_threadpool(registered, values)

    def registered(values: dict[str, str]) -> Response:
        try:
            key = service.register_domain(values.get("domain", ""), values.get("code", ""))
        except (ValueError, Invalid, TrustServiceError) as error:
            return _said(409 if isinstance(error, TrustServiceError) else 400, error=str(error))
        return _said(200, domain=values["domain"], key=key)

    def enrolled(values: dict[str, str]) -> Response:
        try:
            made = pki.enrol(values.get("code", ""), values.get("name", ""), values.get("identifier", ""))
        except (Invalid, TrustServiceError) as error:
            return _said(409 if isinstance(error, TrustServiceError) else 400, error=str(error))
        return _said(
            200,
            code=made.code,
            identifier=made.identifier,
            serial=f"{made.certificate.serial_number:x}",
            certificate=made.certificate.public_bytes(Encoding.PEM).decode(),
            secret=pki.secret_of(made.code),
        )

    def revoked(values: dict[str, str]) -> Response:
        try:
            serial = int(values.get("serial", ""), 16)
            reason = x509.ReasonFlags(values.get("reason", x509.ReasonFlags.unspecified.value))
        except ValueError:
            return _said(400, error="expected a serial number in hexadecimal, and a reason of RFC 5280")
        try:
            found = pki.revoke(serial, reason)
        except (Invalid, TrustServiceError) as error:
            return _said(404 if isinstance(error, TrustServiceError) else 400, error=str(error))
        return _said(200, serial=f"{found.serial:x}", reason=found.reason.value, at=iso(found.at))

    return router


def _said(status: int, **values: Any) -> Response:
    return Response(json.dumps(values), status, media_type="application/json")
