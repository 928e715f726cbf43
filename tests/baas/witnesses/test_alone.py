"""`baas witness` on a machine of one's own: a process, its one address, and the file behind."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx2
import pytest

from sandbox.evidence import merkle
from sandbox.evidence.checkpoint import Checkpoint, sign_checkpoint
from sandbox.evidence.cosignature import CosignatureVerifier, open_cosignatures
from sandbox.evidence.note import NoteSigner
from sandbox.evidence.trust import TrustedChain, TrustedContract, TrustedKey, TrustedLog, TrustRoot
from sandbox.witness import MAX_REQUEST, request
from tests.baas.witnesses.alone import ROOT, running
from tests.sandbox.evidence.conftest import FROM

#: Many steps or every case: `make test-long`.
pytestmark = pytest.mark.long

LOG = NoteSigner("log.example/decrets", bytes(32))


def baas(*arguments: object, code: int = 0) -> Any:
    done = subprocess.run(
        [sys.executable, "-m", "cli", "witness", *map(str, arguments), "--json"],
        capture_output=True, text=True, cwd=ROOT, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == code, done.stdout + done.stderr
    return json.loads(done.stdout)


def signed(*entries: bytes) -> str:
    leaves = [merkle.leaf_hash(each) for each in entries]
    return sign_checkpoint(Checkpoint(LOG.name, len(leaves), merkle.root(leaves)), [LOG])


@pytest.fixture
def trust(tmp_path: Path) -> Path:
    """The trust root of the log's administration."""
    contract = TrustedContract(bytes(20), "document-notary", bytes(32))
    key = TrustedKey(LOG.verifier, FROM)
    root = TrustRoot(
        (TrustedLog(LOG.name, 1, (bytes(20),), (key,)),), (TrustedChain(1, bytes(32), (), (contract,)),)
    )
    (tmp_path / "trust.json").write_bytes(root.to_bytes())
    return tmp_path / "trust.json"


def test_made_followed_run_and_looked_at(tmp_path: Path, trust: Path) -> None:
    file = tmp_path / "w.sqlite"
    made = baas("init", file, "witness.vila-b.example/w1")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    baas("init", file, "again", code=1)
    followed = baas("follow", file, trust)
    assert followed["items"] == [{"origin": LOG.name, "key": LOG.verifier.vkey}]
    baas("follow", file, trust, "--origin", "other.example", code=2)
    with running(file) as alone, httpx2.Client(base_url=alone.url) as client:
        assert alone.key == made["key"]
        assert client.get("/").status_code == 404
        assert client.get("/add-checkpoint").status_code == 405
        assert client.post("/add-checkpoint", content=b"x" * (MAX_REQUEST + 1)).status_code == 413
        answer = client.post("/add-checkpoint", content=request(0, [], signed(b"a")))
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/plain; charset=utf-8")
        known = [CosignatureVerifier.from_vkey(made["key"])]
        assert len(open_cosignatures(signed(b"a") + answer.text, known).cosignatures) == 1
        conflict = client.post("/add-checkpoint", content=request(0, [], signed(b"b")))
        assert (conflict.status_code, conflict.headers["content-type"]) == (409, "text/x.tlog.size")
        assert client.post("/add-checkpoint", content=request(1, [], signed(b"b"))).status_code == 409
    shown = baas("show", file, code=1)  # a split view is nothing to overlook
    assert (shown["logs"][0]["size"], len(shown["contradictions"])) == (1, 1)
    baas("unfollow", file, LOG.name)
    baas("unfollow", file, LOG.name, code=2)


def test_a_key_of_its_own_file(tmp_path: Path, trust: Path) -> None:
    file, key = tmp_path / "w.sqlite", tmp_path / "key"
    key.write_text("5a" * 32 + "\n")
    baas("init", file, "w.example", "--key", key)
    assert b"\x5a" * 32 not in file.read_bytes()
    baas("follow", file, trust)
    assert baas("show", file)["logs"][0]["size"] == 0
    baas("run", file, "--port", "0", code=1)
    key.write_text("5b" * 32)
    baas("run", file, "--port", "0", "--key", key, code=1)
    key.write_text("not hexadecimal")
    baas("run", file, "--port", "0", "--key", key, code=2)


def test_what_is_no_witness(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("x" * 2000)
    baas("run", tmp_path / "text", code=1)
    baas("show", tmp_path / "text", code=1)
