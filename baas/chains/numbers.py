"""The register of chain ids: an installation gives each out once, and takes none twice that comes from elsewhere."""

from __future__ import annotations

import secrets
from datetime import datetime

from sqlmodel import Session, col, func, select

from baas.chains.model import ChainNumber
from baas.errors import Conflict

#: Chain ids start here, so that a wallet's owner recognises a test chain; all stay below what wallets can hold.
CHAIN_ID_BASE = 73_570_000_000_000
#: An installation's first number is random, so that two installations hardly ever share a chain id.
FIRST_NUMBERS, NUMBERS_EACH = 90_000, 100_000


def new_chain_id(session: Session, now: datetime) -> int:
    """The register's next number that no imported chain brought along, taken."""
    while True:
        given = select(func.count()).select_from(ChainNumber).where(col(ChainNumber.number) > 0)
        first = session.exec(given).one() == 0
        number = ChainNumber(
            number=secrets.randbelow(FIRST_NUMBERS) * NUMBERS_EACH + 1 if first else None, taken=now
        )
        session.add(number)
        session.flush()
        chain_id = CHAIN_ID_BASE + (number.number or 0)
        if session.get(ChainNumber, -chain_id) is None:
            return chain_id


def register_number(session: Session, chain_id: int, now: datetime) -> None:
    """Takes a chain id that a chain from elsewhere brings along; Conflict when this installation ever used it.

    In the transaction that makes its row: what fails uses nothing up. It is entered as a negative number: those
    that are given out stay in order, and skip it.
    """
    require_unused(session, chain_id)
    session.add(ChainNumber(number=-chain_id, taken=now))


def require_unused(session: Session, chain_id: int) -> None:
    """Conflict where this installation ever used the chain id."""
    numbers = (chain_id - CHAIN_ID_BASE, -chain_id)
    if session.exec(select(ChainNumber).where(col(ChainNumber.number).in_(numbers))).first() is not None:
        raise Conflict(
            f"chain id {chain_id} was used here already: import the chain as a clone, under a new id (--as-clone)"
        )
