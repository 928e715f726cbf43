"""The table of deployments."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field

from baas.tenancy import TenantRow


class Deployment(TenantRow, table=True):
    """A template on a chain at an address; hashes are hex. `artifact` names exactly which compiled code was put there."""

    __tablename__ = "deployments"

    id: str = Field(primary_key=True)
    chain: str = Field(foreign_key="chains.id", index=True)
    template: str
    version: str
    parameters: str
    address: str
    transaction_hash: str
    block_number: int
    artifact: str
    code_hash: str
    created: datetime
