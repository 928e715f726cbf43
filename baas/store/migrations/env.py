"""Alembic's environment: runs the migrations on the connection that `upgrade` opened, in its transaction."""

from __future__ import annotations

from alembic import context
from sqlmodel import SQLModel

import baas.store.types  # noqa: F401  # sets the naming convention that the migrations' constraints follow

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    transactional_ddl=True,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
