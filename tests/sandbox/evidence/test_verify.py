"""Verification of receipts whose headers and tries py-evm and py-trie made: good ones, and bad ones."""

from __future__ import annotations

import hashlib
import json
import random
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sandbox.errors import MalformedEvidence
from sandbox.evidence import check, receipt
from sandbox.evidence.checkpoint import Checkpoint, sign_checkpoint
from sandbox.evidence.digest import Digest
from sandbox.evidence.entry import Entry
from sandbox.evidence.note import NoteSigner
from sandbox.evidence.policy import LOG_ONLY, STANDARD, Policy
from sandbox.evidence.report import Result
from sandbox.evidence.sealer import ClockMoved
from sandbox.evidence.trust import TrustedKey
from sandbox.evidence.verify import verify, verify_many

STEPS = [
    "document-digest",
    "commitment",
    "entry",
    "inclusion",
    "checkpoint",
    "contract",
    "sealed-header",
    "validity-and-time",
    "transaction-receipt",
    "anchored-root",
    "timestamps",
    "later-status",
    "witnesses",
    "lower-bound",
    "algorithms",
    "renewal",
]
FORGER = NoteSigner("baas.example/seal", hashlib.sha256(b"forger").digest())  # the sealer's name, another key
EARLY = datetime(2026, 1, 1, tzinfo=UTC)
SPRING = datetime(2026, 5, 1, tzinfo=UTC)
SUMMER = datetime(2026, 7, 1, tzinfo=UTC)


def keys_of(report: Any) -> list[str]:
    return [step.outcome.key for step in report.steps]


def test_a_good_receipt(world: Any) -> None:
    report = verify(world.document, world.receipt(), world.trust())
    assert report.ok
    assert report.failed_step is None
    assert [step.name for step in report.steps] == STEPS
    assert [step.number for step in report.steps] == list(range(1, 17))
    assert [step.outcome.result for step in report.steps] == [Result.PASSED] * 10 + [Result.NOT_CHECKED] * 6
    assert report.layers == {
        "document": Result.PASSED,
        "log": Result.PARTIAL,  # no witness was demanded: another view of the log is not excluded
        "anchor": Result.PASSED,
        "time": Result.PARTIAL,
        "status": Result.NOT_CHECKED,
    }
    assert "beyond size 7" in report.steps[11].outcome.text
    assert "2026-06-01T09:00:00Z" in report.to_text()
    assert json.loads(json.dumps(report.to_dict()))["steps"][9]["values"]["size"] == 7


@pytest.mark.parametrize("index", range(1, 7))
@pytest.mark.parametrize("transaction_index", [0, 1, 15, 127, 128])
def test_every_place_in_log_and_block(world: Any, index: int, transaction_index: int) -> None:
    placed = world.but(transaction_index=transaction_index, transactions=130)
    assert verify(placed.document_at(index), placed.receipt(index), placed.trust()).ok


def test_a_block_of_one_transaction(world: Any) -> None:
    alone = world.but(transaction_index=0, transactions=1)
    assert verify(alone.document, alone.receipt(), alone.trust()).ok


def test_bytes_file_and_digest_give_the_same_report(world: Any, tmp_path: Path) -> None:
    made, trust = world.receipt(), world.trust()
    path = tmp_path / "decret.pdf"
    path.write_bytes(world.document)
    digest = Digest("sha-256", hashlib.sha256(world.document).digest())
    assert verify(world.document, made, trust) == verify(path, made, trust) == verify(digest, made, trust)
    for other in (b"another", Digest("sha-256", bytes(32)), Digest("sha3-256", digest.value)):
        report = verify(other, made, trust)
        assert report.failed_step == "document-digest"
        assert keys_of(report)[0] == "document.differs"


def test_an_updated_pdf_matches_its_first_revision(world: Any, tmp_path: Path) -> None:
    signed_once = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\nstartxref\n9\n%%EOF\n"
    signed_twice = signed_once + b"2 0 obj\n<<>>\nendobj\nstartxref\n50\n%%EOF\n"
    pdf_world = world.but(document=signed_once)
    path = tmp_path / "signed.pdf"
    path.write_bytes(signed_twice)
    for document in (path, signed_twice):
        report = verify(document, pdf_world.receipt(), pdf_world.trust())
        assert report.ok
        assert keys_of(report)[0] == "document.revision"
        assert "revision 1 of 2" in report.steps[0].outcome.text
    altered = signed_twice.replace(b"1 0 obj", b"3 0 obj", 1)
    assert verify(altered, pdf_world.receipt(), pdf_world.trust()).failed_step == "document-digest"


def swap_anchor(**changes: Any) -> Callable[[Any, Any], Any]:
    return lambda _, made: replace(made, anchor=replace(made.anchor, **changes))


