"""Every engine in the tree that makes blocks meets the conformance suite."""

from __future__ import annotations

import pytest

from sandbox.engines import Adopting, Engine, engine, engines
from sandbox.errors import SpecError
from tests.sandbox.engines.conformance import EngineConformance


class TestEveryEngine(EngineConformance):
    @pytest.fixture(params=sorted(slug for slug, each in engines().items() if not isinstance(each, Adopting)))
    def engine(self, request: pytest.FixtureRequest) -> Engine:
        return engine(request.param)


def test_an_unknown_engine_is_refused_with_the_list() -> None:
    with pytest.raises(SpecError, match=r"no engine 'besu'; there are: .*embedded"):
        engine("besu")
