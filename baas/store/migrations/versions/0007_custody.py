"""Keystore passwords of administrations, wrapped by the master key."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0008"


def upgrade() -> None:
    op.create_table(
        "keystores",
        sa.Column("administration_id", sa.String, sa.ForeignKey("administrations.id"), primary_key=True),
        sa.Column("master_key", sa.String, nullable=False),
        sa.Column("wrapped", sa.LargeBinary, nullable=False),
        sa.Column("created", sa.DateTime, nullable=False),
    )
