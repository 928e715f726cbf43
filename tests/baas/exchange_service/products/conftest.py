"""What the products' tests share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from baas.trust_service.database import Database
from tests.baas.exchange_service.products.place import HandClock


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(tmp_path / "exchange.sqlite", "SELECT 1")
    yield made
    made.close()
