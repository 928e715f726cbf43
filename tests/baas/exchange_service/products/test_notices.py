"""The board by its clock: when a notice is there, when it is not, what is left of it; and its diligence, read back."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from baas.exchange_service.diligence import diligence
from baas.exchange_service.noticeboard import TABLES, Content, Document, NoticeBoard, UnfitDays
from baas.protocols.pci.products.etauler import NoticeState
from baas.trust_service.database import Database
from tests.baas.exchange_service.products.place import NOW, HandClock, create, words_of

TOWN, OTHER = "9821920002", "9999990001"
DIGEST = hashlib.sha256(b"anunci").digest()
CONTENT = Content((("ca", "Anunci de prova"),), "EXP-7", (Document("anunci.pdf", "ca", DIGEST, b"anunci"),))
TODAY = NOW.date()


@pytest.fixture
def board(database: Database, clock: HandClock) -> NoticeBoard:
    create(database, TABLES)
    return NoticeBoard(database, clock, lambda *_: True)


def published(
    board: NoticeBoard, first: date = TODAY, last: date | None = None, *, personal: bool = False
) -> None:
    assert board.publish(TOWN, "P7-0001", CONTENT, first, last, personal=personal)


def state(board: NoticeBoard) -> NoticeState:
    found = board.find(TOWN, "P7-0001")
    assert found is not None
    return found.state


def test_it_is_on_the_board_from_midnight_in_catalonia_to_the_end_of_its_last_day(
    board: NoticeBoard, clock: HandClock
) -> None:
    published(board, date(2027, 1, 10), date(2027, 1, 12))
    for shown, expected in (
        (NOW, NoticeState.WAITING),
        (datetime(2027, 1, 9, 22, 59, 59, tzinfo=UTC), NoticeState.WAITING),
        (datetime(2027, 1, 9, 23, tzinfo=UTC), NoticeState.PUBLISHED),
        (datetime(2027, 1, 12, 22, 59, 59, tzinfo=UTC), NoticeState.PUBLISHED),
        (datetime(2027, 1, 12, 23, tzinfo=UTC), NoticeState.WITHDRAWN),
    ):
        clock.shown = shown
        assert state(board) is expected, shown


def test_a_day_of_summer_begins_at_its_own_midnight(board: NoticeBoard, clock: HandClock) -> None:
    published(board, date(2027, 7, 1))
    clock.shown = datetime(2027, 6, 30, 22, tzinfo=UTC)
    assert state(board) is NoticeState.PUBLISHED


def test_nothing_is_dated_back(board: NoticeBoard) -> None:
    published(board, date(2026, 11, 23))
    found = board.find(TOWN, "P7-0001")
    assert found is not None
    assert found.starts == found.received == NOW
    assert found.state is NoticeState.PUBLISHED


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (date(2026, 11, 20), date(2026, 11, 26)),
        (date(2027, 1, 2), date(2027, 1, 1)),
        (date(1999, 12, 31), None),
        (date(2101, 1, 1), None),
        (TODAY, date(9999, 12, 31)),
        (date.min, None),
        (TODAY, date.max),
    ],
)
def test_days_that_no_notice_can_have_are_refused_and_leave_nothing(
    board: NoticeBoard, first: date, last: date | None
) -> None:
    with pytest.raises(UnfitDays, match="expected a"):
        board.publish(TOWN, "P7-0001", CONTENT, first, last, personal=False)
    assert board.find(TOWN, "P7-0001") is None


def test_it_is_withdrawn_once_and_a_name_is_used_once(board: NoticeBoard, clock: HandClock) -> None:
    published(board)
    assert board.publish(TOWN, "P7-0001", CONTENT, TODAY, None, personal=False) is None
    clock.advance(hours=1)
    taken = board.withdraw(TOWN, "P7-0001")
    assert taken is not None
    assert (taken.state, taken.ends, taken.was_published) == (NoticeState.WITHDRAWN, clock.now(), True)
    clock.advance(hours=1)
    assert board.withdraw(TOWN, "P7-0001") is None
    assert board.publish(TOWN, "P7-0001", CONTENT, TODAY, None, personal=False) is None
    found = board.find(TOWN, "P7-0001")
    assert found is not None
    assert found.ends == NOW + timedelta(hours=1)
    assert found.content == CONTENT, "it had no personal data"


def test_one_withdrawn_before_its_day_was_never_there(board: NoticeBoard) -> None:
    published(board, TODAY + timedelta(days=2))
    taken = board.withdraw(TOWN, "P7-0001")
    assert taken is not None
    assert (taken.state, taken.was_published) == (NoticeState.WITHDRAWN, False)


def test_nobody_sees_or_withdraws_anothers_and_names_are_ones_own(board: NoticeBoard) -> None:
    published(board)
    assert board.find(OTHER, "P7-0001") is None
    assert board.withdraw(OTHER, "P7-0001") is None
    assert state(board) is NoticeState.PUBLISHED
    assert board.publish(OTHER, "P7-0001", CONTENT, TODAY, None, personal=False)


@pytest.mark.parametrize("how", ["withdrawn", "over"])
def test_personal_data_are_gone_from_the_file_once_it_is_down(
    board: NoticeBoard, database: Database, clock: HandClock, how: str
) -> None:
    published(board, TODAY, TODAY, personal=True)
    board.publish(TOWN, "another", CONTENT, TODAY, None, personal=False)
    if how == "withdrawn":
        assert board.withdraw(TOWN, "P7-0001") is not None
    else:
        clock.advance(days=1)
        board.find(TOWN, "another")  # whoever asks for whatever
    rows = database.rows("SELECT notice, content FROM etauler_notices WHERE content IS NULL")
    assert rows == [("P7-0001", None)]
    found = board.find(TOWN, "P7-0001")
    assert found is not None
    assert (found.content, found.state) == (None, NoticeState.WITHDRAWN)
    assert found.received == NOW, "that it was there stays"


def test_what_is_erased_is_in_no_page_of_the_file(
    board: NoticeBoard, database: Database, clock: HandClock
) -> None:
    documents = (Document("deu taxes.pdf", "ca", DIGEST, b"Maria Ficticia deu taxes" * 400),)
    board.publish(
        TOWN, "P7-0001", Content((("ca", "Maria deu taxes"),), "", documents), TODAY, None, personal=True
    )
    [(_, _, path)] = database.rows("PRAGMA database_list")
    database.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    assert b"deu taxes" in Path(str(path)).read_bytes()
    board.withdraw(TOWN, "P7-0001")
    database.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    assert b"deu taxes" not in Path(str(path)).read_bytes()


def test_the_diligence_says_when_what_and_that_it_is_a_sandboxs(board: NoticeBoard) -> None:
    published(board, TODAY, date(2026, 12, 31))
    found = board.find(TOWN, "P7-0001")
    assert found is not None
    pdf = diligence(found)
    said = words_of(pdf)
    for expected in (
        "Diligència de publicació",
        "Sandbox",
        "no té valor jurídic",
        "9821920002",
        "P7-0001",
        "Anunci de prova",
        "anunci.pdf",
        DIGEST.hex(),
        "27/11/2026, 10:30:00",
        "01/01/2027, 00:00:00",
    ):
        assert expected in said
    assert diligence(found) == pdf


def test_each_standing_has_its_own_words(board: NoticeBoard, clock: HandClock) -> None:
    published(board, TODAY + timedelta(days=1), personal=True)
    said = []
    for days in (0, 2, 0):
        clock.advance(days=days)
        if said and not days:
            board.withdraw(TOWN, "P7-0001")
        found = board.find(TOWN, "P7-0001")
        assert found is not None
        said.append(words_of(diligence(found)))
    pending, there, gone = said
    assert "encara no és al tauler" in pending
    assert "Justificant de recepció" in pending
    assert "és al tauler" in there
    assert "ha estat al tauler" in gone
    assert "dades personals" in gone
    assert "Anunci de prova" not in gone
    assert DIGEST.hex() not in gone


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("Pàgines: {nb}", "Pàgines: {nb}"),
        ("**negreta** {0} %s", "**negreta** {0} %s"),
        (") Tj ET (", ") Tj ET ("),
        ("línia\nnova\ttabulada", "línia nova tabulada"),
        ("<b>&amp;</b>", "<b>&amp;</b>"),
    ],
    ids=["page-count", "format", "operators", "lines", "markup"],
)
def test_a_title_is_shown_as_it_is(board: NoticeBoard, title: str, shown: str) -> None:
    board.publish(TOWN, "P7-0001", Content((("ca", title),), "", ()), TODAY, None, personal=False)
    found = board.find(TOWN, "P7-0001")
    assert found is not None
    assert shown in words_of(diligence(found))


@pytest.mark.parametrize(
    "title", ["布告 🏛", "\u202eidnac", "a" * 256, "à " * 128, "\u0301" * 256, "\u00ad" * 256]
)
def test_letters_that_no_font_has_and_long_words_make_a_pdf_all_the_same(
    board: NoticeBoard, title: str
) -> None:
    many = tuple(Document("x" * 255, "ca", DIGEST) for _ in range(20))
    board.publish(TOWN, "P" * 256, Content((("oc", title),), "", many), TODAY, None, personal=False)
    found = board.find(TOWN, "P" * 256)
    assert found is not None
    said = words_of(diligence(found))
    assert said.count(DIGEST.hex()) == 20


class Forgetting:
    """Says that a request is erased once it is `answered`, and which it was asked to erase."""

    def __init__(self) -> None:
        self.answered, self.asked = False, list[str]()

    def __call__(self, organisation: str, request_id: str) -> bool:
        self.asked.append(f"{organisation} {request_id}")
        return self.answered


@pytest.mark.parametrize("personal", [True, False], ids=["of-one-that-is-over", "of-one-never-taken"])
def test_requests_that_told_of_personal_data_are_erased_once_answered(
    database: Database, clock: HandClock, personal: bool
) -> None:
    """The second: personal data were sent under a name that a notice without any has."""
    create(database, TABLES)
    forget = Forgetting()
    board = NoticeBoard(database, clock, forget)
    published(board, personal=personal)
    board.told(TOWN, "R-1", "P7-0001")
    board.told(OTHER, "R-2", "P7-0001")
    if personal:
        board.erase()
        assert forget.asked == [], "it hangs there still"
        board.withdraw(TOWN, "P7-0001")
    board.erase()
    assert set(forget.asked) == {f"{TOWN} R-1"}
    forget.answered = True
    board.erase()
    forget.asked.clear()
    board.erase()
    assert forget.asked == [], "once is enough"


def test_what_is_due_is_found_without_looking_at_what_is_not(
    board: NoticeBoard, database: Database, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is looked for with every request: a walk would make each cost more than the one before."""
    asked: list[str] = []
    rows = database.rows

    def noted(statement: str, *values: Any) -> Any:
        asked.extend(str(line[3]) for line in rows(f"EXPLAIN QUERY PLAN {statement}", *values))
        return rows(statement, *values)

    monkeypatch.setattr(database, "rows", noted)
    published(board, last=TODAY, personal=True)
    board.told(TOWN, "request", "P7-0001")
    clock.advance(days=3)
    assert board.erase()
    walked = [each for each in asked if each.startswith("SCAN") and "USING" not in each]
    assert (walked, any("etauler_messages_due" in each for each in asked)) == (["SCAN CONSTANT ROW"], True)
