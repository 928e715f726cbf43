"""The accounts in a dump of anvil's state: as its file has them, and as `sandbox.state` digests them."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from typing import Any

from sandbox.engines._anvil.blocks import Blocks
from sandbox.engines._anvil.client import Lost
from sandbox.engines._anvil.mining import unhexed
from sandbox.engines._anvil.runner import Runner
from sandbox.errors import EngineTimeout
from sandbox.evidence.keccak import keccak
from sandbox.state import AccountState

#: Seconds that making a dump may take.
DUMP_LIMIT = 60.0


def accounts_at(runner: Runner, blocks: Blocks, number: int) -> tuple[dict[str, dict[str, Any]], bytes]:
    """The accounts after block `number`, and their state root: from a process of its own, which then ends."""
    root = blocks.block(number).state_root
    process = runner.recover(blocks, number, cancelled=lambda: False, progress=lambda _: None)
    try:
        state = unhexed(process.client.call("anvil_dumpState", [], DUMP_LIMIT))
    except (Lost, TimeoutError) as error:
        raise EngineTimeout(f"anvil did not write its state within {DUMP_LIMIT:g} s") from error
    finally:
        process.stop()
    return accounts_of(state), root


def accounts_of(state: bytes) -> dict[str, dict[str, Any]]:
    """The accounts of anvil's gzipped state, as its file has them."""
    accounts: dict[str, dict[str, Any]] = json.loads(gzip.decompress(state))["accounts"]
    return accounts


def canonical(accounts: Mapping[str, Mapping[str, Any]]) -> list[AccountState]:
    """These accounts as `sandbox.state` wants them: hashed, and in the order of the hashes."""
    return sorted(
        (
            AccountState(
                keccak(unhexed(address)),
                account["nonce"],
                int(account["balance"], 16),
                keccak(unhexed(account["code"])),
                sorted((keccak(unhexed(slot)), int(value, 16)) for slot, value in account["storage"].items()),
            )
            for address, account in accounts.items()
        ),
        key=lambda account: account.key,
    )
