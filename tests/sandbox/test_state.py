"""The canonical digest of a state: fixed by hand once, and what does not change it."""

import hashlib

import pytest

from sandbox.evidence.keccak import keccak
from sandbox.state import NO_CODE, AccountState, state_digest

ONE, TWO = sorted(keccak(bytes([n]) * 20) for n in (1, 2))


def test_the_form_is_fixed():
    account = AccountState(ONE, 7, 9, NO_CODE, [(b"\x01" * 32, 5)])
    expected = (
        ONE + (7).to_bytes(8) + (9).to_bytes(32) + NO_CODE + (1).to_bytes(8) + b"\x01" * 32 + (5).to_bytes(32)
    )
    assert state_digest([account]) == hashlib.sha256(expected).digest()
    assert state_digest([]) == hashlib.sha256().digest()


def test_empty_accounts_and_zero_slots_are_no_state():
    full = AccountState(TWO, 1, 0, NO_CODE)
    assert state_digest([AccountState(ONE, 0, 0, NO_CODE), full]) == state_digest([full])
    with_zero = AccountState(TWO, 1, 0, NO_CODE, [(b"\x01" * 32, 0)])
    assert state_digest([with_zero]) == state_digest([full])


@pytest.mark.parametrize(
    "changed", [{"nonce": 2}, {"balance": 1}, {"code_hash": bytes(32)}, {"slots": [(TWO, 1)]}]
)
def test_every_part_counts(changed):
    values = {"key": ONE, "nonce": 1, "balance": 0, "code_hash": NO_CODE}
    assert state_digest([AccountState(**values)]) != state_digest([AccountState(**values | changed)])


def test_order_is_required():
    accounts = [AccountState(TWO, 1, 0, NO_CODE), AccountState(ONE, 1, 0, NO_CODE)]
    with pytest.raises(ValueError, match="order"):
        state_digest(accounts)
    with pytest.raises(ValueError, match="order"):
        state_digest([AccountState(ONE, 1, 0, NO_CODE, [(TWO, 1), (ONE, 1)])])
