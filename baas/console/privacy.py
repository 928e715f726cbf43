"""Data protection: series and their retention dates, what is past them, DPIA records, and erasures. Acts are by `baas`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response

from baas.console.visits import SignedIn, Visit
from baas.privacy import dpia
from baas.privacy.model import Erasure, Series
from baas.store.paging import MOST, PageOf

router = APIRouter()


@router.get("/privacy")
def privacy(visit: SignedIn) -> Response:
    services, scope = visit.services, visit.scope
    with services.store.reading() as session:
        names = {each.id: each.name for each in visit.administrations(session)}
        series = services.series.listing(session, scope, PageOf(None, MOST)).rows
        due = services.retention.due(session, scope)
        erasures = services.erasures.listing(session, scope, PageOf(None, MOST)).rows
        shown = [
            _series(visit, each, names, len(services.series.uses(session, scope, each.id))) for each in series
        ]
    return visit.page(
        "privacy",
        series=shown,
        due=[{"name": each.name, "code": each.code, "count": each.count} for each in due],
        erasures=[_erasure(visit, each, names) for each in reversed(erasures)],
        checked=services.retention.checked,
    )


@router.get("/privacy/{series}/dpia")
def record(
    series: str,
    visit: SignedIn,
    format: Annotated[Literal["json", "markdown"], Query()] = "markdown",  # noqa: A002  # its name in the address
) -> Response:
    """The DPIA record as a file."""
    with visit.services.store.reading() as session:
        found, written = visit.services.series.dpia(session, visit.scope, series)
    kept = {"Content-Disposition": "attachment"}
    if format == "json":
        return Response(dpia.exported_bytes(found, written), media_type="application/json", headers=kept)
    text = dpia.markdown(found, written, visit.language)
    return Response(text, media_type="text/markdown; charset=utf-8", headers=kept)


def _series(visit: Visit, series: Series, names: dict[str, str], uses: int) -> dict[str, Any]:
    return {
        "id": series.id,
        "name": series.name,
        "code": series.code,
        "administration": names[series.administration_id],
        "kept": dpia.kept(series, visit.language),
        "data_class": visit.t(f"dpia.class.{series.data_class}"),
        "uses": uses,
        "dpia": series.dpia is not None,
    }


def _erasure(visit: Visit, erasure: Erasure, names: dict[str, str]) -> dict[str, Any]:
    return {
        "id": erasure.id,
        "administration": names[erasure.administration_id],
        "count": erasure.count,
        "basis": visit.t(f"console.reason.{erasure.basis}"),
        "requested": erasure.requested,
        "done": erasure.erased is not None,
    }
