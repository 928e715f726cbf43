"""What is said of readiness, and what follows from it. Nothing here asks anybody: a declaration is its author's word.

An item is `done` while its newest declaration says so and its day has not passed; else it is open. An administration
declares for itself (its own admins; a mandate does not count), and AOC's staff read. Every declaration stays.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import rfc8785
from sqlmodel import Session, col

from baas.administrations import repository
from baas.administrations.model import Administration
from baas.audit import Audit
from baas.clock import Clock
from baas.connectors import Environment
from baas.errors import Conflict, Invalid
from baas.readiness.items import SERVICES, Expiry, Item, item, items, needed_for, services_of
from baas.readiness.model import Declaration
from baas.store.ulid import Ulids
from baas.tenancy import Role, TenantScope

#: One long word of many kinds of characters: what a key looks like, and no reference does.
_KEY = re.compile(r"[A-Za-z0-9+/_=-]{32,}")


class NotReady(Conflict):
    """The real services were asked for, and something that they need is open; `open_items` are its slugs."""

    def __init__(self, open_items: tuple[str, ...]) -> None:
        self.open_items = open_items
        super().__init__(
            f"expected everything that the real services need to be there, these are open: {', '.join(open_items)}; "
            "an admin of the administration declares them (baas readiness set, or the page Preparació of the console), "
            "or run the pilot in the laboratory"
        )


@dataclass(frozen=True, slots=True)
class Standing:
    """How one item stands: its newest declaration (None: nobody said anything), and whether its day has passed."""

    item: Item
    newest: Declaration | None
    expired: bool

    @property
    def done(self) -> bool:
        return self.newest is not None and self.newest.done and not self.expired


class Readiness:
    """The slice's service; every method takes the caller's open session."""

    def __init__(self, clock: Clock, ids: Ulids, audit: Audit) -> None:
        self._clock, self._ids, self._audit = clock, ids, audit

    def standings(
        self, session: Session, scope: TenantScope, administration: str
    ) -> tuple[Administration, list[Standing]]:
        """How each item of the administration of that code stands, in the order of the table."""
        owner = repository.administration(session, scope, administration)
        return owner, self._standings(session, scope, owner.id)

    def history(
        self, session: Session, scope: TenantScope, administration: str, slug: str
    ) -> list[Declaration]:
        """All that was ever said of one item, oldest first."""
        owner = repository.administration(session, scope, administration)
        own = scope.select(Declaration).where(
            Declaration.administration_id == owner.id, Declaration.item == item(slug).slug
        )
        return list(session.exec(own.order_by(col(Declaration.id))))

    def declare(
        self,
        session: Session,
        scope: TenantScope,
        administration: str,
        slug: str,
        *,
        done: bool,
        reference: str = "",
        fields: Mapping[str, str] | None = None,
        note: str = "",
        expires: date | None = None,
    ) -> Standing:
        """Say that an item is there, or that it is not any more. Invalid names what the declaration lacks."""
        owner = repository.administration(session, scope, administration)
        scope.require_own(owner.id, "declaring readiness", Role.ADMIN)
        asked, said = item(slug), dict(fields or {})
        if done:
            self._check(asked, reference, said, expires)
        elif not note:
            raise Invalid("/note", "why the item is open again", "nothing")
        elif reference or said or expires:
            raise Invalid("/reference", "a note alone, for an item that is open", "more than a note")
        _no_key("/reference", reference, asked)
        _no_key("/note", note, asked)
        made = Declaration(
            id=self._ids(),
            administration_id=owner.id,
            item=asked.slug,
            done=done,
            reference=reference,
            fields=rfc8785.dumps(said).decode(),
            note=note,
            expires=expires,
            actor_id=scope.caller.actor_id,
            actor=scope.caller.name,
            at=self._clock.now(),
        )
        session.add(made)
        session.flush()
        detail = {
            "item": asked.slug,
            "done": done,
            "reference": reference,
            "fields": said,
            "note": note,
            "expires": expires.isoformat() if expires else None,
        }
        self._audit.record(session, scope.caller, "readiness.declare", "readiness", made.id, owner.id, detail)
        return Standing(asked, made, expired=False)

    def require(
        self,
        session: Session,
        scope: TenantScope,
        administration_id: str,
        environments: Mapping[str, Environment],
    ) -> None:
        """Nothing, where each arm is in the laboratory or all that its services need is done. Raises NotReady.

        `environments` is where each incumbent arm of a pilot would be asked, by the arm's slug.
        """
        real = {arm for arm, environment in environments.items() if not environment.in_laboratory}
        if not real:
            return
        needed = {each.slug for each in needed_for(services_of(real))}
        missing = tuple(
            each.item.slug
            for each in self._standings(session, scope, administration_id)
            if each.item.slug in needed and not each.done
        )
        if missing:
            raise NotReady(missing)

    def _standings(self, session: Session, scope: TenantScope, administration_id: str) -> list[Standing]:
        said_of = scope.select(Declaration).where(Declaration.administration_id == administration_id)
        newest = {each.item: each for each in session.exec(said_of.order_by(col(Declaration.id)))}
        today = self._clock.now().date()
        found = []
        for each in items().values():
            said = newest.get(each.slug)
            expired = said is not None and said.done and said.expires is not None and said.expires < today
            found.append(Standing(each, said, expired))
        return found

    def _check(self, asked: Item, reference: str, said: Mapping[str, str], expires: date | None) -> None:
        if not reference:
            raise Invalid("/reference", "where it can be seen: an item is not done by saying so", "nothing")
        for field in asked.fields:
            if not said.get(field):
                raise Invalid(f"/fields/{field}", f"the {field} of {asked.slug}", "nothing")
        if unknown := sorted(set(said) - set(asked.fields)):
            raise Invalid(
                "/fields", f"only {', '.join(asked.fields) or 'no fields'}", ", ".join(unknown)[:100]
            )
        if expires is None and asked.expiry is Expiry.MUST:
            raise Invalid("/expires", "the last day on which it holds", "nothing")
        if expires is not None and asked.expiry is Expiry.NEVER:
            raise Invalid("/expires", "nothing: it does not end by itself", expires.isoformat())
        if expires is not None and expires < self._clock.now().date():
            raise Invalid("/expires", "a day that has not passed", expires.isoformat())


def ready(standings: list[Standing]) -> dict[str, bool]:
    """Whether all that each service needs is done."""
    return {
        service: all(each.done for each in standings if service in each.item.services) for service in SERVICES
    }


def _no_key(pointer: str, text: str, asked: Item) -> None:
    """A secret must not be kept for good: what looks like one is refused, and not repeated."""
    if asked.slug == "signador-key" and _KEY.search(text):
        raise Invalid(pointer, "how the key came and who has it, never the key itself", "a long word")
