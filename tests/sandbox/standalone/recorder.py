"""A pytest plugin: every verification that the tests of sandbox.evidence make is written down, one JSON line each.

So whatever is a vector there, good or bad, is one for the stand-alone verifiers too, and nobody lists them twice.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sandbox.errors import MalformedEvidence
from sandbox.evidence.policy import LOG_ONLY, STANDARD
from sandbox.evidence.verify import verify

OUT = "BAAS_RECORDED_VERIFICATIONS"
POLICIES = {STANDARD: "standard", LOG_ONLY: "log-only"}
#: Tests that flip thousands of bits take long; `vectors.flipped` does the same with a sample.
LONG = ("test_each_byte", "test_each_bit")
#: Of a test that verifies many receipts, these many and one in so many of the others are kept.
FIRST, ONE_IN = 30, 40


def recording(name: str, write: Callable[[dict[str, Any]], None]) -> Callable[..., Any]:
    seen = 0

    def recorded(
        document: Any, receipt: Any, trust: Any, policy: Any = STANDARD, *, as_of: Any = None
    ) -> Any:
        nonlocal seen
        try:
            made, root = receipt.to_bytes(), trust.to_bytes()
        except MalformedEvidence:
            return verify(document, receipt, trust, policy, as_of=as_of)
        content = document.read_bytes() if isinstance(document, Path) else document
        if isinstance(content, bytes) and policy in POLICIES:
            seen += 1
            if seen <= FIRST or hashlib.sha256(made).digest()[0] % ONE_IN == 0:
                b64 = [base64.b64encode(each).decode() for each in (content, made, root)]
                write(
                    dict(zip(("document", "receipt", "trust"), b64, strict=True))
                    | {
                        "name": f"{name}#{seen}",
                        "policy": POLICIES[policy],
                        "as_of": as_of and as_of.isoformat(),
                    }
                )
        return verify(document, receipt, trust, policy, as_of=as_of)

    return recorded


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Only the tests of modules that verify."""
    items[:] = [
        item
        for item in items
        if getattr(getattr(item, "module", None), "verify", None) is verify and not item.name.startswith(LONG)
    ]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Any:
    module: Any = item.module  # type: ignore[attr-defined]
    with Path(os.environ[OUT]).open("a", encoding="ascii") as file:
        module.verify = recording(item.nodeid, lambda record: print(json.dumps(record), file=file))
        try:
            return (yield)
        finally:
            module.verify = verify
