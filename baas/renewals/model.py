"""Tables of the renewals.

A renewal covers receipts as they were when it was made. Receipts are made anew each time they are asked for, and what may
come to a checkpoint later (a cosignature, a time-stamp) must not change what was covered: so its text and its tokens are
kept here, once for each checkpoint.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from baas.tenancy import TenantRow


class RenewalRow(TenantRow, table=True):
    """One renewal: a tree over `size` receipts' leaf hashes, whose root is on its way to a chain and a time-stamp.

    `whole` says that it is of all receipts that the service can make, not of leaf hashes that a holder gave. `missing` of
    them had no digest by the algorithm. `transaction` is stored before it is sent, as an anchor's is.
    """

    __tablename__ = "renewals"

    number: int | None = Field(default=None, primary_key=True)
    id: str = Field(unique=True)
    deployment_id: str = Field(foreign_key="deployments.id")
    algorithm: str
    whole: bool
    size: int = 0
    missing: int = 0
    root: bytes | None = None
    transaction: bytes | None = None
    transaction_hash: str | None = None
    evidence: str | None = None
    token: bytes | None = None
    requested: datetime
    anchored: datetime | None = None

    @property
    def key(self) -> int:
        assert self.number is not None  # every one that was committed has one
        return self.number


class RenewalLeaf(SQLModel, table=True):
    """A leaf: `position` in the tree, its hash, and of which entry, proven at which `size` (None: a holder's)."""

    __tablename__ = "renewal_leaves"
    __table_args__ = (Index("ix_renewal_leaves_log_entry", "log", "entry"), {"sqlite_with_rowid": False})

    renewal: int = Field(primary_key=True)
    position: int = Field(primary_key=True)
    hash: bytes
    log: int | None = None
    entry: int | None = None
    size: int | None = None


class RenewalCheckpoint(SQLModel, table=True):
    """A checkpoint as receipts had it when they were renewed first: its signed text, and its token if it had one."""

    __tablename__ = "renewal_checkpoints"

    log: int = Field(primary_key=True)
    size: int = Field(primary_key=True)
    algorithm: str = Field(primary_key=True)
    checkpoint: str
    token: bytes | None = None
