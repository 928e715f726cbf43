"""Powers of attorney that nobody gave, in every state that one can be in.

A power is given by a principal (*poderdant*) to an attorney (*representant*) for a scope: one administration or any; one
procedure or any; capabilities. The numbers are the conventional `00000000T` and `Q0000000J`, and fictional ones.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from baas.exchange_service.fictional.residents import Kind, fictional

#: Any administration, any procedure.
ANY = "*"
_FIRST, _LAST = date(2024, 1, 1), date(2049, 12, 31)
_ALL = frozenset({"CONSULTA", "TRAMITACIO", "NOTIFICACIONS"})


class Standing(StrEnum):
    """What is said of a representation on a day, best first."""

    VALID = "valid"
    OTHER_SCOPE = "other_scope"
    """There is a power, and not for this."""
    NOT_YET = "not_yet"
    EXPIRED = "expired"
    REVOKED = "revoked"
    NONE = "none"
    """The one never gave the other any."""


@dataclass(frozen=True, slots=True)
class Power:
    """One power. It holds from `first` to `last`, both included, and no longer on the day `revoked`."""

    number: int
    principal: str
    attorney: str
    administration: str = ANY
    procedure: str = ANY
    capabilities: frozenset[str] = _ALL
    first: date = _FIRST
    last: date = _LAST
    revoked: date | None = None

    def standing(
        self, administration: str, procedure: str, capabilities: Iterable[str], day: date
    ) -> Standing:
        """What it gives for this on that day. What has ended is said to have, whatever it was for."""
        if self.revoked is not None and day >= self.revoked:
            return Standing.REVOKED
        if day > self.last:
            return Standing.EXPIRED
        if day < self.first:
            return Standing.NOT_YET
        within = (
            self.administration in (ANY, administration)
            and self.procedure in (ANY, procedure)
            and self.capabilities.issuperset(capabilities)
        )
        return Standing.VALID if within else Standing.OTHER_SCOPE


def powers() -> tuple[Power, ...]:
    """All of them, numbered from 1."""
    nif, other = fictional(Kind.NIF, 3), fictional(Kind.NIF, 6)
    nie = fictional(Kind.NIE, 2)
    return (
        Power(1, "Q0000000J", "00000000T"),
        Power(2, nif, other, administration="9821920002"),
        Power(3, nif, nie, procedure="LLICENCIES"),
        Power(4, nif, "00000000T", capabilities=frozenset({"CONSULTA"})),
        Power(5, other, nif, last=date(2024, 12, 31)),
        Power(6, other, nie, revoked=date(2025, 6, 1)),
        Power(7, nie, nif, first=date(2040, 1, 1)),
        # revoked, and given anew with less in it
        Power(8, nie, other, revoked=date(2025, 1, 1)),
        Power(9, nie, other, capabilities=frozenset({"CONSULTA"}), first=date(2025, 1, 1)),
    )
