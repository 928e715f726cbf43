"""What anvil does not check, or does not say, about a raw transaction that is to be sealed.

Types 0 (pre-EIP-155 too), 1, 2 and 4, decoded strictly: one that is not the canonical encoding of a transaction is
none. anvil acknowledges a wrong chain id and then forgets the transaction, and knows no cap on one's gas.
"""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.errors import MalformedEvidence
from sandbox.evidence import rlp
from sandbox.spec import MAX_INITCODE_SIZE, TRANSACTION_GAS_CAP, ChainSpec

_FIELDS: dict[int, tuple[str, ...]] = {
    0: ("nonce", "gas_price", "gas", "to", "value", "data"),
    1: ("chain_id", "nonce", "gas_price", "gas", "to", "value", "data", "accesses"),
    2: ("chain_id", "nonce", "tip", "gas_price", "gas", "to", "value", "data", "accesses"),
    4: ("chain_id", "nonce", "tip", "gas_price", "gas", "to", "value", "data", "accesses", "authorizations"),
}
_SIGNATURE = 3  # items after these fields


@dataclass(frozen=True, slots=True)
class Transaction:
    """The members that sealing looks at; `chain_id` None is pre-EIP-155."""

    raw: bytes
    chain_id: int | None
    nonce: int
    gas_price: int
    gas: int
    to: bytes
    value: int
    data: bytes

    def sender(self) -> bytes:
        """The 20 bytes of who signed it. Slow: for the few that need a reason."""
        from sandbox._eth_account import Account  # a library that takes most of a second to load

        return bytes.fromhex(Account.recover_transaction(self.raw)[2:])


def decode(raw: bytes) -> Transaction:
    """Raises MalformedEvidence for what is no transaction of a type that is sealed here."""
    if not raw:
        raise MalformedEvidence("no bytes")
    kind = raw[0] if raw[0] < 0xC0 else 0
    if kind not in _FIELDS or raw[0] == 0:
        raise MalformedEvidence(f"a transaction of type {raw[0]:#04x} is not sealed here")
    items = rlp.as_list(rlp.decode(raw if kind == 0 else raw[1:], "transaction"), "transaction")
    names = _FIELDS[kind]
    if len(items) != len(names) + _SIGNATURE:
        raise MalformedEvidence(f"type {kind} has {len(names) + _SIGNATURE} items, got {len(items)}")
    fields = dict(zip(names, items, strict=False))
    chain_id: int | None
    if kind:
        chain_id = _integer(fields["chain_id"], "chain_id")
    else:
        v = _integer(items[-3], "v")
        chain_id = (v - 35) // 2 if v >= 35 else None  # EIP-155
    return Transaction(
        raw,
        chain_id,
        _integer(fields["nonce"], "nonce"),
        _integer(fields["gas_price"], "gas_price"),
        _integer(fields["gas"], "gas"),
        rlp.as_bytes(fields["to"], "to"),
        _integer(fields["value"], "value"),
        rlp.as_bytes(fields["data"], "data"),
    )


def fault(transaction: Transaction, spec: ChainSpec) -> str | None:
    """Why this chain cannot hold it, or None."""
    if transaction.chain_id not in (None, spec.chain_id):
        return f"wrong chain id: expected {spec.chain_id}, got {transaction.chain_id}"
    if transaction.gas > TRANSACTION_GAS_CAP:
        return f"gas limit must be at most {TRANSACTION_GAS_CAP} (EIP-7825), got {transaction.gas}"
    if not transaction.to and len(transaction.data) > MAX_INITCODE_SIZE:
        return f"init code must be at most {MAX_INITCODE_SIZE} bytes, got {len(transaction.data)}"
    if transaction.gas < (floor := floor_gas(transaction.data)):
        return f"gas limit is below the data floor (EIP-7623): at least {floor}, got {transaction.gas}"
    return None


def floor_gas(data: bytes) -> int:
    """EIP-7623: the least that a transaction's data costs."""
    zeros = data.count(0)
    return 21_000 + 10 * (zeros + 4 * (len(data) - zeros))


def intrinsic_gas(to: bytes, data: bytes, accesses: tuple[tuple[bytes, tuple[int, ...]], ...] = ()) -> int:
    """The least gas that such a message needs under Prague: EIP-2028, 2930, 3860 and 7623."""
    zeros = data.count(0)
    gas = 21_000 + 4 * zeros + 16 * (len(data) - zeros)
    gas += sum(2_400 + 1_900 * len(keys) for _, keys in accesses)
    if not to:
        gas += 32_000 + 2 * -(-len(data) // 32)
    return max(gas, floor_gas(data))


def _integer(item: rlp.Item, what: str) -> int:
    data = rlp.as_bytes(item, what)
    if len(data) > 32 or data[:1] == b"\x00":
        raise MalformedEvidence(f"{what} is an integer of at most 32 bytes without leading zeros")
    return int.from_bytes(data, "big")
