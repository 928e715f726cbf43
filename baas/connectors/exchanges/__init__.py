"""The exchange services' port: what an administration asks of AOC's PCI, and the adapters.

One module of this package is one adapter: it defines `ADAPTER`. Adapters are clients; a laboratory's service
(`baas.exchange_service`) speaks the same protocol, so an adapter moves from one to the other by its address and trust
anchors alone. Nobody falls back: a service that was chosen and does not answer is a failed act.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Protocol

from baas.protocols.pci.messages import Confirmation, Poll, Request, Response
from sandbox.discovery import discover


@dataclass(frozen=True)
class Call:
    """One message and its answer, as a pilot records it. Times are aware, in UTC, of this machine's clock.

    `provider` is `embedded`, or the address of the service. `message` and `answer` are the bodies as they went over the
    wire: a signed message is what its sender keeps to show what it asked.
    """

    provider: str
    message: bytes
    answer: bytes
    started: datetime
    ended: datetime


@dataclass(frozen=True)
class Answered:
    """The whole answer to a request: state 0003, whose evidence, where there is any, was verified."""

    call: Call
    response: Response


@dataclass(frozen=True)
class Confirmed:
    """An asynchronous request that the service has accepted, and so must answer one day."""

    call: Call
    confirmation: Confirmation


@dataclass(frozen=True)
class Pending:
    """A request that is not answered yet: state 0001 or 0002."""

    call: Call
    response: Response


@dataclass(frozen=True)
class ExchangeCapabilities:
    """What a service offers, as far as the adapter can say. `products` are modalities by product.

    `verified_against` says where this adapter was really tried.
    """

    provider: str
    products: Mapping[str, tuple[str, ...]]
    most_elements: int
    attachments: bool
    verified_against: str


class ExchangePort(Protocol):
    """What every adapter can do. Raises ConnectorError, EvidenceError; `ConnectorRefused.reason` is the secondary code."""

    slug: ClassVar[str]

    @property
    def capabilities(self) -> ExchangeCapabilities: ...

    def submit(self, request: Request) -> Answered:
        """Asks and waits for the answer; one element."""

    def submit_async(self, request: Request) -> Confirmed:
        """Leaves a request, of at most 500 elements, and returns once the service has it."""

    def fetch(self, poll: Poll) -> Answered | Pending:
        """The answer to a request of before, whichever way it was asked."""

    def evidence(self, poll: Poll) -> tuple[bytes, ...]:
        """The signed XML evidence of each element of an answered request, verified."""

    def close(self) -> None: ...


def adapters() -> dict[str, Any]:
    """Every adapter class by its slug."""
    return discover("baas.connectors.exchanges", "ADAPTER")
