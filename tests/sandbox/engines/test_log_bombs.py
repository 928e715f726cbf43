"""Blocks and log queries stay bounded whatever the transactions in them emit."""

from __future__ import annotations

import pytest

from sandbox.chain import Chain
from sandbox.errors import RpcError
from sandbox.permissions import ActKind
from sandbox.spec import ChainSpec

LARGE = 1_200_000
LOG = bytes.fromhex(
    "62" + LARGE.to_bytes(3, "big").hex() + "6000a000"
)  # LOG0 of so many zero bytes, then STOP


def test_large_logs_spread_over_blocks_and_are_not_answered_at_once(tmp_path):
    """A transaction may log over a megabyte: a hundred in one block would be half a gigabyte to read back."""
    with Chain.create(tmp_path / "chain", ChainSpec(chain_id=4242, genesis_time=1_700_000_000)) as chain:
        address = chain.accounts.create("hostile")
        for act in (ActKind.SEND, ActKind.DEPLOY):
            chain.allow(address, act)
        sent = [chain.send("hostile", to=None, data=LOG) for _ in range(12)]
        for transaction in sent:
            chain.wait(transaction)
        for number in range(1, chain.head().number + 1):
            assert int(chain.read("eth_getBlockByNumber", hex(number), False)["gasUsed"], 16) <= 5 * 2**24
        assert len(chain.read("eth_getLogs", {"fromBlock": "0x1", "toBlock": "0x1"})) > 0
        with pytest.raises(RpcError, match="more than 12000000 bytes") as refused:
            chain.read("eth_getLogs", {"fromBlock": "0x0", "toBlock": "latest"})
        assert refused.value.code == -32005
