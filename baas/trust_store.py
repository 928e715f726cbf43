"""What a client trusts, made once: reading the machine's roots takes 30 ms of processor time, and each client would do it.

A TLS context may be shared by clients and threads as long as nobody changes it.
"""

from __future__ import annotations

import ssl
from functools import cache

import httpx2


def trusted_for(url: str, *, by_environment: bool = False) -> ssl.SSLContext:
    """The context of a client of this address alone: nobody is trusted where it has no TLS (`http:`).

    `by_environment` takes the roots that SSL_CERT_FILE and SSL_CERT_DIR name.
    """
    return _nobody() if url.lower().startswith("http:") else machine_roots(by_environment)


@cache
def machine_roots(by_environment: bool = False) -> ssl.SSLContext:
    return httpx2.create_ssl_context(trust_env=by_environment)


@cache
def _nobody() -> ssl.SSLContext:
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
