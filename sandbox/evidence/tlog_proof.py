"""C2SP tlog-proofs (c2sp.org/tlog-proof@v1): an entry's inclusion as text, with the log's checkpoint and its cosignatures.

    c2sp.org/tlog-proof@v1
    extra <base64>            ours: canonical JSON {"document":…,"entry":…}, both as in the JSON receipt (and "manifest")
    index <n>
    <base64 of a hash>        from the leaf's sibling up; none in a tree of one leaf
    <blank line>
    <checkpoint>              the signed note, verbatim

`extra` is not authenticated by the format. Here it is what opens the leaf: the entry is hashed, and the document has to
open the entry's commitment. `TlogProof` reads anybody's proof; `from_receipt` and `to_receipt` are for ours.
"""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.errors import MalformedEvidence
from sandbox.evidence import entry as entries
from sandbox.evidence import fields, merkle
from sandbox.evidence.canonical import Json, dumps, loads
from sandbox.evidence.checkpoint import parse_unverified
from sandbox.evidence.encoding import from_base64, from_decimal, to_base64
from sandbox.evidence.receipt import Inclusion, Receipt, manifest_from_json, salted_digest_from_json

FIRST_LINE = "c2sp.org/tlog-proof@v1"
MAX_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class TlogProof:
    """A proof as it stands: nothing of it is checked. `extra` is None where there is no such line."""

    index: int
    proof: tuple[bytes, ...]
    checkpoint: str
    extra: bytes | None = None

    def to_bytes(self) -> bytes:
        extra = [] if self.extra is None else [f"extra {to_base64(self.extra)}"]
        lines = [FIRST_LINE, *extra, f"index {self.index}", *map(to_base64, self.proof), "", self.checkpoint]
        return "\n".join(lines).encode()


def parse(data: bytes) -> TlogProof:
    """The proof that these bytes are. MalformedEvidence for any other spelling of it."""
    what = "tlog-proof"
    if len(data) > MAX_BYTES:
        raise MalformedEvidence(f"{what}: at most {MAX_BYTES} bytes, got {len(data)}")
    try:
        head, blank, checkpoint = data.decode("utf-8").partition("\n\n")
    except UnicodeDecodeError as error:
        raise MalformedEvidence(f"{what}: expected UTF-8 text: {error}") from error
    lines = head.split("\n")
    if lines[0] != FIRST_LINE or not blank:
        raise MalformedEvidence(
            f"{what}: expected the line {FIRST_LINE}, an index, hashes, a blank line and a checkpoint"
        )
    extra = None
    if len(lines) > 1 and lines[1].startswith("extra "):
        extra = from_base64(lines.pop(1).removeprefix("extra "), f"{what} extra")
    if len(lines) < 2 or not lines[1].startswith("index "):
        raise MalformedEvidence(f"{what}: expected a line 'index N', got {lines[1:2]!r:.80}")
    if len(lines) - 2 > merkle.MAX_PROOF_LENGTH:
        raise MalformedEvidence(f"{what}: at most {merkle.MAX_PROOF_LENGTH} hashes, got {len(lines) - 2}")
    parse_unverified(checkpoint)  # a checkpoint at all
    return TlogProof(
        from_decimal(lines[1].removeprefix("index "), f"{what} index"),
        tuple(from_base64(line, f"{what} hash", length=merkle.HASH_SIZE) for line in lines[2:]),
        checkpoint,
        extra,
    )


def from_receipt(receipt: Receipt) -> TlogProof:
    """A receipt's proof in this encoding: without its anchor, its time-stamps and what was added later."""
    value = receipt.to_json()
    extra = {name: value[name] for name in ("document", "entry", "manifest") if name in value}
    return TlogProof(receipt.inclusion.index, receipt.inclusion.proof, receipt.checkpoint, dumps(extra))


def to_receipt(proof: TlogProof) -> Receipt:
    """The receipt that a proof of ours stands for: one without an anchor."""
    what = "tlog-proof extra"
    if proof.extra is None:
        raise MalformedEvidence(
            f"{what}: missing: without it nothing says which entry and document it proves"
        )
    found: dict[str, Json] = fields.record(
        loads(proof.extra, what), what, ("document", "entry"), optional=("manifest",)
    )
    stated = parse_unverified(proof.checkpoint)
    return Receipt(
        document=salted_digest_from_json(found["document"], f"{what}.document"),
        entry=entries.from_json(found["entry"], f"{what}.entry"),
        inclusion=Inclusion(stated.origin, proof.index, stated.size, proof.proof),
        checkpoint=proof.checkpoint,
        manifest=manifest_from_json(found["manifest"]) if "manifest" in found else None,
    )
