"""The records of permissions and of refusals: every change kept, all or nothing, and what is bounded."""

import sqlite3
import threading
from contextlib import closing

import pytest

from sandbox.chain import Chain
from sandbox.chain_file import DATABASE, ChainFile
from sandbox.errors import BadPermission, NotYoursToChange, TooManyPermissions, UnknownPermission
from sandbox.permission_records import MOST_OF_AN_ADDRESS, PermissionRecords
from sandbox.permissions import ActKind, Authority, Permission, Role, as_json
from sandbox.refusal_records import MOST_DETAIL, REFUSALS_KEPT, Refusal, RefusalRecords

A, B = b"\x0a" * 20, b"\x0b" * 20
DAY_MS = 86_400_000


@pytest.fixture
def file(tmp_path):
    sqlite3.connect(tmp_path / DATABASE).close()
    with closing(ChainFile(tmp_path)) as opened:
        yield opened


@pytest.fixture
def records(file):
    return PermissionRecords(file, lambda: 1_700_000_000_123)


FULL = Permission(A, ActKind.SEND, Role.MANAGER, B, b"\x11\x22\x33\x44", 2**255, 2**39)


def test_a_permission_comes_back_whole(records):
    (added,) = records.add([FULL], "anna")
    assert records.get(added.id) == added
    assert as_json(added) == as_json(FULL) | {"id": added.id}
    assert records.current().of == {A: [added]}


def test_every_change_is_kept_with_actor_time_before_and_after(records):
    (added,) = records.add([FULL], "anna")
    assert records.add([FULL], "berta") == [added]  # the same again changes nothing
    records.remove([added.id], "berta")
    records.suspend(True, "anna")
    first, second, third = records.changes()
    assert (first.action, first.actor, first.at_ms, first.before) == ("add", "anna", 1_700_000_000_123, None)
    assert first.after == as_json(added) == second.before
    assert (second.action, second.actor, second.permission, second.after) == (
        "remove",
        "berta",
        added.id,
        None,
    )
    assert (third.action, records.current().suspended) == ("suspend", True)
    records.suspend(False, "anna")
    assert not records.current().suspended
    assert records.revision() == 4
    assert [each.id for each in records.changes(after=1, limit=2)] == [2, 3]


@pytest.mark.parametrize(
    "statement", ["DELETE FROM permission_changes", "UPDATE permission_changes SET actor = 'x'"]
)
def test_the_record_of_changes_only_grows(records, file, statement):
    records.add([FULL], "anna")
    with pytest.raises(sqlite3.IntegrityError, match="kept"), file.transaction() as db:
        db.execute(statement)


def test_a_number_is_never_used_again(records):
    (first,) = records.add([FULL], "")
    records.remove([first.id], "")
    (second,) = records.add([FULL], "")
    assert second.id > first.id


def test_all_or_nothing(records):
    with pytest.raises(NotYoursToChange):
        records.add([Permission(A, ActKind.SEND), FULL], "berta", Authority.MANAGER)
    assert (records.page(0, 10), records.changes()) == ([], [])
    (kept,) = records.add([Permission(A, ActKind.SEND)], "anna")
    with pytest.raises(UnknownPermission):
        records.remove([kept.id, kept.id + 1], "anna")
    assert records.page(0, 10) == [kept]


def test_a_manager_neither_gives_nor_takes_what_takes_an_admin(records):
    (manager,) = records.add([FULL], "anna")
    (enabled,) = records.add([Permission(A, ActKind.SEND)], "berta", Authority.MANAGER)
    with pytest.raises(NotYoursToChange) as refused:
        records.remove([manager.id], "berta", Authority.MANAGER)
    assert refused.value.role == "manager"
    with pytest.raises(NotYoursToChange):
        records.remove_all(A, ActKind.SEND, "berta", Authority.MANAGER)
    records.remove([enabled.id], "berta", Authority.MANAGER)
    assert records.page(0, 10) == [manager]


def test_an_address_has_so_many_at_most(records):
    records.add([Permission(A, ActKind.SEND, max_value=number) for number in range(MOST_OF_AN_ADDRESS)], "")
    with pytest.raises(TooManyPermissions):
        records.add([Permission(A, ActKind.DEPLOY)], "")
    records.add([Permission(B, ActKind.DEPLOY)], "")


