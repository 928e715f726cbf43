"""The one small public key infrastructure of these tests."""

from __future__ import annotations

import pytest

from tests.baas.ades.pki import Pki


@pytest.fixture(scope="session")
def pki() -> Pki:
    return Pki()
