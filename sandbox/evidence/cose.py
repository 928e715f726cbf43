"""COSE receipts (RFC 9942): the inclusion or the consistency of a log as one signed CBOR object, RFC9162_SHA256.

    18([ << {1: -8, 4: key id, 15: {1: origin}, 395: 1, "size": size} >>,          protected
         {396: {-1: [ << [size, index, [+ hash]] >> ]},                             proofs of inclusion,
          "salt": 32 bytes, "entry": leaf, "digests": [+ slug], ? "manifest": […]},   and what opens them
         null, signature ])

The payload is the root, detached: who verifies computes it. Two parts:
- `verify_inclusion` and `verify_consistency`: any receipt of that RFC, one yes or no;
- `InclusionReceipt` and `ConsistencyReceipt`: ours, strictly read: each has one spelling.

A root alone does not bind the size that goes with it (one path may lead to the same root of two sizes), so the size is
in our protected header, and has to be the proof's. The signature is over CBOR whose first byte is no UTF-8: no note
that the same key signs can pass for it. An empty path cannot be expressed (CDDL `[ + bstr ]`): a tree of one leaf
has no COSE receipt. Our logs start with a genesis entry.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import cbor2

from sandbox.errors import EvidenceError, MalformedEvidence, VerificationError
from sandbox.evidence import cbor, ed25519, merkle
from sandbox.evidence import entry as entries
from sandbox.evidence.checkpoint import Checkpoint, OpenedCheckpoint, parse_unverified
from sandbox.evidence.commitment import SALT_SIZE
from sandbox.evidence.digest import algorithm
from sandbox.evidence.entry import Entry
from sandbox.evidence.note import NoteSigner, NoteVerifier, OpenedNote
from sandbox.evidence.receipt import Receipt

TAG = 18
#: Header labels (RFC 9052, RFC 9597, RFC 9942).
ALG, KID, CWT_CLAIMS, VDS, VDP = 1, 4, 15, 395, 396
ISSUER = 1
RFC9162_SHA256 = 1
INCLUSION, CONSISTENCY = -1, -2
#: EdDSA (RFC 9053), Ed25519 (RFC 9864), ES256.
EDDSA, ED25519, ES256 = -8, -19, -7
#: The label of the tree's size in our protected header.
SIZE = "size"
_P256_POINT = 65
#: Two numbers and a path: size and index, or old and new size.
_Proof = tuple[int, int, tuple[bytes, ...]]


@dataclass(frozen=True, slots=True)
class Sign1:
    """A COSE_Sign1 (RFC 9052 section 4.2): the protected header's bytes and what they say, the rest as it stands."""

    protected: bytes
    unprotected: dict[Any, Any]
    payload: bytes | None
    signature: bytes

    @property
    def header(self) -> dict[Any, Any]:
        return _map(cbor.loads(self.protected, "protected header"), "protected header")

    def signed(self, payload: bytes) -> bytes:
        """The Sig_structure (section 4.4): what the signature is over."""
        return sig_structure(self.protected, payload)

    def to_bytes(self) -> bytes:
        return cbor.dumps(
            cbor2.CBORTag(TAG, [self.protected, self.unprotected, self.payload, self.signature])
        )


def sig_structure(protected: bytes, payload: bytes) -> bytes:
    return cbor.dumps(["Signature1", protected, b"", payload])


def parse_sign1(data: bytes) -> Sign1:
    """The COSE_Sign1 that these bytes are, tagged as RFC 9942 section 4.3 demands."""
    what = "COSE receipt"
    tagged = cbor.loads(data, what)
    if not isinstance(tagged, cbor2.CBORTag) or tagged.tag != TAG:
        raise MalformedEvidence(f"{what}: expected a COSE_Sign1 with tag {TAG}")
    protected, unprotected, payload, signature = _array(tagged.value, what, 4)
    return Sign1(
        _bytes(protected, f"{what}: protected header"),
        _map(unprotected, f"{what}: unprotected header"),
        None if payload is None else _bytes(payload, f"{what}: payload"),
        _bytes(signature, f"{what}: signature"),
    )


