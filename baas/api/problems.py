"""Refusals as RFC 9457 problem documents, by the one table that maps errors to HTTP statuses.

`type` is `https://<origin>/problems/<slug>`; `expected` and `got` are there where they help; `errors` names
values of the request by RFC 6901 pointers into its body (`#/roles/0`) or by parameter. An error that the
table does not know is an incident: the answer has only its id, the log has the traceback with tokens
redacted.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from baas import errors
from baas.audit.redaction import redact
from baas.chains.errors import ChainDeleted
from baas.connectors import ConnectorError
from baas.logs.witnessing import NotWitnessedYet
from sandbox import errors as sandbox

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True)
class Kind:
    """One kind of problem: HTTP status, slug for `type`, and title."""

    status: int
    slug: str
    title: str


#: Members of bodies that no answer repeats.
SECRETS = frozenset({"keystore", "password", "private_key"})
UNEXPECTED = Kind(500, "incident", "Something failed here")
MALFORMED = Kind(400, "malformed-json", "The body is not JSON")
TOO_LARGE = Kind(413, "too-large", "The request body is too large")

TABLE: Mapping[type[Exception], Kind] = {
    errors.Unauthenticated: Kind(401, "unauthenticated", "A valid token is needed"),
    errors.Forbidden: Kind(403, "forbidden", "A role is missing"),
    errors.Suspended: Kind(403, "suspended", "The administration is suspended"),
    errors.NotFound: Kind(404, "not-found", "Not found"),
    errors.IdempotencyConflict: Kind(
        409, "idempotency-conflict", "The idempotency key was used for another request"
    ),
    errors.AlreadyExists: Kind(409, "already-exists", "It already exists"),
    errors.Conflict: Kind(409, "conflict", "It contradicts what is there"),
    NotWitnessedYet: Kind(409, "not-witnessed-yet", "Too few witnesses have cosigned"),
    errors.QuotaExceeded: Kind(409, "quota-exceeded", "A limit is reached"),
    errors.TooMuch: Kind(429, "too-much", "A limit of use is reached"),
    errors.Invalid: Kind(422, "invalid", "A value does not hold"),
    ChainDeleted: Kind(410, "chain-deleted", "The chain was deleted"),
    errors.Refused: Kind(400, "refused", "The request cannot be done"),
    errors.StoreBusy: Kind(503, "busy", "Too busy: try again"),
    sandbox.UnknownTemplate: Kind(404, "unknown-template", "There is no such template"),
    sandbox.IllegalTransition: Kind(409, "illegal-transition", "Not possible in its present state"),
    sandbox.SnapshotNotFound: Kind(404, "unknown-snapshot", "There is no such snapshot"),
    sandbox.IllegalRestore: Kind(409, "illegal-restore", "The chain cannot go back there"),
    sandbox.IllegalClock: Kind(409, "illegal-clock", "The chain's clock cannot be moved there"),
    sandbox.TransferRefused: Kind(422, "transfer-refused", "The exported chain does not hold"),
    sandbox.TransactionDropped: Kind(409, "transaction-dropped", "The transaction could not be sealed"),
    sandbox.SpecError: Kind(422, "invalid-spec", "The chain spec does not hold"),
    sandbox.ParameterError: Kind(422, "invalid-parameter", "A parameter does not hold"),
    sandbox.OverQuota: Kind(429, "too-much", "A limit of use is reached"),
    sandbox.RpcError: Kind(409, "chain-refused", "The chain's gateway refused"),
    sandbox.DeploymentError: Kind(409, "deployment-failed", "The deployment failed"),
    sandbox.ChainError: Kind(409, "chain-refused", "The chain refused"),
    sandbox.RotationRefused: Kind(409, "rotation-refused", "A contract's roles cannot be moved"),
    sandbox.AccountError: Kind(422, "invalid-account", "The account does not hold"),
    sandbox.BadPermission: Kind(422, "invalid-permission", "The permission does not hold"),
    sandbox.UnknownPermission: Kind(404, "unknown-permission", "There is no such permission"),
    sandbox.PermissionsError: Kind(409, "permission-refused", "The permissions do not allow it"),
    sandbox.EvidenceError: Kind(422, "invalid-evidence", "The evidence does not hold"),
    ConnectorError: Kind(502, "existing-service-failed", "The existing service gave no evidence"),
    sandbox.EngineError: Kind(503, "engine-failed", "The chain's engine failed"),
    sandbox.EngineTimeout: Kind(503, "engine-timeout", "The chain's engine did not answer in time"),
    sandbox.EngineUnavailable: Kind(503, "engine-unavailable", "The chain's engine is not running"),
}
"""The nearest class of an error's ancestry counts, so a subclass needs no row of its own."""


def kind_of(error: Exception) -> Kind | None:
    """The row of `error`, or None when it is unexpected."""
    return next((TABLE[each] for each in type(error).__mro__ if each in TABLE), None)


