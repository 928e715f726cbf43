"""A trust service to ask by DSS: served here or by a process of its own, with two administrations enrolled."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from baas.clock import Clock, SystemClock
from baas.connectors import ConnectorSettings, Environment
from baas.connectors.signature import _http
from baas.connectors.signature.psis import PsisAdapter
from baas.trust_service.pki import Enrolment
from baas.trust_service.service import TrustService
from tests.baas.trust_service.stands import serving

TOWN, OTHER = "9999990001", "9999990002"


@dataclass(frozen=True)
class Place:
    """Where the service is, and the service itself: of this process, or the same directory as the other one's."""

    url: str
    service: TrustService
    town: Enrolment
    other: Enrolment

    def settings(self, url: str | None = None, *, code: str = TOWN, **options: str) -> ConnectorSettings:
        return ConnectorSettings(
            url or self.url,
            self.service.roots_pem,
            Environment.LAB_EMULATOR,
            timeout=10,
            secret=self.service.secret_of(code),
            options={"administration": code, **options},
        )

    @contextmanager
    def adapter(
        self, url: str | None = None, *, code: str = TOWN, clock: Clock | None = None, **options: str
    ) -> Iterator[PsisAdapter]:
        given = self.settings(url, code=code, **options)
        adapter = PsisAdapter(given, _http.client(given.timeout), clock)
        try:
            yield adapter
        finally:
            adapter.close()


@contextmanager
def here(directory: Path, clock: Clock | None = None) -> Iterator[Place]:
    """Served by a thread of this process."""
    service = TrustService.open(directory, clock or SystemClock())
    try:
        with serving(service.routes()) as url:
            yield place(url, service)
    finally:
        service.close()


@contextmanager
def apart(directory: Path) -> Iterator[Place]:
    """Served by `python -m baas.trust_service`; the same directory is open here as well."""
    with process(directory) as (started, url):
        service = TrustService.open(directory, SystemClock())
        try:
            yield place(url, service)
        finally:
            service.close()
            started.terminate()


@contextmanager
def process(directory: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """The stand-alone service and its address; it is dead when this ends, however it ends."""
    command = [sys.executable, "-m", "baas.trust_service", "--data", str(directory), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as started:
        try:
            assert started.stdout is not None
            yield started, json.loads(started.stdout.readline())["url"]
        finally:
            if started.poll() is None:
                started.terminate()
            started.wait(timeout=20)


def place(url: str, service: TrustService) -> Place:
    town = service.enrol(TOWN, "Ajuntament de Prova")
    return Place(url, service, town, service.enrol(OTHER, "Ajuntament Altre"))


def der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)
