"""For every test: Hypothesis without a clock and without chance, and no network but the loopback."""

from __future__ import annotations

import ipaddress
import sys
from typing import Any

from hypothesis import settings

# a busy machine must not fail a test, and the same tree must give the same answer twice
settings.register_profile("baas", deadline=None, derandomize=True)
settings.load_profile("baas")


def _loopback_only(event: str, arguments: tuple[Any, ...]) -> None:
    if event != "socket.connect" or not isinstance(arguments[1], tuple):
        return  # an AF_UNIX address is a path
    host = str(arguments[1][0])
    if host != "localhost" and not ipaddress.ip_address(host.partition("%")[0]).is_loopback:
        raise PermissionError(f"tests use the loopback only, not {host}")


sys.addaudithook(_loopback_only)
