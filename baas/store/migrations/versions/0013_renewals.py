"""Renewals of receipts under another algorithm."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.create_table(
        "renewals",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("id", sa.String, nullable=False, unique=True),
        sa.Column(
            "administration_id", sa.String, sa.ForeignKey("administrations.id"), nullable=False, index=True
        ),
        sa.Column("deployment_id", sa.String, sa.ForeignKey("deployments.id"), nullable=False),
        sa.Column("algorithm", sa.String, nullable=False),
        sa.Column("whole", sa.Boolean, nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("missing", sa.Integer, nullable=False),
        sa.Column("root", sa.LargeBinary),
        sa.Column("transaction", sa.LargeBinary),
        sa.Column("transaction_hash", sa.String),
        sa.Column("evidence", sa.String),
        sa.Column("token", sa.LargeBinary),
        sa.Column("requested", sa.DateTime, nullable=False),
        sa.Column("anchored", sa.DateTime),
    )
    op.create_table(
        "renewal_leaves",
        sa.Column("renewal", sa.Integer, primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column("log", sa.Integer),
        sa.Column("entry", sa.Integer),
        sa.Column("size", sa.Integer),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_renewal_leaves_log_entry", "renewal_leaves", ["log", "entry"])
    op.create_table(
        "renewal_checkpoints",
        sa.Column("log", sa.Integer, primary_key=True),
        sa.Column("size", sa.Integer, primary_key=True),
        sa.Column("algorithm", sa.String, primary_key=True),
        sa.Column("checkpoint", sa.String, nullable=False),
        sa.Column("token", sa.LargeBinary),
    )
