"""Erasures, series with their retention and DPIA record, and what belongs to which series."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def _administration() -> sa.Column[str]:
    return sa.Column(
        "administration_id", sa.String, sa.ForeignKey("administrations.id"), nullable=False, index=True
    )


def upgrade() -> None:
    op.create_table(
        "erasures",
        sa.Column("id", sa.String, primary_key=True),
        _administration(),
        sa.Column("log", sa.String, sa.ForeignKey("logs.id"), nullable=False, index=True),
        sa.Column("entries", sa.String, nullable=False),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("basis", sa.String, nullable=False),
        sa.Column("keep_key", sa.Boolean, nullable=False),
        sa.Column("actor_id", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("requested", sa.DateTime, nullable=False),
        sa.Column("erased", sa.DateTime),
    )
    op.create_table(
        "series",
        sa.Column("id", sa.String, primary_key=True),
        _administration(),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("code", sa.String, nullable=False),
        sa.Column("years", sa.Integer),
        sa.Column("until", sa.Date),
        sa.Column("data_class", sa.String, nullable=False),
        sa.Column("legal_basis", sa.String, nullable=False),
        sa.Column("dpia", sa.String),
        sa.Column("created", sa.DateTime, nullable=False),
    )
    op.create_table(
        "series_uses",
        sa.Column("administration_id", sa.String, sa.ForeignKey("administrations.id"), primary_key=True),
        sa.Column("subject", sa.String, primary_key=True),
        sa.Column("series", sa.String, sa.ForeignKey("series.id"), nullable=False, index=True),
        sa.Column("since", sa.DateTime, nullable=False),
    )
