"""kill -9 of the trust service in mid-request, under load: nothing acknowledged is lost, no serial number comes twice."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import os
import random
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import pytest
from cryptography import x509
from rfc3161_client import decode_timestamp_response

from baas.clock import SystemClock
from baas.protocols.rfc3161 import request_der
from baas.trust_service.certificates import SERVICE
from baas.trust_service.registration import OFFICE
from baas.trust_service.service import TrustService
from sandbox.evidence.digest import Digest
from sandbox.evidence.timestamp import verify_token
from tests.baas.trust_service.standalone import stamped
from tests.killed import killed_at_each_step
from tests.rounds import rounds, until_each_grows

pytestmark = pytest.mark.crash
ROUNDS = rounds(20)

#: For each line of its input, forks a process that runs the stand-alone service on that directory. It has all code loaded
#: and no thread, so that a round takes no time to start. The service's own line follows the process's id.
SERVE = """
import os, sys
from baas.trust_service.__main__ import main

print("ready", flush=True)
for line in sys.stdin:
    child = os.fork()
    if not child:
        print(os.getpid(), flush=True)
        os._exit(main(["--data", line.strip(), "--port", "0"]))
    os.waitpid(child, 0)
    print("ended", flush=True)
"""


@dataclass
class Acknowledged:
    """What clients were told, over all rounds. Lists and dictionaries, whose single operations are atomic."""

    tokens: list[tuple[bytes, bytes]] = field(default_factory=list)
    """Request and reply."""
    seals: dict[str, bytes] = field(default_factory=dict)
    """Code to certificate (PEM)."""
    revoked: dict[int, str] = field(default_factory=dict)
    """Serial number to time."""
    crls: list[int] = field(default_factory=list)
    """Numbers, in the order of their coming."""


@contextlib.contextmanager
def clients(url: str, secret: str) -> Iterator[tuple[httpx2.Client, httpx2.Client]]:
    options = {
        "base_url": url,
        "timeout": 30,
        "trust_env": False,
        "verify": False,
    }  # there is no TLS to make ready for
    with (
        contextlib.suppress(httpx2.HTTPError),
        httpx2.Client(**options) as client,
        httpx2.Client(**options, auth=(OFFICE, secret)) as office,
    ):
        yield client, office


def stamping(url: str, secret: str, found: Acknowledged) -> None:
    with clients(url, secret) as (client, _):
        while True:
            request = request_der(secrets.token_bytes(32), secrets.randbits(64))
            found.tokens.append((request, stamped(client, request)))


def enrolling(url: str, secret: str, found: Acknowledged, numbers: itertools.count[int]) -> None:
    """Each administration is enrolled, and every second one's seal revoked; the CRL is asked for now and then."""
    with clients(url, secret) as (client, office):
        while True:
            number = next(numbers)
            code = f"{9_000_000_000 + number}"
            answer = office.post("/registration/seals", json={"code": code, "name": f"Ens {number}"})
            assert answer.status_code == 200, answer.text
            found.seals[code] = answer.json()["certificate"].encode()
            if number % 2:
                serial = answer.json()["serial"]
                answer = office.post("/registration/revocations", json={"serial": serial})
                assert answer.status_code == 200, answer.text
                found.revoked[int(serial, 16)] = answer.json()["at"]
            if number % 8 == 1:
                crl = x509.load_der_x509_crl(client.get("/crl/issuing.crl").content)
                found.crls.append(crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number)
                assert crl.get_revoked_certificate_by_serial_number(int(serial, 16)), (
                    "in the next CRL at once"
                )


