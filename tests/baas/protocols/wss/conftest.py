"""The PKI of the tests of signatures: seal, person, stranger."""

from __future__ import annotations

import pytest

from tests.baas.ades.pki import Pki


@pytest.fixture(scope="session")
def pki() -> Pki:
    return Pki()
