"""What goes over the wire about notarisations. Digests are hex; a document itself is never sent."""

from __future__ import annotations

from typing import Literal

from pydantic import AliasPath, Field, field_validator

from baas.logs.batching import MOST_ENTRIES, MOST_SECONDS
from baas.logs.model import EntryState
from baas.notarisations.documents import MOST_DOCUMENTS, Document
from baas.notarisations.service import REASONS
from baas.wire import In, Moment, Out


class DigestIn(In):
    algorithm: str
    digest: str = Field(max_length=128)


class DocumentIn(In):
    algorithm: str = "sha-256"
    digest: str = Field(
        max_length=128, description="the document's digest in hex, made where the document is"
    )
    supersedes: str | None = Field(None, description="the notarisation that this one takes the place of")
    also: list[DigestIn] = Field(
        default_factory=list, max_length=4, description="digests of the same document by other algorithms"
    )

    def to_document(self) -> Document:
        also = tuple((each.algorithm, each.digest) for each in self.also)
        return Document(self.algorithm, self.digest, self.supersedes, also)


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


class DigestOut(Out):
    algorithm: str
    digest: str = Field(validation_alias=AliasPath("value"))

    @field_validator("digest", mode="before")
    @classmethod
    def _hex(cls, value: object) -> object:
        return value.hex() if isinstance(value, bytes) else value


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
    also: list[DigestOut] = Field(description="the document's digests by other algorithms")
    state: EntryState
    problem: str | None = Field(description="why it waits; null when nothing is wrong")
    reason: str | None = Field(description="why the one that it refers to was left without effect; else null")
    refers_to: str | None = Field(description="the one that it supersedes, or leaves without effect")
    ended: str | None = Field(
        description="`supersede`, `revoke` or `erase` when another one ended it; null in effect"
    )
    followed_by: str | None = Field(description="the one that ended it")
    same_digest: str | None = Field(
        description="the administration's earliest other one of the same digest, known once included: the same document "
        "again is another act, and both stay"
    )
    timestamped: Moment | None = Field(
        description="when its checkpoint got a time-stamp (RFC 3161): a receipt made before then has none"
    )


class NotarisationsOut(Out):
    items: list[NotarisationOut]


class BatchingIn(In):
    """Anchor when `entries` wait, or when the oldest of them has waited for `seconds`, whichever comes first."""

    entries: int = Field(1, ge=1, le=MOST_ENTRIES)
    seconds: int = Field(0, ge=0, le=MOST_SECONDS)


class BatchingOut(Out):
    entries: int
    seconds: int


class BatchOut(Out):
    id: str
    administration_id: str
    first_index: int
    count: int
    accepted: Moment


class RevocationIn(In):
    reason: Literal[REASONS]  # type: ignore[valid-type]  # a tuple of literals, checked by pydantic