def test_pages(records):
    added = records.add([Permission(each, act) for each in (A, B) for act in ActKind], "")
    assert records.page(0, 3) == added[:3]
    assert records.page(added[2].id, 3) == added[3:]
    assert records.page(0, 10, B) == added[2:]


def test_an_expired_permission_is_no_permission_whatever_the_chains_clock_says(tmp_path, spec, wallet):
    now = 1_800_000_000.0
    with Chain.create(tmp_path / "chain", spec, clock=lambda: now) as chain:
        chain.allow(wallet.address, "send", expires=1_800_000_010)
        chain.submit(wallet.next())
        now = 1_800_000_009.9
        assert chain.explain({"from": wallet.address, "to": wallet.address})["allowed"]
        now = 1_800_000_010.0
        assert chain.explain({"from": wallet.address, "to": wallet.address})["rule"] == "expired"
        assert chain.may(wallet.address) == frozenset()


def test_a_permission_that_is_taken_away_lets_nothing_pass_afterwards(chain, wallet):
    """Whoever sends all the time: what was accepted after the taking away is nothing."""
    given = chain.allow(wallet.address, "send")
    over, accepted = threading.Event(), []

    def send():
        while not over.is_set():
            try:
                chain.submit(wallet.next())
                accepted.append(1)
            except Exception:  # refused: from now on all are
                wallet.nonce -= 1

    sender = threading.Thread(target=send)
    sender.start()
    while not accepted:
        assert sender.is_alive()
    chain.withdraw(given.id)
    before = chain._gateway.admission.next_nonce(bytes.fromhex(wallet.address[2:]))
    over.set()
    sender.join()
    assert chain._gateway.admission.next_nonce(bytes.fromhex(wallet.address[2:])) == before


# refusals


def refusal(number, rule="method-table", sender=None):
    return Refusal(number, "public", -32601, rule, sender, None, "x", detail="y" * 1_000)


def test_refusals_are_bounded_and_their_counts_stay(file):
    refusals = RefusalRecords(file)
    refusals.add([refusal(number) for number in range(REFUSALS_KEPT)])
    refusals.add([refusal(DAY_MS, "nonce", A)])
    kept = refusals.newest(limit=2 * REFUSALS_KEPT)
    assert len(kept) == REFUSALS_KEPT
    assert (kept[0].at_ms, kept[-1].at_ms, len(kept[0].detail)) == (DAY_MS, 1, MOST_DETAIL)
    assert [(each.day, each.rule, each.number) for each in refusals.by_day()] == [
        (1, "nonce", 1), (0, "method-table", REFUSALS_KEPT),
    ]  # fmt: skip
    most, least = refusals.by_rule_and_sender()
    assert (most.rule, most.sender, most.number, most.first_ms) == (
        "method-table",
        None,
        REFUSALS_KEPT - 1,
        1,
    )
    assert (least.rule, least.sender, least.last_ms) == ("nonce", A, DAY_MS)


def test_refusals_by_rule_and_by_sender(file):
    refusals = RefusalRecords(file)
    refusals.add(
        [refusal(number, ("nonce", "value")[number % 2], (A, B)[number // 2 % 2]) for number in range(8)]
    )
    assert [each.at_ms for each in refusals.page(0, 10, rule="nonce")] == [0, 2, 4, 6]
    assert [each.at_ms for each in refusals.page(0, 10, rule="value", sender=A)] == [1, 5]
    assert [each.at_ms for each in refusals.page(4, 2)] == [4, 5]


def test_what_the_gateway_refuses_says_all_that_is_known(chain, wallet):
    near = chain.allow(wallet.address, "send", target="0x" + "11" * 20, max_value=0)
    with pytest.raises(Exception, match="not authorized"):
        chain.submit(wallet.sign(value=7, data=bytes.fromhex("a9059cbb00")))
    (kept,) = chain.refusals.newest()
    assert (kept.rule, kept.permission, kept.value, kept.selector) == (
        "value", near.id, "7", bytes.fromhex("a9059cbb"),
    )  # fmt: skip
    with pytest.raises(Exception, match="Nonce too high"):
        chain.submit(wallet.sign(nonce=3))
    assert chain.refusals.newest(1)[0].detail == "expected 0, got 3"


def test_a_permission_that_is_over_already_is_refused(chain):
    """It would be listed as one and allow nothing."""
    with pytest.raises(BadPermission, match="expected a moment to come"):
        chain.allow(b"\x01" * 20, "send", expires=1_577_923_200)
    assert chain.permissions() == []
