"""The embedded exchange service's errors.

BaasError
├── Refusal           a message that is refused: the secondary code and the words of the answer (state 0502)
├── NotServing        its address is asked for and it does not listen
└── DamagedExchange   its file is not whole
"""

from __future__ import annotations

from baas.errors import BaasError
from baas.protocols.pci.codes import Detail


class Refusal(BaasError):
    """Why a message is not done: what was expected, what came, what would do. Its words go out to who asked."""

    def __init__(self, detail: Detail, message: str) -> None:
        self.detail = detail
        super().__init__(message)


class NotServing(BaasError):
    def __init__(self) -> None:
        super().__init__("the exchange service does not listen yet: call `serve()` first")


class DamagedExchange(BaasError):
    pass
