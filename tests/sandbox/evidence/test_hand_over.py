"""Evidence of hand-overs: what passes, and named bad vectors, each refused at the step that should refuse it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
import rlp
from eth_account import Account
from eth_utils.crypto import keccak
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.errors import EvidenceError, MalformedEvidence
from sandbox.evidence import hand_over, transaction
from sandbox.evidence.canonical import dumps
from sandbox.evidence.digest import Digest
from sandbox.evidence.hand_over import Bodies, HandOverEvidence, Status, parse, verify
from sandbox.evidence.hand_over_calls import Step
from sandbox.evidence.note import NoteSigner
from sandbox.evidence.report import Report, Result
from sandbox.evidence.sealer import ClockMoved, SealedBlock, sign_sealed_block
from sandbox.evidence.secp256k1 import ORDER, address_of
from tests.sandbox.evidence.hand_overs import (
    ACT,
    BODIES,
    DIGEST,
    FIRST,
    OUTCOME,
    REASON,
    SECOND,
    THIRD,
    Prover,
    salted,
    seed,
)

PROVER = Prover()
TRUST = PROVER.trust()
GOOD = PROVER.evidence()


def judged(evidence: HandOverEvidence, **changes: Any) -> Report:
    given = {"digest": DIGEST, "trust": TRUST, "bodies": BODIES, "contract": PROVER.contract} | changes
    return verify(evidence, **given)


def said(report: Report, name: str) -> str:
    [step] = [each for each in report.steps if each.name == name]
    return step.outcome.text


def test_a_completed_hand_over() -> None:
    report = judged(parse(GOOD.to_bytes()))
    assert report.ok, report.to_text()
    assert [step.name for step in report.steps] == list(hand_over.STEPS)
    assert [step.number for step in report.steps] == list(range(1, 13))
    assert {step.outcome.result for step in report.steps} == {Result.PASSED}
    assert "log" not in report.layers
    assert GOOD.status is Status.COMPLETED
    [signed] = [step.outcome.details for step in report.steps if step.name == "signatures"]
    assert [each.values["body"] for each in signed] == [
        f"0x{key.address.hex()}" for key in (FIRST, SECOND, SECOND)
    ]
    [opened] = [step.outcome.details for step in report.steps if step.name == "opened"]
    assert [each.values["digest"] for each in opened] == [OUTCOME.digest.hex()]


def test_eth_account_names_the_same_signers() -> None:
    rejected = PROVER.ended(11, step="reject", opens=REASON)
    for step in (*GOOD.steps, rejected, PROVER.accepted(by=THIRD)):
        assert bytes.fromhex(Account.recover_transaction(step.transaction)[2:]) == address_of(step.public_key)
        transaction.parse(step.transaction).require_signed_by(step.public_key)


def test_a_rejected_one_with_its_reason() -> None:
    evidence = PROVER.evidence(PROVER.offered(), PROVER.ended(11, step="reject", opens=REASON))
    report = judged(evidence)
    assert report.ok, report.to_text()
    assert (evidence.status, Status.REJECTED.is_final) == (Status.REJECTED, True)
    assert "reject: sha-256 " + REASON.digest.hex() in report.to_text()


def test_a_reason_or_outcome_may_be_kept_back() -> None:
    kept = PROVER.ended(opens=None)
    report = judged(PROVER.evidence(PROVER.offered(), PROVER.accepted(), kept))
    assert report.ok
    [opened] = [step for step in report.steps if step.name == "opened"]
    assert (opened.outcome.result, opened.required) == (Result.NOT_CHECKED, False)


@pytest.mark.parametrize("count", [1, 2])
def test_an_unfinished_one_passes_only_where_that_is_asked_for(count: int) -> None:
    evidence = PROVER.evidence(*GOOD.steps[:count])
    refused = judged(evidence)
    assert (refused.ok, refused.failed_step) == (False, "final")
    assert "what followed is not shown" in said(refused, "final")
    assert judged(evidence, final=False).ok
    assert evidence.status is [Status.OFFERED, Status.ACCEPTED][count - 1]


def test_any_trusted_contract_of_the_template_will_do_where_none_is_named() -> None:
    assert judged(GOOD, contract=None).ok


def test_a_moved_clock_is_flagged() -> None:
    moved = PROVER.but(moved=ClockMoved(1, 3_600_000), seconds_ahead=3600)
    report = judged(moved.evidence())
    assert report.ok
    assert [step.outcome.key for step in report.flags] == ["hand-over.moved"]


# -- bad vectors -------------------------------------------------------------------------------------------------------

OTHER_ACT = salted("another act")


def steps(*made: Any) -> HandOverEvidence:
    return PROVER.evidence(*made)


def changed(at: int, **changes: Any) -> HandOverEvidence:
    """The good evidence with one step's parts replaced."""
    made = list(GOOD.steps)
    made[at] = replace(made[at], **changes)
    return PROVER.evidence(*made)


