"""`baas_explain`, and requests for access: what anybody may ask the gateway about its own rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sandbox.access_records import AccessRecords
from sandbox.errors import AccessRequestError, RpcError
from sandbox.gateway import errors, values
from sandbox.gateway.admission import Admission
from sandbox.gateway.endpoints import Asker, Handler
from sandbox.gateway.explanation import Explanation
from sandbox.gateway.perm import Told
from sandbox.spec import ChainSpec

_ASKED = frozenset({"address", "act", "target", "selector", "max_value", "expires", "message"})


def access_methods(
    spec: ChainSpec, admission: Callable[[], Admission], requests: AccessRecords, told: Told
) -> dict[str, Handler]:
    """The handlers, for everybody. `admission` is the gateway's, once it is there."""

    def explain(_asker: Asker, params: list[Any]) -> dict[str, Any]:
        if len(params) != 1:
            raise errors.invalid_params(
                "expected one: a signed transaction, or an object with from, to, data, value"
            )
        return explained(spec, admission(), params[0]).as_json()

    def ask(asker: Asker, params: list[Any]) -> dict[str, Any]:
        given = values.members(params[0] if len(params) == 1 else None, _ASKED)
        message = given.get("message") or ""
        if not isinstance(message, str):
            raise errors.invalid_params("message is a text")
        try:
            made = requests.ask(values.permission(given), _text(message), asker.actor)
        except AccessRequestError as error:
            raise _refused(error) from None
        told(asker, "access.request", {key: each for key, each in made.as_json().items() if each is not None})
        return made.as_json()

    def one(_asker: Asker, params: list[Any]) -> dict[str, Any]:
        if len(params) != 1:
            raise errors.invalid_params("expected one: the number of a request")
        number = values.quantity(params[0], "a request's number")
        try:
            return requests.get(min(number, 2**63 - 1)).as_json()
        except AccessRequestError as error:
            raise _refused(error) from None

    return {"baas_explain": explain, "baas_requestAccess": ask, "baas_accessRequest": one}


def explained(spec: ChainSpec, admission: Admission, wanted: Any) -> Explanation:
    """What would happen to a raw transaction (hex text), or to what a call-like object says. RpcError -32602."""
    if isinstance(wanted, str):
        return admission.explain(values.data(wanted, "a signed transaction"))
    return admission.explain(*values.unsigned(wanted, spec, admission.next_nonce))


def _text(message: str) -> str:
    """Without lone surrogates, which no text column holds."""
    return message.encode("utf-8", "replace").decode()


def _refused(error: AccessRequestError) -> RpcError:
    return RpcError(-32000, "Access request refused", {"rule": "access-request", "detail": str(error)})
