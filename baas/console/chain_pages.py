"""What the pages of one chain share: what they show of it, who may do what, and how a mistake is told on the page."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from eth_utils.address import is_checksum_address
from fastapi import Response

from baas.administrations import repository
from baas.chains.errors import ChainExpired, ChainStopped
from baas.chains.model import Chain
from baas.console.visits import Visit
from baas.errors import Suspended
from baas.store.paging import MOST, PageOf
from baas.tenancy import SERVICE, Role
from baas.texts import catalogue
from sandbox.chain import Chain as AwakeChain
from sandbox.engines import engines
from sandbox.lifecycle import DesiredState

#: Names of chains and accounts.
LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")
CHANGES = (Role.ADMIN, Role.DEVELOPER)
#: Why a chain does not answer now, as a page says it in words.
CLOSED: dict[type[Exception], str] = {
    ChainStopped: "stopped",
    ChainExpired: "expired",
    Suspended: "suspended",
}
CLOSED_ERRORS = tuple(CLOSED)


def may(visit: Visit, row: Chain, *roles: Role) -> bool:
    """Whether the caller has one of these roles where the chain is, and its doors are not closed."""
    held = visit.scope.caller.roles.get(row.administration_id, frozenset())
    return bool(held & frozenset(roles)) and visit.scope.caller.closed(row.administration_id) is None


def shown(visit: Visit, row: Chain, names: dict[str, str] | None = None) -> dict[str, Any]:
    """A chain as lists and pages show it, without waking it. Lengths of time are in seconds."""
    chains, now = visit.services.chains, visit.services.clock.now()
    observed = chains.observed(row)
    head, sleeps = chains.head(row), chains.sleeps_at(row)
    return row.model_dump() | {
        "administration": (names or administrations(visit))[row.administration_id],
        "parent": None
        if row.parent_chain_id is None
        else {"chain_id": row.parent_chain_id, "number": row.parent_number, "hash": row.parent_hash},
        "suspended": visit.scope.caller.closed(row.administration_id) is not None,
        "engine_title": engine_title(visit, row.engine),
        "observed": observed.value,
        "head": None if head is None else head.number,
        "sleeps_in": None if sleeps is None else max(0.0, (sleeps - now).total_seconds()),
        "expires_in": max(0.0, (row.expires - now).total_seconds()),
        "deletion": chains.deletion(row),
        "warnings": [each.value for each in chains.warnings(row, observed)],
    }


def administrations(visit: Visit) -> dict[str, str]:
    """The name of each administration that the caller may see, by id."""
    with visit.services.store.reading() as session:
        return {each.id: each.name for each in visit.administrations(session)}


def taken(visit: Visit, administration_id: str, label: str) -> bool:
    """Whether the administration has a chain of this name already: people tell their chains apart by it."""
    with visit.services.store.reading() as session:
        live = visit.scope.select(Chain).where(
            Chain.administration_id == administration_id,
            Chain.label == label,
            Chain.desired != DesiredState.DELETED,
        )
        return session.exec(live).first() is not None


def engine_title(visit: Visit, slug: str) -> str:
    """The engine's name in the visit's language; its own title where the catalogue has none."""
    key = f"console.engine.{slug}.title"
    known = catalogue(visit.language)
    if key in known:
        return known[key]
    found = engines()
    return found[slug].title if slug in found else slug


def open_chain(visit: Visit, row: Chain) -> AwakeChain:
    """The chain, woken; raises one of `CLOSED` where it does not answer."""
    _, awake = visit.services.chains.use(visit.scope, row.id)
    return awake


def closed_page(visit: Visit, row: Chain, tab: str, error: Exception) -> Response:
    """A chain's page while the chain does not answer: why, and what to do."""
    why = next(CLOSED[each] for each in type(error).__mro__ if each in CLOSED)
    return visit.page(
        "chain_closed", 409, chain=shown(visit, row), tab=tab, why=why, may_change=may(visit, row, *CHANGES)
    )


class Mistake(Exception):
    """What somebody typed cannot be used: the page is shown again with this text of the catalogue."""

    def __init__(self, key: str, **blanks: object) -> None:
        self.key, self.blanks = key, blanks
        super().__init__(key)

    def text(self, visit: Visit) -> str:
        return visit.t(f"console.{self.key}").format(**self.blanks)


def attempt(visit: Visit, act: Callable[[], Response], page: Callable[[int, str], Response]) -> Response:
    """What `act` answers; after a Mistake, the page with its status and what is wrong."""
    try:
        return act()
    except Mistake as mistake:
        return page(422, mistake.text(visit))


_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")


def address_of(text: str, field: str) -> str:
    """An address as it was typed. Mistake when it is none, or when its capitals say that a digit is wrong (EIP-55)."""
    if not _ADDRESS.fullmatch(text):
        raise Mistake(f"mistake.{field}")
    mixed = text[2:] not in (text[2:].lower(), text[2:].upper())
    if mixed and not is_checksum_address(text):
        raise Mistake("mistake.checksum", address=text)
    return text


def when(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def people(visit: Visit, row: Chain) -> dict[str, str]:
    """What colleagues call the members of the chain's administration, by id."""
    with visit.services.store.reading() as session:
        found = repository.members(session, visit.scope, row.administration_id, PageOf(None, MOST)).rows
    return {each.id: each.label for each in found}


def actor_name(visit: Visit, known: dict[str, str], actor: str) -> str:
    """Who did something on a chain, in words: a member's name, or what kind of somebody it was."""
    if not actor:
        return visit.t("console.actor.unknown")
    if actor == SERVICE.actor_id:
        return visit.t("console.actor.service")
    return known.get(actor) or visit.t("console.actor.other")
