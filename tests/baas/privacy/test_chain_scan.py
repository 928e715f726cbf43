"""Nothing but roots, commitments, proof hashes, numbers, addresses and roles is on a chain that anchors."""

from __future__ import annotations

import hashlib
import itertools
import json
from dataclasses import replace
from typing import Any

import pytest
from sqlmodel import col, select

from baas.logs.model import Anchor, LogEntry
from baas.logs.tree import tree
from sandbox import notary, register
from sandbox.abi import encode_call
from sandbox.artifacts import Artifact, load_artifact
from sandbox.chain_scan import scan, text_fields
from tests.baas.conftest import Server
from tests.baas.flows import Town, anchored, digest, new_town, notarise, ok, until
from tests.baas.privacy.test_erasure import log_by, register_of
from tests.baas.privacy.traces import traces


def known_of(server: Server, log_ids: list[str]) -> dict[bytes, str]:
    """Every 32-byte value that the logs' own trees allow on the chain."""
    found: dict[bytes, str] = {}
    with server.services.store.reading() as session:
        for log_id in log_ids:
            log = log_by(server, log_id)
            sizes = session.exec(
                select(Anchor).where(Anchor.log == log.key).order_by(col(Anchor.new_size))
            ).all()
            found |= {each.root: "root" for each in sizes}
            grown = tree(session, log)
            for before, after in itertools.pairwise(sizes):
                proof = grown.consistency_proof(before.new_size, after.new_size)
                found |= dict.fromkeys(proof, "proof hash")
    return found


def all_there(server: Server, log_id: str) -> None:
    until(lambda: log_by(server, log_id).anchored_size == log_by(server, log_id).accepted or None)


def test_a_rich_chain_has_nothing_but_words_that_are_known(server: Server) -> None:
    town = new_town(server, "9999990001")
    documents = [b"acta reservada fictici %d" % number for number in range(40)]
    items: list[str] = []
    for each in documents[:4]:
        items += notarise(town, digest(each), key=f"clau-{len(items)}")["items"]
        anchored(town, items[-1])
    items += notarise(town, *map(digest, documents[4:]))["items"]
    notarise(town, {**digest(b"una versio nova fictici"), "supersedes": items[0]})
    ok(town.member.post(f"/notarisations/{items[1]}/revoke", json={"reason": "error"}), 202)
    ok(town.member.post(f"/notarisations/{items[2]}/erasure", json={"basis": "objection"}), 202)
    book = register_of(town)
    path = f"/registers/{book['id']}"
    rows = [
        {"dni": f"0000000{n}{'TRWAG'[n]}", "nom": f"Persona Inventada {n}", "adreca": "x"} for n in range(5)
    ]
    for each in rows:
        ok(town.member.post(f"{path}/entries", json={"rows": [each]}), 202)
        all_there(server, book["log"])
    ok(town.member.post(f"{path}/revocations", json={"key": rows[0]["dni"], "reason": "error"}), 202)
    documents_log = ok(town.member.get(f"/notarisations/{items[0]}"))["log"]
    for each in (documents_log, book["log"]):
        all_there(server, each)

    chain = server.services.chains.awake(town.chain["id"])
    contracts = {town.notary["address"]: notary.artifact(), town.registry["address"]: register.artifact()}
    done = scan(chain.read, contracts, known_of(server, [documents_log, book["log"]]))
    assert done.findings == []
    assert done.transactions >= 10
    assert set(done.words) <= {
        "root",
        "proof hash",
        "number",
        "address",
        "role",
        "zero",
        "yes or no",
        "commitment",
    }
    assert done.words["proof hash"] > 0
    assert done.words["root"] > 10

    needles: dict[str, bytes] = {f"text {n}": text for n, text in enumerate(documents)}
    needles |= {f"digest {n}": hashlib.sha256(text).digest() for n, text in enumerate(documents)}
    needles |= {
        f"row {n} {name}": row[name].encode() for n, row in enumerate(rows) for name in ("dni", "nom")
    }
    needles |= {"administration": b"Vila 9999990001", "label": b"padro-de-prova", "key": b"clau-0000"}
    with server.services.store.reading() as session:
        for entry in session.exec(select(LogEntry).where(col(LogEntry.salt).is_not(None))):
            assert entry.salt is not None
            needles[f"salt {entry.log}-{entry.position}"] = entry.salt
            needles[f"commitment {entry.log}-{entry.position}"] = entry.commitment or b""
    assert len(needles) > 150
    assert traces(server.services.settings.data / "chains", needles) == []


