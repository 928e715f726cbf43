"""How anvil is run for one chain: its arguments, its block zero, and how a lost process is made again.

Settings are those that were measured (docs/decisions): no mining of its own, no accounts, free gas, first in first
out, Prague, the states of the last 256 blocks. It never writes states by itself. A process begins with a state file:
block zero's, or a dump's; then the block journal is replayed, and every hash must be the recorded one.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sandbox.engines._anvil.binary import Binary
from sandbox.engines._anvil.blocks import Block, Blocks
from sandbox.engines._anvil.client import Client, Failed, Lost
from sandbox.engines._anvil.deadline import Deadline
from sandbox.engines._anvil.dumps import Dumps, unpack
from sandbox.engines._anvil.mining import block_size, go_back, hexed, mine, send, state_root, unhexed
from sandbox.engines._anvil.process import Process
from sandbox.errors import EngineError, EngineUnavailable, SpecError
from sandbox.spec import ChainSpec

#: Blocks whose states are kept, for reads of the past; and what may be gone back on without a new process.
STATES_KEPT = 256
#: Seconds that replaying one block, or looking at a fresh process, may take.
STEP_LIMIT = 60.0

#: EIP-2935's contract, which anvil puts into every Prague genesis. An account without code in its place keeps the
#: state equal to the other engines', and the block free of a write of its own.
_HISTORY_CONTRACT = "0x0000f90827f1c53a10cb7a02335b175320002935"
_NO_CODE: dict[str, Any] = {"nonce": 0, "balance": "0x0", "code": "0x", "storage": {}}

Accounts = Mapping[str, Mapping[str, Any]]  # as in anvil's state file


class Cancelled(EngineUnavailable):
    """The chain was closed while its process was being made."""


def commitment(spec: ChainSpec) -> bytes:
    """What block zero's extraData holds: the SHA-256 of the chain spec."""
    return hashlib.sha256(spec.to_json().encode()).digest()


class Runner:
    """Makes processes for the chain in `directory`. `label` keeps two users of one directory apart."""

    def __init__(self, directory: Path, spec: ChainSpec, binary: Binary, label: str = "anvil") -> None:
        if spec.hardfork != "prague":
            raise SpecError(f"the engine 'anvil' runs hardfork 'prague', got {spec.hardfork!r}")
        self.directory, self.spec, self.binary = directory.absolute(), spec, binary
        self.dumps = Dumps(directory)
        self._label = label
        self._state = self.directory / f"{label}.state.json"
        self._cache = self.directory / f"{label}.cache"

    def create(self, accounts: Accounts) -> Block:
        """Write block zero with this state, and the spec's allocations. Nothing is left on failure."""
        state = genesis_state(self.spec, accounts)
        header = state["blocks"][0]["header"]
        deadline = Deadline(STEP_LIMIT)
        try:
            for _ in range(2):  # the second time with the root that the first one knew
                self._state.write_text(json.dumps(state))
                process = self._start(self.spec.genesis_time)
                try:
                    header["stateRoot"] = hexed(state_root(process.client, deadline))
                    shown = process.client.call("eth_getBlockByNumber", ["0x0", False], deadline.left())
                finally:
                    process.stop()
            genesis = Block(
                0, self.spec.genesis_time, unhexed(shown["hash"]), unhexed(header["stateRoot"]), 0,
                block_size(header, ()), self.binary.version, (),
            )  # fmt: skip
            if unhexed(shown["stateRoot"]) != genesis.state_root:
                raise EngineError("anvil shows another state root in block zero than the one it was given")
            Blocks.create(
                self.directory, genesis, commitment(self.spec), gzip.compress(json.dumps(state).encode())
            )
        finally:
            self.tidy()
            (self.directory / f"{self._label}.log").unlink(missing_ok=True)
        return genesis

    def recover(
        self, blocks: Blocks, until: int, *, cancelled: Callable[[], bool], progress: Callable[[int], None]
    ) -> Process:
        """A process whose newest block is `until`, as recorded: from the newest dump that holds, or from block zero.

        Raises EngineError when the journal cannot be replayed: another version made it, or it was changed.
        """
        self._check(blocks)
        for number in [*(each for each in self.dumps.numbers() if each <= until), 0]:
            try:
                return self._replayed(blocks, number, until, cancelled, progress)
            except _NotRecorded as error:
                if number == 0:
                    raise EngineError(
                        f"the chain cannot be made again from its journal: {error}; it was made by another anvil, "
                        "or its file was changed: restore the chain's directory from a backup"
                    ) from error
                self.dumps.remove(number)
            finally:
                self._state.unlink(missing_ok=True)
        raise AssertionError("block zero is always tried")

    def tidy(self) -> None:
        """Remove what a process leaves in the directory."""
        self._state.unlink(missing_ok=True)
        shutil.rmtree(self._cache, ignore_errors=True)

    def _check(self, blocks: Blocks) -> None:
        if others := blocks.versions() - {self.binary.version}:
            raise EngineError(
                f"this chain's blocks were made by anvil {', '.join(sorted(others))}, and repeat only on it; here is "
                f"{self.binary.version} ({self.binary.path}): set BAAS_ANVIL to the path of the former"
            )

    def _replayed(
        self,
        blocks: Blocks,
        number: int,
        until: int,
        cancelled: Callable[[], bool],
        progress: Callable[[int], None],
    ) -> Process:
        start = blocks.block(number)
        if number == 0:
            with gzip.open(io.BytesIO(blocks.genesis()[1])) as packed:
                unpack(packed, self._state)
        elif not self.dumps.unpack(number, self._state):
            raise _NotRecorded(f"the dump at block {number} is torn")
        try:
            process = self._start(start.timestamp)
        except EngineUnavailable as error:
            if number == 0:
                raise
            raise _NotRecorded(f"anvil does not load the dump at block {number}") from error
        try:
            self._settle(process.client, blocks.block(0), start)
            for block in blocks.after(number, until):
                _go_on_unless(cancelled)
                self._repeat(process, block)
                progress(block.number)
        except (Lost, TimeoutError) as error:
            process.stop(grace=0.0)
            raise EngineUnavailable(
                "anvil died while blocks were replayed", process.last_messages()
            ) from error
        except Failed as error:
            process.stop(grace=0.0)
            raise _NotRecorded(str(error)) from error
        except BaseException:
            process.stop(grace=0.0)
            raise
        return process

    def _settle(self, client: Client, genesis: Block, start: Block) -> None:
        """Check what was loaded. A block made and undone makes anvil learn the hashes of the blocks before:
        BLOCKHASH would not know them."""
        deadline = Deadline(STEP_LIMIT)
        if state_root(client, deadline) != start.state_root:
            raise _NotRecorded(f"the state at block {start.number} has another root")
        mine(client, start.timestamp + 1, deadline)
        go_back(client, 1, deadline)
        for block in (genesis, start):
            shown = client.call("eth_getBlockByNumber", [hex(block.number), False], deadline.left())
            if shown is None or unhexed(shown["hash"]) != block.hash:
                raise _NotRecorded(f"block {block.number} has another hash")
        if int(client.call("eth_blockNumber", [], deadline.left()), 16) != start.number:
            raise _NotRecorded(f"the newest block is not {start.number}")
        if state_root(client, deadline) != start.state_root:
            raise _NotRecorded(f"the state at block {start.number} has another root")

    def _repeat(self, process: Process, block: Block) -> None:
        deadline = Deadline(STEP_LIMIT)
        for one_by_one in (False, True):
            refused = send(
                process.client, [raw for _, raw in block.transactions], deadline, one_by_one=one_by_one
            )
            if refused:
                raise _NotRecorded(f"block {block.number}: {next(iter(refused.values()))}")
            mined = mine(process.client, block.timestamp, deadline)
            if (mined.number, mined.hash) == (block.number, block.hash):
                return
            if one_by_one or mined.hashes == tuple(hash_ for hash_, _ in block.transactions):
                raise _NotRecorded(f"block {block.number} got another hash")
            go_back(process.client, 1, deadline)

    def _start(self, timestamp: int) -> Process:
        command = [
            str(self.binary.path), "--host", "127.0.0.1", "--port", "0", "--accounts", "0", "--no-mining",
            "--order", "fifo", "--hardfork", self.spec.hardfork, "--chain-id", str(self.spec.chain_id),
            "--gas-limit", str(self.spec.block_gas_limit), "--gas-price", "0", "--block-base-fee-per-gas", "0",
            "--disable-min-priority-fee", "--disable-default-create2-deployer", "--disable-console-log",
            "--prune-history", str(STATES_KEPT), "--cache-path", str(self._cache), "--no-cors",
            "--no-request-size-limit", "--threads", "1", "--load-state", str(self._state),
            "--timestamp", str(timestamp),
        ]  # fmt: skip
        return Process(command, self.directory, self.directory / f"{self._label}.log")


