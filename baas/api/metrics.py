"""`/metrics` for Prometheus: for AOC's staff, or for this machine where the settings say so."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from baas.api.calls import services_of
from baas.api.middleware import bearer
from baas.errors import Forbidden
from baas.telemetry import CONTENT_TYPE
from baas.tenancy import STAFF

router = APIRouter(include_in_schema=False)
LOOPBACK = frozenset({"127.0.0.1", "::1"})


@router.get("/metrics")
def show_metrics(request: Request) -> Response:
    """Counts of the whole installation, with nobody's name in them."""
    services = services_of(request)
    near = request.client is not None and request.client.host in LOOPBACK
    if not (near and services.settings.metrics_on_loopback):
        caller = services.tokens.authenticate(bearer(request.headers))
        if caller.kind not in STAFF:
            raise Forbidden("reading the installation's counts", tuple(sorted(STAFF)), (caller.kind,))
    return Response(services.telemetry.text(), media_type=CONTENT_TYPE)
