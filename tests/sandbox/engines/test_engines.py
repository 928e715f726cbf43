"""Every engine in the tree that makes blocks meets the conformance suite."""

from __future__ import annotations

import pytest

from sandbox.engines import Adopting, Engine, Installable, engine, engines
from sandbox.errors import SpecError
from tests.sandbox.engines.conformance import EngineConformance

#: Every engine that makes blocks; one that runs a program of its own has that program's marker.
SEALING = [
    pytest.param(slug, marks=[pytest.mark.anvil] if isinstance(each, Installable) else [])
    for slug, each in engines().items()
    if not isinstance(each, Adopting)
]


class TestEveryEngine(EngineConformance):
    @pytest.fixture(params=SEALING)
    def engine(self, request: pytest.FixtureRequest) -> Engine:
        return engine(request.param)


def test_an_unknown_engine_is_refused_with_the_list() -> None:
    with pytest.raises(SpecError, match=r"no engine 'besu'; there are: .*embedded"):
        engine("besu")
