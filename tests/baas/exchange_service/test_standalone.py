"""The exchange service in a process of its own, and a client that knows what it printed and nothing else."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

from baas.ades import pem
from baas.clock import SystemClock
from baas.protocols.pci.codes import Detail
from baas.protocols.pci.products import padro
from tests.baas.exchange_service.place import FIRST, Client, connected


def start(directory: Path, *more: str) -> tuple[subprocess.Popen[str], dict[str, str]]:
    command = [sys.executable, "-m", "baas.exchange_service", "--data", str(directory), *more]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise AssertionError(process.communicate()[1])
    return process, json.loads(line)


def test_it_stands_alone_and_ends_when_it_is_told_to(tmp_path: Path) -> None:
    process, said = start(tmp_path / "data", f"--authorise={FIRST}:{padro.PRODUCT}:{padro.RESIDENT}:PROVES")
    try:
        key = Path(said["keys"]) / f"{FIRST}.pem"
        assert [oct(each.stat().st_mode & 0o777) for each in (key, key.parent)] == ["0o600", "0o700"]
        with connected(Path(said["roots"]).read_bytes(), tmp_path) as http:
            client = Client(said["url"], FIRST, pem.read(key.read_bytes()), SystemClock(), http)
            other = client.sync(client.request("not authorised"))
            assert other.status.detail == Detail.AUTHORISATION
            allowed = client.request("allowed", product=padro.PRODUCT, modality=padro.RESIDENT)
            assert client.sync(allowed).status.detail == Detail.PRODUCT, "authorised, and its data are none"
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=30)
        assert (process.returncode, errors) == (0, "")
    finally:
        process.kill()
        process.communicate()


def test_what_cannot_be_authorised_is_said_and_nothing_listens(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "baas.exchange_service", "--data", str(tmp_path)]
    command += ["--authorise", f"{FIRST}:NONE:X:PROVES"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "expected" in done.stderr
