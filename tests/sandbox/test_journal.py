"""The journal: one commit or nothing, arrival order, and what is bounded."""

import sqlite3
import stat
from contextlib import closing
from dataclasses import replace

import pytest

from sandbox.account_records import AccountRecord, AccountRecords, AccountState
from sandbox.chain_file import DATABASE, ChainFile
from sandbox.errors import AccountError, ChainNotFound
from sandbox.journal import ChainRow, Journal, Pending
from sandbox.spec import ChainSpec

A, B = b"\x0a" * 20, b"\x0b" * 20


@pytest.fixture
def file(tmp_path):
    sqlite3.connect(tmp_path / DATABASE).close()
    with closing(ChainFile(tmp_path)) as opened:
        yield opened


@pytest.fixture
def journal(file):
    return Journal(file)


def waiting(number, sender=A):
    return Pending(bytes([number]) * 32, b"raw", sender, number, 1_000 + number)


def test_no_file_is_no_chain(tmp_path):
    with pytest.raises(ChainNotFound):
        ChainFile(tmp_path)


def test_a_file_without_its_row_is_no_chain(journal):
    with pytest.raises(ChainNotFound):
        journal.chain()


def test_private_and_fully_synchronous(journal, file, tmp_path):
    journal.accept([waiting(1)])
    for name in (DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    assert file._writer.execute("PRAGMA synchronous").fetchone() == (2,)
    assert file._writer.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_the_chain_row_comes_back(journal):
    row = ChainRow(ChainSpec(7, 0), b"\x01" * 32, "example.cat", b"\x02" * 32)
    journal.describe(row)
    assert journal.chain() == row
    assert str(row.sealing_key) not in repr(row)


def test_pending_in_arrival_order(journal):
    journal.accept([waiting(3), waiting(1, B)])
    journal.accept([waiting(2)])
    assert [one.hash[0] for one in journal.pending(10)] == [3, 1, 2]
    assert [one.hash[0] for one in journal.pending(2)] == [3, 1]
    assert journal.last_pending_nonce(A) == 3
    assert journal.last_pending_nonce(b"\x0c" * 20) is None
    assert journal.pending_transaction(b"\x02" * 32) == waiting(2)
    assert journal.pending_transaction(b"\x09" * 32) is None


def test_all_or_none(journal):
    journal.accept([waiting(1)])
    with pytest.raises(sqlite3.IntegrityError):
        journal.accept([waiting(2), waiting(1)])
    assert journal.pending_count() == 1


def test_dropped_with_the_reason_until_sent_again(journal):
    journal.accept([waiting(1), waiting(2)])
    journal.drop([(b"\x01" * 32, "too slow")], at_ms=5)
    assert journal.dropped_reason(b"\x01" * 32) == "too slow"
    assert [one.hash[0] for one in journal.pending(10)] == [2]
    journal.accept([waiting(1)])
    assert journal.dropped_reason(b"\x01" * 32) is None


def test_a_label_is_used_once(file):
    accounts = AccountRecords(file)
    account = AccountRecord("clerk", A, "{}", AccountState.CURRENT, 1)
    accounts.add(account)
    assert accounts.get("clerk") == account
    with pytest.raises(AccountError, match="exists"):
        accounts.add(replace(account, address=B, created_ms=2))
    with pytest.raises(AccountError, match="a key is used once"):
        accounts.add(replace(account, label="mayor"))
    with pytest.raises(AccountError, match="there are: clerk"):
        accounts.get("mayor")


def test_notes(journal):
    assert journal.last_note_number() == 0
    journal.add_notes([(1, "one"), (2, "two")])
    assert (journal.note(2), journal.note(3), journal.last_note_number()) == ("two", None, 2)


def test_a_transaction_inside_another_is_a_part_of_it(file, journal):
    with pytest.raises(RuntimeError), file.transaction():
        journal.accept([waiting(1)])
        raise RuntimeError
    assert journal.pending_count() == 0
