"""Tables of the chains. A deleted chain's row stays: its id is never used again, and its evidence outlives it."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field, SQLModel

from baas.tenancy import TenantRow


class ChainNumber(SQLModel, table=True):
    """The register of chain ids: a number is taken before the chain exists, so a failed creation uses it up.

    A chain's number is its chain id without `CHAIN_ID_BASE`; an imported chain's is its chain id, negative.
    """

    __tablename__ = "chain_numbers"
    __table_args__ = {"sqlite_autoincrement": True}  # SQLAlchemy's name and type

    number: int | None = Field(default=None, primary_key=True)
    taken: datetime


class Chain(TenantRow, table=True):
    """One chain of an administration: its immutable spec, what is wanted of it, and what its keys are."""

    __tablename__ = "chains"

    id: str = Field(primary_key=True)
    label: str
    chain_id: int = Field(unique=True)
    engine: str
    spec: str
    genesis_hash: str
    sealing_key: str
    desired: str
    created: datetime
    expires: datetime = Field(index=True)
    warned: int = 0
    """How many of the warnings before its end have been given."""
    deleted: datetime | None = None
    parent_chain_id: int | None = None
    """Of a clone: the chain that it begins with the state of, the block, and that block's hash."""
    parent_number: int | None = None
    parent_hash: str | None = None
