"""Anchoring through the real contracts: calldata, refusals in the contract's words, the evidence of it."""

import json
from pathlib import Path

import pytest

from sandbox import notary, register
from sandbox.contract_calls import dry_run
from sandbox.errors import ChainError, ContractRefused
from sandbox.evidence import anchored_root, header, merkle, rlp, transaction_receipt, trie
from sandbox.evidence.note import NoteVerifier
from sandbox.evidence.sealer import open_sealed_block
from sandbox.permissions import ActKind

ARTIFACTS = Path(__file__).parents[2] / "contracts" / "artifacts"
LEAVES = [merkle.leaf_hash(bytes([n])) for n in range(8)]


def artifact(name):
    return json.loads((ARTIFACTS / f"{name}.json").read_text())


@pytest.fixture
def clerk(chain):
    address = chain.accounts.create("clerk")
    chain.allow(address, ActKind.SEND)
    chain.allow(address, ActKind.DEPLOY)
    return bytes.fromhex(address[2:])


@pytest.fixture
def deploy(chain, clerk):
    def deploy(name):
        data = (
            bytes.fromhex(artifact(name)["bytecode"].removeprefix("0x"))
            + bytes(12)
            + clerk
            + bytes(12)
            + clerk
        )
        mined = chain.wait(chain.send("clerk", to=None, data=data))
        assert mined["status"] == "0x1"
        return bytes.fromhex(mined["contractAddress"][2:])

    return deploy


def refusal(of, chain, sender, contract, data):
    with pytest.raises(ContractRefused) as caught:
        dry_run(chain.read, of.artifact(), sender=sender, contract=contract, data=data)
    return caught.value


def test_a_batch_is_anchored_and_its_evidence_verifies(chain, clerk, deploy):
    contract = deploy("DocumentNotary")
    root = merkle.root(LEAVES[:5])
    data = notary.notarise_batch(root, 0, 5)
    dry_run(chain.read, notary.artifact(), sender=clerk, contract=contract, data=data)
    hash_ = chain.send("clerk", to=contract, data=data)
    assert chain.wait(hash_)["status"] == "0x1"

    anchor = chain.anchor_evidence(hash_)
    assert json.loads(json.dumps(anchor)) == anchor
    assert (anchor["chain_id"], anchor["contract"], anchor["log_index"]) == (4242, f"0x{contract.hex()}", 0)
    parsed = header.parse(bytes.fromhex(anchor["header"][2:]))
    value = trie.verify(
        parsed.receipts_root,
        rlp.encode_integer(anchor["transaction_index"]),
        [bytes.fromhex(node[2:]) for node in anchor["receipt_proof"]],
    )
    assert value == bytes.fromhex(anchor["transaction_receipt"][2:])
    log = transaction_receipt.decode(value).logs[anchor["log_index"]]
    assert (log.address, log.topics[:2]) == (contract, (anchored_root.TOPIC, root))
    opened = open_sealed_block(anchor["sealer_note"], [NoteVerifier.from_vkey(chain.sealing_key)])
    assert opened.block.hash == parsed.hash


def test_the_notarys_refusals_in_words(chain, clerk, deploy):
    contract = deploy("DocumentNotary")
    refused = refusal(notary, chain, clerk, contract, notary.notarise_batch(LEAVES[0], 3, 5))
    assert (refused.name, refused.values) == ("SizeMismatch", {"size": 0, "oldSize": 3})
    assert "SizeMismatch(size=0, oldSize=3)" in str(refused)
    refused = refusal(notary, chain, clerk, contract, notary.notarise_batch(LEAVES[0], 0, 0))
    assert refused.name == "NotGrown"
    assert refusal(notary, chain, clerk, contract, notary.notarise_batch(bytes(32), 0, 1)).name == "ZeroRoot"
    stranger = b"\x77" * 20
    refused = refusal(notary, chain, stranger, contract, notary.notarise_batch(LEAVES[0], 0, 1))
    assert refused.name == "AccessControlUnauthorizedAccount"
    assert refused.values["account"] == f"0x{stranger.hex()}"


def test_a_register_advances_and_a_forged_root_is_refused(chain, clerk, deploy):
    contract = deploy("HashRegistry")

    def advance(old, new, root):
        proof = merkle.consistency_proof(LEAVES[:new], old) if old else []
        return register.advance(new, root, proof)

    first = advance(0, 3, merkle.root(LEAVES[:3]))
    dry_run(chain.read, register.artifact(), sender=clerk, contract=contract, data=first)
    assert chain.wait(chain.send("clerk", to=contract, data=first))["status"] == "0x1"

    forged = merkle.root([*LEAVES[:2], merkle.leaf_hash(b"other"), *LEAVES[3:7]])
    refused = refusal(register, chain, clerk, contract, advance(3, 7, forged))
    assert refused.name == "Inconsistent"
    assert refused.values["newRoot"] == forged

    good = advance(3, 7, merkle.root(LEAVES[:7]))
    dry_run(chain.read, register.artifact(), sender=clerk, contract=contract, data=good)
    hash_ = chain.send("clerk", to=contract, data=good)
    assert chain.wait(hash_)["status"] == "0x1"
    assert chain.anchor_evidence(hash_)["contract"] == f"0x{contract.hex()}"
    assert refusal(register, chain, clerk, contract, good).name == "NotGrown"


def test_no_contract_is_told_apart_from_a_refusal(chain, clerk):
    with pytest.raises(ChainError, match="no contract at"):
        data = notary.notarise_batch(LEAVES[0], 0, 1)
        dry_run(chain.read, notary.artifact(), sender=clerk, contract=b"\x01" * 20, data=data)


def test_a_transaction_that_anchored_nothing_has_no_evidence(chain, clerk):
    hash_ = chain.send("clerk", to=b"\x11" * 20)
    chain.wait(hash_)
    with pytest.raises(ChainError, match="has 0 events of an anchored root"):
        chain.anchor_evidence(hash_)
