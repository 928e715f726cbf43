"""What clients trust: the machine's roots, read once, and nobody where there is no TLS to make ready for."""

from __future__ import annotations

import ssl

import pytest

from baas.trust_store import machine_roots, trusted_for


@pytest.mark.parametrize("url", ["https://psis.example", "HTTPS://psis.example/x", "psis.example"])
def test_any_address_but_a_plain_one_is_held_to_the_machines_roots(url: str) -> None:
    trusted = trusted_for(url)
    assert trusted is machine_roots()
    assert (trusted.verify_mode, trusted.check_hostname) == (ssl.CERT_REQUIRED, True)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080", "HTTP://localhost"])
def test_a_client_of_a_plain_address_trusts_nobody_by_tls(url: str) -> None:
    trusted = trusted_for(url)
    assert trusted.get_ca_certs() == []
    assert (trusted.verify_mode, trusted.check_hostname) == (ssl.CERT_REQUIRED, True)


def test_the_environment_names_roots_for_who_takes_them_from_there_alone() -> None:
    assert machine_roots(by_environment=True) is not machine_roots()
