"""Who gets in at the JSON-RPC doors, over HTTP and over WebSocket alike: the token's place, its kind, the chain.

In a header, the token is an API token of somebody who reaches the chain's administration, or an RPC token of this
very chain and endpoint; in an address, where tokens are easily left behind, only the latter. The administrator's
endpoint is for admins and developers; a token of the public endpoint is no token there, nor the other way round.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from starlette.datastructures import Headers

from baas.api.middleware import bearer
from baas.chains.model import Chain
from baas.errors import Unauthenticated
from baas.tenancy import Caller, Role, RpcEndpoint, TenantScope
from baas.wiring import Services
from sandbox import chain as runtime
from sandbox.gateway import Asker, Endpoint

ACTS = {
    RpcEndpoint.PUBLIC: "using a chain",
    RpcEndpoint.ADMIN: "using the administrator's JSON-RPC address",
}
ROLES = {RpcEndpoint.PUBLIC: tuple(Role), RpcEndpoint.ADMIN: (Role.ADMIN, Role.DEVELOPER)}


@dataclass(frozen=True)
class Knock:
    """One request to get in: at which endpoint, to which chain, with which token from where."""

    endpoint: RpcEndpoint
    chain: str
    token: str | None
    in_address: bool

    @classmethod
    def of(cls, endpoint: RpcEndpoint, chain: str, headers: Headers, in_address: str | None = None) -> Knock:
        if in_address is not None:
            return cls(endpoint, chain, in_address, in_address=True)
        return cls(endpoint, chain, bearer(headers) or basic(headers), in_address=False)

    def caller(self, services: Services) -> Caller:
        """Whom the token stands for now. Raises Unauthenticated, also for a token of another endpoint."""
        caller = services.tokens.authenticate(self.token, rpc=True)
        if (self.in_address and caller.chain_id is None) or caller.endpoint not in (None, self.endpoint):
            raise Unauthenticated
        return caller

    def check(self, services: Services) -> str:
        """The chain's id, where the caller may use it as things are now; it is not woken. Raises as `enter` does."""
        return self._usable(services, self.caller(services)).id

    def enter(self, services: Services) -> tuple[Asker, runtime.Chain]:
        """Who asks, and the awake chain. NotFound where the chain is not the caller's, Forbidden for want of a role.

        TooMuch where the chain's administration asks more often than it may.
        """
        caller = self.caller(services)
        row = self._usable(services, caller)
        services.meters.request(row.administration_id)
        return Asker(Endpoint(self.endpoint), caller.actor_id), services.chains.wake(row)

    def _usable(self, services: Services, caller: Caller) -> Chain:
        scope = TenantScope(caller)
        row = services.chains.usable(scope, self.chain)
        scope.require(row.administration_id, ACTS[self.endpoint], *ROLES[self.endpoint])
        return row


def basic(headers: Headers) -> str | None:
    """The password of HTTP Basic (RFC 7617); the user name does not matter."""
    scheme, _, encoded = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(encoded, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return None
