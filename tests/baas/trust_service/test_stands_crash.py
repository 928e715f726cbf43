"""kill -9 in mid-request, under load: the log's chain goes on, its periods are stamped later, and no code is lost."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import random
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import httpx2
import pytest

from baas.clock import SystemClock
from baas.protocols import secure_code, signador
from baas.protocols.hashed_log import PATH, contradiction, verify
from baas.trust_service.hashed_log import HashedLog, NotStamped, key_of, period_files
from baas.trust_service.registration import OFFICE
from baas.trust_service.secure_codes import SecureCodes
from baas.trust_service.service import TrustService
from sandbox.evidence.digest import Digest
from tests.baas.trust_service.stands import TOWN
from tests.baas.trust_service.test_crash import SERVE
from tests.killed import killed_at_each_step
from tests.rounds import rounds, until_each_grows

pytestmark = pytest.mark.crash
ROUNDS = rounds(15)
DOMAIN = "https://seu.vilaficticia.example"
PERIODS = (100, 400, 31 * 86_400_000)


@dataclass
class Told:
    """What clients were told, over all rounds. Their single operations are atomic."""

    records: dict[tuple[int, int], tuple[str, str]] = field(default_factory=dict)
    """Period and position to digest and HMAC."""
    twice: list[tuple[int, int]] = field(default_factory=list)
    codes: dict[str, str] = field(default_factory=dict)
    """Code to digest."""
    evidence: list[tuple[bytes, bytes]] = field(default_factory=list)
    """Digest and evidence."""

    def by_period(self) -> list[int]:
        """How many records of each period."""
        often = Counter(period for period, _ in list(self.records))
        return [often[period] for period in PERIODS]


def until_killed(work: Callable[[httpx2.Client], None], url: str, secret: str) -> None:
    with (
        contextlib.suppress(httpx2.HTTPError),
        httpx2.Client(base_url=url, timeout=30, trust_env=False, verify=False, auth=(TOWN, secret)) as client,
    ):
        while True:
            work(client)


def recording(client: httpx2.Client, told: Told, period: int) -> None:
    digest = secrets.token_hex(32)
    answer = client.post(PATH, json={"digest": digest, "period_ms": period})
    assert answer.status_code == 201, answer.text
    made = answer.json()
    where = (period, made["position"])
    if where in told.records:
        told.twice.append(where)
    told.records[where] = (digest, made["hmac"])
    if period == PERIODS[0] and made["position"] % 20 == 0:
        time.sleep(0.2)
        held = client.get(f"{PATH}/{period}/{made['position']}")
        if held.status_code == 200:
            told.evidence.append((bytes.fromhex(digest), held.content))


def issuing(client: httpx2.Client, told: Told) -> None:
    digest = secrets.token_hex(32)
    answer = client.post(secure_code.PATH, json={"digest": digest})
    assert answer.status_code == 201, answer.text
    assert answer.json()["code"] not in told.codes
    told.codes[answer.json()["code"]] = digest


@pytest.mark.timeout(300 + 60 * ROUNDS)
def test_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    directory, told, chance = tmp_path / "trust", Told(), random.Random(5)
    with subprocess.Popen(
        [sys.executable, "-c", SERVE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        assert server.stdout.readline() == "ready\n"
        for _ in range(ROUNDS):
            server.stdin.write(f"{directory}\n")
            server.stdin.flush()
            process, said = int(server.stdout.readline()), json.loads(server.stdout.readline())
            enrolled = httpx2.post(
                said["url"] + "/registration/seals",
                json={"code": TOWN, "name": "Vilafictícia"},
                auth=(OFFICE, Path(said["registration"]).read_text()),
                trust_env=False,
            )
            secret = enrolled.json()["secret"]
            works: list[Callable[[httpx2.Client], None]] = [
                *(lambda client, period=period: recording(client, told, period) for period in PERIODS),
                lambda client: recording(client, told, PERIODS[0]),
                lambda client: issuing(client, told),
            ]
            threads = [
                threading.Thread(target=until_killed, args=(work, said["url"], secret)) for work in works
            ]
            for thread in threads:
                thread.start()
            until_each_grows(threads, lambda: [*told.by_period(), len(told.codes)], by=2)
            time.sleep(chance.uniform(0.0, 0.8))
            os.kill(process, signal.SIGKILL)
            for thread in threads:
                thread.join()
            assert server.stdout.readline() == "ended\n"
        server.stdin.close()
    assert told.twice == []
    service = TrustService.open(directory, SystemClock())
    log = HashedLog.open(directory / "log", SystemClock(), service.authority.stamp)
    log.start()  # what ended while nothing ran is closed and stamped now
    key, roots, kept = key_of(directory / "log"), [service.pki.root], 0
    for period in PERIODS[:2]:
        last = max(position for each, position in told.records if each == period)
        # the period that was killed is stamped; the test's own time limit ends a wait for nothing
        while True:
            try:
                log.evidence(TOWN, period, last)
                break
            except NotStamped:
                time.sleep(0.01)
        files = [file for file, _ in period_files(directory / "log", TOWN, period)]
        records = {}
        for file in files:
            file.check()
            file.check_macs(key)
            records.update({each.entry.position: each for each in file.records})
        assert list(records) == list(range(1, len(records) + 1)), (
            "positions follow each other, over all files"
        )
        for one, two in pairwise(files):
            assert two.header.previous == one.last_hash
            assert contradiction(one, two) is None
        for (each, position), (digest, mac) in told.records.items():
            if each == period:
                found = records[position]
                assert (found.entry.digest.hex(), found.mac.hex()) == (digest, mac)
                kept += 1
    ended = [where for where in told.records if where[0] != PERIODS[2]]
    sample = chance.sample(ended, min(40, len(ended)))
    for period, position in sample:
        verify(log.evidence(TOWN, period, position), bytes.fromhex(told.records[period, position][0]), roots)
    for digest, content in told.evidence:
        verify(content, digest, roots)
    for where in told.records:
        if where[0] == PERIODS[2]:  # kept, its stamp to come
            with pytest.raises(NotStamped):
                log.evidence(TOWN, *where)
    log.close()
    codes = SecureCodes.open(directory / "csv", SystemClock())
    for code, digest in told.codes.items():
        found_code = codes.find(code)
        assert found_code is not None and found_code.digest.hex() == digest
    codes.close()
    assert service.acts.check() is None
    service.close()
    assert min(*told.by_period(), len(told.codes)) >= 2 * ROUNDS, "there was a load"
    assert kept == len(ended)
    print(
        f"{ROUNDS} kills; acknowledged: {len(told.records)} records, {len(told.codes)} codes, {len(told.evidence)} files"
    )


@dataclass
class Signing:
    """What clients of Signador were told, over all rounds."""

    started: list[str] = field(default_factory=list)
    """Tokens whose start was acknowledged."""
    signed: dict[str, str] = field(default_factory=dict)
    """Token to result."""
    tokens: list[str] = field(default_factory=list)


def asked(client: httpx2.Client, key: bytes, path: str) -> dict[str, str]:
    given = signador.headers(key, DOMAIN, SystemClock().now())
    return dict(client.get(f"{signador.PATH}{path}", headers=given, auth=None).json())


def signing(client: httpx2.Client, key: bytes, told: Signing) -> None:
    token = asked(client, key, "/initProcess")["token"]
    told.tokens.append(token)
    document = signador.Document("acta", Digest("sha-256", secrets.token_bytes(32)))
    message = signador.start_message(token, "/signed", "", 27, (document,))
    answer = client.post(f"{signador.PATH}/startSignProcess", json=message, headers={"Origin": DOMAIN})
    assert answer.json()["status"] == "OK", answer.text
    told.started.append(token)
    client.post(f"{signador.PATH}/sign", data={"id": token, "act": "sign"})
    found = asked(client, key, f"/getSignature?identificador={token}")
    assert found["status"] == "OK", found
    told.signed[token] = found["signResult"]


@pytest.mark.timeout(300 + 60 * ROUNDS)
def test_what_signador_acknowledged_is_there(tmp_path: Path) -> None:
    directory, told, chance = tmp_path / "trust", Signing(), random.Random(9)
    service = TrustService.open(directory, SystemClock())
    service.enrol(TOWN, "Vilafictícia")
    key = service.register_domain(DOMAIN, TOWN).encode()
    service.close()
    with subprocess.Popen(
        [sys.executable, "-c", SERVE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        assert server.stdout.readline() == "ready\n"
        for _ in range(ROUNDS):
            server.stdin.write(f"{directory}\n")
            server.stdin.flush()
            process, said = int(server.stdout.readline()), json.loads(server.stdout.readline())
            threads = [
                threading.Thread(
                    target=until_killed, args=(lambda client: signing(client, key, told), said["url"], "")
                )
                for _ in range(3)
            ]
            for thread in threads:
                thread.start()
            until_each_grows(threads, lambda: [len(told.signed)])
            time.sleep(chance.uniform(0.0, 0.5))
            os.kill(process, signal.SIGKILL)
            for thread in threads:
                thread.join()
            assert server.stdout.readline() == "ended\n"
        server.stdin.close()
    assert len(set(told.tokens)) == len(told.tokens)
    service = TrustService.open(directory, SystemClock())
    journal = {act.response_sha256 for act in service.acts.all() if act.kind == "signador"}
    for token in told.started:
        found, _ = service.signador.signature(DOMAIN, token)
        if token in told.signed:
            assert base64.b64encode(found.result).decode() == told.signed[token]
        if found.ok:
            assert hashlib.sha256(found.result).digest() in journal, (
                "in the journal before it is in the process"
            )
        else:  # not clicked before the kill: it waits for its person, or its five minutes are over
            assert found.error == signador.WAITING or found.error.startswith("TIMEOUT")
    assert service.acts.check() is None
    service.close()
    assert len(told.signed) >= ROUNDS, "there was a load"
    print(f"{ROUNDS} kills; acknowledged: {len(told.started)} starts, {len(told.signed)} signatures")


#: A log's making and its first record, to be killed at each of its steps. What was told stands beside it, on disk.
MAKE_LOG = """
from baas.clock import SystemClock
from baas.trust_service.hashed_log import HashedLog


def make(directory):
    log = HashedLog.open(directory, SystemClock(), lambda digest: b"")
    log.start()
    log.append("9999990001", bytes(32), 86_400_000).result()
    sys.setprofile(None)
    directory.with_suffix(".kept").touch()
"""


@pytest.mark.timeout(600)
def test_a_log_is_made_whole_or_not_at_all(tmp_path: Path) -> None:
    """Killed at each step of its making: the next start opens it, and its key never changes once it has a record."""
    steps = 0
    for directory in killed_at_each_step(MAKE_LOG, tmp_path):
        steps += 1
        kept = directory.with_suffix(".kept").exists()
        key = hashlib.sha256((directory / "hmac.key").read_bytes()).digest() if kept else None
        log = HashedLog.open(directory, SystemClock(), lambda digest: b"")
        log.start()
        position = log.append(TOWN, bytes(32), 86_400_000).result(60).record.entry.position
        assert position == 2 if kept else position in (1, 2)
        log.close()
        assert len(key_of(directory)) == 32, "a key that was cut off is none"
        assert key in (None, hashlib.sha256(key_of(directory)).digest())
    assert steps > 10, "it was killed in the making"
