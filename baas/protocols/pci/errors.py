"""What is wrong with a message, as the service that gets it says it."""

from __future__ import annotations

from baas.errors import BaasError
from baas.protocols.pci.codes import Detail


class PciError(BaasError):
    """A message that is not taken: `detail` is the secondary code, the message what was expected, came, and would do."""

    def __init__(self, detail: Detail, message: str) -> None:
        self.detail = detail
        super().__init__(message)
