"""The gateway: the only door to a chain. Parse, rule, journal, forward."""

from sandbox.gateway.endpoints import Asker, Endpoint, Handler, Subscriber
from sandbox.gateway.front import Gateway, refuse
from sandbox.gateway.metering import Meter

__all__ = ["Asker", "Endpoint", "Gateway", "Handler", "Meter", "Subscriber", "refuse"]
