"""Routes of privacy: erasures, series and their retention dates, DPIA records."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from sqlmodel import Session

from baas.administrations import repository
from baas.api.calls import Call, Calling, Paging, page_out
from baas.api.chains import Of
from baas.logs.model import Log
from baas.privacy import dpia
from baas.privacy.model import Erasure, Series
from baas.privacy.schemas import (
    DpiaIn,
    DpiaOut,
    DueOut,
    ErasureIn,
    ErasureOut,
    ErasuresOut,
    RetentionOut,
    RowErasureIn,
    SeriesIn,
    SeriesOut,
    SeriesUseIn,
)
from baas.wire import Page
from sandbox.evidence.canonical import dumps

Language = Literal["ca", "es", "en"]

router = APIRouter(tags=["privacy"])


@router.post("/notarisations/{notarisation}/erasure", status_code=202, response_model=ErasureOut)
def erase_notarisation(notarisation: str, body: ErasureIn, call: Calling) -> Response:
    """Erases what a notarisation was of: digests, salt and whatever could match it. Its entry stays, and opens no more.

    It cannot be undone. A receipt that somebody holds still opens: that copy is the holder's.
    """
    return _accept(
        call,
        lambda session: call.services.erasures.notarisation(session, call.scope, notarisation, body.basis),
    )


@router.post("/registers/{register}/erasures", status_code=202, response_model=ErasureOut)
def erase_rows(register: str, body: RowErasureIn, call: Calling) -> Response:
    """Erases versions of a register's rows; their keys go with the last version that has content."""
    return _accept(
        call,
        lambda session: call.services.erasures.rows(
            session, call.scope, register, body.indexes, body.basis, keep_key=body.keep_key
        ),
    )


@router.get("/erasures")
def list_erasures(call: Calling, page: Paging, administration: Of = None) -> Page[ErasureOut]:
    """The erasures that you may see, oldest first."""
    return call.read(
        lambda session: page_out(
            ErasureOut, call.services.erasures.listing(session, call.scope, page, administration)
        )
    )


@router.get("/erasures/{erasure}")
def show_erasure(erasure: str, call: Calling) -> ErasureOut:
    """How far an erasure is."""
    return call.read(
        lambda session: ErasureOut.model_validate(call.services.erasures.get(session, call.scope, erasure))
    )


@router.post("/series", status_code=201, response_model=SeriesOut)
def create_series(body: SeriesIn, call: Calling) -> Response:
    """Makes a documentary series: its retention (TAAD), its class of data, and why it is held."""

    def act(session: Session) -> SeriesOut:
        made = call.services.series.create(
            session,
            call.scope,
            body.administration,
            body.name,
            body.code,
            body.data_class,
            body.legal_basis,
            body.years,
            body.until,
        )
        return _series(call, session, made)

    return call.write(act)


@router.get("/series")
def list_series(call: Calling, page: Paging, administration: Of = None) -> Page[SeriesOut]:
    """The series that you may see."""

    def ask(session: Session) -> Page[SeriesOut]:
        found = call.services.series.listing(session, call.scope, page, administration)
        return Page(items=[_series(call, session, each) for each in found.rows], next=found.next)

    return call.read(ask)


@router.get("/series/{series}")
def show_series(series: str, call: Calling) -> SeriesOut:
    """One series and what belongs to it."""
    return call.read(
        lambda session: _series(call, session, call.services.series.get(session, call.scope, series))
    )


@router.post("/series/{series}/uses", status_code=201, response_model=SeriesOut)
def use_series(series: str, body: SeriesUseIn, call: Calling) -> Response:
    """Says that the administration's documents, or a register, belong to the series; 409 while a DPIA record is owed."""

    def act(session: Session) -> SeriesOut:
        call.services.series.use(session, call.scope, series, body.subject)
        return _series(call, session, call.services.series.get(session, call.scope, series))

    return call.write(act)


@router.post("/series/{series}/dpia", status_code=201, response_model=DpiaOut)
def write_dpia(series: str, body: DpiaIn, call: Calling) -> Response:
    """Writes the DPIA record of a series, or its next version."""
    return call.write(
        lambda session: DpiaOut.model_validate(
            call.services.series.write_dpia(session, call.scope, series, body.model_dump(mode="json"))
        )
    )


@router.get("/series/{series}/dpia")
def show_dpia(
    series: str,
    call: Calling,
    format: Annotated[Literal["json", "markdown"], Query(description="for programs or for people")] = "json",  # noqa: A002  # its name in the address
    lang: Annotated[Language, Query(description="of the Markdown")] = "ca",
) -> Response:
    """The newest DPIA record with what the product adds, and the places of EDPB Guidelines 02/2025 that it answers."""

    def ask(session: Session) -> Response:
        found, record = call.services.series.dpia(session, call.scope, series)
        if format == "markdown":
            return Response(dpia.markdown(found, record, lang), media_type="text/markdown; charset=utf-8")
        return Response(dumps(dpia.exported(found, record)), media_type="application/json")

    return call.read(ask)


@router.get("/retention")
def list_due(call: Calling, administration: Of = None) -> RetentionOut:
    """What is past the retention date of its series. Nothing is erased by itself: an admin decides."""

    def ask(session: Session) -> RetentionOut:
        owner = repository.administration(session, call.scope, administration).id if administration else None
        found = call.services.retention.due(session, call.scope, owner)
        return RetentionOut(
            items=[DueOut.model_validate(each) for each in found], checked=call.services.retention.checked
        )

    return call.read(ask)


@router.post("/series/{series}/erase-due", status_code=202, response_model=ErasuresOut)
def erase_due(series: str, call: Calling) -> Response:
    """Erases what of a series is past its retention date, for good; at most 10,000 entries of each log at once."""
    grown: list[Log] = []

    def act(session: Session) -> ErasuresOut:
        made, logs = call.services.retention.erase(session, call.scope, series)
        grown.extend(logs)
        return ErasuresOut(items=[ErasureOut.model_validate(each) for each in made])

    response = call.write(act, 202)
    for log in grown:
        call.services.logs.poke(log)
    call.services.scrubber.poke()
    return response


def _series(call: Call, session: Session, series: Series) -> SeriesOut:
    return SeriesOut(
        id=series.id,
        administration_id=series.administration_id,
        name=series.name,
        code=series.code,
        years=series.years,
        until=series.until,
        data_class=series.data_class,
        legal_basis=series.legal_basis,
        has_dpia=series.dpia is not None,
        subjects=[each.subject for each in call.services.series.uses(session, call.scope, series.id)],
        created=series.created,
    )


def _accept(call: Call, act: Callable[[Session], tuple[Erasure, Log]]) -> Response:
    response = call.accept(act, ErasureOut.model_validate)
    call.services.scrubber.poke()
    return response
