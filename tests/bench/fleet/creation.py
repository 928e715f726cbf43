"""A chain with document-notary: ours, permissioned and durable, beside each development node started and deployed to."""

from __future__ import annotations

import secrets
import time
from pathlib import Path

from sandbox import deployer
from sandbox.catalogue import template
from sandbox.chain import Chain
from sandbox.spec import ChainSpec
from tests.bench.fleet import peers
from tests.bench.fleet.rpc import deploy


def ours(folder: Path, engine: str) -> float:
    """Seconds to create a chain, permit an account and deploy document-notary with its code verified."""
    start = time.perf_counter()
    spec = ChainSpec(chain_id=secrets.randbelow(10**9) + 1, genesis_time=int(time.time()) - 60, engine=engine)
    with Chain.create(folder / secrets.token_hex(8), spec) as chain:
        address = chain.accounts.create("clerk")
        for act in ("send", "deploy"):
            chain.allow(address, act)
        deployer.deploy(chain, template("document-notary"), {}, "clerk")
        return time.perf_counter() - start


def anvil(binary: Path) -> float:
    """Seconds to start anvil alone and deploy the same contract: nothing permissioned, nothing on disk."""
    start = time.perf_counter()
    with peers.anvil(binary, "--chain-id", str(peers.ANVIL_ID)) as rpc:
        deploy(rpc, peers.ANVIL_ID)
        return time.perf_counter() - start


def hardhat(place: Path) -> float:
    start = time.perf_counter()
    with peers.hardhat(place) as rpc:
        deploy(rpc, peers.HARDHAT_ID)
        return time.perf_counter() - start


def ganache(place: Path) -> float:
    """Seconds until it answers: its rules are too old for the contract."""
    start = time.perf_counter()
    with peers.ganache(place):
        return time.perf_counter() - start
