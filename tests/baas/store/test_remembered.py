"""What is remembered of the database is what the database says."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from baas.errors import StoreClosed
from baas.store import DATABASE, Store
from baas.store.remembered import Remembered

ADD = "INSERT INTO staff SELECT count(*), 'a', 'operator', '2026-01-01', NULL FROM staff"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path)
    yield opened
    opened.close()


def count(store: Store) -> int:
    with store.reading() as session:
        return int(session.execute(text("SELECT count(*) FROM staff")).scalar_one())


def in_a_session(store: Store, _file: Path) -> None:
    with store.session() as session:
        session.execute(text(ADD))


def by_another_connection(_store: Store, file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(ADD)
        connection.commit()


def by_another_process(_store: Store, file: Path) -> None:
    program = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute(sys.argv[2]); c.commit()"
    subprocess.run([sys.executable, "-c", program, str(file), ADD], check=True)


@pytest.mark.parametrize("write", [in_a_session, by_another_connection, by_another_process])
def test_it_is_read_once_until_somebody_commits(
    store: Store, tmp_path: Path, write: Callable[[Store, Path], None]
) -> None:
    remembered, readings = Remembered[int](store), list[int]()

    def read() -> int:
        readings.append(count(store))
        return readings[-1]

    for wanted in range(3):
        assert [remembered.get("staff", read) for _ in range(3)] == [wanted] * 3
        write(store, tmp_path / DATABASE)
    assert readings == [0, 1, 2]


def test_what_was_taken_back_changes_nothing(store: Store) -> None:
    remembered = Remembered[int](store)
    before = store.revision()
    with pytest.raises(ZeroDivisionError), store.session() as session:
        session.execute(text(ADD))
        assert remembered.get("staff", lambda: count(store)) == 0
        raise ZeroDivisionError
    assert store.revision() == before
    assert remembered.get("staff", lambda: -1) == 0


def test_a_commit_during_the_reading_is_seen_by_the_next(store: Store, tmp_path: Path) -> None:
    remembered = Remembered[int](store)

    def slow() -> int:
        found = count(store)
        in_a_session(store, tmp_path)
        return found

    assert remembered.get("staff", slow) == 0
    assert remembered.get("staff", lambda: count(store)) == 1


def test_what_raises_or_does_not_hold_is_read_again_and_only_so_many_are_kept(store: Store) -> None:
    remembered = Remembered[int](store, most=2)
    with pytest.raises(ZeroDivisionError):
        remembered.get("a", lambda: 1 // 0)
    assert remembered.get("a", lambda: 1) == 1
    assert remembered.get("a", lambda: 2, holds=lambda value: value > 1) == 2
    assert remembered.get("a", lambda: 3) == 2
    for key in range(10):
        remembered.get(key, lambda: 0)
        assert len(remembered._values) <= 2


def test_no_reader_is_told_what_was_so_before_a_commit_that_it_knows_of(store: Store, tmp_path: Path) -> None:
    remembered, committed, done = Remembered[int](store), [0], threading.Event()
    stale: list[tuple[int, int]] = []

    def look() -> None:
        while not done.is_set():
            known = committed[0]
            if (told := remembered.get("staff", lambda: count(store))) < known:
                stale.append((told, known))

    readers = [threading.Thread(target=look) for _ in range(3)]
    for each in readers:
        each.start()
    try:
        for number in range(1, 101):
            in_a_session(store, tmp_path)
            committed[0] = number
    finally:
        done.set()
        for each in readers:
            each.join()
    assert not stale
    assert remembered.get("staff", lambda: count(store)) == 100


def test_a_closed_store_remembers_nothing(store: Store) -> None:
    remembered = Remembered[int](store)
    remembered.get("staff", lambda: 1)
    store.close()
    with pytest.raises(StoreClosed):
        remembered.get("staff", lambda: 1)
