"""A signed transaction's bytes: decoded strictly, its sender recovered, shown as JSON-RPC shows it.

Types 0 (with EIP-155), 1 (EIP-2930) and 2 (EIP-1559); blobs and set-code are refused. By hand over
`coincurve`, since this is where the gateway's time goes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import coincurve
from coincurve.utils import GROUP_ORDER_INT

from sandbox.errors import MalformedEvidence
from sandbox.evidence import rlp
from sandbox.evidence.keccak import keccak
from sandbox.gateway import errors
from sandbox.permissions import Act
from sandbox.spec import MAX_INITCODE_SIZE

#: Names of each type's fields in the order of its EIP, before the signature's three.
_FIELDS: dict[int, tuple[str, ...]] = {
    0: ("nonce", "gas_price", "gas", "to", "value", "data"),
    1: ("chain_id", "nonce", "gas_price", "gas", "to", "value", "data", "access_list"),
    2: ("chain_id", "nonce", "priority", "gas_price", "gas", "to", "value", "data", "access_list"),
}

AccessList = tuple[tuple[bytes, tuple[bytes, ...]], ...]


@dataclass(frozen=True, slots=True)
class SignedTransaction:
    """Decoded, not yet judged. `chain_id` None is pre-EIP-155; `gas_price` is type 2's max fee, in wei."""

    raw: bytes
    hash: bytes
    type: int
    chain_id: int | None
    nonce: int
    gas_price: int
    priority: int
    gas: int
    to: bytes | None
    value: int
    data: bytes
    access_list: AccessList
    parity: int
    r: int
    s: int
    signing_hash: bytes

    def act(self, sender: bytes) -> Act:
        return Act(sender, self.to, self.value, self.gas_price, self.gas, self.data)

    def upfront_cost(self) -> int:
        return self.gas * self.gas_price + self.value

    def intrinsic_gas(self) -> int:
        """The least gas it needs under Prague: EIP-2028, 2930, 3860 and the calldata floor of 7623."""
        zeros = self.data.count(0)
        others = len(self.data) - zeros
        gas = 21_000 + 4 * zeros + 16 * others
        gas += sum(2_400 + 1_900 * len(keys) for _, keys in self.access_list)
        if self.to is None:
            gas += 32_000 + 2 * -(-len(self.data) // 32)
        return max(gas, 21_000 + 10 * (zeros + 4 * others))


def decode(raw: bytes) -> SignedTransaction:
    """Read the bytes of one signed transaction; RpcError -32602 where they are not one."""
    if not raw:
        raise errors.invalid_transaction("no bytes")
    kind = 0 if raw[0] >= 0xC0 else raw[0]
    if kind not in _FIELDS or raw[0] == 0:
        raise errors.invalid_transaction_type(raw[0])
    prefix = b"" if kind == 0 else raw[:1]
    try:
        items = rlp.decode(raw[len(prefix) :], f"type {kind}")
    except MalformedEvidence as error:
        raise errors.invalid_transaction(str(error)) from None
    names = _FIELDS[kind]
    if not isinstance(items, list) or len(items) != len(names) + 3:
        raise errors.invalid_transaction(f"type {kind} is a list of {len(names) + 3} items")
    fields = dict(zip(names, items, strict=False))
    numbers = {
        name: _integer(name, fields[name]) for name in names if name not in ("to", "data", "access_list")
    }
    to, data = _bytes("to", fields["to"]), _bytes("data", fields["data"])
    if len(to) not in (0, 20):
        raise errors.invalid_transaction(f"to is 20 bytes or empty, got {len(to)} bytes")
    if not to and len(data) > MAX_INITCODE_SIZE:
        raise errors.invalid_transaction(
            f"init code is at most {MAX_INITCODE_SIZE} bytes, got {len(data)} (EIP-3860)"
        )
    v, r, s = (_integer(name, item) for name, item in zip("vrs", items[-3:], strict=True))
    unsigned: list[rlp.Item] = items[:-3]
    chain_id: int | None = numbers.get("chain_id")
    if kind == 0 and v >= 35:  # EIP-155
        chain_id, v = divmod(v - 35, 2)
        unsigned = [*unsigned, chain_id.to_bytes((chain_id.bit_length() + 7) // 8), b"", b""]
    elif kind == 0:
        v -= 27
    return SignedTransaction(
        raw=raw,
        hash=keccak(raw),
        type=kind,
        chain_id=chain_id,
        nonce=numbers["nonce"],
        gas_price=numbers["gas_price"],
        priority=numbers.get("priority", numbers["gas_price"]),
        gas=numbers["gas"],
        to=to or None,
        value=numbers["value"],
        data=data,
        access_list=_access_list(fields.get("access_list", [])),
        parity=v,
        r=r,
        s=s,
        signing_hash=keccak(prefix + rlp.encode(unsigned)),
    )


def recover(transaction: SignedTransaction) -> bytes:
    """The sender's 20 bytes; RpcError -32002 for a signature that is none, or malleable (EIP-2)."""
    if transaction.parity not in (0, 1):
        raise errors.invalid_signature("v is not one of this transaction type")
    if not (0 < transaction.r < GROUP_ORDER_INT and 0 < transaction.s <= GROUP_ORDER_INT // 2):
        raise errors.invalid_signature("r or s is out of range (EIP-2)")
    compact = transaction.r.to_bytes(32) + transaction.s.to_bytes(32) + bytes([transaction.parity])
    try:
        key = coincurve.PublicKey.from_signature_and_message(compact, transaction.signing_hash, hasher=None)
    except Exception as error:  # coincurve raises bare Exception and ValueError for what is no point
        raise errors.invalid_signature("no key made this signature") from error
    return keccak(key.format(compressed=False)[1:])[12:]


def pending_json(transaction: SignedTransaction, sender: bytes) -> dict[str, Any]:
    """The transaction object of `eth_getTransactionByHash` before it is in a block."""
    legacy_v = transaction.parity + 35 + 2 * (transaction.chain_id or 0)
    shown: dict[str, Any] = {
        "blockHash": None,
        "blockNumber": None,
        "transactionIndex": None,
        "hash": f"0x{transaction.hash.hex()}",
        "type": hex(transaction.type),
        "chainId": None if transaction.chain_id is None else hex(transaction.chain_id),
        "from": f"0x{sender.hex()}",
        "to": None if transaction.to is None else f"0x{transaction.to.hex()}",
        "nonce": hex(transaction.nonce),
        "gas": hex(transaction.gas),
        "gasPrice": hex(transaction.gas_price),
        "value": hex(transaction.value),
        "input": f"0x{transaction.data.hex()}",
        "v": hex(legacy_v if transaction.type == 0 else transaction.parity),
        "r": hex(transaction.r),
        "s": hex(transaction.s),
    }
    if transaction.type:
        shown["yParity"] = hex(transaction.parity)
        shown["accessList"] = [
            {"address": f"0x{address.hex()}", "storageKeys": [f"0x{key.hex()}" for key in keys]}
            for address, keys in transaction.access_list
        ]
    if transaction.type == 2:
        shown |= {
            "maxFeePerGas": hex(transaction.gas_price),
            "maxPriorityFeePerGas": hex(transaction.priority),
        }
    return shown


def _bytes(name: str, item: Any) -> bytes:
    if not isinstance(item, bytes):
        raise errors.invalid_transaction(f"{name} is bytes, got a list")
    return item


def _integer(name: str, item: Any) -> int:
    data = _bytes(name, item)
    limit = 8 if name in ("nonce", "gas") else 32
    if len(data) > limit or data[:1] == b"\x00":
        raise errors.invalid_transaction(
            f"{name} is an integer of at most {limit} bytes without leading zeros"
        )
    return int.from_bytes(data)


def _access_list(items: Any) -> AccessList:
    entries: list[tuple[bytes, tuple[bytes, ...]]] = []
    for entry in items if isinstance(items, list) else [items]:
        match entry:
            case [bytes(address), [*keys]] if len(address) == 20:
                if not all(isinstance(key, bytes) and len(key) == 32 for key in keys):
                    raise errors.invalid_transaction("an access list's storage keys are 32 bytes each")
                entries.append((address, tuple(keys)))
            case _:
                raise errors.invalid_transaction("an access list is pairs of a 20-byte address and its keys")
    return tuple(entries)
