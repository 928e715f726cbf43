"""RPC tokens of the administrator's endpoint."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("tokens", sa.Column("endpoint", sa.String))
    op.execute("UPDATE tokens SET endpoint = 'public' WHERE kind = 'rpc'")
