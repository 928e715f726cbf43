"""Notarisations by their ids: a batch's id and the place in it, `01J…-17`. Another's is not found."""

from __future__ import annotations

import re

from sqlmodel import Session

from baas.errors import NotFound
from baas.logs.model import Log, LogBatch, LogKind
from baas.tenancy import TenantScope

ID = re.compile(r"([0-9A-HJKMNP-TV-Z]{26})-(0|[1-9][0-9]{0,5})")


def name_of(batch: LogBatch, index: int) -> str:
    """The id of the notarisation at `index` of the log, which is in `batch`."""
    return f"{batch.id}-{index - batch.first_index}"


def find(session: Session, scope: TenantScope, notarisation: str) -> tuple[LogBatch, Log, int]:
    """Its batch, its log, and its index in the log."""
    match = ID.fullmatch(notarisation)
    if match is None:
        raise NotFound("notarisation", notarisation[:60])
    batch, log = batch_of(session, scope, match[1], notarisation)
    place = int(match[2])
    if place >= batch.count:
        raise NotFound("notarisation", notarisation)
    return batch, log, batch.first_index + place


def batch_of(session: Session, scope: TenantScope, batch_id: str, named: str) -> tuple[LogBatch, Log]:
    """A batch of documents and its log. NotFound, which names what was asked for (`named`)."""
    found = session.exec(
        scope.select(LogBatch).where(LogBatch.id == batch_id, LogBatch.first_index > 0)
    ).one_or_none()
    if found is None:
        raise NotFound("notarisation", named)
    log = session.exec(
        scope.select(Log).where(Log.number == found.log, Log.kind == LogKind.DOCUMENTS)
    ).one_or_none()
    if log is None:  # a batch of a register's log
        raise NotFound("notarisation", named)
    return found, log
