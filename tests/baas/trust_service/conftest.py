"""What the stand-ins' tests share: one authority for all of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from baas.clock import SystemClock
from tests.baas.trust_service.stands import Authority


@pytest.fixture(scope="session")
def stand_authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authority]:
    made = Authority(tmp_path_factory.mktemp("tsa") / "tsa", SystemClock())
    yield made
    made.close()
