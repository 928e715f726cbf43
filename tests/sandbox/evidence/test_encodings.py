"""Every encoding of a receipt, by the same steps: what holds, what is not carried, and what is refused at which step."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sandbox.errors import MalformedEvidence
from sandbox.evidence import cose, encodings, manifest, merkle, policy, tlog_proof
from sandbox.evidence.checkpoint import Checkpoint, sign_checkpoint
from sandbox.evidence.commitment import commit_several
from sandbox.evidence.digest import Digest, digest_bytes
from sandbox.evidence.encodings import Encoding, read, recognise, verify
from sandbox.evidence.entry import Entry
from sandbox.evidence.note import NoteSigner
from sandbox.evidence.policy import LOG_ONLY, STANDARD, Policy
from sandbox.evidence.receipt import Inclusion, Receipt, SaltedDigest
from sandbox.evidence.report import Result
from sandbox.evidence.trust import TrustedKey
from tests.sandbox.evidence.encoded import POLICIES, encoded, files, of, pdf_of

ALL = list(Encoding)
README = (Path(encodings.__file__).parent / "README.md").read_text(encoding="utf-8")
SPRING, SUMMER = datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 7, 1, tzinfo=UTC)
OF_THE_CHAIN = {"contract", "sealed-header", "transaction-receipt", "anchored-root"}


def own_log(entry: Entry, document: SaltedDigest, signer: NoteSigner, **more: Any) -> Receipt:
    """A receipt of a log of three leaves, without an anchor."""
    leaves = [Entry("genesis").leaf_hash(), entry.leaf_hash(), merkle.leaf_hash(b"another")]
    inclusion = Inclusion("baas.example/own", 1, 3, tuple(merkle.inclusion_proof(leaves, 1)))
    checkpoint = sign_checkpoint(Checkpoint("baas.example/own", 3, merkle.root(leaves)), [signer])
    return Receipt(document, entry, inclusion, checkpoint, **more)


def trusting(world: Any, origin: str = "baas.example/own") -> Any:
    root = world.trust()
    return replace(root, logs=(replace(root.logs[0], origin=origin),))


@pytest.mark.parametrize("encoding", ALL)
def test_each_is_recognised_and_holds_as_far_as_it_goes(world: Any, encoding: Encoding) -> None:
    data = of(world)[encoding]
    assert recognise(data) is encoding
    report = verify(world.document, data, world.trust(), POLICIES[encoding])
    assert report.ok
    assert report.to_dict() == verify(world.document, read(data), world.trust(), POLICIES[encoding]).to_dict()
    carried = encodings.CARRIED[encoding]
    for step in report.steps:
        if carried is not None and step.name not in carried:
            assert (step.outcome.result, step.outcome.key) == (Result.NOT_CHECKED, "step.not-carried")
            assert str(encoding) in step.outcome.text
        else:
            assert step.outcome.key != "step.not-carried"
    anchored = report.layers["anchor"]
    assert anchored is (Result.PASSED if carried is None else Result.NOT_CHECKED)


@pytest.mark.parametrize("encoding", [Encoding.COSE, Encoding.TLOG_PROOF, Encoding.QR])
def test_what_is_not_carried_does_not_meet_a_policy_that_requires_it(world: Any, encoding: Encoding) -> None:
    report = verify(world.document, of(world)[encoding], world.trust(), STANDARD)
    assert (report.ok, report.failed_step) == (False, "contract")


@pytest.mark.parametrize("encoding", ALL)
@pytest.mark.parametrize("given", ["path", "digest"])
def test_a_document_may_be_a_file_or_a_digest(
    world: Any, encoding: Encoding, given: str, tmp_path: Path
) -> None:
    file = tmp_path / "decret.txt"
    file.write_bytes(world.document)
    document = file if given == "path" else digest_bytes(world.document)
    data = of(world)[encoding]
    assert verify(document, data, world.trust(), POLICIES[encoding]).ok
    assert not verify(digest_bytes(b"another"), data, world.trust(), POLICIES[encoding]).ok


@pytest.mark.parametrize("encoding", ALL)
def test_an_earlier_revision_of_a_pdf_is_found(world: Any, encoding: Encoding) -> None:
    first = pdf_of({})
    signed = world.but(document=first)
    later = first + b"1 0 obj\n<<>>\nendobj\nstartxref\n7\n%%EOF\n"
    report = verify(later, of(signed)[encoding], signed.trust(), POLICIES[encoding])
    assert report.ok
    step = report.steps[0].outcome
    assert (step.key, step.values["revision"], step.values["revisions"]) == ("document.revision", 1, 2)


# -- refused, with the step named ------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ALL)
def test_another_document_is_refused(world: Any, encoding: Encoding) -> None:
    report = verify(b"another", of(world)[encoding], world.trust(), POLICIES[encoding])
    assert report.failed_step == "document-digest"


@pytest.mark.parametrize("encoding", ALL)
def test_an_empty_policy_is_refused(world: Any, encoding: Encoding) -> None:
    with pytest.raises(ValueError, match="must require at least one step"):
        verify(world.document, of(world)[encoding], world.trust(), Policy(frozenset()))
    with pytest.raises(ValueError, match="must require at least one step"):
        policy.named(" , ")


@pytest.mark.parametrize("encoding", ALL)
def test_a_foreign_trust_root_is_refused(world: Any, encoding: Encoding) -> None:
    data = of(world)[encoding]
    stranger = NoteSigner("baas.example/log", hashlib.sha256(b"stranger").digest())
    for trust in (world.but(origin="baas.example/elsewhere").trust(), world.but(log_signer=stranger).trust()):
        assert verify(world.document, data, trust, POLICIES[encoding]).failed_step == "checkpoint"


def swapped(world: Any, encoding: Encoding) -> bytes:
    """A receipt with the proof of another entry of the same log."""
    receipt, other = world.receipt(), world.receipt(3)
    moved = replace(receipt, inclusion=other.inclusion)
    if encoding is Encoding.JSON:
        return moved.to_bytes()
    if encoding is Encoding.TLOG_PROOF:
        return tlog_proof.from_receipt(moved).to_bytes()
    made = cose.issue_inclusion(receipt, world.log_signer)
    wrong = replace(made, index=other.inclusion.index, proof=other.inclusion.proof).to_bytes()
    if encoding is Encoding.PDF:
        proof = tlog_proof.from_receipt(moved).to_bytes()
        return pdf_of({"receipt.json": moved.to_bytes(), "receipt.cose": wrong, "receipt.tlog-proof": proof})
    return wrong if encoding is Encoding.COSE else encodings.qr.encode(wrong).encode()


@pytest.mark.parametrize("encoding", ALL)
def test_a_swapped_proof_is_refused(world: Any, encoding: Encoding) -> None:
    """A COSE receipt says no root: its proof leads to one that nobody signed, which the next step finds."""
    report = verify(world.document, swapped(world, encoding), world.trust(), POLICIES[encoding])
    step = "checkpoint" if encoding in (Encoding.COSE, Encoding.QR) else "inclusion"
    assert report.failed_step == step


def stale(world: Any, encoding: Encoding) -> bytes:
    """The proof of the log of seven entries beside a statement of the log when it had five."""
    receipt, before = world.receipt(), world.but(documents=5).receipt()
    old = replace(receipt, checkpoint=before.checkpoint)
    if encoding is Encoding.JSON:
        return old.to_bytes()
    if encoding is Encoding.TLOG_PROOF:
        return tlog_proof.from_receipt(old).to_bytes()
    signed = cose.issue_inclusion(before, world.log_signer).issued
    wrong = replace(cose.issue_inclusion(receipt, world.log_signer), issued=signed).to_bytes()
    if encoding is Encoding.PDF:
        made = files(receipt, world.log_signer)
        return pdf_of(
            {
                **made,
                "receipt.json": old.to_bytes(),
                "receipt.tlog-proof": tlog_proof.from_receipt(
                    replace(old, inclusion=receipt.inclusion)
                ).to_bytes(),
            }
        )
    return wrong if encoding is Encoding.COSE else encodings.qr.encode(wrong).encode()


@pytest.mark.parametrize("encoding", [each for each in ALL if each is not Encoding.PDF])
def test_a_stale_checkpoint_is_refused(world: Any, encoding: Encoding) -> None:
    report = verify(world.document, stale(world, encoding), world.trust(), POLICIES[encoding])
    assert report.failed_step == "inclusion"


def test_a_stale_checkpoint_in_a_pdf_is_refused_before_any_step(world: Any) -> None:
    """Its files do not agree about the size; each alone is the case above."""
    with pytest.raises(MalformedEvidence, match="is not of the entry"):
        read(stale(world, Encoding.PDF))


@pytest.mark.parametrize("encoding", ALL)
def test_an_expired_key_is_refused(world: Any, encoding: Encoding) -> None:
    """With an anchor at the time of the block; without one as of the time that is asked about."""
    key = TrustedKey(world.log_signer.verifier, SPRING, datetime(2026, 5, 20, tzinfo=UTC))
    data, trust = of(world)[encoding], world.but(log_key=key).trust()
    report = verify(world.document, data, trust, POLICIES[encoding], as_of=SUMMER)
    assert report.failed_step == "validity-and-time"
    if encodings.CARRIED[encoding] is not None:
        undated = verify(world.document, data, trust, LOG_ONLY)
        assert undated.steps[7].outcome.key == "time.undated"
        valid = verify(world.document, data, trust, LOG_ONLY, as_of=datetime(2026, 5, 10, tzinfo=UTC))
        assert (valid.ok, valid.steps[7].outcome.key) == (True, "time.valid")


# -- several digests, folders ------------------------------------------------------------------------------


def several(world: Any) -> tuple[bytes, Receipt]:
    document, salt = b"by two algorithms", bytes(32)
    digests = [digest_bytes(document, slug) for slug in ("sha-256", "sha3-256")]
    entry = Entry("notarise", commit_several(digests, salt))
    salted = SaltedDigest("sha-256", digests[0].value, salt, (digests[1],))
    return document, own_log(entry, salted, world.log_signer)


@pytest.mark.parametrize("encoding", [Encoding.JSON, Encoding.COSE, Encoding.TLOG_PROOF, Encoding.QR])
def test_a_document_with_several_digests(world: Any, encoding: Encoding) -> None:
    document, receipt = several(world)
    data, trust = encoded(receipt, world.log_signer)[encoding], trusting(world)
    assert verify(document, data, trust, LOG_ONLY).ok
    assert not verify(b"another", data, trust, LOG_ONLY).ok
    alone = verify(digest_bytes(document), data, trust, LOG_ONLY)
    # one digest of two does not open a commitment over both
    assert alone.ok is (encoding in (Encoding.JSON, Encoding.TLOG_PROOF))


def test_a_pdf_of_a_document_with_several_digests(world: Any) -> None:
    document, receipt = several(world)
    data = encoded(receipt, world.log_signer)[Encoding.PDF]
    assert verify(document, data, trusting(world), LOG_ONLY).ok
    assert verify(digest_bytes(document), data, trusting(world), LOG_ONLY).ok


def folder(world: Any) -> tuple[list[bytes], list[Receipt]]:
    documents = [f"file {n}".encode() for n in range(5)]
    salted = [
        SaltedDigest("sha-256", hashlib.sha256(each).digest(), bytes([n]) * 32)
        for n, each in enumerate(documents)
    ]
    header, places = manifest.places(salted)
    notarised = SaltedDigest("sha-256", hashlib.sha256(header).digest(), b"\x09" * 32)
    entry = Entry("notarise", notarised.commitment())
    return documents, [own_log(entry, notarised, world.log_signer, manifest=place) for place in places]


@pytest.mark.parametrize("encoding", ALL)
def test_a_file_of_a_folder_proves_itself(world: Any, encoding: Encoding) -> None:
    documents, receipts = folder(world)
    trust = trusting(world)
    for place, (document, receipt) in enumerate(zip(documents, receipts, strict=True)):
        data = encoded(receipt, world.log_signer)[encoding]
        assert verify(document, data, trust, LOG_ONLY).ok
        other = verify(documents[place - 1], data, trust, LOG_ONLY)
        assert other.failed_step == "document-digest"


def test_a_place_that_no_folder_has_is_refused(world: Any) -> None:
    documents, receipts = folder(world)
    made = cose.issue_inclusion(receipts[0], world.log_signer)
    assert made.manifest is not None
    wrong = replace(made, manifest=replace(made.manifest, index=9)).to_bytes()
    assert verify(documents[0], wrong, trusting(world), LOG_ONLY).failed_step == "document-digest"


# -- a PDF's files must agree --------------------------------------------------------------------------------


def test_the_files_of_a_pdf_must_agree(world: Any) -> None:
    mine, other = files(world.receipt(), world.log_signer), files(world.receipt(3), world.log_signer)
    for name in mine:
        with pytest.raises(MalformedEvidence, match="is not of the entry"):
            read(pdf_of({**mine, name: other[name]}))


def test_a_pdf_has_all_files_and_no_other(world: Any) -> None:
    mine = files(replace(world.receipt(), timestamps=(b"0\x00", b"0\x01")), world.log_signer)
    assert read(pdf_of(mine)).encoding is Encoding.PDF
    for name in mine:
        with pytest.raises(MalformedEvidence, match=r"missing|expected the time-stamps"):
            read(pdf_of({each: data for each, data in mine.items() if each != name}))
    for more in ({"note.txt": b"x"}, {"token-3.tsr": b"0\x00"}, {"token-1.tsr": b"0\x02"}):
        with pytest.raises(MalformedEvidence, match="expected the time-stamps"):
            read(pdf_of({**mine, **more}))


def test_a_step_holds_in_a_pdf_only_if_it_holds_in_each_file(world: Any) -> None:
    mine = files(world.receipt(), world.log_signer)
    forged = cose.issue_inclusion(
        world.receipt(), NoteSigner("baas.example/log", hashlib.sha256(b"forger").digest())
    ).to_bytes()
    report = verify(world.document, pdf_of({**mine, "receipt.cose": forged}), world.trust())
    assert report.failed_step == "checkpoint"
    assert report.steps[4].outcome.text.startswith("receipt.cose: no known key")
    assert {step.outcome.key for step in report.steps[5:]} == {"step.stopped"}
    unsigned = tlog_proof.parse(mine["receipt.tlog-proof"])
    line = unsigned.checkpoint.rindex("— ")
    wrong = replace(
        unsigned, checkpoint=unsigned.checkpoint[:line] + unsigned.checkpoint[line:].replace("log ", "gol ")
    )
    report = verify(world.document, pdf_of({**mine, "receipt.tlog-proof": wrong.to_bytes()}), world.trust())
    assert (report.failed_step, report.steps[4].outcome.key) == ("checkpoint", "checkpoint.refused")
    assert "receipt.tlog-proof: " in report.steps[4].outcome.text


# -- reading --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"RR", b"\x00", b" {", b"c2sp.org/tlog-checkpoint\n"])
def test_what_is_no_receipt_is_told_what_would_be(data: bytes) -> None:
    with pytest.raises(MalformedEvidence, match="expected JSON, a COSE receipt"):
        read(data)


def test_the_text_of_a_code_may_have_an_end_of_line(world: Any) -> None:
    text = of(world)[Encoding.QR]
    assert read(text + b"\n") == read(text + b"\r\n") == read(text)
    with pytest.raises(MalformedEvidence):
        read(text + b"\n\n")


def test_many_share_their_work(world: Any) -> None:
    proofs = [(world.document, read(data)) for data in of(world).values()]
    reports = list(encodings.verify_many(proofs, world.trust(), LOG_ONLY))
    assert [report.ok for report in reports] == [True] * 5


def test_a_policy_by_name() -> None:
    assert policy.named("standard") is STANDARD
    assert policy.named("log-only") is LOG_ONLY
    assert policy.named("inclusion, witnesses").required == {"inclusion", "witnesses"}
    with pytest.raises(ValueError, match="no such step: everything"):
        policy.named("everything")


@pytest.mark.parametrize("power", [10, 20, 30])
def test_the_sizes_in_the_readme(world: Any, power: int) -> None:
    size, alone = 2**power, world.but(transactions=1, transaction_index=0)
    receipt = alone.receipt()
    path = tuple(hashlib.sha256(f"node {level}".encode()).digest() for level in range(power))
    root = merkle.root_of_inclusion(receipt.entry.leaf_hash(), size - 7, size, path)
    grown = replace(
        receipt,
        inclusion=replace(receipt.inclusion, index=size - 7, size=size, proof=path),
        checkpoint=sign_checkpoint(Checkpoint(world.origin, size, root), [world.log_signer]),
    )
    made = encoded(grown, world.log_signer)
    columns = [Encoding.JSON, Encoding.COSE, Encoding.TLOG_PROOF, Encoding.QR]
    row = f"| 2^{power} entries | " + " | ".join(str(len(made[each])) for each in columns)
    assert row in README


def test_the_readme_names_every_encoding_and_label() -> None:
    for word in (*Encoding, "size", "salt", "entry", "digests", "manifest"):
        assert f'`"{word}"`' in README or f"`{word}`" in README


def test_a_digest_by_an_algorithm_that_the_receipt_has_not(world: Any) -> None:
    other = Digest("sha3-256", bytes(32))
    for encoding, data in of(world).items():
        report = verify(other, data, world.trust(), POLICIES[encoding])
        assert report.failed_step == "document-digest"
