"""What must hold of a log however often its service was cut off."""

from __future__ import annotations

from sqlmodel import col, select

from baas.logs.model import Anchor
from baas.logs.tree import tree
from baas.wiring import Services
from sandbox.evidence import merkle
from sandbox.evidence.anchored_root import TOPIC
from sandbox.evidence.checkpoint import open_checkpoint
from sandbox.evidence.note import NoteSigner
from sandbox.evidence.verify import verify_many
from tests.baas.flows import Place, all_anchored


def anchors(services: Services) -> list[Anchor]:
    with services.store.reading() as session:
        return list(session.exec(select(Anchor).order_by(col(Anchor.id))))


def anchored_on_chain(services: Services, place: Place) -> list[tuple[int, int]]:
    """Old and new size of every root that the contract has anchored, in order."""
    chain = services.chains.awake(place.chain.id)
    topic = f"0x{TOPIC.hex()}"
    wanted = {"fromBlock": "0x0", "toBlock": "latest", "address": place.notary.address, "topics": [topic]}
    data = [bytes.fromhex(log["data"][2:]) for log in chain.read("eth_getLogs", wanted)]
    return [(int.from_bytes(each[:32]), int.from_bytes(each[32:64])) for each in data]


def check_whole(services: Services, place: Place, documents: dict[str, bytes]) -> None:
    """Every entry is anchored once, every checkpoint extends the one before, every receipt verifies."""
    log = all_anchored(services)
    assert (log.accepted, log.size, log.anchored_size) == (len(documents) + 1,) * 3
    done = anchors(services)
    assert all(each.anchored is not None for each in done)
    growths = [(each.old_size, each.new_size) for each in done]
    assert growths == anchored_on_chain(services, place)
    assert [old for old, _ in growths] == [0, *[new for _, new in growths[:-1]]]
    assert len({each.transaction_hash for each in done}) == len(done)
    verifier = NoteSigner(log.origin, log.signing_key).verifier
    with services.store.reading() as session:
        grown = tree(session, log)
        for each in done:
            stated = open_checkpoint(str(each.checkpoint), [verifier]).checkpoint
            assert (stated.size, stated.root) == (each.new_size, grown.root(each.new_size))
            if each.old_size:
                proof = grown.consistency_proof(each.old_size, each.new_size)
                merkle.verify_consistency(
                    each.old_size, each.new_size, proof, grown.root(each.old_size), stated.root
                )
        root = services.trust.of(session, place.scope, place.code)
        shown = [
            item
            for batch in sorted({name.partition("-")[0] for name in documents})
            for item in services.notarisations.receipts(session, place.scope, batch)
        ]
    assert sorted(name for name, _ in shown) == sorted(documents)
    pairs = [(documents[name], receipt) for name, receipt in shown]
    for report in verify_many(pairs, root):
        assert report.ok, report.to_text()
