"""What a verification step is, and the register of all of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Protocol, TypeVar

from sandbox.evidence.context import Context
from sandbox.evidence.report import LAYERS, Outcome


class Check(Protocol):
    """A numbered step; those with `needs_anchor` are not run on a receipt that has none."""

    number: int
    name: str
    layer: str
    needs_anchor: bool

    def run(self, context: Context) -> Outcome: ...


_CHECKS: dict[int, Check] = {}
_Step = TypeVar("_Step", bound=Callable[[], Check])


def check(step: _Step) -> _Step:
    """Register a step; two steps with one number or name, or an unknown layer, are a mistake here."""
    new = step()
    if (
        new.number in _CHECKS
        or new.name in {other.name for other in _CHECKS.values()}
        or new.layer not in LAYERS
    ):
        raise ValueError(
            f"step {new.number} {new.name!r} of layer {new.layer!r} clashes or has no such layer"
        )
    _CHECKS[new.number] = new
    checks.cache_clear()
    return step


@cache
def checks() -> tuple[Check, ...]:
    """All steps in the order of their numbers."""
    return tuple(_CHECKS[number] for number in sorted(_CHECKS))
