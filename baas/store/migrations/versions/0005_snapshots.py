"""Clones: which chain, block and hash each of them begins with."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0007"


def upgrade() -> None:
    op.add_column("chains", sa.Column("parent_chain_id", sa.Integer))
    op.add_column("chains", sa.Column("parent_number", sa.Integer))
    op.add_column("chains", sa.Column("parent_hash", sa.String))
