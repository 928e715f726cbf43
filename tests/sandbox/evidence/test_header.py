from __future__ import annotations

import pytest
import rlp
from eth.vm.forks.cancun.blocks import CancunBlockHeader
from eth.vm.forks.london.blocks import LondonBlockHeader
from eth.vm.forks.prague.blocks import PragueBlockHeader
from eth.vm.forks.shanghai.blocks import ShanghaiBlockHeader

from sandbox.errors import MalformedEvidence
from sandbox.evidence import header

# The header of go-ethereum's EIP-1559 block encoding test, with the hash that it expects.
PUBLISHED = bytes.fromhex(
    "f901fe"
    "a083cafc574e1f51ba9dc0568fc617a08ea2429fb384059c972f13b19fa1c8dd55"
    "a01dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347"
    "948888f1f195afa192cfee860698584c030f4c9db1"
    "a0ef1552a40b7165c3cd773806b9e0c165b75356e0314bf0706f279c729f51e017"
    "a05fe50b260da6308036625b850b5d6ced6d0a9f814c0688bc91ffb7b7a3a54b67"
    "a0bc37d79753ad738a6dac4921e57392f145d8887476de3f783dfa7edae9283e52"
    "b90100" + "00" * 256 + "8302000001832fefd8825208845506eb0780"
    "a0bd4472abb6659ebe3ee06ee4d7b72a00a9f4d001caca51342001075469aff498"
    "88a13a5a8c8f2bb1c4843b9aca00"
)


def test_the_published_header() -> None:
    read = header.parse(PUBLISHED)
    assert read.hash.hex() == "c7252048cd273fe0dac09650027d07f0e3da4ee0675ebbb26627cea92729c372"
    assert read.receipts_root.hex() == "bc37d79753ad738a6dac4921e57392f145d8887476de3f783dfa7edae9283e52"
    assert (read.number, read.timestamp) == (1, 1426516743)


@pytest.mark.parametrize(
    "fork", [LondonBlockHeader, ShanghaiBlockHeader, CancunBlockHeader, PragueBlockHeader]
)
def test_every_fork_since_london_as_py_evm_writes_it(fork: type) -> None:
    made = fork(
        difficulty=0,
        block_number=7,
        gas_limit=10**7,
        timestamp=99,
        receipt_root=b"r" * 32,
        base_fee_per_gas=1,
    )
    read = header.parse(rlp.encode(made))
    assert (read.hash, read.parent_hash) == (made.hash, made.parent_hash)
    assert (read.receipts_root, read.number, read.timestamp) == (b"r" * 32, 7, 99)


def test_what_is_no_header() -> None:
    fields = rlp.decode(PUBLISHED)
    for bad in (
        rlp.encode(fields[:15]),  # before London
        rlp.encode([*fields[:5], b"short", *fields[6:]]),
        rlp.encode([*fields[:8], b"\x00\x01", *fields[9:]]),
        rlp.encode([*fields[:11], bytes(33), *fields[12:]]),
        rlp.encode([*fields[:5], [b""], *fields[6:]]),
        rlp.encode(b"text"),
        PUBLISHED + b"\x00",
        PUBLISHED[:-1],
        b"",
    ):
        with pytest.raises(MalformedEvidence):
            header.parse(bad)
