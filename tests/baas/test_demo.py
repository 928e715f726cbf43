"""The demo does its whole job, and its summary holds what was counted."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from baas.demo import run
from baas.errors import Conflict
from baas.metrics import OF_A_RECORD, Attack
from sandbox.evidence import receipt, trust
from sandbox.evidence.verify import verify

#: Many steps or every case: `make test-long`.
pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo") / "out"
    lines: list[str] = []
    run(folder, lines.append)
    (folder / "said.txt").write_text("\n".join(lines))
    return folder


def test_the_summary_says_what_the_main_job_is(out: Path) -> None:
    summary = json.loads((out / "summary.json").read_text())
    assert summary["administrations"] == 2
    assert summary["notarised"] == summary["receipts_verified"] == 200
    assert summary["tampered_rejected"] == summary["tampered"] >= 7
    assert summary["countersigned_verified"] == 5
    assert summary["forged_root_rejected"] is True
    assert summary["pairs"] == 30
    assert summary["arms"] == ["chain", "timestamp", "seal", "log", "csv"]
    assert summary["verdict"] in {
        "incumbent_better",
        "chain_better",
        "equivalent_keep_incumbent",
        "inconclusive",
    }
    assert {each["chain_id"] for each in summary["chains"]}.__len__() == 2
    assert all(
        each["genesis_hash"].startswith("0x") and each["head"]["number"] > 0 for each in summary["chains"]
    )
    refusals = summary["refusals"]
    assert refusals["sender_not_allowed"] == {"code": -32007, "rule": "sender-allowlist"}
    assert refusals["deployer_not_allowed"] == {"code": -32007, "rule": "deployer-allowlist"}
    assert refusals["wrong_chain"]["message"] == "Wrong chainId"
    assert refusals["other_administration"] == refusals["absent_object"] == {"status": 404}
    assert set(summary["seconds"]) == {"1", "2", "3", "4", "5", "6", "7", "8", "total"}


def test_the_report_is_the_document_that_its_receipt_proves(out: Path) -> None:
    report = (out / "pilot" / "report.json").read_bytes()
    proof = receipt.parse((out / "pilot" / "report.receipt.json").read_bytes())
    root = trust.parse(next((out / "trust").glob("*1.json")).read_bytes())
    assert verify(report, proof, root).ok
    assert proof.document.digest == hashlib.sha256(report).digest()
    said = json.loads(report)
    assert said["limits"]["operators_who_must_collude"] == 1
    assert said["limits"]["evidence_level"] <= 2
    assert said["limits"]["conclusion_about_aoc_services"] is False
    assert {arm["environment"] for arm in said["arms"]} == {"lab_emulator"}
    arms = [arm["arm"] for arm in said["arms"]]
    assert sorted(row["arm"] for row in said["outages"]) == sorted(arms)
    assert not any(row["lost"] for row in said["outages"])
    assert {row["arm"]: row["kept_evidence_verifies"] for row in said["outages"]} == {
        arm: arm != "csv" for arm in arms
    }
    tried = {(row["arm"], row["attack"]): row["noticed"] for row in said["trials"]}
    assert len(tried) == len(arms) * len(OF_A_RECORD)
    assert not any(noticed for (_, attack), noticed in tried.items() if attack == Attack.NONE)


def test_no_folder_but_its_own_is_cleared(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep me")
    with pytest.raises(Conflict, match="no demo made it"):
        run(tmp_path, lambda line: None)
    assert (tmp_path / "mine.txt").read_text() == "keep me"
