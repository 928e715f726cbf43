"""Who may send: default deny on both lists, and a ruling that says how to ask."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from sandbox.permissions import Act, Allowlists, transaction_allowed

ANNA, BERTA, CONTRACT = b"\x0a" * 20, b"\x0b" * 20, b"\x0c" * 20
CALL = Act(ANNA, CONTRACT, 0, 0, 100_000, bytes.fromhex("a9059cbb") + bytes(64))
CREATION = replace(CALL, target=None)


def test_an_empty_list_allows_nobody():
    ruling = transaction_allowed(Allowlists(), CALL)
    assert not ruling.allowed
    assert ruling.rule == "sender-allowlist"
    assert ruling.subject == ANNA
    assert f"0x{ANNA.hex()}" in ruling.how_to_ask and "sender" in ruling.how_to_ask


def test_a_sender_may_call_but_not_create():
    lists = Allowlists(senders=frozenset({ANNA}))
    assert transaction_allowed(lists, CALL).allowed
    ruling = transaction_allowed(lists, CREATION)
    assert not ruling.allowed
    assert ruling.rule == "deployer-allowlist"
    assert "deployer" in ruling.how_to_ask


def test_a_deployer_who_is_no_sender_may_do_nothing():
    lists = Allowlists(deployers=frozenset({ANNA}))
    assert transaction_allowed(lists, CREATION).rule == "sender-allowlist"
    assert not transaction_allowed(lists, CREATION).allowed
    assert not transaction_allowed(lists, CALL).allowed


def test_both_lists_allow_creation():
    lists = Allowlists(frozenset({ANNA}), frozenset({ANNA}))
    assert transaction_allowed(lists, CREATION).allowed


addresses = st.sampled_from([ANNA, BERTA, CONTRACT])


@given(
    senders=st.frozensets(addresses),
    deployers=st.frozensets(addresses),
    sender=addresses,
    target=st.none() | addresses,
    payload=st.binary(max_size=8),
    amounts=st.tuples(*[st.integers(0, 2**256)] * 3),
)
def test_allowed_if_and_only_if_on_the_lists(senders, deployers, sender, target, payload, amounts):
    act = Act(sender, target, *amounts, payload)
    expected = sender in senders and (target is not None or sender in deployers)
    assert transaction_allowed(Allowlists(senders, deployers), act).allowed == expected


def test_selector_is_none_for_creation_and_short_payloads():
    assert CALL.selector == bytes.fromhex("a9059cbb")
    assert CREATION.selector is None
    assert replace(CALL, payload=b"\x01\x02\x03").selector is None
