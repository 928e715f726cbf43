"""States of a chain: snapshots, branches, the clock, clones and exported copies."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from sandbox.chain.parts import hex_bytes
from sandbox.chain.sending import Sending
from sandbox.cloning import Origin, clone
from sandbox.engines import Checking, Remembering, engine
from sandbox.errors import (
    ChainError,
    IllegalRestore,
)
from sandbox.keystore import Vault
from sandbox.operations import Operation
from sandbox.snapshot_records import AbandonedBlock, Branch
from sandbox.snapshots import Snapshots
from sandbox.time_travel import TimeTravel
from sandbox.transfer import MOST_KEYS, Exporting, export, write_copy

DEFAULT_ORIGIN = "baas-sandbox.example"


class States(Sending):
    """What administrators do with a chain as a whole."""

    @property
    def snapshots(self) -> Snapshots:
        """Records of this chain's state. ChainError on a chain whose blocks somebody else makes."""
        if self._snapshots is None:
            raise ChainError("this chain's blocks are not made by this platform: it has no snapshots")
        return self._snapshots

    @property
    def time_travel(self) -> TimeTravel:
        """The chain's clock, and moving it. ChainError on a chain whose blocks somebody else makes."""
        if self._time_travel is None:
            raise ChainError("this chain's blocks are not made by this platform: its clock cannot be moved")
        return self._time_travel

    def clone(
        self,
        directory: Path,
        chain_id: int,
        *,
        snapshot: str | None = None,
        origin: str = DEFAULT_ORIGIN,
        actor: str = "",
        keystore: Vault | None = None,
    ) -> None:
        """Make another chain, in a directory of its own, that begins with this one's state (or a snapshot's).

        It is not opened. ChainError where the engine cannot; IllegalRestore where the snapshot was abandoned.
        """
        with self.snapshots.quiet(30.0):
            begins = self._origin_of(snapshot)
            if not isinstance(self._node, Remembering):  # its state there is at hand only as long as it rests
                self._clone(directory, chain_id, begins, origin, actor, keystore)
        if isinstance(self._node, Remembering):
            self._clone(directory, chain_id, begins, origin, actor, keystore)

    def export(self, exporter: str = "", actor: str = "", password: str | None = None) -> Iterator[bytes]:
        """The chain as an archive that runs elsewhere (`sandbox.transfer`), in pieces.

        Without `password` there is no key in it; with one, each account's as a keystore v3 under it.
        """
        if not isinstance(engine(self.spec.engine), Checking):
            raise ChainError(
                f"chains of the engine {self.spec.engine!r} are not exported: nobody could check one"
            )
        keys = {}
        if password is not None:
            labels = self.accounts.list()
            if len(labels) > MOST_KEYS:
                raise ChainError(
                    f"an archive carries at most {MOST_KEYS} keys, and this chain has {len(labels)}"
                )
            for label in labels:
                keys[f"keys/{label}.json"] = self.accounts.hand_out(label, password).encode()
        with self.snapshots.quiet(30.0):
            now = self._now_ms()
            self._operations.add(
                now, actor, "export", exporter=exporter, number=self.head().number, keys=sorted(keys)
            )
            copy, head = write_copy(self.directory), self.head()
        return export(copy, Exporting(self._row, self._sealing_key(), head, exporter, now), keys)

    def _clone(
        self,
        directory: Path,
        chain_id: int,
        begins: Origin,
        origin: str,
        actor: str,
        keystore: Vault | None,
    ) -> None:
        now = self._now_ms()
        clone(
            self.directory,
            self.spec,
            begins,
            directory,
            chain_id,
            origin=origin,
            actor=actor,
            now_ms=now,
            from_vault=self.keystore,
            keystore=keystore,
        )
        self._operations.add(now, actor, "clone.made", clone=chain_id, number=begins.number)

    def _origin_of(self, snapshot: str | None) -> Origin:
        clock, number = self._clock_records.clock(), self.head().number
        if snapshot is not None:
            record = self.snapshots.show(snapshot)
            if not self._snapshot_records.holds(record):
                raise IllegalRestore(
                    f"block {record.number} of snapshot {snapshot!r} was abandoned by a later restore"
                )
            clock, number = replace(clock, offset_ms=record.offset_ms), record.number
        block = self.read("eth_getBlockByNumber", hex(number), False)
        return Origin(
            number,
            hex_bytes(block["hash"], 32, "a hash"),
            int(block["timestamp"], 16),
            hex_bytes(block["stateRoot"], 32, "a root"),
            clock,
        )

    @property
    def branch(self) -> int:
        """How often the chain was restored: where this changed, blocks after `branches()[-1].number` are others."""
        return self._snapshot_records.branch

    def branches(self, limit: int = 1_000) -> list[Branch]:
        """The newest restores, the oldest of them first."""
        return self._snapshot_records.branches(limit)

    def abandoned(self, branch: int | None = None) -> list[AbandonedBlock]:
        """The blocks that restores left behind, with their sealer's notes."""
        return self._snapshot_records.abandoned(branch)

    def operations(self, limit: int = 100) -> list[Operation]:
        """The acts of administrators on this chain, the newest first."""
        return self._operations.newest(limit)
