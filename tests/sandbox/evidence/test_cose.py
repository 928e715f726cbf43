"""COSE receipts (RFC 9942): ours judged by the library `cwt`, and read in one spelling only."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import cbor2
import pytest
from cwt import COSE, COSEKey, VerifyError

from sandbox.errors import EvidenceError, MalformedEvidence, VerificationError
from sandbox.evidence import cose, manifest, merkle
from sandbox.evidence.checkpoint import Checkpoint
from sandbox.evidence.entry import Entry
from sandbox.evidence.note import NoteSigner
from sandbox.evidence.receipt import SaltedDigest

ORIGIN = "baas.example/vila-fictícia/documents"
OTHER = NoteSigner("baas.example/log", bytes(range(32)))
LEAVES = [merkle.leaf_hash(str(index).encode()) for index in range(40)]


def judged(receipt: bytes, root: bytes, signer: NoteSigner) -> bool:
    """Whether the independent library accepts the signature over the detached root."""
    key = COSEKey.new(
        {1: 1, -1: 6, 3: -8, 2: signer.verifier.key_id, -2: signer.verifier.public_bytes, 4: [2]}
    )
    try:
        return COSE.new().decode(receipt, key, detached_payload=root) == root
    except VerifyError:
        return False


def checkpoint(size: int) -> Checkpoint:
    return Checkpoint(ORIGIN, size, merkle.root(LEAVES[:size]))


def consistency(old: int, new: int, signer: NoteSigner = OTHER) -> cose.ConsistencyReceipt:
    proof = merkle.consistency_proof(LEAVES[:new], old)
    return cose.issue_consistency(checkpoint(old), checkpoint(new), proof, signer)


@pytest.mark.parametrize("index", range(1, 7))
def test_an_inclusion_receipt_is_what_the_rfc_says(world: Any, index: int) -> None:
    receipt, key = world.receipt(index), world.log_signer.verifier
    data = cose.issue_inclusion(receipt, world.log_signer).to_bytes()
    root = merkle.root(world.leaves())
    assert judged(data, root, world.log_signer)
    assert not judged(data, bytes(32), world.log_signer)
    assert cose.verify_inclusion(data, receipt.entry.to_bytes(), key.public_bytes)
    assert not cose.verify_inclusion(data, b"another entry", key.public_bytes)
    assert not cose.verify_inclusion(data, receipt.entry.to_bytes(), OTHER.verifier.public_bytes)
    tagged = cbor2.loads(data)
    protected, unprotected, payload, signature = tagged.value
    assert (tagged.tag, payload, len(signature)) == (18, None, 64)
    assert cbor2.loads(protected) == {1: -8, 4: key.key_id, 15: {1: world.origin}, 395: 1, "size": 7}
    (proof,) = unprotected[396][-1]
    assert cbor2.loads(proof) == [7, index, list(receipt.inclusion.proof)]
    assert cbor2.dumps(cbor2.loads(data), canonical=True) == data
    assert cose.parse_inclusion(data).to_bytes() == data


def test_it_is_the_same_every_time(world: Any) -> None:
    made = {cose.issue_inclusion(world.receipt(), world.log_signer).to_bytes() for _ in range(3)}
    assert len(made) == 1


def test_a_files_place_in_a_manifest_is_carried(world: Any) -> None:
    files = [SaltedDigest("sha-256", bytes([n]) * 32, bytes([n + 1]) * 32) for n in range(3)]
    _, places = manifest.places(files)
    made = cose.issue_inclusion(replace(world.receipt(), manifest=places[1]), world.log_signer)
    read = cose.parse_inclusion(made.to_bytes())
    assert read.manifest == cose.ManifestOpening(
        cose.Opening(files[1].salt, ("sha-256",)), 1, 3, places[1].proof
    )


def test_only_a_root_that_the_log_stated_is_signed(world: Any) -> None:
    receipt = world.receipt()
    for wrong in (
        replace(receipt, entry=Entry("notarise", bytes(32))),
        replace(receipt, inclusion=replace(receipt.inclusion, size=6)),
        replace(receipt, inclusion=replace(receipt.inclusion, index=5)),
    ):
        with pytest.raises(VerificationError):
            cose.issue_inclusion(wrong, world.log_signer)


def test_a_tree_of_one_leaf_has_none(world: Any) -> None:
    alone = replace(world.receipt(), inclusion=replace(world.receipt().inclusion, index=0, size=1, proof=()))
    with pytest.raises(MalformedEvidence, match="an empty path cannot be expressed"):
        cose.issue_inclusion(alone, world.log_signer)
    with pytest.raises(MalformedEvidence, match="an empty path cannot be expressed"):
        cose.issue_consistency(checkpoint(3), checkpoint(3), [], OTHER)
    empty = cbor2.dumps([3, 3, []])
    data = cbor2.dumps(cbor2.CBORTag(18, [b"\xa0", {396: {-2: [empty]}}, None, bytes(64)]))
    with pytest.raises(MalformedEvidence, match="an empty path cannot be expressed"):
        cose.parse_consistency(data)


@pytest.mark.parametrize(("old", "new"), [*itertools.combinations(range(1, 12), 2), (32, 33), (31, 40)])
def test_a_consistency_receipt_is_what_the_rfc_says(old: int, new: int) -> None:
    made = consistency(old, new)
    data, root, key = made.to_bytes(), checkpoint(new).root, OTHER.verifier
    assert judged(data, root, OTHER)
    assert cose.parse_consistency(data) == made
    assert made.verify(checkpoint(old), [key]).checkpoint == checkpoint(new)
    assert cose.verify_consistency(data, old, checkpoint(old).root, key.public_bytes) == root
    assert cose.verify_consistency(data, old, bytes(32), key.public_bytes) is None
    assert cose.verify_consistency(data, old + 1, checkpoint(old).root, key.public_bytes) is None


def test_a_consistency_receipt_of_another_history_is_refused() -> None:
    made = consistency(5, 9)
    for old in (
        replace(checkpoint(5), root=bytes(32)),
        replace(checkpoint(5), size=6),
        replace(checkpoint(5), origin="another"),
    ):
        with pytest.raises(VerificationError):
            made.verify(old, [OTHER.verifier])
    with pytest.raises(VerificationError, match="no known key has the id"):
        made.verify(checkpoint(5), [])
    with pytest.raises(VerificationError):
        cose.issue_consistency(checkpoint(5), replace(checkpoint(9), root=bytes(32)), made.proof, OTHER)
    with pytest.raises(VerificationError, match="two logs"):
        cose.issue_consistency(checkpoint(5), replace(checkpoint(9), origin="another"), made.proof, OTHER)


def test_each_bit_of_a_consistency_receipt_counts() -> None:
    made = consistency(5, 9)
    data = made.to_bytes()
    for bit in range(len(data) * 8):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(EvidenceError):
            cose.parse_consistency(bytes(flipped)).verify(checkpoint(5), [OTHER.verifier])


def rebuilt(data: bytes, change: Any, **options: Any) -> bytes:
    """The receipt with a change to what it says, encoded again."""
    protected, unprotected, payload, signature = cbor2.loads(data).value
    parts = {
        "protected": cbor2.loads(protected),
        "unprotected": unprotected,
        "payload": payload,
        "signature": signature,
    }
    change(parts)
    protected = (
        parts["protected"] if isinstance(parts["protected"], bytes) else cbor2.dumps(parts["protected"])
    )
    message = [protected, parts["unprotected"], parts["payload"], parts["signature"]]
    return cbor2.dumps(cbor2.CBORTag(options.get("tag", 18), message))


CHANGES: dict[str, tuple[Any, str]] = {
    "another algorithm": (lambda p: p["protected"].update({1: -7}), "expected 1 to be -8"),
    "true for one": (lambda p: p["protected"].update({395: True}), "expected 395 to be 1"),
    "another structure": (lambda p: p["protected"].update({395: 2}), "expected 395 to be 1"),
    "another size": (lambda p: p["protected"].update({"size": 8}), "expected 'size' to be 7"),
    "no size": (lambda p: p["protected"].pop("size"), "missing 'size'"),
    "a critical label": (lambda p: p["protected"].update({2: [99]}), "unknown 2"),
    "a text as issuer's claims": (lambda p: p["protected"].update({15: "x"}), "expected a map"),
    "a claim more": (lambda p: p["protected"].update({15: {1: "x", 2: "y"}}), "unknown 2"),
    "a number as issuer": (lambda p: p["protected"].update({15: {1: 5}}), "expected text"),
    "a long key id": (lambda p: p["protected"].update({4: bytes(5)}), "expected a byte string of 4"),
    "an empty protected header": (lambda p: p.update(protected=b""), "ends too early"),
    "a label more": (lambda p: p["unprotected"].update({33: b"x"}), "unknown 33"),
    "no salt": (lambda p: p["unprotected"].pop("salt"), "missing 'salt'"),
    "a short salt": (lambda p: p["unprotected"].update(salt=bytes(31)), "expected a byte string of 32"),
    "an unknown digest": (lambda p: p["unprotected"].update(digests=["md5"]), "unknown digest algorithm"),
    "no digests": (lambda p: p["unprotected"].update(digests=[]), "expected something in the array"),
    "digests in another order": (
        lambda p: p["unprotected"].update(digests=["sha3-256", "sha-256"]),
        "in their slugs' order",
    ),
    "an entry that is text": (lambda p: p["unprotected"].update(entry="x"), "expected a byte string"),
    "an entry of ours, otherwise written": (
        lambda p: p["unprotected"].update(entry=p["unprotected"]["entry"] + b" "),
        "not in its canonical form",
    ),
    "both kinds of proof": (
        lambda p: p["unprotected"][396].update({-2: p["unprotected"][396][-1]}),
        "expected proofs of kind -1 alone",
    ),
    "two proofs": (
        lambda p: p["unprotected"][396].update({-1: p["unprotected"][396][-1] * 2}),
        "expected one proof",
    ),
    "a path too long": (
        lambda p: p["unprotected"][396].update({-1: [cbor2.dumps([7, 4, [bytes(32)] * 64])]}),
        "at most 63 hashes",
    ),
    "a short hash": (
        lambda p: p["unprotected"][396].update({-1: [cbor2.dumps([7, 4, [bytes(31)]])]}),
        "expected a byte string of 32",
    ),
    "a negative index": (
        lambda p: p["unprotected"][396].update({-1: [cbor2.dumps([7, -1, [bytes(32)]])]}),
        "expected a whole number",
    ),
    "an attached payload": (lambda p: p.update(payload=bytes(32)), "not the deterministic encoding"),
    "a short signature": (lambda p: p.update(signature=bytes(63)), "expected a byte string of 64"),
    "a manifest of four": (lambda p: p["unprotected"].update(manifest=[1, 2, 3, 4]), "an array of 5"),
}


@pytest.mark.parametrize(("change", "why"), CHANGES.values(), ids=CHANGES)
def test_what_is_not_our_receipt_is_refused_with_its_reason(world: Any, change: Any, why: str) -> None:
    data = cose.issue_inclusion(world.receipt(), world.log_signer).to_bytes()
    assert rebuilt(data, lambda parts: None) == data
    with pytest.raises(MalformedEvidence, match=why):
        cose.parse_inclusion(rebuilt(data, change))


def test_other_spellings_are_refused(world: Any) -> None:
    data = cose.issue_inclusion(world.receipt(), world.log_signer).to_bytes()
    tagged = cbor2.loads(data)
    protected, unprotected, payload, signature = tagged.value
    turned = dict(reversed(unprotected.items()))
    longer = data.replace(b"\x19\x01\x8c", b"\x1a\x00\x00\x01\x8c", 1)  # label 396 in four bytes
    for other in (
        cbor2.dumps(cbor2.CBORTag(18, [protected, turned, payload, signature])),
        cbor2.dumps(tagged.value),
        data + b"\x00",
        data[:-1],
        longer,
        cbor2.dumps(cbor2.CBORTag(98, tagged.value)),
        b"",
    ):
        with pytest.raises(MalformedEvidence):
            cose.parse_inclusion(other)


def test_the_size_is_bound_although_the_root_alone_does_not_bind_it() -> None:
    """Leaf 0 of three and leaf 0 of four have paths of one shape: only the signed size tells them apart."""
    path = tuple(merkle.inclusion_proof(LEAVES[:4], 0))
    assert merkle.root_of_inclusion(LEAVES[0], 0, 3, path) == merkle.root(LEAVES[:4])
    made = cose.Issued(ORIGIN, OTHER.verifier.key_id, 4).sign(merkle.root(LEAVES[:4]), OTHER)
    made.open(merkle.root(LEAVES[:4]), [OTHER.verifier])
    with pytest.raises(VerificationError, match="at size 3 is wrong"):
        replace(made, size=3).open(merkle.root(LEAVES[:4]), [OTHER.verifier])


def test_a_key_signs_no_text_as_something_else() -> None:
    with pytest.raises(ValueError, match="could be a note's text"):
        OTHER.sign_bytes(b"baas.example/log\n7\n")


def test_other_peoples_receipts_may_have_other_labels_but_no_attached_payload() -> None:
    """The RFC's own functions are not as strict as our profile."""
    root = merkle.root(LEAVES[:5])
    protected = cbor2.dumps({395: 1, 1: -8, 33: b"chain"})
    proof = cbor2.dumps([5, 2, merkle.inclusion_proof(LEAVES[:5], 2)])
    signature = OTHER.sign_bytes(cose.sig_structure(protected, root))
    for payload, good in ((None, True), (root, False), (bytes(32), False)):
        message = [protected, {396: {-1: [proof]}, 99: 1}, payload, signature]
        data = cbor2.dumps(cbor2.CBORTag(18, message))
        assert cose.verify_inclusion(data, b"2", OTHER.verifier.public_bytes) is good
        assert not cose.verify_inclusion(data, b"3", OTHER.verifier.public_bytes)


def test_es256_of_other_logs_is_checked() -> None:
    from cryptography.hazmat.primitives.asymmetric import ec, utils
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    key = ec.derive_private_key(7, ec.SECP256R1())
    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    root = merkle.root(LEAVES[:5])
    protected = cbor2.dumps({1: -7, 395: 1})
    r, s = utils.decode_dss_signature(key.sign(cose.sig_structure(protected, root), ec.ECDSA(SHA256())))
    proof = cbor2.dumps([5, 2, merkle.inclusion_proof(LEAVES[:5], 2)])
    for signature, good in (
        (r.to_bytes(32, "big") + s.to_bytes(32, "big"), True),
        (s.to_bytes(32, "big") + r.to_bytes(32, "big"), False),
        (b"", False),
    ):
        data = cbor2.dumps(cbor2.CBORTag(18, [protected, {396: {-1: [proof]}}, None, signature]))
        assert cose.verify_inclusion(data, b"2", point) is good
        assert not cose.verify_inclusion(data, b"2", OTHER.verifier.public_bytes)
        assert not cose.verify_inclusion(data, b"2", b"\x04" + bytes(64))
