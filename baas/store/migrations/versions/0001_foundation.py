"""Administrations, members, staff, mandates, tokens, idempotency keys, and the append-only audit."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "administrations",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("code", sa.String, nullable=False, unique=True),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("created", sa.DateTime, nullable=False),
    )
    op.create_table(
        "members",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column(
            "administration_id", sa.String, sa.ForeignKey("administrations.id"), nullable=False, index=True
        ),
        sa.Column("label", sa.String, nullable=False),
        sa.Column("roles", sa.String, nullable=False),
        sa.Column("created", sa.DateTime, nullable=False),
        sa.Column("ended", sa.DateTime),
    )
    op.create_table(
        "staff",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("label", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("created", sa.DateTime, nullable=False),
        sa.Column("ended", sa.DateTime),
    )
    op.create_table(
        "mandates",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column(
            "administration_id", sa.String, sa.ForeignKey("administrations.id"), nullable=False, index=True
        ),
        sa.Column("provider_id", sa.String, sa.ForeignKey("administrations.id"), nullable=False, index=True),
        sa.Column("roles", sa.String, nullable=False),
        sa.Column("since", sa.DateTime, nullable=False),
        sa.Column("until", sa.DateTime, nullable=False),
        sa.Column("revoked", sa.DateTime),
    )
    op.create_table(
        "tokens",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("administration_id", sa.String, sa.ForeignKey("administrations.id"), index=True),
        sa.Column("member_id", sa.String, sa.ForeignKey("members.id"), index=True),
        sa.Column("staff_id", sa.String, sa.ForeignKey("staff.id"), index=True),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("chain_id", sa.String),
        sa.Column("label", sa.String, nullable=False),
        sa.Column("prefix", sa.String, nullable=False, index=True),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column("created", sa.DateTime, nullable=False),
        sa.Column("expires", sa.DateTime, nullable=False),
        sa.Column("revoked", sa.DateTime),
        sa.Column("last_used", sa.DateTime),
        sa.CheckConstraint("(member_id IS NULL) <> (staff_id IS NULL)", name="one_actor"),
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("actor_id", sa.String, primary_key=True),
        sa.Column("key", sa.String, primary_key=True),
        sa.Column("request", sa.String, nullable=False),
        sa.Column("request_hash", sa.LargeBinary, nullable=False),
        sa.Column("status", sa.Integer, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("created", sa.DateTime, nullable=False, index=True),
    )
    op.create_table(
        "audit",
        sa.Column("seq", sa.Integer, primary_key=True),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("actor_kind", sa.String, nullable=False),
        sa.Column("actor_id", sa.String, nullable=False),
        sa.Column("token_id", sa.String, nullable=False),
        sa.Column("action", sa.String, nullable=False),
        sa.Column("object_kind", sa.String, nullable=False),
        sa.Column("object_id", sa.String, nullable=False),
        sa.Column("administration_id", sa.String, sa.ForeignKey("administrations.id"), index=True),
        sa.Column("detail", sa.String, nullable=False),
        sa.Column("previous", sa.LargeBinary, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
    )
    for change in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER audit_no_{change.lower()} BEFORE {change} ON audit "
            "BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END"
        )
    # Without this, INSERT OR REPLACE would take a row away past the trigger on DELETE.
    op.execute(
        "CREATE TRIGGER audit_in_order BEFORE INSERT ON audit "
        "WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM audit) "
        "BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END"
    )
