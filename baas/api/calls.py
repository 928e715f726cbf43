"""What a route gets: the services, the caller's scope, and one way to read and one to write.

    @router.post("/things", status_code=201, response_model=ThingOut)
    def create_thing(body: ThingIn, call: Calling) -> Response:
        return call.write(lambda session: ThingOut.model_validate(
            call.services.things.create(session, call.scope, body.name)))

A write honours the `Idempotency-Key` header: act and answer are one database transaction.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Header, Query, Request, Response, Security
from fastapi.security import HTTPBearer
from sqlmodel import Session

from baas.errors import Unauthenticated
from baas.logs.model import Log
from baas.store.idempotency import IdempotentRequest, StoredAnswer, store_answer, stored_answer
from baas.store.paging import MOST, Paged, PageOf
from baas.tenancy import Caller, TenantScope
from baas.wire import REPEATED, Out, Page
from baas.wiring import Services

#: One of these is held while an act on a chain is done under an idempotency key, so that the same request twice at
#: once is done once. The keys share them: that only makes two acts wait for each other now and then.
_ACTING = tuple(threading.Lock() for _ in range(64))

T = TypeVar("T")
Shape = TypeVar("Shape", bound=Out)


@dataclass(frozen=True)
class Call:
    """One authenticated request."""

    services: Services
    scope: TenantScope
    idempotent: IdempotentRequest | None

    def read(self, ask: Callable[[Session], T]) -> T:
        """`ask` in a read transaction."""
        with self.services.store.reading() as session:
            return ask(session)

    def write(
        self,
        act: Callable[[Session], Out | None],
        status: int = 201,
        without_secret: Callable[[Any], Out] | None = None,
    ) -> Response:
        """`act` in a write transaction, and its result as the answer (204 without a body for None).

        Under an idempotency key the answer is stored in that same transaction, and given again when it is
        asked again. `without_secret` turns the result into what may be stored when it holds a secret.
        """
        with self.services.store.session() as session:
            if self.idempotent and (before := stored_answer(session, self.idempotent)):
                return _answer(before, {REPEATED: "true"})
            result = act(session)
            if self.idempotent:
                kept = without_secret(result) if without_secret else result
                store_answer(session, self.idempotent, _stored(kept, status), self.services.clock.now())
        return _answer(_stored(result, status), {})

    def accept(self, act: Callable[[Session], tuple[T, Log]], out: Callable[[T], Out]) -> Response:
        """As `write`, for what becomes entries of a log: the answer (202) is sent once they are on disk."""
        grown: list[Log] = []

        def accepted(session: Session) -> Out:
            result, log = act(session)
            grown.append(log)
            return out(result)

        response = self.write(accepted, 202)
        for log in grown:
            self.services.logs.poke(log)
        return response

    def act(self, act: Callable[[], Out | None], status: int = 201) -> Response:
        """As `write`, for an act on a chain, which cannot be in a database transaction.

        Its answer is kept under the idempotency key right after it: a crash in between leaves the act done
        and unkept.
        """
        asked = self.idempotent
        if asked is None:
            return _answer(_stored(act(), status), {})
        with _ACTING[hash((asked.actor_id, asked.key)) % len(_ACTING)]:
            with self.services.store.reading() as session:
                before = stored_answer(session, asked)
            if before:
                return _answer(before, {REPEATED: "true"})
            answer = _stored(act(), status)
            with self.services.store.session() as session:
                store_answer(session, asked, answer, self.services.clock.now())
        return _answer(answer, {})


def _stored(result: Out | None, status: int) -> StoredAnswer:
    return (
        StoredAnswer(204, b"") if result is None else StoredAnswer(status, result.model_dump_json().encode())
    )


def _answer(answer: StoredAnswer, headers: dict[str, str]) -> Response:
    return Response(answer.body, answer.status, headers, "application/json" if answer.body else None)


def page_out(shape: type[Shape], paged: Paged[Any]) -> Page[Shape]:
    """A page of rows as what goes over the wire."""
    items = [shape.model_validate(row) for row in paged.rows]
    return Page[shape](items=items, next=paged.next)  # type: ignore[valid-type]  # pydantic's generics at run time


def services_of(request: Request) -> Services:
    services = request.app.state.services
    assert isinstance(services, Services)
    return services


_token = HTTPBearer(
    auto_error=False, description="A token of `POST /api/v1/tokens`, `baas_` and 43 characters."
)


def _caller(request: Request) -> Caller:
    caller = getattr(request.state, "caller", None)
    if not isinstance(
        caller, Caller
    ):  # the middleware has seen to it; a route mounted elsewhere must not slip by
        raise Unauthenticated
    return caller


async def _upload(request: Request, _documented: Annotated[object, Security(_token)]) -> Call:
    """A call whose body the route takes in pieces; an idempotency key is the route's matter."""
    return Call(services_of(request), TenantScope(_caller(request)), None)


async def _call(
    request: Request,
    _documented: Annotated[object, Security(_token)],
    idempotency_key: Annotated[
        str | None,
        Header(
            description="1 to 255 visible characters; the same key and request again gets the same answer"
        ),
    ] = None,
) -> Call:
    caller = _caller(request)
    idempotent = None
    if idempotency_key is not None:
        query = f"?{request.url.query}" if request.url.query else ""
        asked = f"{request.method} {request.url.path}{query}"
        idempotent = IdempotentRequest(caller.actor_id, idempotency_key, asked, await request.body())
    return Call(services_of(request), TenantScope(caller), idempotent)


def _page(
    limit: Annotated[int, Query(ge=1, le=MOST, description="at most so many")] = 100,
    after: Annotated[
        str | None, Query(description="the `next` of the page before", pattern=r"^[0-9A-Z]{1,26}$")
    ] = None,
) -> PageOf:
    return PageOf(after, limit)


Calling = Annotated[Call, Depends(_call)]
Uploading = Annotated[Call, Depends(_upload)]
Paging = Annotated[PageOf, Depends(_page)]
