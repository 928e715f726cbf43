"""Witnesses inside the service, and what logs ask of witnesses."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.create_table(
        "witnesses",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column(
            "administration_id", sa.String, sa.ForeignKey("administrations.id"), nullable=False, index=True
        ),
        sa.Column("label", sa.String, nullable=False),
        sa.Column("address", sa.String, nullable=False, unique=True),
        sa.Column("name", sa.String, nullable=False, unique=True),
        sa.Column("key", sa.String, nullable=False),
        sa.Column("created", sa.DateTime, nullable=False),
    )
    op.create_table(
        "witness_policies",
        sa.Column("log", sa.Integer, sa.ForeignKey("logs.number"), primary_key=True),
        sa.Column("threshold", sa.Integer, nullable=False),
    )
    op.create_table(
        "log_witnesses",
        sa.Column("log", sa.Integer, sa.ForeignKey("logs.number"), primary_key=True),
        sa.Column("key", sa.String, primary_key=True),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("operator", sa.String, nullable=False),
        sa.Column("since", sa.Integer, nullable=False),
        sa.Column("until", sa.Integer),
        sa.Column("size", sa.Integer, nullable=False),
    )
    op.create_table(
        "anchor_cosignatures",
        sa.Column("anchor", sa.Integer, sa.ForeignKey("anchors.id"), primary_key=True),
        sa.Column("key", sa.String, primary_key=True),
        sa.Column("time", sa.Integer, nullable=False),
    )
