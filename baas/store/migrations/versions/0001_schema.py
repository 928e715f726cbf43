"""The first schema: the statements of `0001_schema.sql` beside this file, in the transaction of the migration."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    connection, statement = op.get_bind(), ""
    for line in Path(__file__).with_suffix(".sql").read_text(encoding="utf-8").splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):  # it knows that a trigger ends with END;
            connection.exec_driver_sql(statement)
            statement = ""
