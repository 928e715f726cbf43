"""Routes of tokens, and `/me`: who am I, and where do I reach."""

from __future__ import annotations

from fastapi import APIRouter, Response
from sqlmodel import Session, col

from baas.administrations import repository
from baas.administrations.model import Administration
from baas.administrations.schemas import (
    AdministrationOut,
    MeOut,
    NewTokenOut,
    ReachOut,
    TokenIn,
    TokenOut,
)
from baas.api.administrations import Code
from baas.api.calls import Calling, Paging, page_out
from baas.tenancy import CallerKind, Role
from baas.wire import Page

router = APIRouter(tags=["tokens"])


@router.get("/me", tags=["me"])
def show_me(call: Calling) -> MeOut:
    """The person that the token stands for, and its roles in each administration that it reaches."""
    caller = call.scope.caller

    def ask(session: Session) -> MeOut:
        bodies = session.exec(
            call.scope.select(Administration)
            .where(col(Administration.id).in_(sorted(caller.roles)))
            .order_by(col(Administration.id))
        )
        reached = [
            ReachOut(
                administration=AdministrationOut.model_validate(body),
                roles=caller.roles[body.id],
                by_mandate=body.id != caller.administration_id,
            )
            for body in bodies
        ]
        return MeOut(
            kind=caller.kind,
            actor_id=caller.actor_id,
            label=caller.name,
            token_id=caller.token_id,
            administrations=reached,
        )

    return call.read(ask)


@router.post("/tokens", status_code=201, response_model=NewTokenOut)
def create_token(body: TokenIn, call: Calling) -> Response:
    """A new API token: for yourself, for a member (as its admin), for anybody (as operator).

    Its text is in this answer and never again: an answer repeated under an idempotency key has `token: null`.
    """

    def act(session: Session) -> NewTokenOut:
        issued = call.services.tokens.issue(session, call.scope, body.label, body.actor_id, body.days)
        return NewTokenOut(**TokenOut.model_validate(issued.row).model_dump(), token=issued.text)

    return call.write(act, without_secret=lambda answer: answer.model_copy(update={"token": None}))


@router.get("/tokens")
def list_tokens(call: Calling, page: Paging) -> Page[TokenOut]:
    """Your own tokens, expired and revoked ones included."""
    return call.read(lambda session: page_out(TokenOut, repository.own_tokens(session, call.scope, page)))


@router.get("/administrations/{code}/tokens")
def list_administration_tokens(code: Code, call: Calling, page: Paging) -> Page[TokenOut]:
    """The tokens of an administration's members and of its chains. For its admins, and AOC's operators."""

    def ask(session: Session) -> Page[TokenOut]:
        owner = repository.administration(session, call.scope, code)
        call.scope.require(owner.id, "listing tokens", Role.ADMIN, staff=[CallerKind.OPERATOR])
        return page_out(TokenOut, repository.tokens(session, call.scope, owner.id, page))

    return call.read(ask)


@router.delete("/tokens/{token_id}", status_code=204)
def revoke_token(token_id: str, call: Calling) -> Response:
    """Refuses a token from now on: your own, or one of the administration that you are admin of."""
    return call.write(lambda session: call.services.tokens.revoke(session, call.scope, token_id))
