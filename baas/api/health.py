"""Whether the service answers: open to everybody, and it tells nothing else."""

from __future__ import annotations

from importlib.metadata import version

from fastapi import APIRouter, Request
from sqlalchemy import text

from baas.api.calls import services_of
from baas.wire import Out

router = APIRouter(tags=["health"])


class HealthOut(Out):
    status: str
    version: str


@router.get("/health")
def show_health(request: Request) -> HealthOut:
    """`ok` when the database answers."""
    with services_of(request).store.reading() as session:
        session.execute(text("SELECT 1")).one()
    return HealthOut(status="ok", version=version("baas-sandbox"))
