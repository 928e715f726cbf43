"""Signed transactions of EIP-1559 (type 2): what an account signed, and the hash that its signature is of.

Other types are refused: a legacy transaction need not say for which chain it was signed.
"""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.errors import MalformedEvidence
from sandbox.evidence import rlp
from sandbox.evidence.keccak import keccak
from sandbox.evidence.secp256k1 import require_signed

TYPE = 2
_FIELDS = 12
_SIGNED_FIELDS = 9  # all but the signature's three


@dataclass(frozen=True, slots=True)
class Transaction:
    """`to` has 20 bytes, or none where a contract is created; `signing_hash` is what (r, s) signs."""

    chain_id: int
    nonce: int
    to: bytes
    data: bytes
    signing_hash: bytes
    r: int
    s: int

    def require_signed_by(self, public_key: bytes) -> None:
        """Raise VerificationError unless this public key (64 bytes) signed it."""
        require_signed(public_key, self.signing_hash, self.r, self.s)


def parse(raw: bytes) -> Transaction:
    """The transaction whose consensus encoding (EIP-2718) this is."""
    what = "transaction"
    if raw[:1] != bytes([TYPE]):
        raise MalformedEvidence(f"{what}: expected one of EIP-1559 (type {TYPE}), got {raw[:1].hex()!r}")
    items = rlp.as_list(rlp.decode(raw[1:], what), what)
    if len(items) != _FIELDS:
        raise MalformedEvidence(f"{what}: expected {_FIELDS} fields (EIP-1559), got {len(items)}")
    for item, name in ((items[2], "priority fee"), (items[3], "fee"), (items[6], "value")):
        _quantity(item, f"{what} {name}")
    rlp.as_integer(items[4], f"{what} gas")
    rlp.as_list(items[8], f"{what} access list")
    to = rlp.as_bytes(items[5], f"{what} recipient")
    if len(to) not in (0, 20):
        raise MalformedEvidence(f"{what} recipient: expected 20 bytes or none, got {len(to)}")
    if rlp.as_integer(items[9], f"{what} y parity") > 1:
        raise MalformedEvidence(f"{what} y parity: expected 0 or 1")
    return Transaction(
        chain_id=rlp.as_integer(items[0], f"{what} chain id"),
        nonce=rlp.as_integer(items[1], f"{what} nonce"),
        to=to,
        data=rlp.as_bytes(items[7], f"{what} data"),
        signing_hash=keccak(bytes([TYPE]) + rlp.encode(items[:_SIGNED_FIELDS])),
        r=_quantity(items[10], f"{what} r"),
        s=_quantity(items[11], f"{what} s"),
    )


def _quantity(item: rlp.Item, what: str) -> int:
    """A whole number of up to 256 bits, without leading zero bytes."""
    data = rlp.as_bytes(item, what)
    if len(data) > 32 or data[:1] == b"\x00":
        raise MalformedEvidence(
            f"{what}: expected 32 bytes or fewer, none leading zero, got {data[:40].hex()}"
        )
    return int.from_bytes(data, "big")
