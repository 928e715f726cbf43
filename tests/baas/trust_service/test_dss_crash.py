"""kill -9 of the stand-alone service while it seals: no seal that a client got is missing from the journal."""

from __future__ import annotations

import itertools
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import pytest
from asn1crypto import cms

from baas.ades.types import Format, Level
from baas.clock import SystemClock
from baas.connectors import ConnectorError, ConnectorSettings, Environment
from baas.connectors.signature import _http
from baas.connectors.signature._lifetimes import judge_kept
from baas.connectors.signature.psis import PsisAdapter
from baas.trust_service.service import TrustService
from sandbox.evidence.digest import Digest, digest_bytes
from tests.baas.trust_service.dss_place import TOWN
from tests.baas.trust_service.test_crash import SERVE
from tests.rounds import rounds, until_each_grows

pytestmark = pytest.mark.crash
ROUNDS = rounds(10)


@dataclass
class Acknowledged:
    """What clients got, over all rounds: each seal with its document, and each act as the client saw it."""

    seals: list[tuple[Digest, bytes]] = field(default_factory=list)
    acts: list[tuple[str, str, str]] = field(default_factory=list)
    """Kind, and the hexadecimal SHA-256 of request and response."""


def sealing(settings: ConnectorSettings, numbers: itertools.count[int], found: Acknowledged) -> None:
    """Seals and validates until the service is gone."""
    adapter = PsisAdapter(settings, _http.client(30))
    try:
        while True:
            digest = digest_bytes(f"document {next(numbers)}".encode())
            sealed = adapter.seal(digest, Format.CADES, Level.T)
            seal = sealed.exchange
            found.acts.append(("dss-seal-cades", seal.request_sha256, seal.response_sha256))
            found.seals.append((digest, sealed.signed))
            validated = adapter.validate(sealed.signed, digest)
            verdict = validated.exchange
            found.acts.append(("dss-verify", verdict.request_sha256, verdict.response_sha256))
            assert validated.verdict.ok
    except (ConnectorError, httpx2.HTTPError):
        pass
    finally:
        adapter.close()


def serial_of(seal: bytes) -> int:
    """The serial number of the time-stamp token in a seal."""
    [info] = cms.ContentInfo.load(seal)["content"]["signer_infos"]
    [token] = [
        attribute["values"][0]
        for attribute in info["unsigned_attrs"]
        if attribute["type"].native == "signature_time_stamp_token"
    ]
    return int(token["content"]["encap_content_info"]["content"].parsed["serial_number"].native)


@pytest.mark.timeout(300 + 60 * ROUNDS)
def test_no_acknowledged_seal_is_missing_and_no_serial_comes_twice(tmp_path: Path) -> None:
    directory, found, numbers = tmp_path / "trust", Acknowledged(), itertools.count()
    first = TrustService.open(directory, SystemClock())
    first.enrol(TOWN, "Ajuntament de Prova")
    roots, secret = first.roots_pem, first.secret_of(TOWN)
    first.close()
    chance = random.Random(11)
    with subprocess.Popen(
        [sys.executable, "-c", SERVE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        assert server.stdout.readline() == "ready\n"
        for _ in range(ROUNDS):
            server.stdin.write(f"{directory}\n")
            server.stdin.flush()
            process, url = int(server.stdout.readline()), json.loads(server.stdout.readline())["url"]
            settings = ConnectorSettings(
                url, roots, Environment.LAB_EMULATOR, 30, secret, {"administration": TOWN}
            )
            threads = [threading.Thread(target=sealing, args=(settings, numbers, found)) for _ in range(3)]
            for thread in threads:
                thread.start()
            until_each_grows(threads, lambda: [len(found.seals)])
            time.sleep(chance.uniform(0.0, 1.0))
            os.kill(process, signal.SIGKILL)
            for thread in threads:
                thread.join()
            assert server.stdout.readline() == "ended\n"
        server.stdin.close()
    service = TrustService.open(directory, SystemClock())
    kept = {(act.kind, act.request_sha256.hex(), act.response_sha256.hex()) for act in service.acts.all()}
    assert set(found.acts) <= kept, "what a client was told is in the journal"
    assert service.acts.check() is None
    serials = [serial_of(seal) for _, seal in found.seals]
    assert len(set(serials)) == len(serials), "no serial number twice"
    assert all(service.acts.find(serial) for serial in serials)
    trust = service.pki.trust()
    assert all(
        judge_kept(seal, digest, trust, SystemClock().now()).verdict.ok for digest, seal in found.seals
    )
    service.close()
    assert len(found.seals) >= ROUNDS, "there was a load"
    print(f"{ROUNDS} kills; acknowledged: {len(found.seals)} seals, {len(found.acts)} acts")
