"""Chains, deployments, logs with their entries, tiles and anchors, and registers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def _administration() -> sa.Column[str]:
    return sa.Column(
        "administration_id", sa.String, sa.ForeignKey("administrations.id"), nullable=False, index=True
    )


def upgrade() -> None:
    op.create_table(
        "chain_numbers",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("taken", sa.DateTime, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "chains",
        sa.Column("id", sa.String, primary_key=True),
        _administration(),
        sa.Column("label", sa.String, nullable=False),
        sa.Column("chain_id", sa.Integer, nullable=False, unique=True),
        sa.Column("engine", sa.String, nullable=False),
        sa.Column("spec", sa.String, nullable=False),
        sa.Column("genesis_hash", sa.String, nullable=False),
        sa.Column("sealing_key", sa.String, nullable=False),
        sa.Column("desired", sa.String, nullable=False),
        sa.Column("created", sa.DateTime, nullable=False),
        sa.Column("deleted", sa.DateTime),
    )
    op.create_table(
        "deployments",
        sa.Column("id", sa.String, primary_key=True),
        _administration(),
        sa.Column("chain", sa.String, sa.ForeignKey("chains.id"), nullable=False, index=True),
        sa.Column("template", sa.String, nullable=False),
        sa.Column("version", sa.String, nullable=False),
        sa.Column("parameters", sa.String, nullable=False),
        sa.Column("address", sa.String, nullable=False),
        sa.Column("transaction_hash", sa.String, nullable=False),
        sa.Column("block_number", sa.Integer, nullable=False),
        sa.Column("artifact", sa.String, nullable=False),
        sa.Column("code_hash", sa.String, nullable=False),
        sa.Column("created", sa.DateTime, nullable=False),
    )
    op.create_table(
        "logs",
        sa.Column("number", sa.Integer, primary_key=True),
        _administration(),
        sa.Column("id", sa.String, nullable=False, unique=True),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("origin", sa.String, nullable=False, unique=True),
        sa.Column("deployment_id", sa.String, sa.ForeignKey("deployments.id"), nullable=False, unique=True),
        sa.Column("signing_key", sa.LargeBinary, nullable=False),
        sa.Column("accepted", sa.Integer, nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("anchored_size", sa.Integer, nullable=False),
        sa.Column("created", sa.DateTime, nullable=False),
    )
    op.create_table(
        "log_batches",
        sa.Column("id", sa.String, primary_key=True),
        _administration(),
        sa.Column("log", sa.Integer, sa.ForeignKey("logs.number"), nullable=False, index=True),
        sa.Column("first_index", sa.Integer, nullable=False),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("accepted", sa.DateTime, nullable=False),
    )
    op.create_table(
        "log_entries",
        sa.Column("log", sa.Integer, primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("algorithm", sa.String),
        sa.Column("digest", sa.LargeBinary),
        sa.Column("salt", sa.LargeBinary),
        sa.Column("commitment", sa.LargeBinary),
        sa.Column("refers_to", sa.Integer),
        sa.Column("reason", sa.String),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "log_tiles",
        sa.Column("log", sa.Integer, primary_key=True),
        sa.Column("level", sa.Integer, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("hashes", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "anchors",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("log", sa.Integer, sa.ForeignKey("logs.number"), nullable=False, index=True),
        sa.Column("old_size", sa.Integer, nullable=False),
        sa.Column("new_size", sa.Integer, nullable=False),
        sa.Column("root", sa.LargeBinary, nullable=False),
        sa.Column("transaction", sa.LargeBinary, nullable=False),
        sa.Column("transaction_hash", sa.String, nullable=False),
        sa.Column("evidence", sa.String),
        sa.Column("checkpoint", sa.String),
        sa.Column("planned", sa.DateTime, nullable=False),
        sa.Column("anchored", sa.DateTime),
    )
    op.create_table(
        "registers",
        sa.Column("id", sa.String, primary_key=True),
        _administration(),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("key", sa.String, nullable=False),
        sa.Column("columns", sa.String, nullable=False),
        sa.Column("log", sa.Integer, sa.ForeignKey("logs.number"), nullable=False, unique=True),
        sa.Column("created", sa.DateTime, nullable=False),
    )
    op.create_table(
        "register_rows",
        sa.Column("log", sa.Integer, primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column("key", sa.String, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("content", sa.String),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_register_rows_log_key", "register_rows", ["log", "key"])