# -- any receipt of RFC 9942 ---------------------------------------------------------------------------


def verify_inclusion(receipt: bytes, entry: bytes, public_key: bytes) -> bool:
    """Whether the receipt proves that a log whose key this is holds `entry` (section 5.2.1). Never raises for a receipt.

    `public_key` is of Ed25519 (32 bytes) or an uncompressed P-256 point (65 bytes). Of several proofs, which may be of
    other entries, one must lead from this entry to the signed root. An attached payload is refused, also where it is the
    root: a receipt's payload is detached, so that nobody forgets to compute it.
    """
    try:
        message, leaf = parse_sign1(receipt), merkle.leaf_hash(entry)
        proofs = _proofs(message, INCLUSION)
        return message.payload is None and any(_leads(message, leaf, each, public_key) for each in proofs)
    except EvidenceError:
        return False


def verify_consistency(receipt: bytes, old_size: int, old_root: bytes, public_key: bytes) -> bytes | None:
    """The newer root, if the receipt proves that it extends `old_root` at `old_size` (section 5.3.1); else None."""
    try:
        message = parse_sign1(receipt)
        ((first, new_size, path),) = _proofs(message, CONSISTENCY)
        if first != old_size:
            return None
        root = message.payload or merkle.root_of_consistency(old_size, new_size, path, old_root)
        merkle.verify_consistency(old_size, new_size, path, old_root, root)
        return root if _holds(message, root, public_key) else None
    except (EvidenceError, ValueError):  # ValueError: another number of proofs than one
        return None


def _leads(message: Sign1, leaf: bytes, proof: _Proof, public_key: bytes) -> bool:
    size, index, path = proof
    try:
        root = merkle.root_of_inclusion(leaf, index, size, path)
    except VerificationError:  # a proof of another shape, perhaps of another entry
        return False
    return _holds(message, root, public_key)


def _holds(message: Sign1, root: bytes, public_key: bytes) -> bool:
    header = message.header
    if header.get(VDS) != RFC9162_SHA256 or message.payload not in (None, root):
        return False
    signed, alg = message.signed(root), header.get(ALG)
    if alg in (EDDSA, ED25519) and len(public_key) == ed25519.KEY_SIZE:
        ed25519.require_key(public_key, "log key")
        return ed25519.verify(public_key, message.signature, signed)
    if alg == ES256 and len(public_key) == _P256_POINT:
        return _es256(public_key, message.signature, signed)
    return False


def _es256(point: bytes, signature: bytes, message: bytes) -> bool:
    """ECDSA over P-256 with SHA-256 (RFC 9053 section 2.1), for other people's receipts; ours are Ed25519."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric import ec, utils
    from cryptography.hazmat.primitives.hashes import SHA256

    if len(signature) != 64:
        return False
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    try:
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
        key.verify(utils.encode_dss_signature(r, s), message, ec.ECDSA(SHA256()))
    except (InvalidSignature, ValueError):  # ValueError: not a point of the curve
        return False
    return True


def _proofs(message: Sign1, kind: int) -> list[_Proof]:
    """The proofs of that kind in a message: two numbers and a path each; at least one, and no other kind."""
    what = "COSE receipt: proofs"
    found = _map(message.unprotected.get(VDP), what)
    if set(found) != {kind}:
        raise MalformedEvidence(
            f"{what}: expected proofs of kind {kind} alone, got {', '.join(map(repr, found))[:80]}"
        )
    return [_proof(item) for item in _some(found[kind], what)]


def _proof(item: Any) -> _Proof:
    what = "COSE receipt: proof"
    first, second, path = _array(cbor.loads(_bytes(item, what), what), what, 3)
    return _number(first, what), _number(second, what), _path(path)


# -- our own -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Opening:
    """What opens a commitment but the document: the salt, and by which algorithms the document is hashed."""

    salt: bytes
    algorithms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ManifestOpening:
    """A file's place in the manifest that was notarised, and what opens the file's commitment."""

    file: Opening
    index: int
    size: int
    proof: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Issued:
    """What the log signs with a root: who it is, with which key (the 4-byte id of notes), at which size; the signature."""

    origin: str
    key_id: bytes
    size: int
    signature: bytes = b""

    def protected(self) -> bytes:
        return cbor.dumps(
            {
                ALG: EDDSA,
                KID: self.key_id,
                CWT_CLAIMS: {ISSUER: self.origin},
                VDS: RFC9162_SHA256,
                SIZE: self.size,
            }
        )

    def sign(self, root: bytes, signer: NoteSigner) -> Issued:
        """The same with the key's signature over `root`. Never for a root that the log did not state."""
        return replace(self, signature=signer.sign_bytes(sig_structure(self.protected(), root)))

    def open(self, root: bytes, verifiers: Iterable[NoteVerifier]) -> OpenedCheckpoint:
        """The checkpoint that a known key signed; VerificationError where none has that id or the signature is wrong."""
        stated = Checkpoint(self.origin, self.size, root)
        signed = sig_structure(self.protected(), root)
        known = [each for each in verifiers if each.key_id == self.key_id]
        for verifier in known:
            if ed25519.verify(verifier.public_bytes, self.signature, signed):
                return OpenedCheckpoint(stated, OpenedNote(stated.to_text(), (verifier,), 0))
        raise VerificationError(
            f"the signature over root {root.hex()} at size {self.size} is wrong"
            if known
            else f"no known key has the id {self.key_id.hex()} that signed this COSE receipt"
        )


