"""The administrator's `evm_*` methods, on a chain's snapshots and clock."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.chain.states import States
from sandbox.engines import Head

#: Bytes that an empty block with its note, or an administrator's act in the records, takes on disk.
ACT_BYTES = 2_048


@dataclass(frozen=True, slots=True)
class Travel:
    """What `sandbox.gateway.evm` does, on the chain that its table is made for."""

    _chain: States

    def mark(self, actor: str) -> int:
        self._room()
        return self._chain.snapshots.mark(actor)

    def revert(self, number: int, actor: str) -> bool:
        return self._chain.snapshots.revert(number, actor)

    def increase_time(self, seconds: int, actor: str) -> int:
        self._room()
        return self._chain.time_travel.move(seconds, actor).offset_ms // 1000

    def set_time(self, timestamp: int, actor: str) -> int:
        self._room()
        return self._chain.time_travel.set_time(timestamp, actor).offset_ms // 1000

    def set_next_block_time(self, timestamp: int, actor: str) -> None:
        self._room()
        self._chain.time_travel.set_next(timestamp, actor)

    def mine(self, blocks: int, interval: int, timestamp: int | None, actor: str) -> Head:
        self._room(blocks)
        return self._chain.time_travel.mine(blocks, interval, timestamp, actor)

    def _room(self, times: int = 1) -> None:
        """OverQuota where the chain's owner stores as much as it may: these write without a transaction."""
        if self._chain.meter is not None:
            self._chain.meter.admit(0, max(1, times) * ACT_BYTES)
