"""The faucet: an account of block zero that gives test ether, on the engine that runs here."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.chain import Chain
from sandbox.errors import AccountError
from sandbox.faucet import ETHER, MOST, WEALTH, wei_of
from sandbox.permissions import ActKind
from sandbox.spec import ChainSpec

RECEIVER = f"0x{'9' * 40}"


def balance(chain: Chain, address: str) -> int:
    return int(chain.read("eth_getBalance", address, "latest"), 16)


def test_it_gives_by_an_ordinary_transfer_also_after_a_restart(tmp_path: Path, spec: ChainSpec) -> None:
    with Chain.create(tmp_path / "chain", spec, faucet=True) as chain:
        faucet = chain.accounts.address("faucet")
        assert chain.spec.alloc == ((faucet.lower(), WEALTH),)
        assert balance(chain, faucet) == WEALTH
        assert chain.may(faucet) == {ActKind.SEND}
        mined = chain.wait(chain.give(RECEIVER, 3 * ETHER // 2))
        assert (int(mined["status"], 16), mined["from"]) == (1, faucet.lower())
    with Chain.open(tmp_path / "chain") as chain:
        chain.wait(chain.give(RECEIVER, 1))
        assert balance(chain, RECEIVER) == 3 * ETHER // 2 + 1
        assert balance(chain, faucet) == WEALTH - 3 * ETHER // 2 - 1


def test_two_faucets_have_two_keys_and_so_two_block_zeros(tmp_path: Path, spec: ChainSpec) -> None:
    hashes = set()
    for name in ("one", "two"):
        with Chain.create(tmp_path / name, spec, faucet=True) as chain:
            hashes.add(chain.genesis_hash)
    assert len(hashes) == 2


def test_a_chain_without_one_says_so(chain: Chain) -> None:
    assert chain.spec.alloc == ()
    with pytest.raises(AccountError, match="no account 'faucet'"):
        chain.give(RECEIVER, 1)


@pytest.mark.parametrize(
    ("ether", "wei"),
    [("1", ETHER), ("1.5", 3 * ETHER // 2), ("0.000000000000000001", 1), ("1000", MOST), ("007", 7 * ETHER)],
)
def test_amounts(ether: str, wei: int) -> None:
    assert wei_of(ether) == wei


@pytest.mark.parametrize(
    "ether",
    [
        "0",
        "0.0",
        "1000.000000000000000001",
        "-1",
        "1e3",
        "",
        "1.",
        ".5",
        "1,5",
        "0.0000000000000000001",
        "٣",
        "9" * 99,
    ],
)
def test_no_amounts(ether: str) -> None:
    with pytest.raises(AccountError, match="at most 1000 ether"):
        wei_of(ether)
