"""Two connections of one process to one file: the second one takes nothing from the first one's locks."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from pathlib import Path

from baas.trust_service.database import Database

OTHER_PROCESS = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
print(connection.execute("SELECT count(*) FROM kept").fetchone()[0])
connection.close()
"""


def test_another_process_is_not_the_last_one_to_close(tmp_path: Path) -> None:
    """A process loses its locks on a file when it closes any descriptor of it (POSIX): another process then took away
    the journal that this one still wrote into."""
    path = tmp_path / "kept.sqlite"
    with closing(Database(path, "CREATE TABLE IF NOT EXISTS kept (value TEXT)")) as first:
        first.rows("INSERT INTO kept VALUES ('one')")
        with closing(Database(path, "SELECT 1")):
            pass
        journal = (tmp_path / "kept.sqlite-wal").stat().st_ino
        run = subprocess.run(
            [sys.executable, "-c", OTHER_PROCESS, str(path)], capture_output=True, check=True, text=True
        )
        assert run.stdout == "1\n"
        assert (tmp_path / "kept.sqlite-wal").stat().st_ino == journal, "the journal is the first one's still"
        first.rows("INSERT INTO kept VALUES ('two')")
    with closing(Database(path, "SELECT 1")) as again:
        assert again.rows("SELECT value FROM kept ORDER BY value") == [("one",), ("two",)]