def swap_inclusion(**changes: Any) -> Callable[[Any, Any], Any]:
    return lambda _, made: replace(made, inclusion=replace(made.inclusion, **changes))


def swap_salt(_: Any, made: Any) -> Any:
    return replace(made, document=replace(made.document, salt=bytes(32)))


def other_entry(_: Any, made: Any) -> Any:
    return replace(made, entry=Entry("notarise", bytes(32)))


def empty_entry(_: Any, made: Any) -> Any:
    return replace(made, entry=Entry("revoke", None, 1))


def other_kind(_: Any, made: Any) -> Any:
    return replace(made, entry=Entry("supersede", made.entry.commitment, 1))


def other_proof(world: Any, made: Any) -> Any:
    return replace(made, inclusion=world.receipt(2).inclusion)


def other_header(world: Any, made: Any) -> Any:
    return swap_anchor(header=world.but(block_number=13).anchor().header)(world, made)


def other_blocks_note(world: Any, made: Any) -> Any:
    return swap_anchor(sealer_note=world.but(block_number=13).anchor().sealer_note)(world, made)


def other_receipts_proof(world: Any, made: Any) -> Any:
    return swap_anchor(receipt_proof=world.but(transaction_index=5).anchor().receipt_proof)(world, made)


def own_checkpoint(_: Any, made: Any) -> Any:
    own = NoteSigner("baas.example/log", hashlib.sha256(b"own").digest())
    return replace(made, checkpoint=sign_checkpoint(checkpoint_of(made), [own]))


def unsigned_size(_: Any, made: Any) -> Any:
    return replace(made, checkpoint=made.checkpoint.replace("\n7\n", "\n8\n", 1))


def checkpoint_of(made: Any) -> Checkpoint:
    lines = made.checkpoint.split("\n")
    from base64 import b64decode

    return Checkpoint(lines[0], int(lines[1]), b64decode(lines[2]))


@pytest.mark.parametrize(
    ("change", "step"),
    [
        (swap_salt, "entry"),
        (other_entry, "entry"),
        (empty_entry, "entry"),
        (other_kind, "inclusion"),
        (other_proof, "inclusion"),
        (swap_inclusion(index=3), "inclusion"),
        (swap_inclusion(size=9), "inclusion"),
        (swap_inclusion(size=8), "checkpoint"),  # leaf 4's path has the same shape in 7 and in 8 leaves
        (swap_inclusion(index=7), "inclusion"),
        (swap_inclusion(proof=()), "inclusion"),
        (lambda _, made: replace(made, checkpoint="nothing"), "inclusion"),
        (swap_inclusion(origin="baas.example/other"), "checkpoint"),
        (own_checkpoint, "checkpoint"),
        (unsigned_size, "checkpoint"),
        (lambda _, made: replace(made, anchor=None), "contract"),
        (swap_anchor(chain_id=1), "contract"),
        (swap_anchor(contract=b"\x01" * 20), "contract"),
        (swap_anchor(header=b""), "sealed-header"),
        (swap_anchor(header=b"\xc0"), "sealed-header"),
        (swap_anchor(sealer_note="nothing"), "sealed-header"),
        (other_header, "sealed-header"),
        (other_blocks_note, "sealed-header"),
        (swap_anchor(transaction_index=4), "transaction-receipt"),
        (swap_anchor(transaction_index=400), "transaction-receipt"),
        (swap_anchor(transaction_receipt=b"\x02\xc0"), "transaction-receipt"),
        (swap_anchor(receipt_proof=()), "transaction-receipt"),
        (other_receipts_proof, "transaction-receipt"),
        (swap_anchor(log_index=0), "anchored-root"),
        (swap_anchor(log_index=2), "anchored-root"),
    ],
)
def test_an_altered_receipt_is_refused_at_its_step(
    world: Any, change: Callable[[Any, Any], Any], step: str
) -> None:
    report = verify(world.document, change(world, world.receipt()), world.trust())
    assert not report.ok
    assert report.failed_step == step
    at = STEPS.index(step)
    assert [s.outcome.result for s in report.steps[:at]] == [Result.PASSED] * at
    assert all(s.outcome.result is not Result.PASSED for s in report.steps[at:])


