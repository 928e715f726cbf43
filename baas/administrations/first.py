"""The first operator: made once, by whoever holds the data directory, since no token exists yet."""

from __future__ import annotations

from sqlmodel import Session, select

from baas.administrations.model import Staff, TokenKind
from baas.administrations.tokens import IssuedToken, Tokens
from baas.audit import Audit
from baas.clock import Clock
from baas.errors import AlreadyInitialised
from baas.store.ulid import Ulids
from baas.tenancy import SERVICE, CallerKind


def initialised(session: Session) -> bool:
    return session.exec(select(Staff).limit(1)).first() is not None


def initialise(
    session: Session, tokens: Tokens, clock: Clock, ids: Ulids, audit: Audit, label: str
) -> IssuedToken:
    """Creates the first operator and its token. Raises AlreadyInitialised when there is anybody of staff."""
    if initialised(session):
        raise AlreadyInitialised(
            "this data directory has its first operator: use the token that was shown then; "
            "a further operator is added by that one"
        )
    operator = Staff(id=ids(), label=label, kind=CallerKind.OPERATOR, created=clock.now())
    session.add(operator)
    session.flush()
    audit.record(
        session, SERVICE, "staff.create", "staff", operator.id, None, {"kind": "operator", "first": True}
    )
    return tokens.store(session, SERVICE, operator, TokenKind.API, "first operator")
