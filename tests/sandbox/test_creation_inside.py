"""Creation inside a call, and calls that go on: what of them the permissions cover, on a whole chain."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from eth_utils.address import to_checksum_address

from sandbox.chain import Chain
from sandbox.engines import CREATES_INSIDE
from sandbox.errors import RpcError, TransactionDropped
from sandbox.permissions import ActKind
from sandbox.spec import ChainSpec
from tests import transactions as tx
from tests.sandbox.conftest import Wallet

ENGINES = ["embedded", pytest.param("anvil", marks=pytest.mark.anvil)]


@pytest.fixture(params=ENGINES)
def chain(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Chain]:
    spec = ChainSpec(chain_id=4242, genesis_time=1_700_000_000, engine=request.param, seal_after_ms=10)
    with Chain.create(tmp_path / "chain", spec) as opened:
        address = opened.accounts.create("deployer")
        for act in ActKind:
            opened.allow(address, act)
        yield opened


def deployed(chain: Chain, runtime: bytes) -> str:
    mined = chain.wait(chain.send("deployer", to=None, data=tx.deploying(runtime)))
    assert mined["status"] == "0x1"
    return str(to_checksum_address(mined["contractAddress"]))


def to_the_end(address: str) -> bytes:
    """DELEGATECALL of `address` without data, then STOP."""
    return bytes.fromhex("5f5f5f5f73" + address[2:]) + bytes.fromhex("5af45000")


@pytest.mark.parametrize("runtime", [tx.FACTORY, tx.FACTORY_2], ids=["CREATE", "CREATE2"])
def test_a_factory_creates_for_a_deployer_and_for_nobody_else(
    chain: Chain, wallet: Wallet, runtime: bytes
) -> None:
    factory = deployed(chain, runtime)
    chain.allow(wallet.address, "send", target=factory)
    told = chain.explain({"from": wallet.address, "to": factory})
    assert (told["allowed"], told["may_create"]) == (True, False)
    with pytest.raises(TransactionDropped, match=CREATES_INSIDE):
        chain.wait(chain.submit(wallet.sign(to=factory)))
    assert chain.read("eth_getTransactionCount", factory, "latest") == "0x1"  # a contract's nonce begins at 1
    (refusal,) = chain.refusals.page(0, 10, rule="deployer-allowlist")
    assert (refusal.code, refusal.target) == (-32007, bytes.fromhex(factory[2:]))
    assert refusal.sender == bytes.fromhex(wallet.address[2:])
    assert refusal.detail.startswith(CREATES_INSIDE)

    chain.allow(wallet.address, "deploy")
    assert chain.explain({"from": wallet.address, "to": factory})["may_create"]
    assert chain.wait(chain.submit(wallet.next(to=factory)))["status"] == "0x1"
    assert chain.read("eth_getTransactionCount", factory, "latest") == "0x2"

    chain.disallow(wallet.address, "deploy")
    another = deployed(
        chain, runtime
    )  # CREATE2 would meet its own contract at the first one, and create nothing
    chain.allow(wallet.address, "send", target=another)
    with pytest.raises(TransactionDropped, match=CREATES_INSIDE):
        chain.wait(chain.submit(wallet.sign(to=another)))


def test_a_factory_behind_a_proxy_is_seen_as_well(chain: Chain, wallet: Wallet) -> None:
    proxy = deployed(chain, to_the_end(deployed(chain, tx.FACTORY)))
    chain.allow(wallet.address, "send")
    with pytest.raises(TransactionDropped, match=CREATES_INSIDE):
        chain.wait(chain.submit(wallet.sign(to=proxy)))


def test_a_delegatecall_from_a_permitted_target_is_not_covered(chain: Chain, wallet: Wallet) -> None:
    """The permission is for the transaction's target; the code that this one borrows is not asked about.

    So a permission for a target is a permission for whatever that target calls: it is for who gives it to know.
    """
    unlisted = deployed(chain, tx.RECORDER)
    listed = deployed(chain, to_the_end(unlisted))
    chain.allow(wallet.address, "send", target=listed)
    with pytest.raises(RpcError) as refused:
        chain.submit(wallet.sign(to=unlisted))
    assert refused.value.data["rule"] == "target"
    mined = chain.wait(chain.submit(wallet.next(to=listed)))
    assert mined["status"] == "0x1"
    assert [to_checksum_address(log["address"]) for log in mined["logs"]] == [
        listed
    ]  # the unlisted one's code ran
    assert int(chain.read("eth_getStorageAt", listed, "0x0", "latest"), 16) == 1