def _go_on_unless(cancelled: Callable[[], bool]) -> None:
    if cancelled():
        raise Cancelled("the chain was closed while it was being recovered")


class _NotRecorded(Exception):
    """What anvil has is not what the journal recorded."""


def genesis_state(spec: ChainSpec, accounts: Accounts) -> dict[str, Any]:
    """anvil's state file for block zero. The header's state root is still that of the empty trie."""
    allocated = {
        address: {**_NO_CODE, **accounts.get(address, {}), "balance": hex(wei)} for address, wei in spec.alloc
    }
    zero, empty_trie = "0x" + "00" * 32, "0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421"
    header = {
        "parentHash": zero,
        "sha3Uncles": "0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347",
        "miner": "0x" + "00" * 20,
        "stateRoot": empty_trie,
        "transactionsRoot": empty_trie,
        "receiptsRoot": empty_trie,
        "logsBloom": "0x" + "00" * 256,
        "difficulty": "0x0",
        "number": "0x0",
        "gasLimit": hex(spec.block_gas_limit),
        "gasUsed": "0x0",
        "timestamp": hex(spec.genesis_time),
        "extraData": hexed(commitment(spec)),
        "mixHash": zero,
        "nonce": "0x0000000000000000",
        "baseFeePerGas": "0x0",
        "withdrawalsRoot": empty_trie,
        "blobGasUsed": "0x0",
        "excessBlobGas": "0x0",
        "parentBeaconBlockRoot": zero,
        "requestsHash": "0x" + hashlib.sha256(b"").hexdigest(),  # EIP-7685: of no requests
    }
    return {
        "block": {
            "number": "0x0",
            "beneficiary": "0x" + "00" * 20,
            "timestamp": hex(spec.genesis_time),
            "gas_limit": spec.block_gas_limit,
            "basefee": 0,
            "difficulty": "0x0",
            "prevrandao": zero,
            "blob_excess_gas_and_price": {"excess_blob_gas": 0, "blob_gasprice": 1},
            "slot_num": 0,
        },
        "accounts": {_HISTORY_CONTRACT: _NO_CODE, **accounts, **allocated},
        "best_block_number": 0,
        "blocks": [{"header": header, "transactions": [], "ommers": [], "withdrawals": None}],
        "transactions": [],
        "historical_states": None,
    }
