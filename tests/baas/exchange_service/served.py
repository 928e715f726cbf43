"""An exchange service to ask with all of its products: served here or by a process of its own, two bodies authorised."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from baas.ades.types import Signer
from baas.clock import Clock, SystemClock
from baas.connectors import ConnectorSettings, Environment
from baas.connectors.exchange import ExchangeConnector
from baas.connectors.exchanges.pci import PciAdapter
from baas.exchange_service.products import products
from baas.exchange_service.service import ExchangeService
from baas.trust_service.service import TrustService

TOWN, OTHER = "9821920002", "0801930008"
NAMES = {TOWN: "Ajuntament de Prova", OTHER: "Ajuntament Altre"}
PURPOSE = "PROVES"


@dataclass(frozen=True)
class Served:
    """Where the service is, and the service itself: of this process, or the same directory as the other one's."""

    url: str
    service: ExchangeService
    trust: TrustService

    def signer(self, code: str) -> Signer:
        return self.trust.pki.application(code).signer

    def settings(
        self, url: str | None = None, *, code: str = TOWN, counterpart: str = "", **options: str
    ) -> ConnectorSettings:
        """What a client of one body knows, or of two: an address, the roots, keys."""
        bodies = [code, *filter(None, [counterpart])]
        given = {"administration": code, "name": NAMES.get(code, code)}
        if counterpart:
            given |= {"counterpart": counterpart, "counterpart_name": NAMES.get(counterpart, counterpart)}
        return ConnectorSettings(
            url or self.url,
            self.service.roots_pem,
            Environment.LAB_EMULATOR,
            timeout=30,
            options=given | options,
            signers={each: self.signer(each) for each in bodies},
        )

    @contextmanager
    def adapter(
        self, url: str | None = None, *, code: str = TOWN, clock: Clock | None = None, **options: str
    ) -> Iterator[PciAdapter]:
        with closing(PciAdapter(self.settings(url, code=code, **options), clock)) as opened:
            yield opened

    @contextmanager
    def arm(
        self, *, counterpart: str = "", clock: Clock | None = None, **options: str
    ) -> Iterator[ExchangeConnector]:
        with closing(ExchangeConnector(self.settings(counterpart=counterpart, **options), clock)) as opened:
            yield opened


@contextmanager
def here(directory: Path, clock: Clock | None = None) -> Iterator[Served]:
    """Served by a thread of this process."""
    with _opened(directory, clock or SystemClock()) as (trust, service):
        service.start()
        yield Served(service.serve(), service, trust)


@contextmanager
def apart(directory: Path) -> Iterator[Served]:
    """Served by `python -m baas.exchange_service`; the same directory is open here as well."""
    with _opened(directory, SystemClock()) as (trust, service), process(directory) as (_, url):
        yield Served(url, service, trust)


@contextmanager
def process(directory: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """The stand-alone service and its address; it is dead when this ends, however it ends."""
    command = [sys.executable, "-m", "baas.exchange_service", "--data", str(directory), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as started:
        try:
            assert started.stdout is not None
            yield started, json.loads(started.stdout.readline())["url"]
        finally:
            if started.poll() is None:
                started.terminate()
            started.wait(timeout=20)


@contextmanager
def _opened(directory: Path, clock: Clock) -> Iterator[tuple[TrustService, ExchangeService]]:
    with closing(TrustService.open(directory / "trust-service", clock)) as trust:
        for code, name in NAMES.items():
            trust.enrol(code, name)
        with closing(ExchangeService.open(directory, clock, trust)) as service:
            for code in NAMES:
                for product in products().values():
                    for modality in product.modalities:
                        service.authorise(code, product.code, modality, PURPOSE)
            yield trust, service
