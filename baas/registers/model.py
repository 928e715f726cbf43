"""Tables of the registers. The rows themselves stay here: the log and the chain only ever see commitments."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from baas.tenancy import TenantRow


class Register(TenantRow, table=True):
    """One register: the column that names its rows, its columns in order (JSON list), and its log.

    `numbering` is how its keys are numbered, such as `{year}/{number}`; `preset` is where all that came from.
    """

    __tablename__ = "registers"

    id: str = Field(primary_key=True)
    name: str
    key: str
    columns: str
    preset: str | None = None
    numbering: str | None = None
    log: int = Field(foreign_key="logs.number", unique=True)
    created: datetime


class RowVersion(SQLModel, table=True):
    """One version of a row: what entry `position` of `log` commits to. `content` is canonical JSON, None once revoked."""

    __tablename__ = "register_rows"
    __table_args__ = (Index("ix_register_rows_log_key", "log", "key"), {"sqlite_with_rowid": False})

    log: int = Field(primary_key=True)
    position: int = Field(primary_key=True)
    key: str
    version: int
    content: str | None = None
