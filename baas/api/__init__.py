"""The REST API under `/api/v1`. A slice's routes are one module with a `router`, listed in `ROUTERS`."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from baas.api import (
    accounts,
    administrations,
    audit,
    chains,
    deployments,
    exchanges,
    explorer,
    health,
    logs,
    mandates,
    members,
    notarisations,
    permissions,
    pilots,
    privacy,
    readiness,
    registers,
    renewals,
    states,
    tokens,
    trust,
    witnesses,
)
from baas.api.problems import MEDIA_TYPE

PREFIX = "/api/v1"
ROUTERS = (
    health.router,
    tokens.router,
    administrations.router,
    members.router,
    mandates.router,
    audit.router,
    states.router,
    chains.router,
    accounts.router,
    permissions.router,
    deployments.router,
    explorer.router,
    notarisations.router,
    registers.router,
    renewals.router,
    logs.router,
    privacy.router,
    readiness.router,
    exchanges.router,
    pilots.router,
    trust.router,
    witnesses.router,
)

_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "expected": {"type": "string"},
        "got": {"type": "string"},
        "errors": {"type": "array", "items": {"type": "object"}},
        "incident": {"type": "string"},
    },
}
_REFUSALS: dict[int | str, dict[str, Any]] = {
    status: {"description": meaning, "content": {MEDIA_TYPE: {"schema": _PROBLEM}}}
    for status, meaning in {
        400: "The body is not JSON",
        401: "No valid token",
        403: "A role is missing",
        404: "Absent, or not yours to see",
        409: "It contradicts what is there",
        413: "The body is too large",
        422: "A value does not hold",
    }.items()
}


def include_all(app: FastAPI) -> None:
    """Every route of the API. One router in another would have each request matched twice over."""
    for each in ROUTERS:
        app.include_router(each, prefix=PREFIX, responses=_REFUSALS)
