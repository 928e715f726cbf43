"""What goes over the wire about notarisations. Digests are hex; a document itself is never sent."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from baas.logs.model import EntryState
from baas.notarisations.service import MOST_DOCUMENTS, REASONS
from baas.wire import In, Moment, Out


class DocumentIn(In):
    algorithm: str = "sha-256"
    digest: str = Field(
        max_length=128, description="the document's digest in hex, made where the document is"
    )
    supersedes: str | None = Field(None, description="the notarisation that this one takes the place of")


class NotarisationIn(In):
    administration: str = Field(description="the owner's INE10 or DIR3 code")
    documents: list[DocumentIn] = Field(min_length=1, max_length=MOST_DOCUMENTS)


class AcceptedOut(Out):
    """They are on disk: from here on none is lost. Item `i` of the request is notarisation `batch-i`."""

    batch: str
    first_index: int = Field(description="the first one's place in the administration's document log")
    count: int
    accepted: Moment
    items: list[str] = Field(description="the notarisations' ids, in the request's order")


class NotarisationOut(Out):
    id: str
    administration_id: str
    log: str
    index: int
    kind: str
    algorithm: str | None
    digest: str | None
    erased: bool = Field(
        description="whether what it was of has been erased: the entry stays, and opens no more"
    )
    state: EntryState
    problem: str | None = Field(description="why it waits; null when nothing is wrong")


class BatchOut(Out):
    id: str
    administration_id: str
    first_index: int
    count: int
    accepted: Moment


class RevocationIn(In):
    reason: Literal[REASONS]  # type: ignore[valid-type]  # a tuple of literals, checked by pydantic
