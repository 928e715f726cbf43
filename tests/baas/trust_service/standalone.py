"""A trust service in a process of its own, and clients that know only its addresses."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from baas.protocols.rfc3161 import QUERY
from baas.trust_service.registration import OFFICE
from baas.trust_service.tsa.http import PATH


@dataclass(frozen=True)
class Standalone:
    process: subprocess.Popen[str]
    url: str
    roots: Path
    secret: str

    @classmethod
    def start(cls, directory: Path) -> Standalone:
        """Started, and listening."""
        command = [sys.executable, "-m", "baas.trust_service", "--data", str(directory), "--port", "0"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise AssertionError(process.communicate()[1])
        said = json.loads(line)
        return cls(process, said["url"], Path(said["roots"]), Path(said["registration"]).read_text())

    def client(self) -> httpx2.Client:
        return httpx2.Client(base_url=self.url, timeout=30, trust_env=False)

    def office(self) -> httpx2.Client:
        return httpx2.Client(base_url=self.url, timeout=30, trust_env=False, auth=(OFFICE, self.secret))

    def stop(self) -> tuple[int, str]:
        """Asks it to end; its exit code, and what it wrote to its error stream."""
        self.process.terminate()
        _, errors = self.process.communicate(timeout=30)
        return self.process.returncode, errors

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


def stamped(client: httpx2.Client, request: bytes) -> bytes:
    answer = client.post(PATH, content=request, headers={"Content-Type": QUERY})
    assert answer.status_code == 200, answer.text
    return answer.content


def enrolled(office: httpx2.Client, code: str, name: str, **more: str) -> dict[str, Any]:
    answer = office.post("/registration/seals", json={"code": code, "name": name, **more})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found