def sealed_by_a_cheat(at: int, *, by: Any, public: Any) -> HandOverEvidence:
    """Whoever seals the chain puts in a transaction of its own making and the event that the contract would leave for
    the body that never signed it; tries, header and sealer's note are all as they should be."""
    made, step = list(GOOD.steps), ["offer", "accept", "complete"][at]
    body = FIRST if at == 0 else SECOND
    word = [SECOND.address, None, OUTCOME.commitment()][at]
    arguments = [ACT.commitment()] + ([] if word is None else [word])
    raw = PROVER.signed(by, step, *arguments)
    log = PROVER.log(body.address, step, ACT.commitment(), word)
    made[at] = PROVER.proof(step, raw, log, 10 + at, public.public)
    return PROVER.evidence(*made)


def other_outcome_in_the_event() -> HandOverEvidence:
    """The cheating sealer again: the body's own transaction, and an event with another outcome than it says."""
    raw = PROVER.signed(SECOND, "complete", ACT.commitment(), OUTCOME.commitment())
    log = PROVER.log(SECOND.address, "complete", ACT.commitment(), REASON.commitment())
    return steps(*GOOD.steps[:2], PROVER.proof("complete", raw, log, 12, SECOND.public))


def other_outcome_in_the_transaction() -> HandOverEvidence:
    raw = GOOD.steps[2].transaction
    altered = raw.replace(OUTCOME.commitment(), REASON.commitment())
    assert altered != raw
    log = PROVER.log(SECOND.address, "complete", ACT.commitment(), REASON.commitment())
    return steps(*GOOD.steps[:2], PROVER.proof("complete", altered, log, 12, SECOND.public))


def refused_by_the_contract() -> HandOverEvidence:
    raw = PROVER.signed(SECOND, "accept", ACT.commitment())
    log = PROVER.log(SECOND.address, "accept", ACT.commitment())
    return steps(
        GOOD.steps[0], PROVER.proof("accept", raw, log, 11, SECOND.public, status=b""), GOOD.steps[2]
    )


def through(**changes: Any) -> HandOverEvidence:
    """The acceptance, signed with something changed in the transaction."""
    raw = PROVER.signed(SECOND, "accept", ACT.commitment(), **changes)
    log = PROVER.log(SECOND.address, "accept", ACT.commitment())
    return steps(GOOD.steps[0], PROVER.proof("accept", raw, log, 11, SECOND.public), GOOD.steps[2])


def asks_for_something_else() -> HandOverEvidence:
    """The body signed a rejection; the sealer shows it as an acceptance."""
    raw = PROVER.signed(SECOND, "reject", ACT.commitment(), REASON.commitment())
    log = PROVER.log(SECOND.address, "accept", ACT.commitment())
    return steps(GOOD.steps[0], PROVER.proof("accept", raw, log, 11, SECOND.public), GOOD.steps[2])


def asks_for_no_step() -> HandOverEvidence:
    raw = PROVER.signed(SECOND, "accept", ACT.commitment(), data=b"\x01\x02\x03\x04" + ACT.commitment())
    log = PROVER.log(SECOND.address, "accept", ACT.commitment())
    return steps(GOOD.steps[0], PROVER.proof("accept", raw, log, 11, SECOND.public), GOOD.steps[2])


def put_on_the_chain(raw: bytes) -> HandOverEvidence:
    """The acceptance as these bytes, in a block whose tries, header and sealer's note are as they should be."""
    log = PROVER.log(SECOND.address, "accept", ACT.commitment())
    return steps(GOOD.steps[0], PROVER.proof("accept", raw, log, 11, SECOND.public), GOOD.steps[2])


