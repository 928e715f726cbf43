"""Pilots, and their records, which nobody changes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "pilots",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column(
            "administration_id", sa.String, sa.ForeignKey("administrations.id"), nullable=False, index=True
        ),
        sa.Column("title", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("plan", sa.String, nullable=False),
        sa.Column("plan_sha256", sa.String, nullable=False),
        sa.Column("plan_notarisation", sa.String),
        sa.Column("plan_timestamp", sa.LargeBinary),
        sa.Column("frozen", sa.DateTime),
        sa.Column("measured", sa.DateTime),
        sa.Column("verdict", sa.String),
        sa.Column("report", sa.String),
        sa.Column("report_notarisation", sa.String),
        sa.Column("decision", sa.String),
        sa.Column("created", sa.DateTime, nullable=False),
    )
    op.create_table(
        "pilot_records",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column(
            "administration_id", sa.String, sa.ForeignKey("administrations.id"), nullable=False, index=True
        ),
        sa.Column("pilot", sa.String, sa.ForeignKey("pilots.id"), nullable=False, index=True),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("content", sa.String, nullable=False),
    )
    for change in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER pilot_records_no_{change.lower()} BEFORE {change} ON pilot_records "
            "BEGIN SELECT RAISE(ABORT, 'observations are append-only'); END"
        )
