"""Headers and receipts tries rebuilt from JSON-RPC: a published block, the real engine, and lies."""

import copy

import pytest
import rlp
from trie import HexaryTrie

from sandbox.errors import VerificationError
from sandbox.evidence import trie
from sandbox.evidence.rlp import encode_integer
from sandbox.permissions import ActKind
from sandbox.proofs import header_rlp, receipt_bytes, receipt_proof, trie_proof

#: Ethereum's mainnet block zero.
MAINNET_GENESIS = {
    "parentHash": "0x" + "00" * 32,
    "sha3Uncles": "0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347",
    "miner": "0x" + "00" * 20,
    "stateRoot": "0xd7f8974fb5ac78d9ac099b9ad5018bedc2ce0a72dad1827a1709da30580f0544",
    "transactionsRoot": "0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421",
    "receiptsRoot": "0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421",
    "logsBloom": "0x" + "00" * 256,
    "difficulty": "0x400000000",
    "number": "0x0",
    "gasLimit": "0x1388",
    "gasUsed": "0x0",
    "timestamp": "0x0",
    "extraData": "0x11bbe8db4e347b4e8c937c1c8370e4b5ed33adb3db69cbdb7a38e1e50b1b82fa",
    "mixHash": "0x" + "00" * 32,
    "nonce": "0x0000000000000042",
    "hash": "0xd4e56740f876aef8c010b86a40d5f56745a118d0906a34e69aec8c0db1cb8fa3",
}


def test_mainnets_block_zero():
    assert len(rlp.decode(header_rlp(MAINNET_GENESIS))) == 15


@pytest.mark.parametrize("name", [name for name in MAINNET_GENESIS if name != "hash"])
def test_a_header_with_another_value_is_refused(name):
    block = dict(MAINNET_GENESIS)
    block[name] = block[name][:-1] + ("1" if block[name][-1] != "1" else "2")
    with pytest.raises(VerificationError, match="hashes to"):
        header_rlp(block)


def test_a_header_without_a_field_is_refused():
    with pytest.raises(VerificationError, match="shows no mixHash"):
        header_rlp({name: value for name, value in MAINNET_GENESIS.items() if name != "mixHash"})


@pytest.mark.parametrize("count", [1, 2, 17, 130])  # 128 is where RLP's key gets a second byte
def test_trie_proofs_hold_for_two_other_verifiers(count):
    values = [bytes([index % 256]) * 40 for index in range(count)]
    reference = HexaryTrie({})
    for index, value in enumerate(values):
        reference.set(encode_integer(index), value)
    for index in {0, 1 % count, count // 2, count - 1}:
        nodes = trie_proof(values, index, reference.root_hash)
        key = encode_integer(index)
        assert trie.verify(reference.root_hash, key, nodes) == values[index]
        decoded = [rlp.decode(node) for node in nodes]
        assert HexaryTrie.get_from_proof(reference.root_hash, key, decoded) == values[index]


def test_receipts_of_another_root_are_refused():
    with pytest.raises(VerificationError, match="header states"):
        trie_proof([b"\x01" * 40], 0, b"\x02" * 32)


@pytest.fixture
def mined(chain, wallet):
    """A block of three transactions of three types."""
    chain.allow(wallet.address, ActKind.SEND)
    kinds = [{}, {"type": 1}, {"type": 2, "maxFeePerGas": 0, "maxPriorityFeePerGas": 0}]
    hashes = [chain.submit(wallet.next(**kind)) for kind in kinds]
    return [chain.wait(hash_)["transactionHash"] for hash_ in hashes]


def test_the_real_engines_receipts_are_proved(chain, mined):
    for index, hash_ in enumerate(mined):
        proof = receipt_proof(chain.read, hash_)
        root = rlp.decode(proof.header_rlp)[5]
        value = trie.verify(root, encode_integer(proof.transaction_index), proof.nodes)
        assert value == proof.receipt_bytes
        assert value[0] == index or (index == 0 and value[0] >= 0xC0)
        assert proof.block_hash == bytes.fromhex(
            chain.read("eth_getBlockByNumber", hex(proof.block_number), False)["hash"][2:]
        )


def test_an_engine_that_shows_something_else_is_refused(chain, mined):
    def lying(change):
        def read(method, *params):
            answer = copy.deepcopy(chain.read(method, *params))
            return change(method, answer)

        return read

    def altered_receipt(method, answer):
        if method == "eth_getBlockReceipts":
            answer[0]["status"] = "0x0"
        return answer

    def altered_header(method, answer):
        if method == "eth_getBlockByHash":
            answer["timestamp"] = hex(int(answer["timestamp"], 16) + 1)
        return answer

    for change in (altered_receipt, altered_header):
        with pytest.raises(VerificationError):
            receipt_proof(lying(change), mined[0])


def test_not_mined_yet(chain):
    with pytest.raises(VerificationError, match="not in a block"):
        receipt_proof(chain.read, "0x" + "12" * 32)


def test_a_receipt_from_before_byzantium_has_its_state_root():
    receipt = {
        "root": "0x" + "ab" * 32,
        "cumulativeGasUsed": "0x5208",
        "logsBloom": "0x" + "00" * 256,
        "logs": [],
    }
    assert rlp.decode(receipt_bytes(receipt))[0] == b"\xab" * 32
