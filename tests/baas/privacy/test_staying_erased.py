"""Once erased, erased: after a kill at any step, after an old backup, and after a ledger that a crash cut."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import select
from typer.testing import CliRunner

from baas.clock import SystemClock
from baas.errors import Conflict, StoreError
from baas.logs.model import LogEntry
from baas.privacy import backups
from baas.privacy.ledger import Ledger, Record
from baas.privacy.model import Erasure, ErasureState
from baas.settings import Settings
from baas.tenancy import across_administrations
from baas.wiring import Services
from sandbox.evidence.verify import verify
from tests.baas.flows import TEST, Place, accept, all_anchored, log_of, new_place, until
from tests.baas.privacy.traces import document_needles, traces

#: Many steps or every case: `make test-long`.
pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[3]
DOCUMENTS = [b"document fictici numero %d" % number for number in range(4)]

#: Erases one document and is killed at the step that its second argument names.
CHILD = """
import os, signal, sys
from pathlib import Path
from baas.audit import Audit
from baas.privacy.erasures import Erasures
from baas.privacy.ledger import Ledger
from baas.settings import Settings
from baas.store import Store
from baas.wiring import Services
from tests.baas.flows import scope_of


directory, point, owner, notarisation = sys.argv[1:]

def die(*_arguments, **_options):
    os.kill(os.getpid(), signal.SIGKILL)

def then_die(function):
    def both(*arguments, **options):
        function(*arguments, **options)
        die()
    return both

def half(self, record):
    with self.path.open("ab") as file:
        file.write(record.to_bytes()[:-20])
        file.flush()
    die()

def vacuum(self):
    connection = self.engine.raw_connection()
    connection.driver_connection.execute("PRAGMA query_only = OFF")
    connection.driver_connection.execute("VACUUM")
    die()

steps = {
    "before the ledger": lambda: setattr(Ledger, "append", die),
    "within the ledger": lambda: setattr(Ledger, "append", half),
    "after the ledger": lambda: setattr(Ledger, "append", then_die(Ledger.append)),
    "before the commit": lambda: setattr(Audit, "record", then_die(Audit.record)),
    "after the commit": lambda: setattr(Erasures, "settle", die),
    "after the vacuum": lambda: setattr(Store, "scrub", vacuum),
    "after the scrub": lambda: setattr(Store, "scrub", then_die(Store.scrub)),
}
services = Services.build(Settings(data=Path(directory), port=0))
services.erasures.replay()
steps[point]()
with services.store.session() as session:
    services.erasures.notarisation(session, scope_of(owner), notarisation, "objection")
