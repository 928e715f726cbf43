"""The table of keystores: one wrapped password for each administration."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field

from baas.tenancy import Scoped


class Keystore(Scoped, table=True):
    """An administration's keystore password, wrapped by the master key whose fingerprint is `master_key`."""

    __tablename__ = "keystores"

    administration_id: str = Field(primary_key=True, foreign_key="administrations.id")
    master_key: str
    wrapped: bytes
    created: datetime
