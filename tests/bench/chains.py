"""Creating a chain with a template: ours (permissioned, durable, in processes of its own) and a bare eth-tester."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from eth_tester import EthereumTester, PyEVMBackend

from sandbox import deployer
from sandbox.abi import encode_constructor
from sandbox.artifacts import load_artifact
from sandbox.catalogue import template
from sandbox.chain import Chain
from sandbox.permissions import ActKind
from sandbox.spec import ChainSpec


@contextmanager
def warm(folder: Path) -> Iterator[None]:
    """One chain made before the clock starts: the launcher loads py-evm once per service, not once per chain."""
    ours(folder)
    eth_tester()
    yield


def ours(folder: Path) -> float:
    """Seconds to create a chain, allow an account and deploy document-notary with its code verified."""
    start = time.perf_counter()
    spec = ChainSpec(chain_id=secrets.randbelow(10**9) + 1, genesis_time=int(time.time()))
    with Chain.create(folder / secrets.token_hex(8), spec) as chain:
        address = chain.accounts.create("clerk")
        for act in ActKind:
            chain.allow(address, act)
        deployer.deploy(chain, template("document-notary"), {}, "clerk")
        return time.perf_counter() - start


def eth_tester() -> float:
    """Seconds for an eth-tester chain in memory with the same contract deployed; nothing permissioned or durable."""
    start = time.perf_counter()
    tester = EthereumTester(PyEVMBackend())
    account = tester.get_accounts()[0]
    clerk = bytes.fromhex(account[2:])
    data = encode_constructor(load_artifact("DocumentNotary"), clerk, clerk)
    sent = tester.send_transaction({"from": account, "data": f"0x{data.hex()}", "gas": 5_000_000})
    assert tester.get_transaction_receipt(sent)["status"] == 1
    return time.perf_counter() - start
