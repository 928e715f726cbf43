"""Routes of notarisations and their receipts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi.responses import StreamingResponse
from sqlmodel import Session

from baas.api.administrations import Code
from baas.api.calls import Calling, Paging, page_out
from baas.api.chains import Of
from baas.api.receipt_files import RECEIPTS, In, Language, receipt_file
from baas.logs.batching import Batching
from baas.logs.model import LogBatch
from baas.logs.service import RECEIPTS_AT_ONCE
from baas.notarisations.schemas import (
    AcceptedOut,
    BatchingIn,
    BatchingOut,
    BatchOut,
    NotarisationIn,
    NotarisationOut,
    NotarisationsOut,
    RevocationIn,
)
from baas.receipts import Format
from baas.wire import Page

router = APIRouter(tags=["notarisations"])


def accepted_out(batch: LogBatch) -> AcceptedOut:
    return AcceptedOut(
        batch=batch.id,
        first_index=batch.first_index,
        count=batch.count,
        accepted=batch.accepted,
        items=[f"{batch.id}-{place}" for place in range(batch.count)],
    )


@router.post("/notarisations", status_code=202, response_model=AcceptedOut)
def notarise(body: NotarisationIn, call: Calling) -> Response:
    """Accepts digests as one batch. The answer comes when they are on disk; log, chain and receipt follow."""
    documents = [each.to_document() for each in body.documents]
    return call.accept(
        lambda session: call.services.notarisations.accept(
            session, call.scope, body.administration, documents
        ),
        accepted_out,
    )


@router.get("/notarisations")
def list_batches(call: Calling, page: Paging, administration: Of = None) -> Page[BatchOut]:
    """The batches that were accepted, oldest first."""
    return call.read(
        lambda session: page_out(
            BatchOut, call.services.notarisations.batches(session, call.scope, page, administration)
        )
    )


@router.get("/notarisations/by-digest")
def find_by_digest(digest: Annotated[str, Query(max_length=128)], call: Calling) -> NotarisationsOut:
    """Those of the administrations that you reach that recorded this digest, oldest first; known once included."""
    found = call.read(lambda session: call.services.notarisations.with_digest(session, call.scope, digest))
    return NotarisationsOut(items=[NotarisationOut.model_validate(each) for each in found])


@router.get("/notarisations/{notarisation}")
def show_notarisation(notarisation: str, call: Calling) -> NotarisationOut:
    """How far one notarisation is: accepted, included, anchored."""
    return call.read(
        lambda session: NotarisationOut.model_validate(
            call.services.notarisations.get(session, call.scope, notarisation)
        )
    )


@router.get("/notarisations/{notarisation}/versions")
def list_versions(notarisation: str, call: Calling) -> NotarisationsOut:
    """Every version of its document, the first one first, and what left the last one without effect, if anything did."""
    found = call.read(lambda session: call.services.notarisations.versions(session, call.scope, notarisation))
    return NotarisationsOut(items=[NotarisationOut.model_validate(each) for each in found])


@router.post("/notarisations/{notarisation}/revoke", status_code=202, response_model=AcceptedOut)
def revoke_notarisation(notarisation: str, body: RevocationIn, call: Calling) -> Response:
    """Leaves one without effect: an entry of its own. What was true before stays provable."""
    return call.accept(
        lambda session: call.services.notarisations.revoke(session, call.scope, notarisation, body.reason),
        accepted_out,
    )


@router.get("/notarisations/{notarisation}/receipt", response_class=Response, responses=RECEIPTS)
def show_receipt(
    notarisation: str,
    call: Calling,
    format_: In = Format.JSON,
    lang: Language = "ca",
    previous: Annotated[
        bool, Query(description="with the checkpoint before it, which bounds its time from below")
    ] = False,
) -> Response:
    """The portable proof; 409 with Retry-After until the notarisation is anchored."""
    source = call.read(
        lambda session: call.services.notarisations.source(
            session, call.scope, notarisation, previous=previous
        )
    )
    return receipt_file(source, format_, lang, notarisation)


@router.get("/notarisations/batches/{batch}/receipts")
def list_receipts(batch: str, call: Calling) -> Response:
    """Every receipt of a batch, one canonical JSON a line, in the order of the request; what was erased has none."""

    def some(start: int) -> bytes:
        """As many as fit in one transaction: a slow reader must not hold the database in between."""

        def ask(session: Session) -> bytes:
            found = call.services.notarisations.receipts(
                session, call.scope, batch, start, start + RECEIPTS_AT_ONCE
            )
            return b"".join(receipt.to_bytes() + b"\n" for _, receipt in found)

        return call.read(ask)

    def lines(first: bytes) -> Iterator[bytes]:
        part, start = first, RECEIPTS_AT_ONCE
        while part:
            yield part
            part, start = some(start), start + RECEIPTS_AT_ONCE

    # the first part is made before the stream begins: a refusal is told
    return StreamingResponse(lines(some(0)), media_type="application/x-ndjson")


@router.get("/administrations/{code}/batching")
def show_batching(code: Code, call: Calling) -> BatchingOut:
    """When the administration's documents are anchored: at once, or in batches by number or time."""
    return call.read(
        lambda session: BatchingOut.model_validate(call.services.batchings.get(session, call.scope, code))
    )


@router.put("/administrations/{code}/batching", response_model=BatchingOut)
def set_batching(code: Code, body: BatchingIn, call: Calling) -> Response:
    """Decides it. For the administration's own admins; what waits already is looked at anew."""

    def act() -> BatchingOut:
        with call.services.store.session() as session:
            wanted = Batching(body.entries, body.seconds)
            logs = call.services.batchings.set(session, call.scope, code, wanted)
        for log in logs:
            call.services.logs.poke(log)
        return BatchingOut(entries=body.entries, seconds=body.seconds)

    return call.act(act, 200)
