"""How the exchange service is reached and who asks: the options of every command that asks it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from baas.connectors import ConnectorSettings, Environment
from baas.terminal.problems import Unusable
from baas.terminal.render import note

if TYPE_CHECKING:
    from baas.ades.types import Signer
    from baas.connectors.exchanges.pci import PciAdapter

Url = Annotated[str, typer.Option(help="The service's address, without a path.", envvar="BAAS_EXCHANGE_URL")]
Root = Annotated[
    Path,
    typer.Option(
        help="The PEM file of the roots that you trust: of its TLS server and of its evidence.",
        envvar="BAAS_EXCHANGE_ROOT",
        exists=True,
        dir_okay=False,
    ),
]
Key = Annotated[
    Path,
    typer.Option(
        help="The PEM file of your application's private key, its certificate and those above it.",
        envvar="BAAS_EXCHANGE_KEY",
        exists=True,
        dir_okay=False,
    ),
]
Code = Annotated[
    str, typer.Option("--administration", help="Who asks: its INE10 code.", envvar="BAAS_EXCHANGE_CODE")
]
Name = Annotated[str, typer.Option(help="Its name; its code unless said.")]
Purpose = Annotated[str, typer.Option(help="Finalitat: what it is asked for.")]
Security = Annotated[str, typer.Option(help="How you are known: wss (signed messages) or mtls.")]
Revocation = Annotated[
    str, typer.Option(help="Where the embedded service's CRLs are, when not at its own address.")
]
Where = Annotated[
    Environment, typer.Option("--environment", help="Which environment the address belongs to.")
]


@dataclass(frozen=True)
class Connection:
    """What a command is told of the service and of who asks; each field is an option."""

    url: Url
    root: Root
    key: Key
    administration: Code
    name: Name = ""
    purpose: Purpose = "PROVES"
    security: Security = "wss"
    revocation: Revocation = ""
    environment: Where = Environment.LAB_EMULATOR

    @contextmanager
    def open(self) -> Iterator[PciAdapter]:
        """The adapter, closed after the block. Unusable for options that do not hold."""
        from baas.connectors.exchanges.pci import PciAdapter

        try:
            adapter = PciAdapter.open(self._settings())
        except ValueError as error:
            raise Unusable(str(error)) from error
        if self.environment is not Environment.LAB_EMULATOR:
            note(f"this adapter was verified against {adapter.capabilities.verified_against}")
        try:
            yield adapter
        finally:
            adapter.close()

    def _settings(self) -> ConnectorSettings:
        from baas.ades import pem
        from baas.ades.types import AdesError

        try:
            signer = pem.read(self.key.read_bytes())
        except AdesError as error:
            raise Unusable(f"{self.key}: {error}") from error
        options = {
            "administration": self.administration,
            "name": self.name,
            "purpose": self.purpose,
            "security": self.security,
            "revocation": self.revocation,
        }
        return settings(self.url, self.root, self.environment, options, {self.administration: signer})


def settings(
    url: str,
    root: Path,
    environment: Environment,
    options: Mapping[str, str] | None = None,
    signers: Mapping[str, Signer] | None = None,
) -> ConnectorSettings:
    """The settings of an address that is trusted by the roots of a file. Unusable for a file that has none."""
    from cryptography.x509 import load_pem_x509_certificates

    anchors = root.read_bytes()
    try:
        load_pem_x509_certificates(anchors)
    except ValueError as error:
        raise Unusable(f"{root}: expected certificates in PEM: {error}") from error
    return ConnectorSettings(url, anchors, environment, options=options or {}, signers=signers or {})
