"""Why a command did not do what was asked, in one line, and which ending of cli.EXITS that is."""

from __future__ import annotations

from typing import Any, NamedTuple

import httpx2

from baas import errors
from baas.client import ApiProblem
from sandbox.errors import SandboxError, UnknownTemplate


class Unusable(errors.BaasError):
    """Something given on the command line, or a file named there, that cannot be used."""


class NotLoggedIn(errors.BaasError):
    """No token for the place that the command would talk to."""


class Told(NamedTuple):
    """How it ended, a line for people, and the same as JSON (RFC 9457 problem details where a service spoke)."""

    ending: str
    line: str
    problem: dict[str, Any]


_BY_STATUS = {401: "not_allowed", 403: "not_allowed", 404: "not_found", 410: "not_found", 409: "conflict"}
_BY_ERROR: tuple[tuple[type[Exception], str], ...] = (
    (NotLoggedIn, "not_allowed"),
    (Unusable, "usage"),
    (errors.SettingsError, "usage"),
    (errors.DataDirectoryLocked, "conflict"),
    (errors.AlreadyInitialised, "conflict"),
    (errors.Conflict, "conflict"),
    (errors.StoreError, "failed"),
    (errors.MasterKeyError, "failed"),
    (errors.BaasError, "refused"),
    (UnknownTemplate, "not_found"),  # as the service answers
    (SandboxError, "refused"),
    (TimeoutError, "conflict"),  # before OSError, of which it is a kind
    (OSError, "usage"),
)


def told(error: Exception) -> Told:
    """What to say of `error`. What nobody expected is an ending of its own, `failed`."""
    if isinstance(error, ApiProblem):
        return _of_service(error)
    if isinstance(error, httpx2.TransportError):
        return _of_connection(error)
    for kind, ending in _BY_ERROR:
        if isinstance(error, kind):
            return _plain(ending, str(error))
    return _plain("failed", f"unexpected {type(error).__name__}: {error} (BAAS_DEBUG=1 shows where)")


def _of_service(error: ApiProblem) -> Told:
    ending = _BY_STATUS.get(error.status, "failed" if error.status >= 500 else "refused")
    parts = [error.detail or error.title]
    for name in ("expected", "got"):
        value = str(error.problem.get(name, ""))
        if value and value not in parts[0]:
            parts.append(f"{name} {value}")
    if error.status == 401:
        parts.append("it may have expired or been revoked: log in again (baas login URL), or set BAAS_TOKEN")
    if incident := error.problem.get("incident"):
        parts.append(f"tell its operator the incident {incident}")
    return Told(ending, _line("; ".join(parts)), error.problem | {"status": error.status})


def _of_connection(error: httpx2.TransportError) -> Told:
    url = error.request.url
    return _plain(
        "unreachable",
        f"no answer from {url.scheme}://{url.netloc.decode()} ({error or type(error).__name__}): start the service there "
        "(baas serve), or name another with --url, BAAS_URL or baas login",
    )


def _plain(ending: str, text: str) -> Told:
    line = _line(text)
    return Told(ending, line, {"title": ending.replace("_", " "), "detail": line})


def _line(text: str) -> str:
    from baas.audit.redaction import redact  # loads the database's packages, which only an error is worth

    return redact(" ".join(text.split()))
