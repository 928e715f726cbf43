"""One block on a running anvil: send, set the time, mine, look; and go back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.engines._anvil.client import Client, Failed, Lost
from sandbox.engines._anvil.deadline import Deadline
from sandbox.evidence import rlp
from sandbox.evidence.keccak import keccak

#: Calls of one batch that anvil takes up in their order (futures' join_all polls so many one after the other).
IN_ORDER = 30
#: A Prague header's fields in RLP order, and whether each is bytes (else a number).
_HEADER = dict.fromkeys(
    ("parentHash", "sha3Uncles", "miner", "stateRoot", "transactionsRoot", "receiptsRoot", "logsBloom"), True
) | dict.fromkeys(("difficulty", "number", "gasLimit", "gasUsed", "timestamp"), False)
_HEADER |= dict.fromkeys(("extraData", "mixHash", "nonce"), True) | {"baseFeePerGas": False}
_HEADER |= {"withdrawalsRoot": True, "blobGasUsed": False, "excessBlobGas": False}
_HEADER |= {"parentBeaconBlockRoot": True, "requestsHash": True}


@dataclass(frozen=True, slots=True)
class Mined:
    """A block as anvil made it: its header's JSON, and its transactions' hashes in order."""

    header: dict[str, Any]
    hashes: tuple[bytes, ...]

    @property
    def number(self) -> int:
        return int(self.header["number"], 16)

    @property
    def hash(self) -> bytes:
        return unhexed(self.header["hash"])

    @property
    def gas_used(self) -> int:
        return int(self.header["gasUsed"], 16)


def send(
    client: Client, raws: Sequence[bytes], deadline: Deadline, *, one_by_one: bool = False
) -> dict[int, Failed]:
    """Put these into the pool, in order; those that anvil refused, by position.

    anvil answers the calls of a batch at once: in order up to IN_ORDER of them, unless one has to wait for a lock.
    Who needs the order looks at the block, and sends `one_by_one` where it differs.
    """
    refused = {}
    step = 1 if one_by_one else IN_ORDER
    for start in range(0, len(raws), step):
        calls = [[hexed(raw)] for raw in raws[start : start + step]]
        for position, reply in enumerate(
            client.batch("eth_sendRawTransaction", calls, deadline.left()), start
        ):
            if isinstance(reply, Failed):
                refused[position] = reply
    return refused


def mine(client: Client, timestamp: int, deadline: Deadline) -> Mined:
    """One block of what is in the pool and can be applied."""
    client.call("evm_setNextBlockTimestamp", [timestamp], deadline.left())
    client.call("evm_mine", [], deadline.left())
    header = client.call("eth_getBlockByNumber", ["latest", False], deadline.left())
    if int(header["timestamp"], 16) != timestamp:
        raise Lost(f"asked for a block at {timestamp}, got one at {int(header['timestamp'], 16)}")
    return Mined(header, tuple(unhexed(hash_) for hash_ in header["transactions"]))


def go_back(client: Client, blocks: int, deadline: Deadline) -> None:
    """Undo the newest blocks, and empty the pool."""
    client.call("anvil_rollback", [blocks], deadline.left())
    client.call("anvil_dropAllTransactions", [], deadline.left())


def state_root(client: Client, deadline: Deadline) -> bytes:
    """The root of the state that anvil holds, from a proof's first node, whatever the newest header says."""
    proof = client.call("eth_getProof", ["0x" + "00" * 20, [], "latest"], deadline.left())["accountProof"]
    return keccak(unhexed(proof[0]) if proof else b"\x80")


def block_size(header: dict[str, Any], raws: Sequence[bytes]) -> int:
    """Bytes of a Prague block's RLP without uncles and withdrawals. anvil's own `size` leaves the body out."""
    fields: list[rlp.Item] = [
        unhexed(header[name]) if fixed else _minimal(int(header[name], 16)) for name, fixed in _HEADER.items()
    ]
    body = sum(len(raw) if raw[0] >= 0xC0 else len(rlp.encode(raw)) for raw in raws)
    return _listed(len(rlp.encode(fields)) + _listed(body) + 2)


def _minimal(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def _listed(length: int) -> int:
    """The length of an RLP list whose items have `length` bytes together."""
    return length + (1 if length < 56 else 1 + (length.bit_length() + 7) // 8)


def hexed(value: bytes) -> str:
    return "0x" + value.hex()


def unhexed(text: str) -> bytes:
    return bytes.fromhex(text[2:])