@dataclass(frozen=True, slots=True)
class RootStatement:
    """A root as a COSE receipt's proof leads to it: the statement that steps 4 and 5 check, as a note's is."""

    issued: Issued
    root: bytes

    def claimed(self) -> Checkpoint:
        return Checkpoint(self.issued.origin, self.issued.size, self.root)

    def open(self, verifiers: Iterable[NoteVerifier]) -> OpenedCheckpoint:
        return self.issued.open(self.root, verifiers)


@dataclass(frozen=True, slots=True)
class InclusionReceipt:
    """One entry's inclusion, and what its holder needs besides the document to open the entry's commitment."""

    issued: Issued
    index: int
    proof: tuple[bytes, ...]
    entry: Entry
    opening: Opening
    manifest: ManifestOpening | None = None

    def root(self) -> bytes:
        """The root that the proof leads to; errors as `merkle.root_of_inclusion`."""
        return merkle.root_of_inclusion(self.entry.leaf_hash(), self.index, self.issued.size, self.proof)

    def statement(self) -> RootStatement:
        return RootStatement(self.issued, self.root())

    def to_bytes(self) -> bytes:
        _require_path(self.proof)
        proof = cbor.dumps([self.issued.size, self.index, list(self.proof)])
        unprotected: dict[int | str, Any] = {
            VDP: {INCLUSION: [proof]},
            "salt": self.opening.salt,
            "entry": self.entry.to_bytes(),
            "digests": list(self.opening.algorithms),
        }
        if self.manifest is not None:
            place = self.manifest
            unprotected["manifest"] = [
                place.file.salt,
                list(place.file.algorithms),
                place.index,
                place.size,
                list(place.proof),
            ]
        return Sign1(self.issued.protected(), unprotected, None, self.issued.signature).to_bytes()


@dataclass(frozen=True, slots=True)
class ConsistencyReceipt:
    """That the log's tree of `old_size` leaves is the beginning of the one that it signed."""

    issued: Issued
    old_size: int
    proof: tuple[bytes, ...]

    def to_bytes(self) -> bytes:
        _require_path(self.proof)
        proof = cbor.dumps([self.old_size, self.issued.size, list(self.proof)])
        return Sign1(
            self.issued.protected(), {VDP: {CONSISTENCY: [proof]}}, None, self.issued.signature
        ).to_bytes()

    def verify(self, old: Checkpoint, verifiers: Iterable[NoteVerifier]) -> OpenedCheckpoint:
        """The newer checkpoint, that of a log which extends `old`. VerificationError unless it does."""
        if (old.origin, old.size) != (self.issued.origin, self.old_size):
            raise VerificationError(
                f"the consistency receipt is of log {self.issued.origin!r} from size {self.old_size}, "
                f"expected {old.origin!r} from {old.size}"
            )
        root = merkle.root_of_consistency(self.old_size, self.issued.size, self.proof, old.root)
        return self.issued.open(root, verifiers)


