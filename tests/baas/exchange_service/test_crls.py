"""The CRLs under which the exchange's own certificates are judged, at its own address."""

from __future__ import annotations

from contextlib import closing

import pytest
from cryptography import x509

from tests.baas.exchange_service.place import Place, connected


@pytest.mark.parametrize("authority", ["root", "issuing"])
def test_anybody_gets_them(place: Place, authority: str) -> None:
    with closing(connected(place.service.roots_pem, place.directory)) as http:
        answer = http.get(f"{place.url}/crl/{authority}.crl")
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pkix-crl")
        assert answer.content == place.trust_service.pki.crl(authority)
        issuer = place.trust_service.pki.root if authority == "root" else place.trust_service.pki.issuing
        assert x509.load_der_x509_crl(answer.content).is_signature_valid(issuer.public_key())  # type: ignore[arg-type]


def test_of_no_other(place: Place) -> None:
    with closing(connected(place.service.roots_pem, place.directory)) as http:
        for name in ("tsa", "ROOT", "..%2froot"):
            assert http.get(f"{place.url}/crl/{name}.crl").status_code == 404
        assert http.post(f"{place.url}/crl/root.crl").status_code == 405
