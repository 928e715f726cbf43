"""The administration that a page is about, where the same page serves each of them."""

from __future__ import annotations

from typing import Any

from sqlmodel import Session

from baas.administrations import repository
from baas.administrations.model import Administration
from baas.console.visits import Visit


def chosen(visit: Visit, session: Session, code: str) -> Administration | None:
    """The one with that code, and for "" the visitor's own; None where AOC's staff have yet to choose.

    Raises NotFound for one that the visitor does not see.
    """
    if code:
        return repository.administration(session, visit.scope, code)
    own = visit.scope.caller.administration_id
    return next((each for each in visit.administrations(session) if each.id == own), None)


def choice(visit: Visit, session: Session, found: Administration | None) -> dict[str, Any]:
    """What `parts/administration.html.j2` shows: those that may be looked at, and the one that is."""
    return {
        "administrations": [
            {"code": each.code, "name": each.name} for each in visit.administrations(session)
        ],
        "chosen": None if found is None else {"code": found.code, "name": found.name},
    }
