"""Published logs, numbered registers, and what refers to an entry found by an index."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("logs", sa.Column("published", sa.DateTime))
    op.add_column("registers", sa.Column("preset", sa.String))
    op.add_column("registers", sa.Column("numbering", sa.String))
    op.create_index(
        "ix_log_entries_log_refers_to",
        "log_entries",
        ["log", "refers_to"],
        sqlite_where=sa.text("refers_to IS NOT NULL"),
    )
