"""The vectors are collected once a session."""

from __future__ import annotations

import pytest

from tests.sandbox.standalone.vectors import Vector, all_vectors


@pytest.fixture(scope="session")
def vectors(tmp_path_factory: pytest.TempPathFactory) -> list[Vector]:
    return all_vectors(tmp_path_factory.mktemp("vectors"))
