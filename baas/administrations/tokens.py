"""Tokens: shown once, stored hashed, expiring, revocable.

A token is `baas_` and 32 random bytes in base64url. It is stored as SHA-256: with 256 random bits there is
nothing to guess, so a slow or salted hash would protect nothing and cost every request. Its first eight
characters are stored as they are, to find the row by an index and to tell tokens apart in lists; 208 secret
bits remain. The hash is compared in constant time. What a token stands for is remembered by its hash until anything
is written or its time comes; its text is not. No, unknown, expired and revoked token end in the same
Unauthenticated.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from baas.administrations import repository
from baas.administrations.model import Member, Staff, Token, TokenKind
from baas.audit import Audit
from baas.audit.redaction import TOKEN
from baas.clock import Clock
from baas.errors import NotFound, StoreBusy, Unauthenticated
from baas.store import Store
from baas.store.remembered import Remembered
from baas.store.ulid import Ulids
from baas.tenancy import STAFF, Caller, CallerKind, Role, RpcEndpoint, TenantScope

LAST_USED_EVERY = timedelta(minutes=1)  # a write for each request would be one disk flush for each request
PREFIX = slice(5, 13)


@dataclass(frozen=True)
class IssuedToken:
    """The stored row, and the text that is shown this once."""

    row: Token
    text: str


@dataclass(frozen=True)
class _Known:
    """A valid token as it was read at `since`; until `until` only a write changes what it stands for."""

    caller: Caller
    kind: TokenKind
    last_used: datetime | None
    since: datetime
    until: datetime

    def at(self, now: datetime) -> bool:
        return self.since <= now < self.until


class Tokens:
    """Issues, checks and revokes tokens."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        ids: Ulids,
        audit: Audit,
        days: int,
        random_bytes: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        self._store, self._clock, self._ids, self._audit = store, clock, ids, audit
        self._days, self._random_bytes = days, random_bytes
        self._known = Remembered[_Known](store)

    def issue(
        self,
        session: Session,
        scope: TenantScope,
        label: str,
        actor_id: str | None = None,
        days: int | None = None,
    ) -> IssuedToken:
        """An API token for the caller; for a member, as its admin or operator; for staff, as operator."""
        actor = self._actor(session, scope, actor_id or scope.caller.actor_id)
        return self.store(session, scope.caller, actor, TokenKind.API, label, days=days)

    def issue_rpc(
        self,
        session: Session,
        scope: TenantScope,
        label: str,
        administration_id: str,
        chain_id: str,
        days: int | None = None,
        endpoint: RpcEndpoint = RpcEndpoint.PUBLIC,
    ) -> IssuedToken:
        """A token for the RPC of one chain of that administration, and nothing else, standing for the caller.

        The caller must be a developer there, or for the administrator's endpoint an admin or a developer: who
        may use that endpoint. That the chain is that administration's is for who calls this to know.
        """
        if endpoint is RpcEndpoint.ADMIN:
            scope.require(
                administration_id,
                "making an RPC token of the administrator's endpoint",
                Role.ADMIN,
                Role.DEVELOPER,
            )
        else:
            scope.require(administration_id, "making an RPC token", Role.DEVELOPER)
        actor = self._actor(session, scope, scope.caller.actor_id)
        return self.store(
            session,
            scope.caller,
            actor,
            TokenKind.RPC,
            label,
            administration_id,
            chain_id,
            endpoint,
            days=days,
        )

    def store(
        self,
        session: Session,
        caller: Caller,
        actor: Member | Staff,
        kind: TokenKind,
        label: str,
        administration_id: str | None = None,
        chain_id: str | None = None,
        endpoint: RpcEndpoint | None = None,
        *,
        days: int | None = None,
    ) -> IssuedToken:
        """A new token in the open session, with its audit row; it asks no permission."""
        text = "baas_" + urlsafe_b64encode(self._random_bytes(32)).rstrip(b"=").decode()
        now = self._clock.now()
        member = actor if isinstance(actor, Member) else None
        row = Token(
            id=self._ids(),
            administration_id=administration_id or (member.administration_id if member else None),
            member_id=member.id if member else None,
            staff_id=None if member else actor.id,
            kind=kind,
            chain_id=chain_id,
            endpoint=endpoint,
            label=label,
            prefix=text[PREFIX],
            hash=_hash(text),
            created=now,
            expires=now + timedelta(days=days or self._days),
        )
        session.add(row)
        session.flush()
        detail = {"kind": str(kind), "for": actor.id}
        if chain_id:
            detail |= {"chain": chain_id, "endpoint": str(endpoint)}
        self._audit.record(session, caller, "token.issue", "token", row.id, row.administration_id, detail)
        return IssuedToken(row, text)

    def revoke(self, session: Session, scope: TenantScope, token_id: str) -> None:
        """Refuses the token from now on: one's own, or as admin of its administration. Twice is as once."""
        row = repository.token(session, scope, token_id)
        if scope.caller.actor_id not in (row.member_id, row.staff_id):
            assert row.administration_id is not None, "only the own token can have none here"
            scope.require(row.administration_id, "revoking a token", Role.ADMIN, staff=[CallerKind.OPERATOR])
        if row.revoked is None:
            row.revoked = self._clock.now()
            session.add(row)
            self._audit.record(session, scope.caller, "token.revoke", "token", row.id, row.administration_id)

    def authenticate(self, text: str | None, *, rpc: bool = False) -> Caller:
        """The caller that the token `text` stands for, as it is now. Raises Unauthenticated.

        RPC tokens are accepted only with `rpc`; the caller then has `chain_id`, which the RPC door compares.
        """
        if text is None or not TOKEN.fullmatch(text):
            raise Unauthenticated
        now = self._clock.now()
        known = self._known.get(_hash(text), lambda: self._read(text, now), lambda known: known.at(now))
        if known.kind is TokenKind.RPC and not rpc:
            raise Unauthenticated
        if known.last_used is None or now - known.last_used >= LAST_USED_EVERY:
            with suppress(StoreBusy), self._store.session() as session:  # a missed note refuses nobody
                repository.note_use(session, known.caller.token_id, now)
        return known.caller

    def caller_of(self, token_id: str) -> Caller:
        """The caller that an API token stands for now, by its id: for who showed its text before.

        Raises Unauthenticated as `authenticate` does: a session ends with its token.
        """
        with self._store.reading() as session:
            token = repository.accepted_token(session, token_id)
            if token is None or token.kind is TokenKind.RPC:
                raise Unauthenticated
            return _known(session, token, self._clock.now()).caller

    def _actor(self, session: Session, scope: TenantScope, actor_id: str) -> Member | Staff:
        """The person that the caller may issue a token for. NotFound or Forbidden."""
        caller = scope.caller
        if caller.kind in STAFF and actor_id == caller.actor_id:
            return repository.staff_member(session, actor_id)
        try:
            member = scope.get(session, Member, actor_id)
        except NotFound:
            if caller.kind is not CallerKind.OPERATOR:
                raise
            return repository.staff_member(session, actor_id)
        if member.id != caller.actor_id:
            scope.require(
                member.administration_id,
                "issuing a token for another",
                Role.ADMIN,
                staff=[CallerKind.OPERATOR],
            )
        return member

    def _read(self, text: str, now: datetime) -> _Known:
        with self._store.reading() as session:
            token = self._matching(session, text)
            if token is None:
                raise Unauthenticated
            return _known(session, token, now)

    def _matching(self, session: Session, text: str) -> Token | None:
        digest, match = _hash(text), None
        for candidate in repository.tokens_with_prefix(session, text[PREFIX]):
            if hmac.compare_digest(candidate.hash, digest):
                match = candidate
        return match


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def _known(session: Session, token: Token, now: datetime) -> _Known:
    if token.revoked is not None or token.expires <= now:
        raise Unauthenticated
    actor = repository.token_actor(session, token)
    if actor is None or actor.ended is not None:
        raise Unauthenticated
    if isinstance(actor, Staff):
        caller = Caller(actor.kind, actor.id, actor.label, token.id)
        return _Known(caller, token.kind, token.last_used, now, token.expires)
    roles, changes = repository.reach(session, actor, now)
    if token.kind is TokenKind.RPC:
        # one administration's chain: what the person reaches elsewhere is out of this token's reach
        roles = {key: value for key, value in roles.items() if key == token.administration_id}
        if not roles:
            raise Unauthenticated
    caller = Caller(
        CallerKind.MEMBER,
        actor.id,
        actor.label,
        token.id,
        actor.administration_id,
        roles,
        token.chain_id,
        token.endpoint,
        repository.suspended(session, {*roles, actor.administration_id}),
    )
    return _Known(caller, token.kind, token.last_used, now, min([token.expires, *changes]))
