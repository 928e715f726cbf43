"""The ways in to one gateway, and the methods that the gateway answers itself.

What is not a read of the node or a transaction comes in as a table of handlers, each made by the module that
knows the matter. A table's methods answer on every endpoint, or on the administrator's alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol


class Endpoint(StrEnum):
    """Which door a call came through; refusals name it."""

    PUBLIC = "public"  # the chain's URL, for everybody who has a token of it
    ADMIN = "admin"  # the administrator's URL
    PLATFORM = "platform"  # the platform's own calls


class Subscriber(Protocol):
    """Who can be told of what comes later. Its methods are called by other threads, and must not wait."""

    def opened(self, subscription: str) -> None:
        """There is that subscription now; before anything is delivered for it."""
        ...

    def deliver(self, subscription: str, result: Any) -> None:
        """One thing that is new, for that subscription: JSON values."""
        ...

    def ended(self, subscription: str, reason: str) -> None:
        """Nothing more comes: the chain is closed or was restored."""
        ...


@dataclass(frozen=True, slots=True)
class Asker:
    """Who calls: the endpoint, and the name by which records know the caller (empty where nobody knows).

    `subscriber` is there where the caller can be told of what comes later: over WebSocket.
    """

    endpoint: Endpoint = Endpoint.PUBLIC
    actor: str = ""
    subscriber: Subscriber | None = field(default=None, compare=False, repr=False)

    @property
    def administers(self) -> bool:
        return self.endpoint is not Endpoint.PUBLIC


#: The result as JSON values, for parameters that are checked by it. Raises RpcError.
Handler = Callable[[Asker, list[Any]], Any]
