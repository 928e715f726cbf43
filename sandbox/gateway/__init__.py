"""The gateway: the only door to a chain. Parse, rule, journal, forward."""

from sandbox.gateway.front import Gateway

__all__ = ["Gateway"]
