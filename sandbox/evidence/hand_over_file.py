"""Evidence of a hand-over (`baas-hand-over`, version 1): an act's steps, each with all that an offline check needs.

The format, field by field, is in README.md. Reading is strict, as a receipt's: unknown or missing keys, another
version or any spelling but the canonical one raise MalformedEvidence. Reading proves nothing: `hand_over.verify` does.
"""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import fields as fields_of
from enum import StrEnum

from sandbox.errors import MalformedEvidence
from sandbox.evidence import fields
from sandbox.evidence.canonical import Json, dumps, loads
from sandbox.evidence.commitment import SALT_SIZE
from sandbox.evidence.digest import algorithm
from sandbox.evidence.hand_over_calls import Step
from sandbox.evidence.receipt import SaltedDigest
from sandbox.evidence.secp256k1 import KEY_SIZE

VERSION = 1
TYPE = "baas-hand-over"
MAX_BYTES = 4 << 20
_NAMES = ("v", "type", "chain_id", "contract", "act", "algorithm", "digest", "salt", "steps")


class Status(StrEnum):
    """How far an act has come, as the contract says it."""

    OFFERED = "offered"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    COMPLETED = "completed"

    @property
    def is_final(self) -> bool:
        return self in (Status.REJECTED, Status.COMPLETED)


#: The only sequences of steps that there are, and where each leads.
SEQUENCES: dict[tuple[Step, ...], Status] = {
    (Step.OFFER,): Status.OFFERED,
    (Step.OFFER, Step.ACCEPT): Status.ACCEPTED,
    (Step.OFFER, Step.REJECT): Status.REJECTED,
    (Step.OFFER, Step.ACCEPT, Step.COMPLETE): Status.COMPLETED,
}
MAX_STEPS = max(map(len, SEQUENCES))


@dataclass(frozen=True, slots=True)
class StepProof:
    """One step: the block's header, and under it the body's own transaction and what the EVM recorded of it.

    `header` is RLP; `transaction` and `receipt` (the transaction receipt) are consensus encodings (EIP-2718);
    `transaction_index` counts in the block, `log_index` in the transaction receipt, both from 0. `public_key` (x and y,
    64 bytes) is the signer's. `opens` is what the commitment to a reason or an outcome is of, where that is given out.
    """

    step: Step
    header: bytes
    transaction: bytes
    transaction_index: int
    transaction_proof: tuple[bytes, ...]
    public_key: bytes
    receipt: bytes
    receipt_proof: tuple[bytes, ...]
    log_index: int
    sealer_note: str
    opens: SaltedDigest | None = None

    def to_json(self) -> dict[str, Json]:
        value: dict[str, Json] = {
            "step": str(self.step),
            "header": _hexed(self.header),
            "transaction": _hexed(self.transaction),
            "transaction_index": self.transaction_index,
            "transaction_proof": [_hexed(node) for node in self.transaction_proof],
            "public_key": _hexed(self.public_key),
            "receipt": _hexed(self.receipt),
            "receipt_proof": [_hexed(node) for node in self.receipt_proof],
            "log_index": self.log_index,
            "sealer_note": self.sealer_note,
        }
        if self.opens is not None:
            value["opens"] = self.opens.to_json()
        return value


@dataclass(frozen=True, slots=True)
class HandOverEvidence:
    """The steps of one act, which is `act` on the chain and `document` (its digest and salt) at the bodies."""

    chain_id: int
    contract: bytes
    act: bytes
    document: SaltedDigest
    steps: tuple[StepProof, ...]

    @property
    def status(self) -> Status | None:
        """Where the steps lead, if they are what they say; None where no hand-over goes like that."""
        return SEQUENCES.get(tuple(each.step for each in self.steps))

    def to_bytes(self) -> bytes:
        return dumps(
            {
                "v": VERSION,
                "type": TYPE,
                "chain_id": self.chain_id,
                "contract": _hexed(self.contract),
                "act": _hexed(self.act),
                **self.document.to_json(),
                "steps": [each.to_json() for each in self.steps],
            }
        )


def parse(data: bytes) -> HandOverEvidence:
    """The evidence whose canonical bytes these are."""
    what = "hand-over"
    if len(data) > MAX_BYTES:
        raise MalformedEvidence(f"{what}: expected at most {MAX_BYTES} bytes, got {len(data)}")
    value = fields.file(loads(data, what), what, type_=TYPE, version=VERSION, names=_NAMES)
    steps = fields.array(value["steps"], f"{what}.steps")
    if not 1 <= len(steps) <= MAX_STEPS:
        raise MalformedEvidence(f"{what}.steps: expected 1 to {MAX_STEPS}, got {len(steps)}")
    return HandOverEvidence(
        chain_id=fields.integer(value["chain_id"], f"{what}.chain_id", minimum=1),
        contract=fields.hexadecimal(value["contract"], f"{what}.contract", length=20, prefix="0x"),
        act=fields.hexadecimal(value["act"], f"{what}.act", length=32, prefix="0x"),
        document=_salted({name: value[name] for name in ("algorithm", "digest", "salt")}, what),
        steps=tuple(_step(each, f"{what}.steps[{at}]") for at, each in enumerate(steps)),
    )


def is_one(data: bytes) -> bool:
    """Whether a file says of itself that it is evidence of a hand-over; that it can be read is `parse`'s matter."""
    try:
        value = loads(data, "file")
    except MalformedEvidence:
        return False
    return isinstance(value, dict) and value.get("type") == TYPE


def _step(value: Json, what: str) -> StepProof:
    names = tuple(each.name for each in fields_of(StepProof) if each.name != "opens")
    found = fields.record(value, what, names, optional=("opens",))
    name = fields.text(found["step"], f"{what}.step")
    if name not in set(Step):
        raise MalformedEvidence(f"{what}.step: expected one of {', '.join(Step)}, got {name[:40]!r}")

    def data(key: str, length: int | None = None) -> bytes:
        return fields.hexadecimal(found[key], f"{what}.{key}", length=length, prefix="0x")

    def nodes(key: str) -> tuple[bytes, ...]:
        listed = fields.array(found[key], f"{what}.{key}")
        return tuple(fields.hexadecimal(each, f"{what}.{key}", prefix="0x") for each in listed)

    return StepProof(
        step=Step(name),
        header=data("header"),
        transaction=data("transaction"),
        transaction_index=fields.integer(found["transaction_index"], f"{what}.transaction_index"),
        transaction_proof=nodes("transaction_proof"),
        public_key=data("public_key", KEY_SIZE),
        receipt=data("receipt"),
        receipt_proof=nodes("receipt_proof"),
        log_index=fields.integer(found["log_index"], f"{what}.log_index"),
        sealer_note=fields.text(found["sealer_note"], f"{what}.sealer_note"),
        opens=_salted(found["opens"], f"{what}.opens") if "opens" in found else None,
    )


def _salted(value: Json, what: str) -> SaltedDigest:
    found = fields.record(value, what, ("algorithm", "digest", "salt"))
    slug = fields.text(found["algorithm"], f"{what}.algorithm")
    return SaltedDigest(
        slug,
        fields.hexadecimal(found["digest"], f"{what}.digest", length=algorithm(slug).size),
        fields.hexadecimal(found["salt"], f"{what}.salt", length=SALT_SIZE),
    )


def _hexed(data: bytes) -> str:
    return f"0x{data.hex()}"
