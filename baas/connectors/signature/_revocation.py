"""Revocation data fetched by a client: the CRLs that certificates of a path name (RFC 5280 section 4.2.1.13).

Only for paths that already lead to a root that the client holds, which `_answers.with_crls` sees to: an address in a
certificate of whoever is not asked. The laboratory's certificates name a host under `.invalid`, since they outlive its
port: that path is asked at the service's own address.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import httpx2
from cryptography import x509

from baas.ades.certificates import UNREADABLE
from baas.clock import Clock
from baas.connectors import ConnectorUnreachable
from baas.connectors.signature import _http

KEPT = timedelta(minutes=1)
"""How long a CRL is used again, where it does not end before: a revocation is noticed at most so much later."""
MAX_BYTES = 4 << 20


class Crls:
    """CRLs by address, fetched when needed. Safe for threads."""

    def __init__(self, http: httpx2.Client, service: str, clock: Clock) -> None:
        self._http, self._service, self._clock = http, service, clock
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[datetime, bytes]] = {}

    def of(self, path: Sequence[bytes]) -> tuple[bytes, ...]:
        """The CRLs (DER) that the certificates of a path (DER) name. Raises ConnectorTimeout, ConnectorUnreachable."""
        addresses = dict.fromkeys(
            address for der in path for address in _addresses(x509.load_der_x509_certificate(der))
        )
        return tuple(self._crl(self._located(address)) for address in addresses)

    def _located(self, address: str) -> str:
        parts = urlsplit(address)
        return self._service + parts.path if (parts.hostname or "").endswith(".invalid") else address

    def _crl(self, address: str) -> bytes:
        now = self._clock.now()
        with self._lock:
            kept = self._kept.get(address)
        if kept is not None and kept[0] > now:
            return kept[1]
        answer = _http.get(self._http, address, self._clock, most=MAX_BYTES)
        if answer.status != 200:
            raise ConnectorUnreachable(f"{address}: expected a CRL (DER), got status {answer.status}")
        try:
            until = x509.load_der_x509_crl(answer.content).next_update_utc
        except ValueError as error:
            raise ConnectorUnreachable(f"{address}: expected a CRL (DER), got {error}") from error
        end = now + KEPT if until is None else min(until, now + KEPT)
        with self._lock:
            self._kept[address] = (end, answer.content)
        return answer.content


def _addresses(certificate: x509.Certificate) -> list[str]:
    """The first http(s) address of each distribution point."""
    try:
        points = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    except (x509.ExtensionNotFound, *UNREADABLE):
        return []
    found = []
    for point in points:
        addresses = [
            name.value
            for name in point.full_name or ()
            if isinstance(name, x509.UniformResourceIdentifier)
            and name.value.startswith(("http://", "https://"))
        ]
        found += addresses[:1]
    return found