def with_signature(change: Callable[[int, int, int], tuple[int, int, int]]) -> HandOverEvidence:
    """The acceptance with another parity, r and s than the body gave."""
    items = rlp.decode(GOOD.steps[1].transaction[1:])
    parity, r, s = (int.from_bytes(each, "big") for each in items[9:])
    changed_ones = [each.to_bytes(40, "big").lstrip(b"\x00") for each in change(parity, r, s)]
    return put_on_the_chain(b"\x02" + rlp.encode([*items[:9], *changed_ones]))


def sealed_anew(at: int, place: int, root: bytes) -> HandOverEvidence:
    """One header with another root in it (4: transactions, 5: receipts), which the chain's key has sealed."""
    items = rlp.decode(GOOD.steps[at].header)
    header = rlp.encode([*items[:place], root, *items[place + 1 :]])
    number = int.from_bytes(items[8], "big")
    block = SealedBlock(PROVER.chain_id, number, keccak(header), PROVER.sealed_ms + number * 1000)
    return changed(at, header=header, sealer_note=sign_sealed_block(block, [PROVER.sealing]))


STRANGE_SEALER = PROVER.but(sealing=NoteSigner("baas.example/seal", seed("a key of somebody else")))
OTHER_CONTRACT = PROVER.but(contract=b"\xc2" * 20)
OTHER_CHAIN = PROVER.but(chain_id=20_263)

