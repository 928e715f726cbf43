"""For every test: Hypothesis without a clock and without chance, and no network but the loopback.

And what would be done over and over is done once in each worker: what collection made is not walked by the garbage
collector again, and the machine's roots are read for the first HTTP client alone.
"""

from __future__ import annotations

import gc
import ipaddress
import sys
from functools import cache
from typing import Any

import httpcore2
from hypothesis import HealthCheck, settings

# before a test's own eth_account or web3, either of which would raise the process's recursion limit
import sandbox._eth_account  # noqa: F401

gc.disable()  # until everything is collected: nothing of it goes away

# a busy machine must not fail a test, and the same tree must give the same answer twice
settings.register_profile(
    "baas", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("baas")


def _loopback_only(event: str, arguments: tuple[Any, ...]) -> None:
    if event != "socket.connect" or not isinstance(arguments[1], tuple):
        return  # an AF_UNIX address is a path
    host = str(arguments[1][0])
    if host != "localhost" and not ipaddress.ip_address(host.partition("%")[0]).is_loopback:
        raise PermissionError(f"tests use the loopback only, not {host}")


sys.addaudithook(_loopback_only)

# httpx2 asks for it by this name: 30 ms of processor time for each client otherwise
httpcore2.default_ssl_context = cache(httpcore2.default_ssl_context)


def pytest_collection_finish() -> None:
    gc.collect()
    gc.freeze()
    gc.enable()