def test_what_no_abi_explains_is_found(server: Server) -> None:
    """The same scan of a chain on which somebody did put something else."""
    town = new_town(server, "9999990001")
    anchored(town, notarise(town, digest(b"x"))["items"][0])
    chain = server.services.chains.awake(town.chain["id"])
    contracts = {town.notary["address"]: notary.artifact(), town.registry["address"]: register.artifact()}
    assert scan(chain.read, contracts).clean
    nobody = bytes.fromhex("00" * 19 + "99")
    to = bytes.fromhex(town.notary["address"][2:])
    secret = hashlib.sha256(b"00000000T").digest()
    for target, data in (
        (nobody, b"Maria Inventada"),
        (to, encode_call(notary.artifact(), "notarise", secret) + b"hidden behind"),
    ):
        chain.wait(chain.send("anchoring", to=target, data=data))
    found = scan(chain.read, contracts).findings
    assert [each.partition(": ")[2] for each in found] == [
        f"15 bytes to 0x{nobody.hex()}, which is no contract that anchors",
        "bytes beyond the arguments of notarise",
    ]
    log = ok(town.member.get("/notarisations"))["items"]
    assert log
    strict = scan(chain.read, contracts, known_of(server, [only_log(town)]))
    assert f"commitment {secret.hex()} is no commitment that is known" in "\n".join(strict.findings)
    assert scan(chain.read, {town.notary["address"]: notary.artifact()}).findings  # another contract was made


def only_log(town: Town) -> str:
    (batch,) = ok(town.member.get("/notarisations"))["items"]
    return str(ok(town.member.get(f"/notarisations/{batch['id']}-0"))["log"])


@pytest.mark.parametrize("name", ["DocumentNotary", "HashRegistry"])
def test_no_contract_that_anchors_has_a_field_for_a_text(name: str) -> None:
    artifact = load_artifact(name)
    assert text_fields(artifact) == []
    types = {str(each["type"]) for item in artifact.abi for each in item.get("inputs", [])}
    assert not {each for each in types if each.startswith(("string", "bytes")) and each[:7] != "bytes32"} - {
        "bytes4"
    }


@pytest.mark.parametrize("kind", ["string", "bytes", "bytes[]", "string[2]", "bytes31"])
@pytest.mark.parametrize("place", ["function", "event", "constructor", "struct"])
def test_a_field_for_a_text_would_be_found(kind: str, place: str) -> None:
    artifact = load_artifact("DocumentNotary")
    inputs: list[dict[str, Any]] = [{"name": "note", "type": kind}]
    if place == "struct":
        inputs = [{"name": "all", "type": "tuple", "components": inputs}]
    item = {"type": "function" if place == "struct" else place, "name": "extra", "inputs": inputs}
    changed: Artifact = replace(artifact, abi=(*artifact.abi, item))
    assert text_fields(changed) == [f"DocumentNotary.extra: note is {kind}"]


def test_every_template_that_anchors_is_looked_at() -> None:
    from baas.logs.service import TEMPLATE_OF
    from sandbox.catalogue import template

    names = {template(slug).artifact().name for slug in TEMPLATE_OF.values()}
    assert names == {"DocumentNotary", "HashRegistry"}
    assert json.dumps(sorted(names))
