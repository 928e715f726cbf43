"""What an open chain is made of: the parts that the rooms of the facade share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sandbox.access_records import AccessRecords
from sandbox.account_records import AccountRecords
from sandbox.clock_records import ClockRecords
from sandbox.custody import Accounts
from sandbox.engines import Head, Node, SealingNode
from sandbox.forwarding import Forwarder
from sandbox.gas_records import GasRecords
from sandbox.gateway import Asker, Gateway, Meter
from sandbox.gateway.watches import Source
from sandbox.journal import SEALING_KEY, ChainRow, Journal
from sandbox.keystore import Vault
from sandbox.operations import OperationRecords
from sandbox.permission_records import PermissionRecords
from sandbox.refusal_records import RefusalRecords
from sandbox.rotation import RotationRecords
from sandbox.sealing import Sealer
from sandbox.send_records import SendRecords
from sandbox.snapshot_records import SnapshotRecords
from sandbox.snapshots import Snapshots
from sandbox.spec import ChainSpec
from sandbox.subscriptions import Subscriptions
from sandbox.time_travel import TimeTravel

Clock = Callable[[], float]  # seconds since 1970


class Parts:
    """The parts, put together by `Chain`, and what is known of a chain without asking anybody."""

    directory: Path
    accounts: Accounts
    meter: Meter | None
    keystore: Vault
    refusals: RefusalRecords
    #: Who wants to know of acts of administration that came by JSON-RPC: who, what, and its detail.
    on_act: Callable[[Asker, str, Mapping[str, Any]], None]
    #: Who wants to know that the permissions changed, by whichever door.
    on_permissions: Callable[[], None]
    _clock: Clock
    _row: ChainRow
    _vkey: str
    _node: Node
    _sealer: Sealer | Forwarder
    _gateway: Gateway
    _source: Source
    _subscriptions: Subscriptions
    _journal: Journal
    _account_records: AccountRecords
    _permissions: PermissionRecords
    _requests: AccessRecords
    _gas: GasRecords
    _sends: SendRecords
    _rotations: RotationRecords
    _operations: OperationRecords
    _clock_records: ClockRecords
    _snapshot_records: SnapshotRecords
    _snapshots: Snapshots | None
    _time_travel: TimeTravel | None

    @property
    def spec(self) -> ChainSpec:
        return self._row.spec

    @property
    def genesis_hash(self) -> bytes:
        return self._row.genesis_hash

    @property
    def sealing_key(self) -> str:
        """The public key of this chain's sealer's notes, as a C2SP verifier key."""
        return self._vkey

    def head(self) -> Head:
        return self._node.head()

    @property
    def seals(self) -> bool:
        """Whether this platform makes the chain's blocks, and so can say in a sealer's note when it did."""
        return isinstance(self._node, SealingNode)

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)

    def _sealing_key(self) -> bytes:
        """The Ed25519 seed."""
        return self.keystore.unwrap(self._row.sealing_key, SEALING_KEY)


def hex_bytes(value: str | bytes, size: int | None, what: str) -> bytes:
    """Hex or bytes in, bytes out; ValueError unless it is `size` bytes."""
    data = bytes.fromhex(value.removeprefix("0x")) if isinstance(value, str) else value
    if size is not None and len(data) != size:
        raise ValueError(f"{what} is {size} bytes, got {len(data)}")
    return data
