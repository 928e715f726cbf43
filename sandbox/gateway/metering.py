"""Metering: what whoever runs chains may count and limit at the door. A chain without a meter has no limits."""

from __future__ import annotations

from typing import Protocol


class Meter(Protocol):
    """One chain's. Thread-safe, and quick: it is asked under the chain's admission lock."""

    def calls(self, count: int) -> None:
        """So many calls of one body are about to be answered."""
        ...

    def answered(self, kind: str, refused_by: str | None) -> None:
        """One call was answered: the kind of its method ("" for none that is known), and the rule that refused it."""
        ...

    def sealed(self, count: int) -> None:
        """So many transactions are in a new block."""
        ...

    def admit(self, gas: int, size: int) -> None:
        """One transaction passed every rule: its gas limit, and its size in bytes. OverQuota refuses it."""
        ...

    def settled(self, gas: int) -> None:
        """Transactions that were admitted, with so much gas in sum, are on disk now, or will never be."""
        ...


class Unmetered:
    """Counts nothing and limits nothing."""

    def calls(self, count: int) -> None:
        pass

    def answered(self, kind: str, refused_by: str | None) -> None:
        pass

    def sealed(self, count: int) -> None:
        pass

    def admit(self, gas: int, size: int) -> None:
        pass

    def settled(self, gas: int) -> None:
        pass
