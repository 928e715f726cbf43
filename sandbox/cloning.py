"""Clones: a chain of its own, with its own chain id, that begins with the state of one block of another.

Accounts, their keys and their permissions are copied, and how far the clock was moved. A transaction signed for
the parent is not one of the clone's (EIP-155). A contract that keeps a chain id of its own, such as a cached
EIP-712 DOMAIN_SEPARATOR, goes on with the parent's.
"""

from __future__ import annotations

import secrets
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from sandbox.access_records import AccessRecords
from sandbox.account_records import AccountRecords
from sandbox.chain_file import ChainFile, draft
from sandbox.chain_tables import inherit
from sandbox.clock_records import ChainClock, ClockRecords
from sandbox.engines import Cloning, engine
from sandbox.errors import ChainError
from sandbox.evidence.note import NoteSigner
from sandbox.journal import SEALING_KEY, ChainRow, Journal, key_name
from sandbox.keystore import Vault, directory_vault
from sandbox.operations import OperationRecords
from sandbox.permission_records import PermissionRecords
from sandbox.refusal_records import RefusalRecords
from sandbox.rotation import RotationRecords
from sandbox.send_records import SendRecords
from sandbox.snapshot_records import SnapshotRecords
from sandbox.spec import ChainSpec, Parent


@dataclass(frozen=True, slots=True)
class Origin:
    """The block that a clone begins with, and the chain's clock there. `hash` and `state_root` are 32 bytes."""

    number: int
    hash: bytes
    timestamp: int
    state_root: bytes
    clock: ChainClock


def declare_records(file: ChainFile) -> None:
    """The tables of every kind of record, where they are missing."""
    for kind in (
        Journal, AccountRecords, RefusalRecords, SendRecords, RotationRecords,
        OperationRecords, ClockRecords, SnapshotRecords,
    ):  # fmt: skip
        kind(file)
    AccessRecords(file, PermissionRecords(file))


def clone(
    source: Path,
    parent: ChainSpec,
    begins: Origin,
    directory: Path,
    chain_id: int,
    *,
    origin: str,
    actor: str,
    now_ms: int,
    from_vault: Vault | None,
    keystore: Vault | None,
) -> ChainRow:
    """Make the clone in a directory that is absent or empty; it is there whole or not at all.

    `from_vault` opens the parent's keys (None: none are copied), `keystore` keeps the clone's (None: a file of its own).

    ChainError where the engine cannot, or where the chain id is the parent's.
    """
    software = engine(parent.engine)
    if not isinstance(software, Cloning):
        raise ChainError(f"chains of the engine {parent.engine!r} cannot be cloned")
    if chain_id == parent.chain_id:
        raise ChainError(f"a clone has a chain id of its own, not its parent's {chain_id}")
    spec = replace(
        parent,
        chain_id=chain_id,
        genesis_time=begins.timestamp,
        alloc=(),
        parent=Parent(
            parent.chain_id, begins.number, f"0x{begins.hash.hex()}", f"0x{begins.state_root.hex()}"
        ),
    )
    with draft(directory) as made:
        genesis_hash = software.clone(source, parent, begins.number, made, spec)
        vault = keystore or directory_vault(made, make=True)
        sealing_key = secrets.token_bytes(32)
        row = ChainRow(spec, genesis_hash, origin, vault.wrap(sealing_key, SEALING_KEY))
        NoteSigner(key_name(row), sealing_key)  # a name that no note can carry is refused here
        with closing(ChainFile(made)) as file, closing(ChainFile(source)) as theirs:
            declare_records(file)
            accounts = [] if from_vault is None else AccountRecords(theirs).all()
            journal, clock, operations = Journal(file), ClockRecords(file), OperationRecords(file)
            kept = AccountRecords(file)
            with file.transaction():
                journal.describe(row)
                inherit(theirs, file)
                for account in accounts:
                    key = from_vault.decrypt(account.keystore) if from_vault else b""
                    kept.add(replace(account, keystore=vault.encrypt(key)))
                if begins.clock.acts:
                    clock.set(replace(begins.clock, next_timestamp=None))
                operations.add(
                    now_ms, actor, "clone",
                    parent=parent.chain_id, number=begins.number, hash=f"0x{begins.hash.hex()}",
                )  # fmt: skip
    return row
