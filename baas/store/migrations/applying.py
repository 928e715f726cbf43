"""The schema's history: one numbered file per change in `versions`, written by hand.

The first one is the whole schema as plain SQL; a slice adds its tables with the next number (`revision = "0002"`,
`down_revision = "0001"`) and alembic operations. A file that has been released is never changed again. A test compares
the migrated schema with every slice's SQLModel tables.
"""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from baas.errors import StoreError, StoreTooNew

HERE = Path(__file__).parent


def upgrade(engine: Engine) -> None:
    """Brings the database to the newest revision in one transaction: all of it, or nothing.

    Foreign keys are off meanwhile, since SQLite changes a table by making it anew, and checked before the
    commit. Raises StoreTooNew for a revision that this version does not know.
    """
    config = Config()
    config.set_main_option("script_location", str(HERE).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    script = ScriptDirectory.from_config(config)
    head = script.get_current_head()
    with engine.connect().execution_options(begin="IMMEDIATE") as connection:
        # a pragma inside a transaction does nothing, and this connection begins one with its first statement
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.execute("PRAGMA foreign_keys = OFF")
        try:
            with connection.begin():
                found = MigrationContext.configure(connection).get_current_revision()
                if found == head:
                    return
                known = {each.revision for each in script.walk_revisions()}
                if found is not None and found not in known:
                    raise StoreTooNew(found, str(head))
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
                broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
                if broken:
                    raise StoreError(f"the migration to {head} would break references: {broken[:5]}")
        finally:
            driver.execute("PRAGMA foreign_keys = ON")
