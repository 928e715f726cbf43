"""Where the existing services of a pilot's arms are: those that the settings name, or the embedded ones.

A service that was chosen and cannot be reached is a failed act: nothing here or elsewhere falls back to the embedded one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from cryptography.x509 import load_pem_x509_certificates

from baas.ades import pem
from baas.ades.types import AdesError, Signer
from baas.administrations import repository
from baas.connectors import ConnectorSettings, Environment, exchange
from baas.errors import Conflict, NoAddress, SettingsError
from baas.exchange_service.authorisations import Authorisation
from baas.exchange_service.errors import NotServing
from baas.exchange_service.service import ExchangeService
from baas.exchanges.service import NotAuthorised
from baas.pilots.plan import Plan
from baas.protocols.pci.messages import TRIALS
from baas.settings import Settings
from baas.store import Store
from baas.trust_service.pki import Enrolment
from baas.trust_service.service import TrustService
from baas.trust_service.tsa import http as tsa

#: The arms whose services may be outside; the others' are a laboratory's, or the issuer's own.
ARM_OF_TIMESTAMPS, ARM_OF_SEALS, ARM_OF_EXCHANGES = "timestamp", "seal", "exchange"


@dataclass(frozen=True)
class Outside:
    """The services outside that the settings name; None where there is none."""

    timestamp: ConnectorSettings | None
    psis: ConnectorSettings | None
    pci: ConnectorSettings | None
    pci_keys: Path | None

    @classmethod
    def of(cls, settings: Settings) -> Outside:
        """SettingsError for an address without a root certificate that can be read."""
        environment = Environment(settings.services_environment)
        return cls(
            timestamp=_named("TIMESTAMP", settings.timestamp_url, settings.timestamp_root, environment),
            psis=_named("PSIS", settings.psis_url, settings.psis_root, environment),
            pci=_named("PCI", settings.pci_url, settings.pci_root, environment),
            pci_keys=settings.pci_keys,
        )


class Incumbents:
    """Says where an arm's service is, for an administration, by the arm's slug and the administration's code.

    `address` is where this service answers (it may not be known yet: Conflict). The embedded services give each
    administration that asks a seal of its own, a secret, and a certificate for its systems' messages.
    """

    def __init__(
        self,
        outside: Outside,
        embedded: TrustService,
        exchange: ExchangeService,
        store: Store,
        address: Callable[[], str],
    ) -> None:
        self._outside, self._embedded, self._exchange = outside, embedded, exchange
        self._store, self._address = store, address

    def __call__(self, slug: str, administration: str) -> ConnectorSettings:
        if slug == ARM_OF_EXCHANGES:
            return self._of_exchange(administration)
        named = {ARM_OF_TIMESTAMPS: self._outside.timestamp, ARM_OF_SEALS: self._outside.psis}.get(slug)
        if named is not None:
            return named
        address = self._address()
        if slug == ARM_OF_TIMESTAMPS:
            return ConnectorSettings(address + tsa.PATH, self._embedded.roots_pem, Environment.LAB_EMULATOR)
        enrolment = self._enrolled(administration)
        return ConnectorSettings(
            address,
            self._embedded.roots_pem,
            Environment.LAB_EMULATOR,
            secret=self._embedded.secret_of(administration),
            options={"administration": administration, "identifier": f"VATES-{enrolment.identifier}"},
        )

    def _of_exchange(self, administration: str) -> ConnectorSettings:
        options = {"administration": administration, "name": self._name(administration)}
        if self._outside.pci is not None:
            signer = _application_key(self._outside.pci_keys, administration)
            return replace(self._outside.pci, options=options, signers={administration: signer})
        try:
            url = self._exchange.url
        except NotServing as error:
            raise NoAddress(
                "the embedded exchange service has no address: start the server (baas serve)"
            ) from error
        self._enrolled(administration)
        return ConnectorSettings(
            url,
            self._embedded.roots_pem,
            Environment.LAB_EMULATOR,
            options=options | {"revocation": self._address()},
            signers={administration: self._embedded.pki.application(administration).signer},
        )

    def require_authorised(self, plan: Plan, administration: str) -> None:
        """NotAuthorised where the embedded exchange would refuse what the plan is about: better known before it is used up.

        Of a fact about a person too: a second administration that may not ask is sent a report, as before, and each case
        would say that the exchange spares none.
        """
        if ARM_OF_EXCHANGES not in plan.incumbents or self._outside.pci is not None:
            return
        product, modality = exchange.asked_of(plan.subject)
        for code in filter(None, (administration, plan.counterpart)):
            needed = Authorisation(code, product, modality, TRIALS)
            if needed not in self._exchange.authorisations(code):
                raise NotAuthorised(needed)

    def _enrolled(self, administration: str) -> Enrolment:
        return self._embedded.enrol(administration, self._name(administration))

    def _name(self, administration: str) -> str:
        with self._store.reading() as session:
            known = repository.registered(session, administration)
        return known.name if known else administration


def _application_key(directory: Path | None, code: str) -> Signer:
    """The key of an administration's systems, from its file. Conflict says what is wrong with it."""
    if directory is None:
        raise Conflict(
            "BAAS_PCI_URL is set and BAAS_PCI_KEYS is not: the exchange takes signed messages alone"
        )
    path = directory / f"{code}.pem"
    try:
        return pem.read(path.read_bytes())
    except (OSError, AdesError) as error:
        raise Conflict(f"BAAS_PCI_KEYS: {path.name}: {error}") from None


def _named(
    setting: str, url: str | None, root: Path | None, environment: Environment
) -> ConnectorSettings | None:
    if not url:
        return None
    try:
        anchors = root.read_bytes() if root else b""
        load_pem_x509_certificates(anchors)
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"BAAS_{setting}_ROOT: expected the PEM file of the root certificates of BAAS_{setting}_URL, got "
            f"{root or 'none'}: {error}"
        ) from None
    return ConnectorSettings(url, anchors, environment)
