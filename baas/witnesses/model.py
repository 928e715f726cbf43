"""The table of the witnesses inside this service."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field

from baas.tenancy import TenantRow


class Witness(TenantRow, table=True):
    """A witness of an administration. Its key, the logs that it follows and what it cosigned are in a file of its own."""

    __tablename__ = "witnesses"

    id: str = Field(primary_key=True)
    label: str
    address: str = Field(unique=True)  # its place in `/witnesses/{address}/add-checkpoint`
    name: str = Field(unique=True)  # in its cosignatures
    key: str
    created: datetime