def check(
    directory: Path, found: Acknowledged, tokens: list[tuple[bytes, bytes]], *, everything: bool
) -> None:
    """What is on disk has all that was acknowledged."""
    service = TrustService.open(directory, SystemClock())
    root = service.pki.root
    for request, reply in tokens:
        token = decode_timestamp_response(reply)
        act = service.acts.find(token.tst_info.serial_number)
        assert act is not None, "a token that was sent is in the journal"
        assert act.request_sha256 == hashlib.sha256(request).digest()
        assert act.response_sha256 == hashlib.sha256(reply).digest()
        if everything:
            assert verify_token(reply, Digest("sha-256", token.tst_info.message_imprint.message), [root])
    crl = x509.load_der_x509_crl(service.pki.crl("issuing"))
    listed = {each.serial_number for each in crl}
    assert set(found.revoked) <= listed, "a revocation that was acknowledged is in the CRL"
    numbers = [decode_timestamp_response(reply).tst_info.serial_number for _, reply in found.tokens]
    assert len(set(numbers)) == len(numbers), "no serial number twice"
    if everything:
        assert service.acts.check() is None
        issued = {}
        for _, holder, certificate in service.pki.issued():
            assert certificate.serial_number not in issued
            issued[certificate.serial_number] = holder
        for code, pem in found.seals.items():
            certificate = x509.load_pem_x509_certificate(pem)
            certificate.verify_directly_issued_by(service.pki.issuing)
            assert issued[certificate.serial_number] == code
            name = f"Ens {int(code) - 9_000_000_000}"
            if certificate.serial_number not in listed:
                again = service.enrol(code, name)
                assert again.certificate == certificate, "enrolled once, before and after"
                assert again.signer.key.public_key() == certificate.public_key(), "with its key"
        for serial, at in found.revoked.items():
            kept = service.pki.revoked(serial)
            assert kept is not None
            assert kept.at.isoformat()[:19] == at[:19]
        assert sum(1 for holder in issued.values() if holder in found.seals) == len(found.seals)
    service.close()


@pytest.mark.timeout(300 + 60 * ROUNDS)
def test_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    directory, found, numbers = tmp_path / "trust", Acknowledged(), itertools.count()
    chance = random.Random(5)
    roots = set()
    with subprocess.Popen(
        [sys.executable, "-c", SERVE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        assert server.stdout.readline() == "ready\n"
        for _ in range(ROUNDS):
            server.stdin.write(f"{directory}\n")
            server.stdin.flush()
            process, line = int(server.stdout.readline()), server.stdout.readline()
            said = json.loads(line)
            roots.add(Path(said["roots"]).read_bytes())
            secret = Path(said["registration"]).read_text()
            before = len(found.tokens)
            threads = [
                threading.Thread(target=work, args=(said["url"], secret, found, *more))
                for work, more in (
                    (stamping, ()),
                    (stamping, ()),
                    (enrolling, (numbers,)),
                    (enrolling, (numbers,)),
                )
            ]
            for thread in threads:
                thread.start()
            until_each_grows(threads, lambda: [len(found.tokens), len(found.seals), len(found.revoked)])
            time.sleep(chance.uniform(0.0, 0.8))
            os.kill(process, signal.SIGKILL)
            for thread in threads:
                thread.join()
            assert server.stdout.readline() == "ended\n"
            check(directory, found, found.tokens[before:], everything=False)
        server.stdin.close()
    check(directory, found, found.tokens, everything=True)
    assert len(roots) == 1
    assert found.crls == sorted(found.crls)
    assert min(len(found.tokens), len(found.seals), len(found.revoked)) >= ROUNDS, "there was a load"
    print(
        f"{ROUNDS} kills; acknowledged: {len(found.tokens)} tokens, {len(found.seals)} seals, "
        f"{len(found.revoked)} revocations"
    )


#: A PKI's making, to be killed at each of its steps.
MAKE = """
from baas.clock import SystemClock
from baas.trust_service.service import TrustService


def make(directory):
    TrustService.open(directory, SystemClock())
"""


@pytest.mark.timeout(1200)
def test_a_pki_is_made_whole_or_not_at_all(tmp_path: Path) -> None:
    """Killed at each step of its making; what the next start finds is one whole PKI, and it stays that one."""
    steps = 0
    for directory in killed_at_each_step(MAKE, tmp_path):
        steps += 1
        first = TrustService.open(directory, SystemClock())
        assert len(list(first.pki.issued())) == len(SERVICE)
        roots = first.roots_pem
        first.close()
        again = TrustService.open(directory, SystemClock())
        assert again.roots_pem == roots
        again.close()
    assert steps > len(SERVICE), "it was killed in the making"
    print(f"killed at each of {steps - 1} steps")