def issue_inclusion(receipt: Receipt, signer: NoteSigner) -> InclusionReceipt:
    """A receipt's inclusion as a COSE receipt, by the log's own key. Only of the root that its checkpoint states."""
    inclusion, stated = receipt.inclusion, parse_unverified(receipt.checkpoint)
    _require_path(inclusion.proof)
    place = receipt.manifest
    made = InclusionReceipt(
        Issued(stated.origin, signer.verifier.key_id, stated.size),
        inclusion.index,
        inclusion.proof,
        receipt.entry,
        Opening(receipt.document.salt, tuple(each.algorithm for each in receipt.document.digests())),
        None
        if place is None
        else ManifestOpening(
            Opening(place.file.salt, tuple(each.algorithm for each in place.file.digests())),
            place.index,
            place.size,
            place.proof,
        ),
    )
    if inclusion.size != stated.size or made.root() != stated.root:
        raise VerificationError(
            f"the receipt's proof does not lead to the root that log {stated.origin!r} states"
        )
    return replace(made, issued=made.issued.sign(stated.root, signer))


def issue_consistency(
    old: Checkpoint, new: Checkpoint, proof: Sequence[bytes], signer: NoteSigner
) -> ConsistencyReceipt:
    """The consistency of two checkpoints of one log, by its own key. VerificationError unless the proof holds."""
    _require_path(proof)
    if old.origin != new.origin:
        raise VerificationError(f"{old.origin!r} and {new.origin!r} are two logs")
    merkle.verify_consistency(old.size, new.size, proof, old.root, new.root)
    issued = Issued(new.origin, signer.verifier.key_id, new.size).sign(new.root, signer)
    return ConsistencyReceipt(issued, old.size, tuple(proof))


def parse_inclusion(data: bytes) -> InclusionReceipt:
    """The inclusion receipt of ours that these bytes are; MalformedEvidence for anything else."""
    message = parse_sign1(data)
    what = "COSE receipt"
    names = {VDP, "salt", "entry", "digests"}
    _require_labels(message.unprotected, names, f"{what}: unprotected header", optional={"manifest"})
    size, index, path = _only_proof(message, INCLUSION)
    place = message.unprotected.get("manifest")
    found = InclusionReceipt(
        _issued(message, size),
        index,
        path,
        entries.parse(_bytes(message.unprotected["entry"], f"{what}: entry")),
        _opening(message.unprotected["salt"], message.unprotected["digests"], what),
        None if place is None else _manifest(place),
    )
    _require_spelling(data, found.to_bytes())
    return found


def parse_consistency(data: bytes) -> ConsistencyReceipt:
    """The consistency receipt of ours that these bytes are; MalformedEvidence for anything else."""
    message = parse_sign1(data)
    _require_labels(message.unprotected, {VDP}, "COSE receipt: unprotected header")
    old_size, new_size, path = _only_proof(message, CONSISTENCY)
    found = ConsistencyReceipt(_issued(message, new_size), old_size, path)
    _require_spelling(data, found.to_bytes())
    return found


def _issued(message: Sign1, size: int) -> Issued:
    what = "COSE receipt: protected header"
    header = message.header
    _require_labels(header, {ALG, KID, CWT_CLAIMS, VDS, SIZE}, what)
    for label, expected in ((ALG, EDDSA), (VDS, RFC9162_SHA256), (SIZE, size)):
        if type(header[label]) is not int or header[label] != expected:
            raise MalformedEvidence(f"{what}: expected {label!r} to be {expected}, got {header[label]!r:.40}")
    claims = _map(header[CWT_CLAIMS], f"{what}: claims")
    _require_labels(claims, {ISSUER}, f"{what}: claims")
    return Issued(
        _text(claims[ISSUER], f"{what}: issuer"),
        _bytes(header[KID], f"{what}: key id", 4),
        size,
        _bytes(message.signature, "COSE receipt: signature", 64),
    )


