"""One place for all tests of a module that change nothing for each other."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.baas.exchange_service.place import Place


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    made = Place(tmp_path_factory.mktemp("exchange"))
    yield made
    made.close()
