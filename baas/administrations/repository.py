"""Queries about administrations: through the caller's scope, or across all of them with the reason."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlmodel import Session, col, select

from baas.administrations.model import Administration, Mandate, Member, Staff, Token
from baas.errors import NotFound
from baas.store.paging import Paged, PageOf, paged
from baas.tenancy import Role, TenantScope, across_administrations


def administration(session: Session, scope: TenantScope, code: str) -> Administration:
    return scope.find(session, Administration, code, col(Administration.code) == code)


def administrations(session: Session, scope: TenantScope, page: PageOf) -> Paged[Administration]:
    return paged(session, scope.select(Administration), col(Administration.id), page)


def registered(session: Session, code: str) -> Administration | None:
    """The administration with that code, whoever asks."""
    return session.exec(
        across_administrations(
            Administration,
            because="codes are unique among all, and a mandate names a provider that one cannot see",
        ).where(col(Administration.code) == code)
    ).one_or_none()


def members(session: Session, scope: TenantScope, administration_id: str, page: PageOf) -> Paged[Member]:
    statement = scope.select(Member).where(col(Member.administration_id) == administration_id)
    return paged(session, statement, col(Member.id), page)


def member(session: Session, scope: TenantScope, administration_id: str, member_id: str) -> Member:
    return scope.find(
        session,
        Member,
        member_id,
        col(Member.id) == member_id,
        col(Member.administration_id) == administration_id,
    )


def mandates(session: Session, scope: TenantScope, administration_id: str, page: PageOf) -> Paged[Mandate]:
    statement = scope.select(Mandate).where(col(Mandate.administration_id) == administration_id)
    return paged(session, statement, col(Mandate.id), page)


def mandate(session: Session, scope: TenantScope, administration_id: str, mandate_id: str) -> Mandate:
    return scope.find(
        session,
        Mandate,
        mandate_id,
        col(Mandate.id) == mandate_id,
        col(Mandate.administration_id) == administration_id,
    )


def reach(
    session: Session, member: Member, now: datetime
) -> tuple[dict[str, frozenset[Role]], list[datetime]]:
    """Where `member` has which roles, by administration id: the own ones, and those by mandates in force.

    Beside it, the moments at which mandates begin or end: until the first of them, time alone changes nothing.
    """
    roles, changes = {member.administration_id: member.roles}, list[datetime]()
    held = across_administrations(Mandate, because="this is where a member's reach is found out").where(
        col(Mandate.provider_id) == member.administration_id,
        col(Mandate.revoked).is_(None),
        col(Mandate.until) > now,
    )
    for each in session.exec(held):
        changes.append(each.since if each.since > now else each.until)
        if each.since <= now and (shared := each.roles & member.roles):
            roles[each.administration_id] = roles.get(each.administration_id, frozenset()) | shared
    return roles, changes


def suspended(session: Session, administration_ids: Iterable[str]) -> dict[str, str]:
    """Which of these administrations are suspended, and why."""
    found = session.exec(
        across_administrations(
            Administration, because="a mandate reaches administrations, and the caller is not known yet"
        ).where(
            col(Administration.id).in_(sorted(administration_ids)), col(Administration.suspended).is_not(None)
        )
    )
    return {each.id: each.suspended_because or "" for each in found}


def staff(session: Session, page: PageOf) -> Paged[Staff]:
    return paged(session, select(Staff), col(Staff.id), page)


def staff_member(session: Session, staff_id: str) -> Staff:
    found = session.get(Staff, staff_id)
    if found is None:
        raise NotFound("staff", staff_id)
    return found


def tokens_with_prefix(session: Session, prefix: str) -> list[Token]:
    """Candidates for a token that was presented: usually one or none."""
    return list(
        session.exec(
            across_administrations(Token, because="who calls is not known before the token is").where(
                col(Token.prefix) == prefix
            )
        )
    )


def token_actor(session: Session, token: Token) -> Member | Staff | None:
    """Whom the token stands for."""
    if token.staff_id is not None:
        return session.get(Staff, token.staff_id)
    return session.exec(
        across_administrations(Member, because="who calls is not known before the token is").where(
            col(Member.id) == token.member_id
        )
    ).one_or_none()


def own_tokens(session: Session, scope: TenantScope, page: PageOf) -> Paged[Token]:
    actor = scope.caller.actor_id
    statement = across_administrations(
        Token, because="these are the caller's own, whatever the administration"
    ).where((col(Token.member_id) == actor) | (col(Token.staff_id) == actor))
    return paged(session, statement, col(Token.id), page)


def tokens(session: Session, scope: TenantScope, administration_id: str, page: PageOf) -> Paged[Token]:
    statement = scope.select(Token).where(col(Token.administration_id) == administration_id)
    return paged(session, statement, col(Token.id), page)


def token(session: Session, scope: TenantScope, token_id: str) -> Token:
    """One of the caller's own tokens, or one of an administration that the caller sees. Raises NotFound."""
    actor = scope.caller.actor_id
    own = session.exec(
        across_administrations(Token, because="the caller's own, whatever the administration").where(
            col(Token.id) == token_id, (col(Token.member_id) == actor) | (col(Token.staff_id) == actor)
        )
    ).one_or_none()
    return own or scope.get(session, Token, token_id)


def accepted_token(session: Session, token_id: str) -> Token | None:
    """The token with that id as it is now, for who showed its text; None when there is none."""
    return session.exec(
        across_administrations(Token, because="its text was accepted: this is who the caller is").where(
            col(Token.id) == token_id
        )
    ).one_or_none()


def note_use(session: Session, token_id: str, now: datetime) -> None:
    """Writes `last_used` alone: the row may have been revoked since it was read."""
    row = accepted_token(session, token_id)
    assert row is not None  # token rows are never deleted
    row.last_used = now
    session.add(row)
