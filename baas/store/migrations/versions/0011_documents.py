"""Time-stamps on checkpoints, further digests of a document, an index of digests, when documents are anchored."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.add_column("anchors", sa.Column("token", sa.LargeBinary))
    op.add_column("anchors", sa.Column("stamped", sa.DateTime))
    op.create_table(
        "document_batching",
        sa.Column("administration_id", sa.String, sa.ForeignKey("administrations.id"), primary_key=True),
        sa.Column("entries", sa.Integer, nullable=False),
        sa.Column("seconds", sa.Integer, nullable=False),
    )
    op.create_table(
        "log_digests",
        sa.Column("log", sa.Integer, primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column("algorithm", sa.String, primary_key=True),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "digest_index",
        sa.Column("digest", sa.LargeBinary, primary_key=True),
        sa.Column("log", sa.Integer, primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_digest_index_log_position", "digest_index", ["log", "position"])
    op.create_index("ix_log_batches_log_first_index", "log_batches", ["log", "first_index"])
    op.execute(
        "INSERT INTO digest_index (digest, log, position) SELECT entry.digest, entry.log, entry.position "
        "FROM log_entries AS entry JOIN logs ON logs.number = entry.log "
        "WHERE logs.kind = 'documents' AND entry.position < logs.size AND entry.digest IS NOT NULL"
    )
