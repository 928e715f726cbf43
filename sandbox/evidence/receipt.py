"""Receipts: the portable proof of one entry, canonical JSON (RFC 8785) with all that an offline check needs.

The format, field by field, is in README.md. Reading is strict: unknown or missing keys, another version or
any spelling but the canonical one raise MalformedEvidence. Reading proves nothing: `verify.verify` does.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from sandbox.errors import MalformedEvidence
from sandbox.evidence import entry as entries
from sandbox.evidence import fields
from sandbox.evidence.canonical import Json, dumps, loads
from sandbox.evidence.commitment import SALT_SIZE, commit, commit_several
from sandbox.evidence.digest import Digest, algorithm
from sandbox.evidence.encoding import from_base64, to_base64
from sandbox.evidence.entry import Entry
from sandbox.evidence.merkle import HASH_SIZE, MAX_PROOF_LENGTH

VERSION = 1
TYPE = "baas-receipt"
MAX_BYTES = 4 << 20
MAX_TIMESTAMPS = 16
MAX_RENEWALS = 16


@dataclass(frozen=True, slots=True)
class SaltedDigest:
    """A document's digest and the salt of its commitment: what the holder keeps, and no log or chain sees.

    `also` are its digests by other algorithms, in the order of their slugs; the first slug of all is `algorithm`.
    """

    algorithm: str
    digest: bytes
    salt: bytes
    also: tuple[Digest, ...] = ()

    def __post_init__(self) -> None:
        if not self.also:
            return
        slugs = [self.algorithm, *(each.algorithm for each in self.also)]
        if any(before >= after for before, after in pairwise(slugs)):
            raise MalformedEvidence(
                f"a document's digests are of different algorithms in their slugs' order, got {', '.join(slugs)}"
            )

    def to_digest(self) -> Digest:
        return Digest(self.algorithm, self.digest)

    def digests(self) -> tuple[Digest, ...]:
        """Every digest of the document, in the order of their slugs."""
        return (self.to_digest(), *self.also)

    def commitment(self) -> bytes:
        """The 32 bytes that digests and salt open."""
        if self.also:
            return commit_several(self.digests(), self.salt)
        return commit(self.algorithm, self.digest, self.salt)

    def to_json(self) -> dict[str, Json]:
        value: dict[str, Json] = {
            "algorithm": self.algorithm,
            "digest": self.digest.hex(),
            "salt": self.salt.hex(),
        }
        if self.also:
            value["also"] = [{"algorithm": each.algorithm, "digest": each.value.hex()} for each in self.also]
        return value


@dataclass(frozen=True, slots=True)
class Inclusion:
    """The leaf's place: `index` in the tree of `size` of log `origin`, and the hashes up to its root."""

    origin: str
    index: int
    size: int
    proof: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class FilePlace:
    """A file's place in a folder manifest: the document that was notarised is then the manifest's header."""

    file: SaltedDigest
    index: int
    size: int
    proof: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Anchor:
    """The log's root as a fact on a chain.

    `contract` has 20 bytes; `header` is RLP; `transaction_receipt` is the consensus encoding (EIP-2718);
    `transaction_index` counts in the block, `log_index` in the transaction receipt, both from 0.
    """

    chain_id: int
    contract: bytes
    header: bytes
    transaction_index: int
    transaction_receipt: bytes
    receipt_proof: tuple[bytes, ...]
    log_index: int
    sealer_note: str


@dataclass(frozen=True, slots=True)
class Previous:
    """The checkpoint before the entry was in the log, its anchor, and the proof that the later one extends it."""

    checkpoint: str
    consistency: tuple[bytes, ...]
    anchor: Anchor


@dataclass(frozen=True, slots=True)
class Renewal:
    """The receipt as it was before, put under a root made with another algorithm while the old ones still held.

    `digest` is the document's by that algorithm. The leaf's data is `subject` (README, "Renewal"); `anchor` is of
    the transaction that notarised the root, and `timestamps` are over the root's bytes.
    """

    algorithm: str
    digest: bytes
    index: int
    size: int
    proof: tuple[bytes, ...]
    anchor: Anchor | None = None
    timestamps: tuple[bytes, ...] = ()

    def subject(self, before: Receipt) -> bytes:
        """The bytes that this renewal covers: the receipt as it was, and the document's new digest."""
        return dumps(
            {
                "document": {"algorithm": self.algorithm, "digest": self.digest.hex()},
                "receipt": before.to_json(),
            }
        )


