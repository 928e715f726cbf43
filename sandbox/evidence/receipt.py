"""Receipts: the portable proof of one entry, canonical JSON (RFC 8785) with all that an offline check needs.

The format, field by field, is in README.md. Reading is strict: unknown or missing keys, another version or
any spelling but the canonical one raise MalformedEvidence. Reading proves nothing: `verify.verify` does.
"""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.errors import MalformedEvidence
from sandbox.evidence import entry as entries
from sandbox.evidence import fields
from sandbox.evidence.canonical import Json, dumps, loads
from sandbox.evidence.commitment import SALT_SIZE
from sandbox.evidence.digest import Digest, algorithm
from sandbox.evidence.encoding import from_base64, to_base64
from sandbox.evidence.entry import Entry
from sandbox.evidence.merkle import HASH_SIZE, MAX_PROOF_LENGTH

VERSION = 1
TYPE = "baas-receipt"
MAX_BYTES = 4 << 20
MAX_TIMESTAMPS = 16


@dataclass(frozen=True, slots=True)
class SaltedDigest:
    """A document's digest and the salt of its commitment: what the holder keeps, and no log or chain sees."""

    algorithm: str
    digest: bytes
    salt: bytes

    def to_digest(self) -> Digest:
        return Digest(self.algorithm, self.digest)


@dataclass(frozen=True, slots=True)
class Inclusion:
    """The leaf's place: `index` in the tree of `size` of log `origin`, and the hashes up to its root."""

    origin: str
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
class Receipt:
    """A receipt; `anchor` is None until the root is on a chain; `timestamps` are DER RFC 3161 tokens."""

    document: SaltedDigest
    entry: Entry
    inclusion: Inclusion
    checkpoint: str
    anchor: Anchor | None = None
    timestamps: tuple[bytes, ...] = ()

    def to_json(self) -> dict[str, Json]:
        return {
            "v": VERSION,
            "type": TYPE,
            "document": {
                "algorithm": self.document.algorithm,
                "digest": self.document.digest.hex(),
                "salt": self.document.salt.hex(),
            },
            "entry": self.entry.to_json(),
            "inclusion": {
                "origin": self.inclusion.origin,
                "index": self.inclusion.index,
                "size": self.inclusion.size,
                "proof": [node.hex() for node in self.inclusion.proof],
            },
            "checkpoint": self.checkpoint,
            "anchor": None if self.anchor is None else _anchor_to_json(self.anchor),
            "timestamps": [{"token": to_base64(token)} for token in self.timestamps],
        }

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
    )
    timestamps = fields.array(value["timestamps"], "receipt.timestamps")
    if len(timestamps) > MAX_TIMESTAMPS:
        raise MalformedEvidence(f"receipt.timestamps: at most {MAX_TIMESTAMPS}, got {len(timestamps)}")
    return Receipt(
        document=_document(value["document"]),
        entry=entries.from_json(value["entry"], "receipt.entry"),
        inclusion=_inclusion(value["inclusion"]),
        checkpoint=fields.text(value["checkpoint"], "receipt.checkpoint"),
        anchor=None if value["anchor"] is None else anchor_from_json(value["anchor"]),
        timestamps=tuple(_timestamp(item, f"receipt.timestamps[{i}]") for i, item in enumerate(timestamps)),
    )


def _document(value: Json) -> SaltedDigest:
    what = "receipt.document"
    found = fields.record(value, what, ("algorithm", "digest", "salt"))
    slug = fields.text(found["algorithm"], f"{what}.algorithm")
    return SaltedDigest(
        slug,
        fields.hexadecimal(found["digest"], f"{what}.digest", length=algorithm(slug).size),
        fields.hexadecimal(found["salt"], f"{what}.salt", length=SALT_SIZE),
    )


def _inclusion(value: Json) -> Inclusion:
    what = "receipt.inclusion"
    found = fields.record(value, what, ("origin", "index", "size", "proof"))
    proof = fields.array(found["proof"], f"{what}.proof")
    if len(proof) > MAX_PROOF_LENGTH:
        raise MalformedEvidence(f"{what}.proof: at most {MAX_PROOF_LENGTH} hashes, got {len(proof)}")
    return Inclusion(
        fields.text(found["origin"], f"{what}.origin"),
        fields.integer(found["index"], f"{what}.index"),
        fields.integer(found["size"], f"{what}.size", minimum=1),
        tuple(fields.hexadecimal(node, f"{what}.proof", length=HASH_SIZE) for node in proof),
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


def _timestamp(value: Json, what: str) -> bytes:
    found = fields.record(value, what, ("token",))
    return from_base64(fields.text(found["token"], f"{what}.token"), f"{what}.token")
