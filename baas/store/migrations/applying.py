"""The migrations that a database lacks, applied by alembic."""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from baas.errors import StoreError, StoreTooNew
from baas.store.migrations import HERE


def apply(engine: Engine) -> None:
    """`baas.store.migrations.upgrade` where there is something to do.

    Foreign keys are off meanwhile, since SQLite changes a table by making it anew, and checked before the
    commit.
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
