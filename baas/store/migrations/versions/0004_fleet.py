"""Chains that expire, administrations that are suspended, and what each administration may use."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

#: What a chain that is here already is given, from the day of the migration on.
DAYS = 90


def upgrade() -> None:
    expires = (datetime.now(UTC) + timedelta(days=DAYS)).strftime("%Y-%m-%d %H:%M:%S.000000")
    op.add_column("chains", sa.Column("expires", sa.DateTime, nullable=False, server_default=expires))
    op.create_index("ix_chains_expires", "chains", ["expires"])
    op.add_column("chains", sa.Column("warned", sa.Integer, nullable=False, server_default="0"))
    op.add_column("administrations", sa.Column("suspended", sa.DateTime))
    op.add_column("administrations", sa.Column("suspended_because", sa.String))
    op.create_table(
        "administration_limits",
        sa.Column("administration_id", sa.String, sa.ForeignKey("administrations.id"), primary_key=True),
        sa.Column("chains", sa.Integer),
        sa.Column("requests_per_second", sa.Integer),
        sa.Column("stored_bytes", sa.Integer),
        sa.Column("gas_per_period", sa.Integer),
    )
    op.create_table(
        "spent_gas",
        sa.Column("chain", sa.String, primary_key=True),
        sa.Column("hour", sa.Integer, primary_key=True),
        sa.Column(
            "administration_id", sa.String, sa.ForeignKey("administrations.id"), nullable=False, index=True
        ),
        sa.Column("gas", sa.Integer, nullable=False),
    )