@pytest.mark.parametrize(
    ("changes", "step"),
    [
        ({"sealing_signer": FORGER}, "sealed-header"),
        ({"emitter": b"\x0e" * 20}, "anchored-root"),
        ({"topic": b"\x0f" * 32}, "anchored-root"),
        ({"anchored_root": bytes(32)}, "anchored-root"),
        ({"anchored_size": 8}, "anchored-root"),
        ({"anchored_size": 1}, "anchored-root"),
        ({"status": b""}, "transaction-receipt"),
        ({"header_seconds_after_sealing": 16}, "validity-and-time"),
        ({"sealed_ms": int(EARLY.timestamp() * 1000) - 1}, "validity-and-time"),
        ({"sealed_ms": int(datetime(2027, 1, 1, tzinfo=UTC).timestamp() * 1000)}, "validity-and-time"),
        ({"sealed_ms": 2**62}, "sealed-header"),
    ],
)
def test_a_self_consistent_but_wrong_anchor_is_refused(
    world: Any, changes: dict[str, Any], step: str
) -> None:
    """Everything fits together (header, trie, note, event); only the trust root tells it from the truth."""
    trust = world.trust()
    if changes == {"sealed_ms": 2**62}:
        made = replace(world.receipt(), anchor=replace(world.anchor(), sealer_note=""))
    else:
        made = world.but(**changes).receipt()
    assert verify(world.document, made, trust).failed_step == step


@pytest.mark.parametrize("seconds", [86_400, 0, -3_600])
def test_a_moved_clock_is_flagged_and_never_hidden(world: Any, seconds: int) -> None:
    moved = world.but(moved=ClockMoved(2, seconds * 1000), header_seconds_after_sealing=seconds)
    report = verify(moved.document, moved.receipt(), moved.trust())
    assert report.ok
    (flag,) = report.flags
    assert (flag.name, flag.outcome.key) == ("validity-and-time", "time.moved")
    assert "moved by an administrator, 2 time(s)" in flag.outcome.text
    assert report.to_dict()["flags"] == ["time.moved"]
    assert "FLAG: see step 'validity-and-time'" in report.to_text()
    plain = verify(world.document, world.receipt(), world.trust())
    assert (plain.flags, plain.to_dict()["flags"]) == ((), [])


@pytest.mark.parametrize(("offset", "seconds"), [(3_600, 3_616), (-3_600, -3_584), (0, 16)])
def test_more_ahead_than_the_stated_move_is_refused(world: Any, offset: int, seconds: int) -> None:
    moved = world.but(moved=ClockMoved(1, offset * 1000), header_seconds_after_sealing=seconds)
    assert verify(moved.document, moved.receipt(), moved.trust()).failed_step == "validity-and-time"


def test_fifteen_seconds_ahead_are_allowed(world: Any) -> None:
    ahead = world.but(header_seconds_after_sealing=15)
    assert verify(ahead.document, ahead.receipt(), ahead.trust()).ok
    behind = world.but(header_seconds_after_sealing=-3600)
    assert verify(behind.document, behind.receipt(), behind.trust()).ok


@pytest.mark.parametrize("which", ["log_key", "sealing_key"])
@pytest.mark.parametrize(
    ("start", "end", "ok"), [(EARLY, SPRING, False), (SUMMER, None, False), (EARLY, None, True)]
)
def test_keys_speak_only_in_their_time(
    world: Any, which: str, start: datetime, end: datetime | None, ok: bool
) -> None:
    signer = world.log_signer if which == "log_key" else world.sealing_signer
    limited = world.but(**{which: TrustedKey(signer.verifier, start, end)})
    report = verify(limited.document, limited.receipt(), limited.trust())
    assert report.failed_step == (None if ok else "validity-and-time")


def test_a_foreign_trust_root(world: Any) -> None:
    for foreign in (
        world.but(origin="baas.example/another"),
        world.but(log_signer=NoteSigner("baas.example/log", bytes(32))),
    ):
        report = verify(world.document, world.receipt(), foreign.trust())
        assert report.failed_step == "checkpoint"
    foreign = world.but(contract=b"\x77" * 20)
    assert verify(world.document, world.receipt(), foreign.trust()).failed_step == "contract"


def test_a_receipt_that_is_not_anchored_yet(world: Any) -> None:
    made = world.receipt(anchored=False)
    report = verify(world.document, made, world.trust())
    assert (report.ok, report.failed_step) == (False, "contract")
    assert report.layers["anchor"] is Result.NOT_CHECKED
    report = verify(world.document, made, world.trust(), LOG_ONLY)
    assert report.ok
    assert report.layers["time"] is report.layers["anchor"] is Result.NOT_CHECKED


def test_a_forged_anchor_is_never_ok_even_where_none_is_required(world: Any) -> None:
    forged = world.but(sealing_signer=FORGER).receipt()
    report = verify(world.document, forged, world.trust(), LOG_ONLY)
    assert (report.ok, report.failed_step) == (False, "sealed-header")


def test_policies() -> None:
    with pytest.raises(ValueError, match="at least one step"):
        Policy(frozenset())
    with pytest.raises(ValueError, match="no such step: magic"):
        Policy(frozenset({"magic", "entry"}))
    assert STANDARD.required == frozenset(STEPS[:10])
    assert LOG_ONLY.required == frozenset(STEPS[:5])


