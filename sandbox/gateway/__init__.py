"""The gateway: the only door to a chain. Parse, rule, journal, forward."""

from sandbox.gateway.endpoints import Asker, Endpoint, Handler, Subscriber
from sandbox.gateway.front import Gateway, refuse

__all__ = ["Asker", "Endpoint", "Gateway", "Handler", "Subscriber", "refuse"]