services.erasures.settle()
"""
NOTHING_ERASED = {"before the ledger", "within the ledger"}


@contextlib.contextmanager
def running(directory: Path) -> Iterator[Services]:
    services = Services.build(Settings(data=directory, port=0))
    try:
        services.start()
        yield services
    finally:
        services.stop()


@pytest.fixture
def place(tmp_path: Path) -> tuple[Place, list[str], dict[str, bytes]]:
    """A stopped service with four anchored documents, their notarisations, and what must be found of the second."""
    with running(tmp_path / "data") as services:
        made = new_place(services)
        batch = accept(services, made, *DOCUMENTS)
        all_anchored(services)
        needles = document_needles(services, 1, 2, DOCUMENTS[1])
    return made, [f"{batch}-{number}" for number in range(4)], needles


def settled(services: Services) -> list[Erasure]:
    def ask() -> list[Erasure] | None:
        with services.store.reading() as session:
            found = list(session.exec(across_administrations(Erasure, TEST)))
        return found if all(each.state == ErasureState.ERASED for each in found) else None

    return until(ask) if ask() != [] else []


def erase(services: Services, place: Place, notarisation: str) -> None:
    with services.store.session() as session:
        _, log = services.erasures.notarisation(session, place.scope, notarisation, "objection")
    services.logs.poke(log)
    services.erasures.settle()


def others_verify(services: Services, place: Place, items: list[str]) -> None:
    all_anchored(services)
    with services.store.reading() as session:
        root = services.trust.of(session, place.scope, place.code)
        for number in (0, 2, 3):
            receipt = services.notarisations.receipt(session, place.scope, items[number])
            assert verify(DOCUMENTS[number], receipt, root).ok


@pytest.mark.parametrize(
    "point",
    [
        "before the ledger",
        "within the ledger",
        "after the ledger",
        "before the commit",
        "after the commit",
        "after the vacuum",
        "after the scrub",
    ],
)
def test_a_kill_at_any_step_ends_in_erased_or_in_untouched(
    tmp_path: Path, place: tuple[Place, list[str], dict[str, bytes]], point: str
) -> None:
    made, items, needles = place
    data = tmp_path / "data"
    assert traces(data, needles)
    (owner,) = made.scope.administrations
    command = [sys.executable, "-c", CHILD, str(data), point, owner, items[1]]
    child = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True, timeout=60)
    assert child.returncode == -signal.SIGKILL, child.stderr
    with running(data) as services:
        done = settled(services)
        if point in NOTHING_ERASED:
            assert done == []
            erase(services, made, items[1])  # and it can be done now
            done = settled(services)
        assert [(each.count, each.basis) for each in done] == [(1, "objection")]
        assert traces(data, needles) == []
        others_verify(services, made, items)
        with services.store.reading() as session:
            kinds = [each.kind for each in session.exec(select(LogEntry).where(LogEntry.log == 1))]
        assert kinds == ["genesis", *["notarise"] * 4, "erase"]
        assert len(list(Ledger(data / "erasures.jsonl").read())) == 1
    assert traces(data, needles) == []


def test_an_old_backup_does_not_bring_back_what_was_erased(
    tmp_path: Path, place: tuple[Place, list[str], dict[str, bytes]]
) -> None:
    made, items, needles = place
    data, kept = tmp_path / "data", tmp_path / "kept"
    ledger, key = data / "erasures.jsonl", data / "master.key"
    backups.backup(data, kept, ledger, key, SystemClock().now())
    assert traces(kept, needles)
    assert not (kept / "master.key").exists()
    with running(data) as services:
        erase(services, made, items[1])
        accept(services, made, b"despres de la copia")
        all_anchored(services)
    assert traces(data, needles) == []

    arguments = ["--data", str(data), "restore", str(kept)]
    import cli

    refused = CliRunner().invoke(cli.app, arguments, obj={"json": False})
    assert isinstance(refused.exception, Conflict)
    done = CliRunner().invoke(cli.app, [*arguments, "--replace", "--json"], obj={"json": False})
    assert done.exit_code == 0, done.exception
    assert json.loads(done.stdout)["erased_again"] == 1
    assert traces(data, needles) == []
    with running(data) as services:
        assert settled(services)[0].count == 1
        others_verify(services, made, items)
        assert (
            log_of(services).accepted == 6
        )  # the one after the backup is gone, and the erasure was noted again
        with services.store.reading() as session:
            entry = session.get(LogEntry, (1, 5))
            assert entry is not None
            assert (entry.kind, entry.refers_to) == ("erase", 2)
        accept(services, made, b"un de nou")
        all_anchored(services)
    with running(data) as services:  # what came after the restore is nobody's to erase
        assert len(settled(services)) == 1
        with services.store.reading() as session:
            assert session.get(LogEntry, (1, 6)).digest is not None  # type: ignore[union-attr]
    assert traces(data, needles) == []


def test_the_ledger_of_a_backup_is_enough_where_nothing_else_is_left(
    tmp_path: Path, place: tuple[Place, list[str], dict[str, bytes]]
) -> None:
    made, items, _ = place
    data, kept, new = tmp_path / "data", tmp_path / "kept", tmp_path / "new"
    with running(data) as services:
        erase(services, made, items[1])
    backups.backup(data, kept, data / "erasures.jsonl", data / "master.key", SystemClock().now())
    new.mkdir()
    (new / "master.key").write_bytes((data / "master.key").read_bytes())
    (new / "master.key").chmod(0o600)
    backups.restore(kept, new, new / "erasures.jsonl", new / "master.key")
    assert len(list(Ledger(new / "erasures.jsonl").read())) == 1
    with running(new) as services:
        others_verify(services, made, items)


@pytest.mark.parametrize("damage", ["changed", "missing", "unknown", "manifest"])
def test_a_backup_that_is_not_what_it_was_restores_nothing(
    tmp_path: Path, place: tuple[Place, list[str], dict[str, bytes]], damage: str
) -> None:
    data, kept = tmp_path / "data", tmp_path / "kept"
    ledger, key = data / "erasures.jsonl", data / "master.key"
    backups.backup(data, kept, ledger, key, SystemClock().now())
    database = kept / "baas.sqlite"
    if damage == "changed":
        content = bytearray(database.read_bytes())
        content[-1] ^= 1
        database.write_bytes(content)
    elif damage == "missing":
        database.unlink()
    elif damage == "unknown":
        (kept / "more").write_bytes(b"x")
    else:
        (kept / "manifest.json").write_text("{}")
    before = {path: path.read_bytes() for path in data.rglob("*") if path.is_file()}
    with pytest.raises(StoreError):
        backups.restore(kept, data, ledger, key)
    assert {path: path.read_bytes() for path in data.rglob("*") if path.is_file()} == before


def test_a_restore_that_was_cut_off_is_done_again(
    tmp_path: Path, place: tuple[Place, list[str], dict[str, bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    made, items, _ = place
    data, kept = tmp_path / "data", tmp_path / "kept"
    ledger, key = data / "erasures.jsonl", data / "master.key"
    backups.backup(data, kept, ledger, key, SystemClock().now())

    def cut(*_: Any) -> None:
        raise OSError("cut off")

    with monkeypatch.context() as patched:
        patched.setattr(backups, "_merge", cut)
        with pytest.raises(OSError, match="cut off"):
            backups.restore(kept, data, ledger, key)
    with pytest.raises(StoreError, match="do it again"):
        Services.build(Settings(data=data, port=0))
    backups.restore(kept, data, ledger, key)
    with running(data) as services:
        others_verify(services, made, items)


RECORDS = st.builds(
    Record,
    erasure=st.text("0123456789ABCDEFGHJKMNPQRSTVWXYZ", min_size=26, max_size=26),
    administration=st.just("A" * 26),
    log=st.just("B" * 26),
    entries=st.lists(st.tuples(st.just("C" * 26), st.integers(0, 9), st.integers(10, 99)), max_size=3).map(
        tuple
    ),
    basis=st.sampled_from(["objection", "retention"]),
    keep_key=st.booleans(),
    actor=st.just("D" * 26),
    at=st.just("2026-01-31T09:30:00.000Z"),
)


@given(records=st.lists(RECORDS, min_size=1, max_size=4), cut=st.integers(1, 400), more=RECORDS)
def test_a_ledger_cut_anywhere_keeps_every_whole_record_and_goes_on(
    tmp_path_factory: pytest.TempPathFactory, records: list[Record], cut: int, more: Record
) -> None:
    path = tmp_path_factory.mktemp("ledger") / "erasures.jsonl"
    ledger = Ledger(path)
    for each in records:
        ledger.append(each)
    assert list(ledger.read()) == records
    data = path.read_bytes()
    path.write_bytes(data[: max(0, len(data) - cut)])
    whole = path.read_bytes().count(b"\n")
    assert list(ledger.read()) == records[:whole]
    ledger.append(more)
    assert list(ledger.read()) == [*records[:whole], more]


@pytest.mark.parametrize("line", [b"{}", b"nothing", b'{"v":2}', b"[]", b'{"v":1,"entries":[["x",1]]}'])
def test_a_ledger_that_cannot_be_read_stops_the_service(tmp_path: Path, line: bytes) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "erasures.jsonl").write_bytes(line + b"\n")
    services = Services.build(Settings(data=tmp_path / "data", port=0))
    with pytest.raises(StoreError, match="line 1"):
        services.start()
    services.stop()
