"""TLS as a client of an exchange service: whom it believes, and what it shows of itself.

Only the roots that a caller names are believed: neither the machine's nor the environment's. A server shows a certificate
of the host that was asked for (RFC 9525), in TLS 1.2 or later.
"""

from __future__ import annotations

import os
import ssl
import tempfile
from pathlib import Path

import httpx2
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from baas.ades.types import Signer
from baas.connectors._deadline import Socket
from baas.connectors._http import LIMITS
from sandbox.errors import MalformedEvidence

_HEADERS = {"Accept-Encoding": "identity", "User-Agent": "baas-sandbox"}


def client(trust_anchor: bytes, timeout: float, own: Signer | None) -> httpx2.Client:
    """Connections to one service, each step of at most `timeout` seconds. It follows no redirect.

    `own` is the certificate by which its owner is known to the server (mutual TLS), None to show none.
    """
    return httpx2.Client(
        timeout=timeout, trust_env=False, limits=LIMITS, headers=_HEADERS, verify=context(trust_anchor, own)
    )


def context(trust_anchor: bytes, own: Signer | None) -> ssl.SSLContext:
    """Raises MalformedEvidence for roots (PEM) that cannot be read, or none."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.sslsocket_class = Socket
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.verify_flags |= ssl.VERIFY_X509_STRICT
    try:
        made.load_verify_locations(cadata=trust_anchor.decode("ascii"))
    except (ValueError, ssl.SSLError) as error:
        raise MalformedEvidence(f"expected root certificates (PEM), got {error}") from error
    if own is not None:
        _show(made, own)
    return made


def _show(made: ssl.SSLContext, own: Signer) -> None:
    """The key goes through a file that only this process's owner can read, and that is gone when this returns.

    The `ssl` module takes keys from files alone.
    """
    key = own.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    chain = b"".join(each.public_bytes(Encoding.PEM) for each in (own.certificate, *own.chain))
    handle, path = tempfile.mkstemp(prefix="baas-tls-")  # mode 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(key + chain)
        made.load_cert_chain(path)
    finally:
        Path(path).unlink()
