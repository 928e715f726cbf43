"""The schema's history makes exactly the tables that the slices declare."""

from __future__ import annotations

import importlib
import pkgutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import OperationalError
from sqlmodel import SQLModel

import baas
from baas.store import Store
from baas.store.migrations import HERE


def import_every_model() -> list[str]:
    """Each slice's tables, so that the metadata has them all."""
    names = [
        module.name
        for module in pkgutil.walk_packages(baas.__path__, "baas.")
        if module.name.rpartition(".")[2] in ("model", "idempotency")
        if not module.name.startswith("baas.api.")
    ]
    for name in names:
        importlib.import_module(name)
    return names


def script() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", str(HERE))
    config.set_main_option("path_separator", "os")
    return ScriptDirectory.from_config(config)


def test_the_migrated_schema_is_the_declared_one(tmp_path: Path) -> None:
    assert {"baas.administrations.model", "baas.audit.model", "baas.store.idempotency"} <= set(
        import_every_model()
    )
    store = Store.open(tmp_path)
    with store.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = compare_metadata(context, SQLModel.metadata)
    store.close()
    assert differences == [], "a model and its migration differ: add a migration, or correct the model"


def test_the_history_is_one_line_of_numbers() -> None:
    revisions = list(reversed(list(script().walk_revisions())))
    assert len(script().get_heads()) == 1, "two migrations follow the same one: renumber the later"
    # a number may be left out: it was kept for a migration that came another way
    assert all(each.revision.isdecimal() and len(each.revision) == 4 for each in revisions)
    assert [Path(each.path).name[:5] for each in revisions] == [f"{each.revision}_" for each in revisions]


def test_a_migration_that_fails_leaves_nothing_half_made(tmp_path: Path) -> None:
    before = sqlite3.connect(tmp_path / "baas.sqlite")
    before.execute(
        "CREATE TABLE audit (unexpected TEXT)"
    )  # so the first migration fails when other tables are there
    before.commit()
    with pytest.raises(OperationalError, match="audit"):
        Store.open(tmp_path)
    tables = {name for (name,) in before.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    before.close()
    assert tables == {"audit"}


def test_opening_again_changes_nothing(tmp_path: Path) -> None:
    def schema() -> list[tuple[str, ...]]:
        with sqlite3.connect(tmp_path / "baas.sqlite") as connection:
            rows = connection.execute("SELECT type, name, sql FROM sqlite_master ORDER BY name").fetchall()
        connection.close()
        return rows

    Store.open(tmp_path).close()
    first = schema()
    Store.open(tmp_path).close()
    assert schema() == first


def test_a_database_that_is_up_to_date_is_opened_without_alembic(tmp_path: Path) -> None:
    Store.open(tmp_path).close()
    program = (
        "import sys; from pathlib import Path; from baas.store import Store; Store.open(Path(sys.argv[1])).close();"
        "print([each for each in sys.modules if each.startswith(('alembic', 'mako'))])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
