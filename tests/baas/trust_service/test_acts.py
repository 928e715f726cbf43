"""The acts journal: every row there before its answer, no serial number twice, and what its links show."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from baas.protocols.rfc3161 import Reply, request_der
from baas.trust_service.acts import Acts
from baas.trust_service.serials import BLOCK
from baas.trust_service.service import TrustService

NOW = datetime(2026, 11, 22, 9, 30, 0, 123000, tzinfo=UTC)


class FixedClock:
    def now(self) -> datetime:
        return NOW


@pytest.fixture
def acts(tmp_path: Path) -> Iterator[Acts]:
    made = Acts(tmp_path / "acts.sqlite", FixedClock())
    yield made
    made.close()


def change(path: Path, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(statement, values)


def test_a_row_says_what_was_answered(acts: Acts, tmp_path: Path) -> None:
    first = acts.record("time-stamp", "", b"a request", b"a response")
    second = acts.record("seal", "9821920002", b"another", b"answer", serial=acts.take())
    assert first.request_sha256 == hashlib.sha256(b"a request").digest()
    assert first.response_sha256 == hashlib.sha256(b"a response").digest()
    assert (first.number, first.kind, first.administration, first.time) == (1, "time-stamp", "", NOW)
    assert (second.number, second.kind, second.administration) == (2, "seal", "9821920002")
    assert second.serial > first.serial
    other = Acts(tmp_path / "acts.sqlite", FixedClock())
    assert other.listing() == [first, second]
    assert other.find(second.serial) == second
    assert other.find(10**6) is None
    assert other.check() is None
    other.close()


def test_a_serial_number_is_recorded_once(acts: Acts) -> None:
    act = acts.record("seal", "", b"1", b"1")
    with pytest.raises(sqlite3.IntegrityError):
        acts.record("seal", "", b"2", b"2", serial=act.serial)
    assert acts.listing() == [act]
    assert acts.record("seal", "", b"3", b"3").number == 2, "what failed left no gap"
    assert acts.check() is None


def test_listing_in_pages(acts: Acts) -> None:
    made = [acts.record("seal", "", bytes([n]), b"") for n in range(7)]
    assert acts.listing(most=3) == made[:3]
    assert acts.listing(after=3, most=3) == made[3:6]
    assert acts.listing(after=7) == []
    assert list(acts.all()) == made
    assert acts.count() == 7


def test_two_journals_on_one_file_at_once(tmp_path: Path) -> None:
    both = [Acts(tmp_path / "acts.sqlite", FixedClock()) for _ in range(2)]
    per_thread = BLOCK + 5

    def work(journal: Acts, name: str) -> None:
        for n in range(per_thread):
            journal.record("seal", name, str(n).encode(), b"")

    threads = [threading.Thread(target=work, args=(both[n % 2], str(n))) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rows = list(both[0].all())
    assert [row.number for row in rows] == list(range(1, 4 * per_thread + 1))
    assert len({row.serial for row in rows}) == 4 * per_thread
    assert both[1].check() is None
    for each in both:
        each.close()


@pytest.mark.parametrize(
    ("statement", "first_broken"),
    [
        ("UPDATE acts SET administration = 'another' WHERE number = 3", 3),
        ("UPDATE acts SET time_ms = time_ms - 60000 WHERE number = 3", 3),
        ("UPDATE acts SET response_sha256 = zeroblob(32) WHERE number = 5", 5),
        ("DELETE FROM acts WHERE number = 3", 3),
        ("DELETE FROM acts WHERE number = 1", 1),
    ],
    ids=["whose", "back-dated", "another response", "removed", "the first removed"],
)
def test_what_was_changed_shows(acts: Acts, tmp_path: Path, statement: str, first_broken: int) -> None:
    for n in range(6):
        acts.record("seal", "", bytes([n]), b"")
    assert acts.check() is None
    change(tmp_path / "acts.sqlite", statement)
    assert acts.check() == first_broken


def test_links_made_anew_show_only_to_whoever_kept_one(acts: Acts, tmp_path: Path) -> None:
    """What the docstring admits: the operator has the whole file."""
    for n in range(4):
        acts.record("seal", "", bytes([n]), b"")
    kept = acts.listing()[-1]
    rows = [row for row in acts.listing() if row.number != 2]
    change(tmp_path / "acts.sqlite", "DELETE FROM acts")
    before = b""
    for number, row in enumerate(rows, start=1):
        fields = (number, row.serial, row.kind, row.administration, row.request_sha256, row.response_sha256)
        written = [each.hex() if isinstance(each, bytes) else each for each in (*fields, 1795339800123)]
        before = hashlib.sha256(before + json.dumps(written, separators=(",", ":")).encode()).digest()
        change(
            tmp_path / "acts.sqlite",
            "INSERT INTO acts VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            *fields,
            1795339800123,
            before,
        )
    assert acts.check() is None, "nobody can tell from the file alone"
    assert kept.link not in {row.link for row in acts.all()}, "who kept the link can"


def test_a_token_is_recorded_before_it_is_sent_and_a_refusal_is_not_one(tmp_path: Path) -> None:
    service = TrustService.open(tmp_path, FixedClock())
    request = request_der(bytes(32), 5)
    reply = service.authority.respond(request)
    service.authority.respond(b"nonsense")
    [act] = service.acts.listing()
    statement = Reply.load(reply)["time_stamp_token"]["content"]["encap_content_info"]["content"].parsed
    assert act.serial == statement["serial_number"].native
    assert act.request_sha256 == hashlib.sha256(request).digest()
    assert act.response_sha256 == hashlib.sha256(reply).digest()
    assert act.kind == "time-stamp"
    service.close()
