"""Why a message's security is refused, in the exchange's own secondary codes."""

from __future__ import annotations

from types import MappingProxyType

from baas.ades.xml import Refusal, SignatureRefused
from baas.errors import BaasError
from baas.protocols.pci.codes import Detail


class WssError(BaasError):
    """A message that does not count: `detail` is the secondary code that its sender is told, the message says why."""

    def __init__(self, detail: Detail, message: str) -> None:
        self.detail = detail
        super().__init__(message)


#: Why a signature in XML is refused → what the message's sender is told.
DETAILS = MappingProxyType(
    {
        Refusal.NO_SIGNATURE: Detail.UNSIGNED,
        Refusal.NOT_SIGNED: Detail.UNSIGNED,
        Refusal.SEVERAL_SIGNATURES: Detail.WRAPPING,
        Refusal.DUPLICATE_ID: Detail.WRAPPING,
        Refusal.REFERENCE: Detail.WRAPPING,
        Refusal.WRONG_PLACE: Detail.WRAPPING,
        Refusal.NOT_FOUND: Detail.WRAPPING,
        Refusal.STRUCTURE: Detail.SIGNATURE,
        Refusal.TRANSFORM: Detail.SIGNATURE,
        Refusal.ALGORITHM: Detail.SIGNATURE,
        Refusal.DIGEST: Detail.SIGNATURE,
        Refusal.VALUE: Detail.SIGNATURE,
        Refusal.KEY_INFO: Detail.CERTIFICATE,
        Refusal.NO_CERTIFICATE: Detail.CERTIFICATE,
        Refusal.OTHER_CERTIFICATE: Detail.CERTIFICATE,
    }
)


def refused(error: SignatureRefused) -> WssError:
    return WssError(DETAILS[error.code], str(error))
