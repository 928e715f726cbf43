"""The schema's history: one numbered file per change in `versions`, written by hand.

The first one is the whole schema as plain SQL; a slice adds its tables with the next number (`revision = "0002"`,
`down_revision = "0001"`) and alembic operations. A file that has been released is never changed again. A test compares
the migrated schema with every slice's SQLModel tables.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Engine

HERE = Path(__file__).parent


def upgrade(engine: Engine) -> None:
    """Brings the database to the newest revision in one transaction: all of it, or nothing.

    Raises StoreTooNew for a revision that this version does not know, StoreError where references would break.
    """
    if _revision(engine) == max(each.name[:4] for each in HERE.glob("versions/[0-9]*.py")):
        return
    from baas.store.migrations import applying  # loads alembic, which takes half a second

    applying.apply(engine)


def _revision(engine: Engine) -> str | None:
    """The database's revision, in alembic's own table; None where it has none yet."""
    with engine.connect() as connection:
        if not connection.exec_driver_sql(
            "SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'"
        ).first():
            return None
        found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").first()
        return None if found is None else str(found[0])