def test_what_is_required_but_cannot_be_checked_is_not_ok(world: Any) -> None:
    report = verify(world.document, world.receipt(), world.trust(), Policy(frozenset({"timestamps"})))
    assert (report.ok, report.failed_step) == (False, "timestamps")
    stamped = replace(world.receipt(), timestamps=(b"0\x03\x02\x01\x00",))
    report = verify(world.document, stamped, world.trust())
    assert report.steps[10].outcome.result is Result.NOT_CHECKED
    assert report.steps[10].outcome.key == "timestamps.no-root"


def test_two_steps_cannot_share_a_number() -> None:
    class Again:
        number, name, layer, needs_anchor = 1, "again", "document", False

        def run(self, context: Any) -> Any:
            raise AssertionError(context)

    with pytest.raises(ValueError, match="clashes"):
        check.check(Again)


@pytest.mark.long
def test_each_byte_of_a_receipt_counts(world: Any) -> None:
    """A flip leaves bytes that are refused, or a receipt that is, or one with the very same report."""
    data = bytearray(replace(world.receipt(), timestamps=(b"0\x03\x02\x01\x00",)).to_bytes())
    trust = world.trust()
    expected = verify(world.document, receipt.parse(bytes(data)), trust)
    assert expected.ok
    accepted = []
    for position in range(len(data)):
        bit = 1 << position % 8
        data[position] ^= bit
        try:
            report = verify(world.document, receipt.parse(bytes(data)), trust)
        except MalformedEvidence:
            pass
        else:
            if report.ok:
                assert report == expected
                accepted.append(position)
        data[position] ^= bit
    token = bytes(data).index(b'"token":"') + len(b'"token":"')
    assert all(token <= position < token + 8 for position in accepted), (
        "only a time-stamp's own bytes may differ"
    )


def test_each_bit_of_the_binary_parts_counts(world: Any) -> None:
    made, trust, chosen = world.receipt(), world.trust(), random.Random(7)
    anchor = made.anchor

    def flipped(value: bytes) -> list[bytes]:
        bits = [8 * i + chosen.randrange(8) for i in range(len(value))]
        return [(int.from_bytes(value, "big") ^ (1 << bit)).to_bytes(len(value), "big") for bit in bits]

    altered = [replace(made, anchor=replace(anchor, header=value)) for value in flipped(anchor.header)]
    altered += [
        replace(made, anchor=replace(anchor, transaction_receipt=value))
        for value in flipped(anchor.transaction_receipt)
    ]
    for i, node in enumerate(anchor.receipt_proof):
        for value in flipped(node):
            nodes = (*anchor.receipt_proof[:i], value, *anchor.receipt_proof[i + 1 :])
            altered.append(replace(made, anchor=replace(anchor, receipt_proof=nodes)))
    assert len(altered) > 1500
    assert not any(report.ok for report in verify_many(((world.document, each) for each in altered), trust))


def test_many_share_work_and_answer_as_one_by_one(world: Any) -> None:
    trust, made = world.trust(), world.receipt()
    cases = [(world.document_at(i), world.receipt(i)) for i in range(1, 7)]
    cases += [
        (world.document, swap_inclusion(size=8)(world, made)),
        (world.document, swap_inclusion(origin="baas.example/other")(world, made)),
        (world.document, other_header(world, made)),
        (world.document, swap_anchor(transaction_index=4)(world, made)),
        (world.document, world.but(sealing_signer=FORGER).receipt()),
        (b"another document", made),
        (world.document, made),
    ]
    reports = list(verify_many(cases, trust))
    assert reports == [verify(document, each, trust) for document, each in cases]
    assert [report.ok for report in reports] == [True] * 6 + [False] * 6 + [True]


def test_names_in_a_receipt_cannot_steer_the_terminal(world: Any) -> None:
    hostile = swap_inclusion(origin="x\x1b[2J\u009b\u202e")(world, world.receipt())
    text = verify(world.document, hostile, world.trust()).to_text()
    assert not {"\x1b", "\x9b", "\u202e"} & set(text)


def test_verification_loads_no_chain_and_no_service() -> None:
    program = """
import sys, sandbox.evidence.verify, sandbox.evidence.tiles
print(",".join(sorted({name.split(".")[0] for name in sys.modules})))
"""
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=root
    )
    loaded = set(done.stdout.strip().split(","))
    assert {"sandbox", "cryptography", "sha3"} <= loaded
    assert not loaded & {
        "web3",
        "eth",
        "eth_abi",
        "trie",
        "rlp",
        "sqlite3",
        "httpx2",
        "fastapi",
        "sqlalchemy",
        "pydantic",
        "baas",
        "socket",
    }