def problem(
    origin: str,
    kind: Kind,
    detail: str,
    *,
    headers: Mapping[str, str] | None = None,
    **members: Any,
) -> Response:
    """The response for one problem; `members` that are None are left out. Tokens in texts are redacted."""
    document = {
        "type": f"https://{origin}/problems/{kind.slug}",
        "title": kind.title,
        "status": kind.status,
        "detail": redact(detail),
        **{name: value for name, value in members.items() if value is not None},
    }
    # ASCII only: a lone surrogate in a message must not make the answer fail
    body = json.dumps(document, ensure_ascii=True).encode()
    return Response(body, kind.status, dict(headers or {}), MEDIA_TYPE)


def refusal(origin: str, error: Exception, kind: Kind) -> Response:
    """The problem of an error of the table."""
    headers = {}
    if kind.status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="baas"'
    retry_after = getattr(error, "retry_after", 1 if kind.status == 503 else None)
    if retry_after is not None:
        headers["Retry-After"] = str(retry_after)
    # an engine's last messages are for the log: only what failed is told
    detail = str(error).partition("\nlast messages:")[0]
    expected, got = getattr(error, "expected", None), getattr(error, "got", None)
    pointer = getattr(error, "pointer", None)
    named = (
        [{"pointer": f"#{pointer}", "detail": redact(detail)}]
        if pointer and pointer.startswith("/")
        else None
    )
    return problem(
        origin,
        kind,
        detail,
        headers=headers,
        expected=None if expected is None else redact(str(expected)),
        got=None if got is None else redact(str(got)),
        errors=named,
        evidence=getattr(error, "evidence", None),
        reason=getattr(error, "reason", None) if isinstance(error, errors.Suspended) else None,
        limit=getattr(error, "limit", None) if kind.status == 429 else None,
        used=getattr(error, "used", None) if kind.status == 429 else None,
    )


def install(app: FastAPI, origin: str) -> None:
    """Answers the table's errors, the framework's HTTP errors and validation errors as problems."""

    async def known(_request: Request, error: Exception) -> Response:
        kind = kind_of(error)
        assert kind is not None, "only classes of the table are installed"
        return refusal(origin, error, kind)

    async def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return _http(origin, request, error)

    async def validation(_request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return _validation(origin, error.errors())

    for each in TABLE:
        app.add_exception_handler(each, known)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(RequestValidationError, validation)


def _http(origin: str, request: Request, error: HTTPException) -> Response:
    status = HTTPStatus(error.status_code)
    kind, detail = Kind(status, status.phrase.lower().replace(" ", "-"), status.phrase), str(error.detail)
    if status == 404:
        kind, detail = Kind(404, "no-such-address", "Not found"), "nothing is at this address"
    elif status == 405:
        allowed = (error.headers or {}).get("Allow", "another method")
        detail = f"expected {allowed}, got {request.method}"
    elif status == 400:
        kind, detail = (
            MALFORMED,
            "expected JSON in UTF-8, not deeply nested; the body could not be read as that",
        )
    elif status == 413:
        kind = TOO_LARGE
    return problem(origin, kind, detail, headers=error.headers)


def _validation(origin: str, found: Sequence[Any]) -> Response:
    malformed = next((each for each in found if each["type"] == "json_invalid"), None)
    if malformed is not None:
        detail = (
            f"expected JSON, got an error at character {malformed['loc'][-1]}: {malformed['ctx']['error']}"
        )
        return problem(origin, MALFORMED, detail)
    listed = [_named(each) for each in found]
    return problem(
        origin,
        Kind(422, "invalid", "A value does not hold"),
        "; ".join(map(_sentence, listed[:5])),
        errors=listed,
    )


def _sentence(named: Mapping[str, str]) -> str:
    """Where, what was expected and what came, for people; the same is in `errors` for programs."""
    got = f", got {named['got']}" if "got" in named else ""
    return f"{named.get('pointer') or named.get('parameter')}: {named['detail']}{got}"


def _named(error: Mapping[str, Any]) -> dict[str, str]:
    where, *path = error["loc"]
    if list(error["loc"]) == ["body"]:
        return {"pointer": "#", "detail": "expected a JSON object, sent with Content-Type: application/json"}
    named = {"detail": redact(error["msg"].removeprefix("Value error, "))}
    if where == "body":
        escaped = (str(part).replace("~", "~0").replace("/", "~1") for part in path)
        named["pointer"] = redact("#" + "".join(f"/{part}" for part in escaped))
    else:
        named["parameter"] = redact(str(path[0])) if path else where
    secret = where == "body" and path[-1:] and path[-1] in SECRETS
    if (
        not secret
        and error["type"] not in ("missing", "extra_forbidden")
        and isinstance(error.get("input"), str | int | float)
    ):
        named["got"] = redact(repr(error["input"])[:100])
    return named
