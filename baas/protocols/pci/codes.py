"""States of a request (`CodigoEstado`), and why one is refused (`CodigoEstadoSecundario`).

The four states are PCI's. AOC publishes no list of secondary codes: those here are this sandbox's own, words of at
most 16 characters, and say so in the guide. A message that cannot be read as a request at all has no state: it is
answered with a SOAP Fault.
"""

from __future__ import annotations

from enum import StrEnum

#: The most SolicitudTransmision of one asynchronous request; a synchronous one has one.
MOST_ELEMENTS = 500


class State(StrEnum):
    """`CodigoEstado`."""

    PENDING = "0001"
    PROCESSING = "0002"
    FINISHED = "0003"
    ERROR = "0502"


class Detail(StrEnum):
    """`CodigoEstadoSecundario`, of this sandbox."""

    SCHEMA = "SCHEMA"
    """Not as the schema says."""
    ELEMENTS = "ELEMENTS"
    """More than 500 elements, more than one where one is answered at once, or not as many as it says."""
    UNSIGNED = "UNSIGNED"
    """No WS-Security, or what must be signed is not."""
    WRAPPING = "WRAPPING"
    """What is signed does not stand where it is read, or could be read in two ways."""
    SIGNATURE = "SIGNATURE"
    """The signature does not verify, or by an algorithm that is not accepted."""
    TIMESTAMP = "TIMESTAMP"
    """The Timestamp is missing, has expired, or is from the future."""
    CERTIFICATE = "CERTIFICATE"
    """The certificate is not valid, not known here, or not one of an administration's systems."""
    REVOKED = "REVOKED"
    ORGANISATION = "ORGANISATION"
    """The certificate is another organisation's than the one in whose name is asked."""
    AUTHORISATION = "AUTHORISATION"
    """The organisation may not ask for this product and modality for this purpose."""
    SECURITY = "SECURITY"
    """Two ways of security at once by two certificates, or attachments without mutual TLS alone."""
    REPLAY = "REPLAY"
    """This very message was received before."""
    ID_REUSED = "ID_REUSED"
    """This IdPeticion was used for another request."""
    UNKNOWN = "UNKNOWN"
    """No such request of this organisation."""
    PRODUCT = "PRODUCT"
    """No such product or modality, or data that the product does not take."""
    INTERNAL = "INTERNAL"
