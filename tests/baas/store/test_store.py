"""The database: durable, locked, one writer at a time."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, OperationalError

from baas.errors import DataDirectoryLocked, StoreBusy, StoreError, StoreTooNew
from baas.store import Store, raw
from baas.store.idempotency import IdempotencyKey

NOW = datetime(2026, 1, 31, 9, 30, 0, 123000, tzinfo=UTC)
STORED = "2026-01-31 09:30:00.123000"
HOLDER = """
import sys, time, pathlib
from baas.store import Store
from sqlalchemy import text
store = Store.open(pathlib.Path(sys.argv[1]))
with store.session() as session:
    session.execute(text("INSERT INTO staff VALUES ('a', 'a', 'operator', '2026-01-01', NULL)"))
print("ready", flush=True)
time.sleep(60)
"""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path / "data", write_timeout=0.3)
    yield opened
    opened.close()


def add_key(store: Store, key: str, created: datetime = NOW) -> None:
    with store.session() as session:
        session.add(
            IdempotencyKey(
                actor_id="a", key=key, request="r", request_hash=b"h", status=200, body=b"", created=created
            )
        )


def keys(store: Store) -> list[str]:
    with store.reading() as session:
        return list(session.execute(text("SELECT key FROM idempotency_keys ORDER BY key")).scalars())


def test_every_connection_is_durable_and_checks_references(store: Store) -> None:
    for opened in (store.reading, store.session):
        with opened() as session:
            pragmas = {
                name: session.execute(text(f"PRAGMA {name}")).scalar_one()
                for name in ("journal_mode", "synchronous", "foreign_keys")
            }
        assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
    with pytest.raises(IntegrityError), store.session() as session:
        session.execute(
            text(
                "INSERT INTO members (id, administration_id, label, roles, created) "
                "VALUES ('m', 'nowhere', 'l', '', '2026-01-01')"
            )
        )


def test_files_are_for_the_owner_alone(store: Store, tmp_path: Path) -> None:
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "data").iterdir()}
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700
    assert set(modes) >= {"baas.sqlite", "lock"}
    assert all(mode & 0o077 == 0 for mode in modes.values()), modes


def test_a_second_process_is_refused_until_the_first_is_gone_and_what_it_committed_stays(
    tmp_path: Path,
) -> None:
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"ready\n"
        with pytest.raises(
            DataDirectoryLocked, match=rf"in use by another process \(process {holder.pid}\).*BAAS_"
        ):
            Store.open(tmp_path)
        os.kill(holder.pid, signal.SIGKILL)
    reopened = Store.open(tmp_path)
    with reopened.reading() as session:
        assert session.execute(text("SELECT id FROM staff")).scalars().all() == ["a"]
    reopened.close()
    reopened.close()  # twice is as once


def test_two_stores_of_one_process_are_refused_too(store: Store, tmp_path: Path) -> None:
    with pytest.raises(DataDirectoryLocked):
        Store.open(tmp_path / "data")


def test_a_directory_that_cannot_be_used_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be used"):
        Store.open(tmp_path / "file")


def test_a_raising_block_leaves_nothing(store: Store) -> None:
    with pytest.raises(ZeroDivisionError), store.session() as session:
        session.execute(
            text("INSERT INTO idempotency_keys VALUES ('a', 'k', 'r', x'00', 200, x'', '2026-01-01')")
        )
        raw(session).execute(
            "INSERT INTO idempotency_keys VALUES ('a', 'l', 'r', x'00', 200, x'', '2026-01-01')"
        )
        raise ZeroDivisionError
    assert keys(store) == []
    add_key(store, "after")  # the writers' queue is free again
    assert keys(store) == ["after"]


def test_raw_bulk_rows_are_part_of_the_sessions_transaction(store: Store) -> None:
    with store.session() as session:
        rows = [("a", f"{i:04d}", "r", b"h", 200, b"", STORED) for i in range(1000)]
        raw(session).executemany("INSERT INTO idempotency_keys VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
        assert keys(store) == []  # not committed: nobody else sees them
        found = session.get(IdempotencyKey, ("a", "0007"))
        assert found is not None
        assert found.created == NOW  # as the ORM would have written it
    assert len(keys(store)) == 1000


def test_a_read_transaction_is_steady_and_cannot_write(store: Store) -> None:
    with store.reading() as session:
        count = text("SELECT count(*) FROM idempotency_keys")
        assert session.execute(count).scalar_one() == 0
        add_key(store, "later")
        assert session.execute(count).scalar_one() == 0
        with pytest.raises(OperationalError, match="readonly"):
            session.execute(text("DELETE FROM idempotency_keys"))
    assert keys(store) == ["later"]


def test_writers_queue_and_lose_nothing(tmp_path: Path) -> None:
    store = Store.open(tmp_path, write_timeout=30)
    with store.session() as session:
        session.execute(
            text("INSERT INTO idempotency_keys VALUES ('a', 'k', 'r', x'00', 0, x'', '2026-01-01')")
        )

    def count_up() -> None:
        for _ in range(20):
            with store.session() as session:
                status = session.execute(text("SELECT status FROM idempotency_keys")).scalar_one()
                session.execute(text(f"UPDATE idempotency_keys SET status = {status + 1}"))

    threads = [threading.Thread(target=count_up) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with store.reading() as session:
        assert session.execute(text("SELECT status FROM idempotency_keys")).scalar_one() == 160
    store.close()


def test_a_writer_that_waits_too_long_is_told(store: Store) -> None:
    errors: list[Exception] = []

    def write() -> None:
        try:
            add_key(store, "k")
        except StoreBusy as error:
            errors.append(error)

    with store.session():
        thread = threading.Thread(target=write)
        thread.start()
        thread.join()
    assert [str(error) for error in errors] == [
        "the database is busy with another write: send the same request again"
    ]


def test_a_session_inside_a_session_is_a_mistake_that_shows(store: Store) -> None:
    with store.session(), pytest.raises(RuntimeError, match="inside a write session"), store.session():
        pass
    add_key(store, "after")


def test_a_newer_database_is_left_alone(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    with store.session() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    store.close()
    with pytest.raises(StoreTooNew, match="revision 9999"):
        Store.open(tmp_path)
    with pytest.raises(StoreTooNew):  # and not «locked»: the failed opening let go
        Store.open(tmp_path)


def test_times_keep_their_milliseconds_and_come_back_in_utc(store: Store) -> None:
    madrid = timezone(timedelta(hours=2))
    add_key(store, "k", NOW.astimezone(madrid))
    with store.reading() as session:
        row = session.get(IdempotencyKey, ("a", "k"))
        assert row is not None
        assert (row.created, row.created.utcoffset()) == (NOW, timedelta())
        assert session.execute(text("SELECT created FROM idempotency_keys")).scalar_one() == STORED
    with pytest.raises(Exception, match="timezone"):
        add_key(store, "l", datetime(2026, 1, 1))  # noqa: DTZ001  # what must be refused
