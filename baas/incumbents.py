"""Where the existing services of a pilot's arms are: those that the settings name, or the embedded trust service.

A service that was chosen and cannot be reached is a failed act: nothing here or elsewhere falls back to the embedded one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography.x509 import load_pem_x509_certificates

from baas.administrations import repository
from baas.connectors import ConnectorSettings, Environment
from baas.errors import SettingsError
from baas.settings import Settings
from baas.store import Store
from baas.trust_service.service import TrustService
from baas.trust_service.tsa import http as tsa

#: The arms whose services may be outside; the others' are a laboratory's, or the issuer's own.
ARM_OF_TIMESTAMPS, ARM_OF_SEALS = "timestamp", "seal"


@dataclass(frozen=True)
class Outside:
    """The services outside that the settings name; None where there is none."""

    timestamp: ConnectorSettings | None
    psis: ConnectorSettings | None

    @classmethod
    def of(cls, settings: Settings) -> Outside:
        """SettingsError for an address without a root certificate that can be read."""
        environment = Environment(settings.services_environment)
        return cls(
            timestamp=_named("TIMESTAMP", settings.timestamp_url, settings.timestamp_root, environment),
            psis=_named("PSIS", settings.psis_url, settings.psis_root, environment),
        )


class Incumbents:
    """Says where an arm's service is, for an administration, by the arm's slug and the administration's code.

    `address` is where this service answers (it may not be known yet: Conflict). The embedded service gives each
    administration that asks a seal of its own and a secret.
    """

    def __init__(
        self, outside: Outside, embedded: TrustService, store: Store, address: Callable[[], str]
    ) -> None:
        self._outside, self._embedded, self._store, self._address = outside, embedded, store, address

    def __call__(self, slug: str, administration: str) -> ConnectorSettings:
        named = {ARM_OF_TIMESTAMPS: self._outside.timestamp, ARM_OF_SEALS: self._outside.psis}.get(slug)
        if named is not None:
            return named
        address = self._address()
        if slug == ARM_OF_TIMESTAMPS:
            return ConnectorSettings(address + tsa.PATH, self._embedded.roots_pem, Environment.LAB_EMULATOR)
        with self._store.reading() as session:
            known = repository.registered(session, administration)
        enrolment = self._embedded.enrol(administration, known.name if known else administration)
        return ConnectorSettings(
            address,
            self._embedded.roots_pem,
            Environment.LAB_EMULATOR,
            secret=self._embedded.secret_of(administration),
            options={"administration": administration, "identifier": f"VATES-{enrolment.identifier}"},
        )


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
