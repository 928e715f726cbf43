"""The route of trust roots."""

from __future__ import annotations

from fastapi import APIRouter, Response

from baas.api.administrations import Code
from baas.api.calls import Calling

router = APIRouter(tags=["trust"])


@router.get("/administrations/{code}/trust")
def export_trust(code: Code, call: Calling) -> Response:
    """What a verifier needs besides a receipt: keys, genesis hash, contracts. Hand it out by another way than receipts."""
    root = call.read(lambda session: call.services.trust.of(session, call.scope, code))
    return Response(root.to_bytes(), media_type="application/json")
