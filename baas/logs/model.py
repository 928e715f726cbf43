"""Tables of the logs.

The state of an entry is never stored: it follows from three numbers of its log, `accepted >= size >= anchored_size`,
and from its own index. Entries and tiles are written in bulk past the ORM; their tables are declared here all the same.
They hold no administration: they are reached through their log, and the log through a scope.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from baas.tenancy import TenantRow


class LogKind(StrEnum):
    DOCUMENTS = "documents"
    REGISTER = "register"


class EntryState(StrEnum):
    """How far an entry has come. Each state keeps the promise of the one before it."""

    ACCEPTED = "accepted"  # on disk: it cannot be lost any more
    INCLUDED = "included"  # a leaf of the log
    ANCHORED = "anchored"  # below a root that the chain holds: a receipt can be made


class Log(TenantRow, table=True):
    """One append-only RFC 9162 log of an administration; `number` is its short key in the bulk tables."""

    __tablename__ = "logs"

    number: int | None = Field(default=None, primary_key=True)
    id: str = Field(unique=True)
    kind: str
    origin: str = Field(unique=True)
    deployment_id: str = Field(foreign_key="deployments.id", unique=True)  # a root contract serves one log
    signing_key: bytes
    accepted: int = 0
    size: int = 0
    anchored_size: int = 0
    created: datetime
    published: datetime | None = None
    """Since when anybody may read its checkpoint, tiles and entries; None: only the administration's own people."""

    @property
    def key(self) -> int:
        assert self.number is not None  # every log that was committed has one
        return self.number

    def state_of(self, index: int) -> EntryState:
        if index < self.anchored_size:
            return EntryState.ANCHORED
        return EntryState.INCLUDED if index < self.size else EntryState.ACCEPTED


class LogBatch(TenantRow, table=True):
    """Entries that were accepted together: indexes `first_index` to `first_index + count - 1` of `log`."""

    __tablename__ = "log_batches"
    __table_args__ = (Index("ix_log_batches_log_first_index", "log", "first_index"),)

    id: str = Field(primary_key=True)
    log: int = Field(foreign_key="logs.number", index=True)
    first_index: int
    count: int
    accepted: datetime


class LogEntry(SQLModel, table=True):
    """One entry. `salt` and `digest` are what an erasure deletes; the leaf needs only the other columns.

    Its digests beside this row are `LogDigest`'s and `DigestIndex`'s; `baas.logs.digests.forget` deletes them.
    """

    __tablename__ = "log_entries"
    __table_args__ = (
        # what refers to an entry is asked for before each entry that would end it; most refer to none
        Index("ix_log_entries_log_refers_to", "log", "refers_to", sqlite_where=text("refers_to IS NOT NULL")),
        {"sqlite_with_rowid": False},  # SQLAlchemy's name and type
    )

    log: int = Field(primary_key=True)
    position: int = Field(primary_key=True)
    kind: str
    algorithm: str | None = None
    digest: bytes | None = None
    salt: bytes | None = None
    commitment: bytes | None = None
    refers_to: int | None = None
    reason: str | None = None


class LogTile(SQLModel, table=True):
    """Up to 256 hashes of one level of a log's tree, in the shape of C2SP tlog-tiles."""

    __tablename__ = "log_tiles"
    __table_args__ = {"sqlite_with_rowid": False}  # SQLAlchemy's name and type

    log: int = Field(primary_key=True)
    level: int = Field(primary_key=True)
    number: int = Field(primary_key=True)
    hashes: bytes


class Anchor(SQLModel, table=True):
    """One growth of a log on its way to the chain.

    `transaction` is the signed raw transaction: stored before it is sent, so that a crash can only send the same one
    again. `evidence` (the receipt's anchor object, as JSON) and `checkpoint` are there once it is done.
    """

    __tablename__ = "anchors"

    id: int | None = Field(default=None, primary_key=True)
    log: int = Field(foreign_key="logs.number", index=True)
    old_size: int
    new_size: int
    root: bytes
    transaction: bytes
    transaction_hash: str
    evidence: str | None = None
    checkpoint: str | None = None
    planned: datetime
    anchored: datetime | None = None
    token: bytes | None = None
    """A TimeStampToken (RFC 3161) over the checkpoint's text; None until its authority has given one."""
    stamped: datetime | None = None


class DocumentBatching(TenantRow, table=True):
    """When an administration's documents are anchored, where an admin said so; without a row, at once."""

    __tablename__ = "document_batching"

    administration_id: str = Field(primary_key=True, foreign_key="administrations.id")
    entries: int
    seconds: int


class LogDigest(SQLModel, table=True):
    """A further digest of what an entry commits to, by another algorithm than the entry's own row."""

    __tablename__ = "log_digests"
    __table_args__ = {"sqlite_with_rowid": False}  # SQLAlchemy's name and type

    log: int = Field(primary_key=True)
    position: int = Field(primary_key=True)
    algorithm: str = Field(primary_key=True)
    digest: bytes


class DigestIndex(SQLModel, table=True):
    """By which entries of document logs a digest was recorded; written at inclusion, off the road of acceptance."""

    __tablename__ = "digest_index"
    __table_args__ = (
        Index("ix_digest_index_log_position", "log", "position"),  # for an erasure
        {"sqlite_with_rowid": False},  # SQLAlchemy's name and type
    )

    digest: bytes = Field(primary_key=True)
    log: int = Field(primary_key=True)
    position: int = Field(primary_key=True)


class WitnessPolicy(SQLModel, table=True):
    """How many witnesses must cosign a log's checkpoint before receipts are made from it; no row where none must."""

    __tablename__ = "witness_policies"

    log: int = Field(primary_key=True, foreign_key="logs.number")
    threshold: int


class LogWitness(SQLModel, table=True):
    """A witness that a log asks, or asked, under one key. Times are seconds since 1970, as cosignatures state them.

    `size` is that of the checkpoint that it cosigned last, as far as the log was told.
    """

    __tablename__ = "log_witnesses"

    log: int = Field(primary_key=True, foreign_key="logs.number")
    key: str = Field(primary_key=True)
    name: str
    operator: str
    since: int
    until: int | None = None
    size: int = 0


class AnchorCosignature(SQLModel, table=True):
    """That a witness cosigned an anchored checkpoint, and when it says it did. The line is in the checkpoint itself."""

    __tablename__ = "anchor_cosignatures"

    anchor: int = Field(primary_key=True, foreign_key="anchors.id")
    key: str = Field(primary_key=True)
    time: int
