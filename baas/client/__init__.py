"""The Python client of the REST API: one method per act, JSON in, JSON out.

Errors are ApiProblem with the problem details (RFC 9457) that the service answered. Each area of the API is a module
here, and its class a connection that can ask for that area alone; `Client` is all of them over one connection.
"""

from __future__ import annotations

from baas.client.access import Access
from baas.client.administrations import Administrations
from baas.client.chain_state import ChainStates
from baas.client.chains import Chains
from baas.client.connection import ApiProblem, Json
from baas.client.logs import Logs
from baas.client.notarisations import Notarisations
from baas.client.pilots import Pilots
from baas.client.privacy import Privacy
from baas.client.registers import Registers
from baas.client.services import Services

__all__ = ["ApiProblem", "Client", "Json"]


class Client(
    Administrations,
    Services,
    Chains,
    ChainStates,
    Access,
    Notarisations,
    Privacy,
    Registers,
    Logs,
    Pilots,
):
    """All that can be asked of one service as one token."""
