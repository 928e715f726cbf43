"""What goes over the wire about authorisations of the exchange."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from baas.wire import In, Moment, Out

#: The wire of the exchange itself bounds them (`baas.protocols.pci.messages`).
Name = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9_]{1,64}$")]
Purpose = Annotated[str, StringConstraints(min_length=1, max_length=250, strip_whitespace=True)]


class AuthorisationIn(In):
    """An organisation is in the address; what it may ask, and why, is here."""

    product: Name = Field(description="`CodigoProducto`, such as PADRO")
    modality: Name = Field(description="`CodigoCertificado`, such as RESIDENT")
    purpose: Purpose = Field("PROVES", description="`Finalidad` or `Procedimiento`, word for word")


class AuthorisationOut(Out):
    """`withdrawn` is null while it is in force."""

    product: str
    modality: str
    purpose: str
    since: Moment
    withdrawn: Moment | None


class AuthorisationsOut(Out):
    """`address` is where the embedded exchange service answers, null while it does not."""

    address: str | None
    offered: dict[str, list[str]] = Field(description="the modalities by product that can be authorised")
    items: list[AuthorisationOut]


class ExchangeKeyOut(Out):
    """What an administration's systems need to ask the embedded service by themselves, with any SOAP client."""

    administration: str
    serial: str = Field(description="the certificate's serial number, hexadecimal")
    key: str | None = Field(
        description="PEM: the private key, not encrypted, its certificate, and the one above it; null where this is an "
        "answer given again under the same idempotency key"
    )
    roots: str = Field(description="PEM of the roots to trust: of the TLS server and of the evidence")
    address: str | None
