"""The story in eight steps; each says what it did and counts it. The ninth thing is the summary."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

from baas.demo import exchange, refusals, tampering
from baas.demo.piloting import carried_out, cheating, compared, cut_off, plan_in
from baas.demo.stage import Stage, Town
from baas.examples import examples
from sandbox import register
from sandbox.contract_calls import dry_run
from sandbox.errors import ContractRefused
from sandbox.evidence import merkle
from sandbox.evidence.checkpoint import parse_unverified
from sandbox.evidence.digest import digest_file

TOWNS = (
    ("9999990001", "Ajuntament de Vallclara del Mar (fictici)"),
    ("9999990002", "Ajuntament de Roquesalbes (fictici)"),
)
BATCH = 50
T = TypeVar("T")


def chains(stage: Stage) -> None:
    for code, name in TOWNS:
        administration = stage.operator.create_administration(code, name, "ajuntament")
        member = stage.operator.create_member(code, "Secretaria", ["admin", "developer", "auditor"])
        client = stage.client_of(member["id"])
        chain = client.create_chain(administration["code"], "Prova de concepte")
        town = Town(code, name, client, chain)
        stage.towns.append(town)
        allowed = client.permissions(chain["id"])
        stage.note(f"{name}: chain {chain['chain_id']}, genesis {chain['genesis_hash'][:18]}…")
        name_and_id = "+".join(chain["sealing_key"].split("+")[:2])
        stage.note(f"  sealing key {name_and_id}")
        for account in client.accounts(chain["id"]):
            acts = [each["act"] for each in allowed if each["address"] == account["address"]]
            stage.note(f"  account {account['label']} {account['address']}: {', '.join(acts)}")
    stage.counts["administrations"] = len(stage.towns)


def templates(stage: Stage) -> None:
    for town in stage.towns:
        for slug in ("document-notary", "hash-registry"):
            done = town.deployments[slug] = town.client.deploy(town.chain["id"], slug)
            stage.note(f"{town.name}: {slug} at {done['address']}, code = artifact {done['artifact'][:12]}…")


def documents(stage: Stage) -> None:
    """200 files in batches; each receipt is a file beside no document: documents stay where they are."""
    files = sorted((examples() / "documents").glob("*.pdf"))
    half = len(files) * 3 // 5
    for town, mine in zip(stage.towns, (files[:half], files[half:]), strict=True):
        sent: list[tuple[Path, str]] = []
        for batch in _batches(mine, BATCH):
            accepted = town.client.notarise(town.code, [digest_file(path).value.hex() for path in batch])
            sent += zip(batch, accepted["items"], strict=True)
        town.client.wait_anchored(sent[-1][1])
        folder = stage.folder("receipts", town.code)
        for path, notarisation in sent:
            receipt = folder / f"{path.name}.receipt.json"
            receipt.write_bytes(town.client.receipt(notarisation))
            town.receipts[path] = receipt
        town.trust = stage.folder("trust") / f"{town.code}.json"
        town.trust.write_bytes(town.client.trust(town.code))
        stage.note(
            f"{town.name}: {len(sent)} documents notarised in batches of {BATCH}, receipts in {folder.name}/"
        )
    stage.counts["notarised"] = sum(len(town.receipts) for town in stage.towns)


def book_of_decrees(stage: Stage) -> None:
    """A register of 1,000 rows: appended, amended, one row left without effect; every root extends the one before."""
    town = stage.towns[0]
    with (examples() / "decrees.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    opened = town.client.create_register(town.code, "Llibre de decrets", "numero", list(rows[0]))
    for part in _batches(rows, 500):
        town.client.append(opened["id"], part)
        town.client.checkpoint(opened["id"])
    amended = [{**row, "titol": f"{row['titol']} (esmenat)"} for row in rows[:10]]
    town.client.append(opened["id"], amended)
    town.client.checkpoint(opened["id"])
    town.client.revoke_entry(opened["id"], rows[20]["numero"], "annulled")
    town.client.checkpoint(opened["id"])
    found = town.client.checkpoints(opened["id"])
    for old, new in pairwise(found):
        proof = town.client.consistency(opened["id"], old["size"], new["size"])
        merkle.verify_consistency(old["size"], new["size"], proof, _root(old), _root(new))
    town.trust.write_bytes(town.client.trust(town.code))  # the register's log has a key of its own
    folder = stage.folder("register")
    (folder / "checkpoints.json").write_text(json.dumps(found, indent=2) + "\n")
    stage.note(
        f"{len(rows)} rows, 10 amended, 1 left without effect; {len(found)} checkpoints, each extends the last"
    )
    stage.counts["register"] = {"rows": len(rows), "amended": 10, "revoked": 1, "checkpoints": len(found)}
    stage.counts["forged_root_rejected"] = _forge_root(stage, town, found[-1]["size"])


def _forge_root(stage: Stage, town: Town, size: int) -> bool:
    """The operator itself tries to anchor a root that does not extend the last one; whether the contract refuses."""
    chain = stage.services.chains.awake(town.chain["id"])
    account = stage.services.chains.ANCHORING_ACCOUNT
    contract = bytes.fromhex(town.deployments["hash-registry"]["address"].removeprefix("0x"))
    data = register.advance(size + 1, merkle.leaf_hash(b"forged"), [merkle.leaf_hash(b"forged proof")])
    sender = bytes.fromhex(chain.accounts.address(account).removeprefix("0x"))
    try:
        dry_run(chain.read, register.artifact(), sender=sender, contract=contract, data=data)
    except ContractRefused as error:
        stage.note(f"forged root: the contract refuses with {error.name}")
    mined = chain.wait(chain.send(account, to=contract, data=data))
    stage.note(
        f"forged root sent all the same: mined with status {mined['status']}, the register stays as it was"
    )
    return int(mined["status"], 16) == 0


def _batches(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _root(checkpoint: dict[str, Any]) -> bytes:
    return parse_unverified(checkpoint["checkpoint"]).root


def pilot(stage: Stage) -> None:
    """The plan is frozen first; then its cases go through every arm; then the rules conclude and a person decides."""
    town = stage.towns[0]
    plan = plan_in("plan.json")
    for each in town.client.arms(town.code):
        offline = (
            ", ".join((*each["files_offline"], *each["anchors_offline"]))
            or "nothing: its issuer must be asked"
        )
        stage.note(f"arm {each['arm']} ({each['environment']}): offline with {offline}; {_collude(each)}")
    stage.note(
        f"the log is time-stamped each {plan['log_period']:g} s here, where a real one is each night: "
        "its times are a laboratory's"
    )
    stage.note(
        "after the cases each arm is cut off for two seconds: the chain is stopped, and its log says that it does not move"
    )
    report = carried_out(
        stage, town, "Constància de decrets: cadena o serveis que ja hi ha", plan, stage.folder("pilot"),
        "Els serveis que ja hi ha donen el que aquest cas demana.",
    )  # fmt: skip
    for each in (*report["comparisons"], *report["observed"]):
        stage.note(compared(each))
    for line in (*cheating(report), *cut_off(report)):
        stage.note(line)
    stage.counts["pairs"] = min(each["pairs"] for each in report["comparisons"])
    stage.counts["arms"] = [each["arm"] for each in report["arms"]]
    stage.counts["verdict"] = report["verdict"]["verdict"]


def _collude(arm: dict[str, Any]) -> str:
    count = arm["operators_who_must_collude"]
    return "one operator alone can alter it" if count == 1 else f"{count} operators must collude to alter it"


def heads(stage: Stage) -> None:
    """The chains as they stand now, for the summary."""
    stage.counts["chains"] = [
        {
            "chain_id": now["chain_id"],
            "genesis_hash": now["genesis_hash"],
            "head": now["head"],
        }
        for now in (town.client.chain(town.chain["id"]) for town in stage.towns)
    ]


def refused(stage: Stage) -> None:
    refusals.show(stage)
    heads(stage)


STEPS: tuple[tuple[str, Callable[[Stage], None]], ...] = (
    ("Two fictional administrations, each with its own permissioned chain", chains),
    ("Both templates deployed on each chain, their code verified", templates),
    ("200 documents notarised in batches", documents),
    ("A book of decrees as an append-only register", book_of_decrees),
    ("Receipts verified offline; altered ones refused", tampering.show),
    ("A pilot: the chain beside four services that exist, plan frozen first", pilot),
    (
        "Between administrations: a hand-over by chain and by exchange, and what once-only spares",
        exchange.show,
    ),
    ("What was refused", refused),
)
