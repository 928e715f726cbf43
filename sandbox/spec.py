"""A chain's immutable description, fixed before its block zero."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from typing import Any, Self

from sandbox.errors import SpecError

#: Gas that one transaction, `eth_call` or estimate may use: EIP-7825's cap, 2^24.
TRANSACTION_GAS_CAP = 2**24
#: Bytes of init code that a transaction which creates a contract may carry: EIP-3860's cap.
MAX_INITCODE_SIZE = 49_152


_ADDRESS = re.compile(r"0x[0-9a-f]{40}\Z")
_HASH = re.compile(r"0x[0-9a-f]{64}\Z")


@dataclass(frozen=True, slots=True)
class Parent:
    """The block whose state a cloned chain begins with: hashes are `0x` and lower-case hex."""

    chain_id: int
    number: int
    hash: str
    state_root: str

    def __post_init__(self) -> None:
        if self.chain_id < 1 or self.number < 0:
            raise SpecError(f"a parent is block 0 or later of a chain with an id, got {self}")
        if not (_HASH.match(self.hash) and _HASH.match(self.state_root)):
            raise SpecError(f"a parent's hash and state_root are 0x and 64 lower-case hex digits, got {self}")


@dataclass(frozen=True, slots=True)
class ChainSpec:
    """What makes two chains the same chain: equal specs give equal genesis hashes.

    `genesis_time` is in whole seconds since 1970; `block_gas_limit` in gas; a block is sealed when
    `seal_after_transactions` wait, or `seal_after_ms` after the first of them came. `alloc` gives addresses
    (`0x` and lower-case hex) their wei in block zero; `parent` is set on a clone. `endpoint` is the name that
    the operator gave to a remote chain's address, for the engine that needs one.
    """

    chain_id: int
    genesis_time: int
    engine: str = "embedded"
    hardfork: str = "prague"
    block_gas_limit: int = 10**12
    seal_after_transactions: int = 100
    seal_after_ms: int = 50
    alloc: tuple[tuple[str, int], ...] = ()
    parent: Parent | None = None
    endpoint: str = ""

    def __post_init__(self) -> None:
        if not 1 <= self.chain_id <= 2**53 - 1:  # wallets hold it in a JavaScript number
            raise SpecError(f"chain_id must be between 1 and 2^53-1, got {self.chain_id}")
        if self.genesis_time < 0:
            raise SpecError(f"genesis_time must be seconds since 1970, got {self.genesis_time}")
        if self.block_gas_limit < TRANSACTION_GAS_CAP:
            raise SpecError(
                f"block_gas_limit must be at least {TRANSACTION_GAS_CAP}, got {self.block_gas_limit}"
            )
        if self.seal_after_transactions < 1 or self.seal_after_ms < 0:
            raise SpecError("seal_after_transactions must be at least 1 and seal_after_ms at least 0")
        for address, wei in self.alloc:
            if not _ADDRESS.match(address) or not 0 <= wei < 2**256:
                raise SpecError(
                    f"alloc is pairs of 0x with 40 lower-case hex digits and wei, got {address!r}: {wei}"
                )

    def to_json(self) -> str:
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Self:
        fields: dict[str, Any] = json.loads(text)
        try:
            parent = fields.pop("parent", None)
            alloc = tuple((address, wei) for address, wei in fields.pop("alloc", ()))
            return cls(**fields, alloc=alloc, parent=None if parent is None else Parent(**parent))
        except (TypeError, ValueError) as error:
            raise SpecError(f"not a chain spec: {error}") from error
