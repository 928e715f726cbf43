"""What the gateway would do with a transaction, and why: the answer of a dry run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sandbox.errors import RpcError
from sandbox.gateway.rules import OF_SIGNED, ORDER
from sandbox.permissions import Act


@dataclass(frozen=True, slots=True)
class Explanation:
    """`rule` is the one that allows it, or the first that is broken; then `error` is what its sender would get.

    `act` is None where the bytes are no transaction or nobody signed it. `may_create` says whether its sender's
    calls may create contracts inside them: one that does so all the same is accepted, and dropped when it is sealed.
    """

    signed: bool
    act: Act | None
    rule: str
    permission: int | None = None
    may_create: bool = False
    error: RpcError | None = None

    @property
    def allowed(self) -> bool:
        return self.error is None

    def checks(self) -> list[tuple[str, str]]:
        """Each rule in the order in which it is asked, with `passed`, `failed` or `not reached`."""
        asked = [
            rule
            for rule in ORDER
            if (self.signed or rule not in OF_SIGNED)
            and (not rule.startswith("deployer-") or (self.act is not None and self.act.target is None))
        ]
        if self.allowed:
            return [(rule, "passed") for rule in asked]
        broken = asked.index(self.rule)
        return [
            (rule, "passed" if at < broken else "failed" if at == broken else "not reached")
            for at, rule in enumerate(asked)
        ]

    def as_json(self) -> dict[str, Any]:
        data = self.error.data if self.error is not None else {}
        act = self.act
        return {
            "allowed": self.allowed,
            "rule": self.rule,
            "code": None if self.error is None else self.error.code,
            "message": None if self.error is None else self.error.message,
            "subject": None if act is None else f"0x{act.sender.hex()}",
            "target": None if act is None or act.target is None else f"0x{act.target.hex()}",
            "selector": None if act is None or act.selector is None else f"0x{act.selector.hex()}",
            "value": None if act is None else str(act.value),
            "permission": self.permission if self.allowed else data.get("permission"),
            "how_to_ask": data.get("how_to_ask"),
            "may_create": self.may_create,
            "checks": [{"rule": rule, "outcome": outcome} for rule, outcome in self.checks()],
        }