@dataclass(frozen=True, slots=True)
class Receipt:
    """A receipt; `anchor` is None until the root is on a chain.

    `timestamps` are DER RFC 3161 tokens over the checkpoint's body. `manifest`, `previous` and `renewals` are
    there only where they say something.
    """

    document: SaltedDigest
    entry: Entry
    inclusion: Inclusion
    checkpoint: str
    anchor: Anchor | None = None
    timestamps: tuple[bytes, ...] = ()
    manifest: FilePlace | None = None
    previous: Previous | None = None
    renewals: tuple[Renewal, ...] = ()

    def to_json(self) -> dict[str, Json]:
        value: dict[str, Json] = {
            "v": VERSION,
            "type": TYPE,
            "document": self.document.to_json(),
            "entry": self.entry.to_json(),
            "inclusion": {
                "origin": self.inclusion.origin,
                "index": self.inclusion.index,
                "size": self.inclusion.size,
                "proof": [node.hex() for node in self.inclusion.proof],
            },
            "checkpoint": self.checkpoint,
            "anchor": None if self.anchor is None else _anchor_to_json(self.anchor),
            "timestamps": _tokens_to_json(self.timestamps),
        }
        if self.manifest is not None:
            value["manifest"] = {
                "file": self.manifest.file.to_json(),
                "index": self.manifest.index,
                "size": self.manifest.size,
                "proof": [node.hex() for node in self.manifest.proof],
            }
        if self.previous is not None:
            value["previous"] = {
                "checkpoint": self.previous.checkpoint,
                "consistency": [node.hex() for node in self.previous.consistency],
                "anchor": _anchor_to_json(self.previous.anchor),
            }
        if self.renewals:
            value["renewals"] = [renewal_to_json(renewal) for renewal in self.renewals]
        return value

    def to_bytes(self) -> bytes:
        return dumps(self.to_json())


def parse(data: bytes) -> Receipt:
    """The receipt whose canonical bytes these are."""
    if len(data) > MAX_BYTES:
        raise MalformedEvidence(f"receipt: at most {MAX_BYTES} bytes, got {len(data)}")
    value = fields.file(
        loads(data, "receipt"),
        "receipt",
        type_=TYPE,
        version=VERSION,
        names=("v", "type", "document", "entry", "inclusion", "checkpoint", "anchor", "timestamps"),
        optional=("manifest", "previous", "renewals"),
    )
    return Receipt(
        document=salted_digest_from_json(value["document"], "receipt.document"),
        entry=entries.from_json(value["entry"], "receipt.entry"),
        inclusion=_inclusion(value["inclusion"]),
        checkpoint=fields.text(value["checkpoint"], "receipt.checkpoint"),
        anchor=None if value["anchor"] is None else anchor_from_json(value["anchor"]),
        timestamps=_tokens(value["timestamps"], "receipt.timestamps"),
        manifest=manifest_from_json(value["manifest"]) if "manifest" in value else None,
        previous=_previous(value["previous"]) if "previous" in value else None,
        renewals=_renewals(value["renewals"]) if "renewals" in value else (),
    )


def salted_digest_from_json(value: Json, what: str) -> SaltedDigest:
    """The digests and the salt that a JSON object states."""
    found = fields.record(value, what, ("algorithm", "digest", "salt"), optional=("also",))
    also: tuple[Digest, ...] = ()
    if "also" in found:
        also = tuple(_digest(item, f"{what}.also") for item in fields.some(found["also"], f"{what}.also"))
    first = _digest({"algorithm": found["algorithm"], "digest": found["digest"]}, what)
    salt = fields.hexadecimal(found["salt"], f"{what}.salt", length=SALT_SIZE)
    return SaltedDigest(first.algorithm, first.value, salt, also)


def _digest(value: Json, what: str) -> Digest:
    found = fields.record(value, what, ("algorithm", "digest"))
    slug = fields.text(found["algorithm"], f"{what}.algorithm")
    return Digest(slug, fields.hexadecimal(found["digest"], f"{what}.digest", length=algorithm(slug).size))


def manifest_from_json(value: Json) -> FilePlace:
    """The place in a folder manifest that a JSON object states."""
    what = "receipt.manifest"
    found = fields.record(value, what, ("file", "index", "size", "proof"))
    return FilePlace(
        salted_digest_from_json(found["file"], f"{what}.file"),
        fields.integer(found["index"], f"{what}.index"),
        fields.integer(found["size"], f"{what}.size", minimum=1),
        _proof(found["proof"], f"{what}.proof"),
    )


def _previous(value: Json) -> Previous:
    what = "receipt.previous"
    found = fields.record(value, what, ("checkpoint", "consistency", "anchor"))
    return Previous(
        fields.text(found["checkpoint"], f"{what}.checkpoint"),
        _proof(found["consistency"], f"{what}.consistency"),
        anchor_from_json(found["anchor"]),
    )


def _renewals(value: Json) -> tuple[Renewal, ...]:
    what = "receipt.renewals"
    items = fields.some(value, what)
    if len(items) > MAX_RENEWALS:
        raise MalformedEvidence(f"{what}: at most {MAX_RENEWALS}, got {len(items)}")
    return tuple(renewal_from_json(item, f"{what}[{i}]") for i, item in enumerate(items))


