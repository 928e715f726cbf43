"""Cosignatures against the published vectors (tests/vectors/witness), and whatever is wrong with them."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.errors import EvidenceError, MalformedEvidence, VerificationError
from sandbox.evidence.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from sandbox.evidence.cosignature import (
    CosignatureVerifier,
    Cosigner,
    open_cosignatures,
    time_of,
    with_cosignatures,
)
from sandbox.evidence.note import NoteSigner, NoteVerifier, open_note, split

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "vectors/witness/cosignature.json").read_text()
)
SIGNED = VECTORS["signed"]
LOG = NoteVerifier.from_vkey(SIGNED["log_seed_and_vkey"][1])
WITNESS = CosignatureVerifier.from_vkey(SIGNED["witness_seed_and_vkey"][1])
NOTE = SIGNED["text"] + "\n" + SIGNED["log_line"] + SIGNED["witness_line"]


def seed(encoded: str) -> bytes:
    return base64.b64decode(encoded)[1:]


def test_the_published_key_gives_the_published_cosignature() -> None:
    encoded, vkey = SIGNED["witness_seed_and_vkey"]
    cosigner = Cosigner(WITNESS.name, seed(encoded))
    assert cosigner.verifier.vkey == vkey
    made = cosigner.cosign(SIGNED["text"], SIGNED["time"])
    assert (made.line, made.time) == (SIGNED["witness_line"], SIGNED["time"])
    log = NoteSigner(LOG.name, seed(SIGNED["log_seed_and_vkey"][0]))
    assert with_cosignatures(sign_checkpoint(open_checkpoint(NOTE, [LOG]).checkpoint, [log]), [made]) == NOTE


def test_opened_the_known_ones_are_named_with_their_times_and_the_others_counted() -> None:
    opened = open_cosignatures(NOTE, [WITNESS])
    assert [(each.verifier, each.time) for each in opened.cosignatures] == [(WITNESS, SIGNED["time"])]
    assert opened.unknown == 1  # the log's own
    assert open_cosignatures(NOTE, []).unknown == 2
    assert open_checkpoint(NOTE, [LOG]).note.unknown_signatures == 1
    assert open_note(NOTE, [WITNESS]).verified == (WITNESS,)


def test_the_form_of_the_specification_s_example() -> None:
    example = VECTORS["example"]
    _, signatures = split(example["checkpoint"])
    name, _, signature = signatures[1]
    assert (name, time_of(signature, name)) == (example["witness"], example["time"])
    published = VECTORS["timestamp"]
    assert time_of(base64.b64decode(published["signature"])[4:], "") == published["time"]


@pytest.mark.parametrize(("vkey", "cosigns"), VECTORS["vkeys"].items())
def test_published_verifier_keys_are_of_one_type_or_the_other(vkey: str, cosigns: bool) -> None:
    right, wrong = (CosignatureVerifier, NoteVerifier) if cosigns else (NoteVerifier, CosignatureVerifier)
    assert right.from_vkey(vkey).vkey == vkey
    with pytest.raises(MalformedEvidence, match="expected type"):
        wrong.from_vkey(vkey)


@pytest.mark.parametrize("position", [4, 11, 12, 43, 75])
def test_a_changed_time_or_signature_of_a_known_witness_refuses_the_note(position: int) -> None:
    head, _, encoded = SIGNED["witness_line"].rstrip("\n").rpartition(" ")
    data = bytearray(base64.b64decode(encoded))
    data[position] ^= 1
    forged = f"{SIGNED['text']}\n{SIGNED['log_line']}{head} {base64.b64encode(data).decode()}\n"
    with pytest.raises(EvidenceError):
        open_cosignatures(forged, [WITNESS])
    assert open_cosignatures(forged, []).unknown == 2


def test_a_cosignature_replayed_under_another_checkpoint_is_wrong() -> None:
    with pytest.raises(VerificationError, match="is wrong"):
        open_cosignatures(NOTE.replace("1234", "1235"), [WITNESS])


def test_a_witness_s_signature_of_the_bare_text_is_no_cosignature() -> None:
    """The key signs under its header only, so a log key used as a witness's, or the other way, says nothing."""
    key = bytes(range(32))
    bare = NoteSigner("w.example", key).signature_line(SIGNED["text"])
    data = base64.b64decode(bare.split(" ")[2])[4:]
    line = f"— w.example {base64.b64encode(Cosigner('w.example', key).verifier.key_id + bytes(8) + data).decode()}\n"
    with pytest.raises(VerificationError):
        open_cosignatures(NOTE + line, [Cosigner("w.example", key).verifier])


@pytest.mark.parametrize("length", [0, 1, 64, 71, 73])
def test_a_signature_of_another_length_is_no_cosignature(length: int) -> None:
    line = f"— {WITNESS.name} {base64.b64encode(WITNESS.key_id + bytes(length)).decode()}\n"
    with pytest.raises(MalformedEvidence):
        open_cosignatures(SIGNED["text"] + "\n" + line, [WITNESS])


def test_the_earliest_of_one_key_counts_and_each_of_them_is_checked() -> None:
    cosigner = Cosigner("w.example", bytes(32))
    later, earlier = (cosigner.cosign(SIGNED["text"], time) for time in (2_000, 1_000))
    note = with_cosignatures(NOTE, [later, earlier, later])
    assert note.count("— w.example ") == 2
    (found,) = open_cosignatures(note, [cosigner.verifier]).cosignatures
    assert found.time == 1_000
    forged = base64.b64encode(cosigner.verifier.key_id + bytes(72)).decode()
    with pytest.raises(VerificationError):
        open_cosignatures(note + f"— w.example {forged}\n", [cosigner.verifier])


def test_two_known_keys_under_one_name_and_id_are_refused() -> None:
    other = CosignatureVerifier(WITNESS.name, bytes(range(32)))
    other.key_id = WITNESS.key_id
    with pytest.raises(VerificationError, match="share the name"):
        open_cosignatures(NOTE, [WITNESS, other])


def test_one_public_key_as_a_log_s_and_as_a_witness_s_is_two_verifiers() -> None:
    log, witness = NoteSigner("x", bytes(32)).verifier, Cosigner("x", bytes(32)).verifier
    assert log.public_bytes == witness.public_bytes
    assert (log == witness, witness == log, log.key_id == witness.key_id) == (False, False, False)
    assert len({log, witness}) == 2
    assert repr(witness).startswith("CosignatureVerifier(")


@given(time=st.integers(0, 2**63 - 1), size=st.integers(0, 2**40))
def test_whatever_is_cosigned_is_opened_with_its_time(time: int, size: int) -> None:
    cosigner, log = Cosigner("w.example", bytes(32)), NoteSigner("log.example", bytes(range(32)))
    checkpoint = Checkpoint("log.example", size, bytes(32))
    note = sign_checkpoint(checkpoint, [log])
    note = with_cosignatures(note, [cosigner.cosign(checkpoint.to_text(), time)])
    assert [each.time for each in open_cosignatures(note, [cosigner.verifier]).cosignatures] == [time]
    assert open_checkpoint(note, [log.verifier]).checkpoint == checkpoint


def test_a_time_of_2_to_the_63_is_refused() -> None:
    with pytest.raises(MalformedEvidence, match="2\\^63"):
        time_of(b"\x80" + bytes(71), "w")