def _only_proof(message: Sign1, kind: int) -> _Proof:
    found = _proofs(message, kind)
    if len(found) != 1:
        raise MalformedEvidence(f"COSE receipt: expected one proof, got {len(found)}")
    return found[0]


def _opening(salt: Any, slugs: Any, what: str) -> Opening:
    found = tuple(_text(slug, f"{what}: digests") for slug in _some(slugs, f"{what}: digests"))
    for slug in found:
        algorithm(slug)
    if list(found) != sorted(set(found)):
        raise MalformedEvidence(f"{what}: digests are of different algorithms in their slugs' order")
    return Opening(_bytes(salt, f"{what}: salt", SALT_SIZE), found)


def _manifest(value: Any) -> ManifestOpening:
    what = "COSE receipt: manifest"
    salt, slugs, index, size, path = _array(value, what, 5)
    proof = tuple(_bytes(node, what, merkle.HASH_SIZE) for node in _list(path, what))
    return ManifestOpening(_opening(salt, slugs, what), _number(index, what), _number(size, what), proof)


# -- strict reading ------------------------------------------------------------------------------------


def _require_path(proof: Sequence[bytes]) -> None:
    if not proof:
        raise MalformedEvidence(
            "COSE receipt: an empty path cannot be expressed (RFC 9942: at least one hash); a tree of one leaf, and equal "
            "sizes, have no COSE receipt: give the JSON receipt"
        )


def _require_spelling(data: bytes, canonical: bytes) -> None:
    if data != canonical:
        raise MalformedEvidence(
            "COSE receipt: not the deterministic encoding (RFC 8949 section 4.2) of what it says"
        )


def _require_labels(
    found: Mapping[Any, Any], names: set[Any], what: str, optional: Collection[Any] = ()
) -> None:
    if missing := sorted(map(repr, names - found.keys())):
        raise MalformedEvidence(f"{what}: missing {', '.join(missing)}")
    if unknown := sorted(map(repr, found.keys() - names - set(optional))):
        raise MalformedEvidence(f"{what}: unknown {', '.join(unknown)[:200]}")


def _path(value: Any) -> tuple[bytes, ...]:
    what = "COSE receipt: path"
    path = _list(value, what)
    _require_path(path)
    if len(path) > merkle.MAX_PROOF_LENGTH:
        raise MalformedEvidence(f"{what}: at most {merkle.MAX_PROOF_LENGTH} hashes, got {len(path)}")
    return tuple(_bytes(node, what, merkle.HASH_SIZE) for node in path)


def _map(value: Any, what: str) -> dict[Any, Any]:
    if isinstance(value, dict):
        return value
    raise MalformedEvidence(f"{what}: expected a map, got {value!r:.40}")


def _list(value: Any, what: str) -> list[Any]:
    if isinstance(value, list):
        return value
    raise MalformedEvidence(f"{what}: expected an array, got {value!r:.40}")


def _some(value: Any, what: str) -> list[Any]:
    if found := _list(value, what):
        return found
    raise MalformedEvidence(f"{what}: expected something in the array")


def _array(value: Any, what: str, length: int) -> list[Any]:
    found = _list(value, what)
    if len(found) != length:
        raise MalformedEvidence(f"{what}: expected an array of {length}, got {len(found)}")
    return found


def _bytes(value: Any, what: str, length: int | None = None) -> bytes:
    if isinstance(value, bytes) and length in (None, len(value)):
        return value
    size = "" if length is None else f" of {length}"
    raise MalformedEvidence(f"{what}: expected a byte string{size}, got {value!r:.40}")


def _text(value: Any, what: str) -> str:
    if isinstance(value, str):
        return value
    raise MalformedEvidence(f"{what}: expected text, got {value!r:.40}")


def _number(value: Any, what: str) -> int:
    if type(value) is int and 0 <= value < 2**63:
        return value
    raise MalformedEvidence(f"{what}: expected a whole number below 2^63, got {value!r:.40}")