def renewal_from_json(value: Json, what: str) -> Renewal:
    """The renewal that a JSON object states."""
    names = ("algorithm", "digest", "index", "size", "proof", "timestamps")
    found = fields.record(value, what, names, optional=("anchor",))
    digest = _digest({"algorithm": found["algorithm"], "digest": found["digest"]}, what)
    if len(digest.value) != HASH_SIZE:
        raise MalformedEvidence(f"{what}.algorithm: a renewal's algorithm has {HASH_SIZE}-byte digests")
    return Renewal(
        digest.algorithm,
        digest.value,
        fields.integer(found["index"], f"{what}.index"),
        fields.integer(found["size"], f"{what}.size", minimum=1),
        _proof(found["proof"], f"{what}.proof"),
        anchor_from_json(found["anchor"]) if "anchor" in found else None,
        _tokens(found["timestamps"], f"{what}.timestamps"),
    )


def renewal_to_json(renewal: Renewal) -> dict[str, Json]:
    value: dict[str, Json] = {
        "algorithm": renewal.algorithm,
        "digest": renewal.digest.hex(),
        "index": renewal.index,
        "size": renewal.size,
        "proof": [node.hex() for node in renewal.proof],
        "timestamps": _tokens_to_json(renewal.timestamps),
    }
    if renewal.anchor is not None:
        value["anchor"] = _anchor_to_json(renewal.anchor)
    return value


def _proof(value: Json, what: str) -> tuple[bytes, ...]:
    proof = fields.array(value, what)
    if len(proof) > MAX_PROOF_LENGTH:
        raise MalformedEvidence(f"{what}: at most {MAX_PROOF_LENGTH} hashes, got {len(proof)}")
    return tuple(fields.hexadecimal(node, what, length=HASH_SIZE) for node in proof)


def _inclusion(value: Json) -> Inclusion:
    what = "receipt.inclusion"
    found = fields.record(value, what, ("origin", "index", "size", "proof"))
    return Inclusion(
        fields.text(found["origin"], f"{what}.origin"),
        fields.integer(found["index"], f"{what}.index"),
        fields.integer(found["size"], f"{what}.size", minimum=1),
        _proof(found["proof"], f"{what}.proof"),
    )


def anchor_from_json(value: Json) -> Anchor:
    """The anchor that a JSON object states."""
    what = "receipt.anchor"
    found = fields.record(
        value,
        what,
        (
            "chain_id",
            "contract",
            "header",
            "transaction_index",
            "transaction_receipt",
            "receipt_proof",
            "log_index",
            "sealer_note",
        ),
    )
    return Anchor(
        chain_id=fields.integer(found["chain_id"], f"{what}.chain_id", minimum=1),
        contract=fields.hexadecimal(found["contract"], f"{what}.contract", length=20, prefix="0x"),
        header=fields.hexadecimal(found["header"], f"{what}.header", prefix="0x"),
        transaction_index=fields.integer(found["transaction_index"], f"{what}.transaction_index"),
        transaction_receipt=fields.hexadecimal(
            found["transaction_receipt"], f"{what}.transaction_receipt", prefix="0x"
        ),
        receipt_proof=tuple(
            fields.hexadecimal(node, f"{what}.receipt_proof", prefix="0x")
            for node in fields.array(found["receipt_proof"], f"{what}.receipt_proof")
        ),
        log_index=fields.integer(found["log_index"], f"{what}.log_index"),
        sealer_note=fields.text(found["sealer_note"], f"{what}.sealer_note"),
    )


def _anchor_to_json(anchor: Anchor) -> dict[str, Json]:
    return {
        "chain_id": anchor.chain_id,
        "contract": "0x" + anchor.contract.hex(),
        "header": "0x" + anchor.header.hex(),
        "transaction_index": anchor.transaction_index,
        "transaction_receipt": "0x" + anchor.transaction_receipt.hex(),
        "receipt_proof": ["0x" + node.hex() for node in anchor.receipt_proof],
        "log_index": anchor.log_index,
        "sealer_note": anchor.sealer_note,
    }


def _tokens(value: Json, what: str) -> tuple[bytes, ...]:
    items = fields.array(value, what)
    if len(items) > MAX_TIMESTAMPS:
        raise MalformedEvidence(f"{what}: at most {MAX_TIMESTAMPS}, got {len(items)}")
    return tuple(_timestamp(item, f"{what}[{i}]") for i, item in enumerate(items))


def _tokens_to_json(tokens: tuple[bytes, ...]) -> list[Json]:
    return [{"token": to_base64(token)} for token in tokens]


def _timestamp(value: Json, what: str) -> bytes:
    found = fields.record(value, what, ("token",))
    return from_base64(fields.text(found["token"], f"{what}.token"), f"{what}.token")
