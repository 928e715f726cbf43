"""What administrations declare of their readiness for the real services; append-only."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.create_table(
        "readiness_declarations",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column(
            "administration_id", sa.String, sa.ForeignKey("administrations.id"), nullable=False, index=True
        ),
        sa.Column("item", sa.String, nullable=False, index=True),
        sa.Column("done", sa.Boolean, nullable=False),
        sa.Column("reference", sa.String, nullable=False),
        sa.Column("fields", sa.String, nullable=False),
        sa.Column("note", sa.String, nullable=False),
        sa.Column("expires", sa.Date),
        sa.Column("actor_id", sa.String, nullable=False),
        sa.Column("actor", sa.String, nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
    )
    for change in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER readiness_declarations_no_{change.lower()} BEFORE {change} ON readiness_declarations "
            "BEGIN SELECT RAISE(ABORT, 'declarations of readiness are append-only'); END"
        )