#: Name → the evidence, the step of the report that refuses it, and a part of what it says.
BAD: dict[str, tuple[Callable[[], HandOverEvidence], str, str]] = {
    "a step left out": (lambda: steps(GOOD.steps[0], GOOD.steps[2]), "sequence", "offer, complete"),
    "the offer left out": (lambda: steps(*GOOD.steps[1:]), "sequence", "accept, complete"),
    "a step twice": (
        lambda: steps(GOOD.steps[0], GOOD.steps[1], GOOD.steps[1]),
        "sequence",
        "accept, accept",
    ),
    "steps out of turn": (
        lambda: steps(GOOD.steps[1], GOOD.steps[0], GOOD.steps[2]),
        "sequence",
        "accept, offer, complete",
    ),
    "accepted before it was offered": (
        lambda: steps(PROVER.offered(11), PROVER.accepted(10), PROVER.ended(12)),
        "order",
        "block 10, transaction 1 is shown after one at block 11",
    ),
    "two steps in one place": (
        lambda: steps(PROVER.offered(10), PROVER.accepted(10), PROVER.ended(12)),
        "order",
        "block 10",
    ),
    "completed after it was rejected": (
        lambda: steps(PROVER.offered(), PROVER.ended(11, step="reject", opens=REASON), PROVER.ended(12)),
        "sequence",
        "offer, reject, complete",
    ),
    "a step of another act": (
        lambda: steps(GOOD.steps[0], PROVER.accepted(act=OTHER_ACT.commitment()), GOOD.steps[2]),
        "signatures",
        "the transaction asks for accept of " + OTHER_ACT.commitment().hex(),
    ),
    "another act than was handed over": (
        lambda: replace(GOOD, act=OTHER_ACT.commitment()),
        "act-commitment",
        "the steps are of " + OTHER_ACT.commitment().hex(),
    ),
    "the digest of another act": (
        lambda: PROVER.evidence(*GOOD.steps, act=OTHER_ACT),
        "act-digest",
        "this is not the act of the evidence",
    ),
    "another contract": (
        OTHER_CONTRACT.evidence,
        "hand-over-contract",
        "expected a hand-over by contract 0xc1",
    ),
    "steps of another contract": (
        lambda: PROVER.evidence(*OTHER_CONTRACT.evidence().steps),
        "signatures",
        "contract 0x" + "c2" * 20,
    ),
    "another chain": (OTHER_CHAIN.evidence, "hand-over-contract", "knows no chain 20263"),
    "steps of another chain": (
        lambda: PROVER.evidence(*OTHER_CHAIN.evidence().steps),
        "sealed-blocks",
        "the sealer's note is of chain 20263",
    ),
    "a transaction signed for another chain": (
        lambda: through(chainId=1),
        "signatures",
        "signed for chain 1 ",
    ),
    "a transaction to another contract": (
        lambda: through(to=b"\xc2" * 20),
        "signatures",
        "contract 0x" + "c2" * 20,
    ),
    "a legacy transaction": (lambda: through(type=0, gasPrice=0), "transactions", "type 2"),
    "an older typed transaction": (
        lambda: through(type=1, gasPrice=0),
        "transactions",
        "got '01'",
    ),
    "a third body's acceptance": (
        lambda: steps(GOOD.steps[0], PROVER.accepted(by=THIRD), GOOD.steps[2]),
        "signatures",
        "nobody acts for another",
    ),
    "the offering body accepts its own offer": (
        lambda: steps(GOOD.steps[0], PROVER.accepted(by=FIRST), GOOD.steps[2]),
        "signatures",
        "nobody acts for another",
    ),
    "offered to a third body": (
        lambda: steps(PROVER.offered(to=THIRD), *GOOD.steps[1:]),
        "signatures",
        "offered to another account",
    ),
    "a step signed by another key, which is shown": (
        lambda: sealed_by_a_cheat(1, by=THIRD, public=THIRD),
        "signatures",
        "accept: expected a key of the body 0x" + SECOND.address.hex(),
    ),
    "a step signed by another key, with the body's shown": (
        lambda: sealed_by_a_cheat(1, by=THIRD, public=SECOND),
        "signatures",
        "the signature is not by the public key",
    ),
    "an offer signed by another key, with the body's shown": (
        lambda: sealed_by_a_cheat(0, by=SECOND, public=FIRST),
        "signatures",
        "the signature is not by the public key",
    ),
    "a completion signed by the offering body, with the other's shown": (
        lambda: sealed_by_a_cheat(2, by=FIRST, public=SECOND),
        "signatures",
        "the signature is not by the public key",
    ),
    "a public key that is none": (
        lambda: changed(0, public_key=bytes(64)),
        "signatures",
        "expected a key of the body",
    ),
    "an altered outcome in the event": (other_outcome_in_the_event, "events", "not the event of this step"),
    "an altered outcome in the transaction": (
        other_outcome_in_the_transaction,
        "signatures",
        "the signature is not by the public key",
    ),
    "an altered outcome beside the chain": (
        lambda: changed(2, opens=REASON),
        "opened",
        "do not open the commitment",
    ),
    "something opened where nothing is": (
        lambda: changed(1, opens=OUTCOME),
        "opened",
        "no reason and no outcome",
    ),
    "a rejection shown as an acceptance": (asks_for_something_else, "signatures", "asks for reject"),
    "a call that is no step": (asks_for_no_step, "signatures", "asks for no step"),
    "a forged header without a sealer's note": (
        lambda: changed(0, header=PROVER.offered(13).header),
        "sealed-blocks",
        "the header is of 20262, 13",
    ),
    "sealed by a key that is not trusted": (
        STRANGE_SEALER.evidence,
        "sealed-blocks",
        "",
    ),
    "a block far ahead of real time": (
        PROVER.but(seconds_ahead=16).evidence,
        "block-times",
        "16000 ms ahead",
    ),
    "sealed before the key was valid": (
        PROVER.but(sealed_ms=int(datetime(2025, 12, 31, tzinfo=UTC).timestamp() * 1000)).evidence,
        "block-times",
        "was not valid",
    ),
    "a transaction that is not in the block": (
        lambda: changed(1, transaction=PROVER.signed(SECOND, "accept", ACT.commitment(), nonce=8)),
        "transactions",
        "another transaction at index 1",
    ),
    "a transaction at another index": (
        lambda: changed(1, transaction_index=0),
        "transactions",
        "",
    ),
    "a transaction of another block": (
        lambda: changed(1, transaction_proof=GOOD.steps[0].transaction_proof),
        "transactions",
        "not the one that its parent names",
    ),
    "a replayed transaction of another hand-over": (
        lambda: steps(PROVER.offered(act=OTHER_ACT.commitment()), *GOOD.steps[1:]),
        "signatures",
        "the transaction asks for offer of " + OTHER_ACT.commitment().hex(),
    ),
    "a transaction receipt of another step": (
        lambda: changed(1, receipt=GOOD.steps[2].receipt),
        "events",
        "another transaction receipt",
    ),
    "a step that the contract refused": (refused_by_the_contract, "events", "status 0"),
    "the other of the two signatures that ECDSA has": (
        lambda: with_signature(lambda parity, r, s: (1 - parity, r, ORDER - s)),
        "signatures",
        "out of its range",
    ),
    "a signature of nothing": (
        lambda: with_signature(lambda parity, r, s: (parity, 0, 0)),
        "signatures",
        "out of its range",
    ),
    "a signature with an r beyond the group": (
        lambda: with_signature(lambda parity, r, s: (parity, ORDER, s)),
        "signatures",
        "out of its range",
    ),
    "a signature with an r beyond 256 bits": (
        lambda: with_signature(lambda parity, r, s: (parity, r + 2**256, s)),
        "transactions",
        "32 bytes or fewer",
    ),
    "a signature with another s": (
        lambda: with_signature(lambda parity, r, s: (parity, r, s - 1)),
        "signatures",
        "the signature is not by the public key",
    ),
    "a truncated transaction": (
        lambda: put_on_the_chain(GOOD.steps[1].transaction[:-1]),
        "transactions",
        "this is not RLP",
    ),
    "a transaction with something after it": (
        lambda: put_on_the_chain(GOOD.steps[1].transaction + b"\x00"),
        "transactions",
        "expected one RLP item",
    ),
    "an altered note": (
        lambda: changed(1, sealer_note=GOOD.steps[1].sealer_note.replace("block 11", "block 12")),
        "sealed-blocks",
        "is wrong",
    ),
    "another transactions root": (
        lambda: sealed_anew(1, 4, seed("another root")),
        "transactions",
        "not the one that its parent names",
    ),
    "another receipts root": (
        lambda: sealed_anew(2, 5, seed("another root")),
        "events",
        "not the one that its parent names",
    ),
    "an event that is not there": (lambda: changed(1, log_index=1), "events", "none at 1"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_vectors(name: str) -> None:
    make, step, words = BAD[name]
    report = judged(parse(make().to_bytes()))
    assert report.failed_step == step, report.to_text()
    assert words in said(report, step)
    after = list(hand_over.STEPS)[list(hand_over.STEPS).index(step) + 1 :]
    results = {each.name: each.outcome.result for each in report.steps}
    assert {results[each] for each in after} <= {Result.NOT_CHECKED}


def test_who_the_bodies_are_is_not_the_evidences_to_say() -> None:
    for bodies in (
        Bodies(SECOND.address, FIRST.address),
        Bodies(FIRST.address, THIRD.address),
        Bodies(THIRD.address, SECOND.address),
    ):
        assert judged(GOOD, bodies=bodies).failed_step == "signatures"
    for pair in ((FIRST.address, FIRST.address), (b"", SECOND.address)):
        with pytest.raises(MalformedEvidence):
            Bodies(*pair)


def test_only_the_trust_root_says_what_is_trusted() -> None:
    assert judged(GOOD, trust=PROVER.trust("document-notary")).failed_step == "hand-over-contract"
    assert judged(GOOD, contract=None, trust=OTHER_CONTRACT.trust()).failed_step == "hand-over-contract"
    assert judged(GOOD, trust=STRANGE_SEALER.trust()).failed_step == "sealed-blocks"
    ended = PROVER.trust(until=datetime(2026, 5, 1, tzinfo=UTC))
    assert judged(GOOD, trust=ended).failed_step == "block-times"
    assert judged(GOOD, digest=Digest("sha3-256", ACT.digest)).failed_step == "act-digest"


# -- the file ----------------------------------------------------------------------------------------------------------


def spoilt(change: Callable[[dict[str, Any]], Any]) -> bytes:
    value = json.loads(GOOD.to_bytes())
    change(value)
    return dumps(value)


MALFORMED: dict[str, bytes] = {
    "a truncated file": GOOD.to_bytes()[:-1],
    "half of it": GOOD.to_bytes()[: len(GOOD.to_bytes()) // 2],
    "nothing": b"",
    "a line end after it": GOOD.to_bytes() + b"\n",
    "another spelling": json.dumps(json.loads(GOOD.to_bytes())).encode(),
    "an extra field": spoilt(lambda value: value.update(note="x")),
    "an extra field in a step": spoilt(lambda value: value["steps"][0].update(note="x")),
    "an extra field in what is opened": spoilt(lambda value: value["steps"][2]["opens"].update(also=[])),
    "a field left out": spoilt(lambda value: value.pop("salt")),
    "a field left out of a step": spoilt(lambda value: value["steps"][1].pop("public_key")),
    "another version": spoilt(lambda value: value.update(v=2)),
    "another type": spoilt(lambda value: value.update(type="baas-receipt")),
    "no steps": spoilt(lambda value: value.update(steps=[])),
    "four steps": spoilt(lambda value: value["steps"].append(value["steps"][2])),
    "a step that there is not": spoilt(lambda value: value["steps"][0].update(step="withdraw")),
    "upper case": spoilt(lambda value: value.update(contract="0x" + "C1" * 20)),
    "an address cut short": spoilt(lambda value: value.update(contract="0x" + "c1" * 19)),
    "a short public key": spoilt(lambda value: value["steps"][0].update(public_key="0x" + "11" * 63)),
    "a prefixed public key": spoilt(lambda value: value["steps"][0].update(public_key="0x04" + "11" * 64)),
    "an unknown algorithm": spoilt(lambda value: value.update(algorithm="md5")),
    "a negative index": spoilt(lambda value: value["steps"][0].update(log_index=-1)),
    "chain zero": spoilt(lambda value: value.update(chain_id=0)),
    "a number as text": spoilt(lambda value: value.update(chain_id="20262")),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_what_is_no_evidence(name: str) -> None:
    with pytest.raises(MalformedEvidence):
        parse(MALFORMED[name])


def test_it_is_told_from_other_files() -> None:
    assert hand_over.is_one(GOOD.to_bytes())
    assert hand_over.is_one(MALFORMED["an extra field"])
    assert not hand_over.is_one(MALFORMED["another type"])
    assert not hand_over.is_one(MALFORMED["half of it"])
    assert not hand_over.is_one(b"[1]")


def test_what_is_written_is_read_again() -> None:
    assert parse(GOOD.to_bytes()) == GOOD
    assert json.loads(GOOD.to_bytes())["type"] == "baas-hand-over"


def accepted(data: bytes) -> bool:
    try:
        return judged(parse(data)).ok
    except EvidenceError:
        return False


def test_every_byte_that_is_altered_shows() -> None:
    """One bit of every 23rd byte of the file, which falls into every part of it."""
    data = GOOD.to_bytes()
    assert accepted(data)
    for place in range(0, len(data), 23):
        altered = data[:place] + bytes([data[place] ^ (1 << place % 7)]) + data[place + 1 :]
        assert not accepted(altered), (place, data[max(0, place - 40) : place + 40])


@pytest.mark.long
@settings(max_examples=600, deadline=None, derandomize=True)
@given(place=st.integers(0, len(GOOD.to_bytes()) - 1), value=st.integers(1, 255))
def test_any_byte_that_is_altered_shows(place: int, value: int) -> None:
    data = GOOD.to_bytes()
    assert not accepted(data[:place] + bytes([data[place] ^ value]) + data[place + 1 :])


@settings(max_examples=40, deadline=None, derandomize=True)
@given(order=st.lists(st.integers(0, 3), min_size=1, max_size=3))
def test_no_other_choice_of_steps_is_a_hand_over(order: list[int]) -> None:
    """Of true steps of one act, also one rejection that stands in no such hand-over."""
    made = [*GOOD.steps, PROVER.ended(13, step="reject", opens=REASON)]
    evidence = PROVER.evidence(*(made[each] for each in order))
    whole = {(0,), (0, 1), (0, 3), (0, 1, 2)}
    assert judged(evidence, final=False).ok is (tuple(order) in whole)
    assert (evidence.status is not None) is (tuple(order) in whole)


def test_the_steps_have_the_names_of_the_contracts_calls() -> None:
    assert [str(each) for each in Step] == ["offer", "accept", "reject", "complete"]
