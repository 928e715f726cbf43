"""No client sends on a connection that its server may just be hanging up."""

from __future__ import annotations

import uvicorn

from baas.connectors._http import LIMITS


def test_an_idle_connection_is_given_up_before_a_server_hangs_up() -> None:
    assert LIMITS.keepalive_expiry is not None
    assert LIMITS.keepalive_expiry < uvicorn.Config("unused:app").timeout_keep_alive
