"""A pytest plugin: every verification that the tests of sandbox.evidence make is written down, one JSON line each.

So whatever is a vector there, good or bad, is one for the stand-alone verifiers too, and nobody lists them twice.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from sandbox.errors import MalformedEvidence
from sandbox.evidence import encodings, hand_over
from sandbox.evidence.policy import LOG_ONLY, STANDARD
from sandbox.evidence.verify import verify
from tests.sandbox.evidence.hand_overs import DIGEST, DOCUMENT

OUT = "BAAS_RECORDED_VERIFICATIONS"
#: Tests that flip thousands of bits take long; `vectors.flipped` does the same with a sample.
LONG = ("test_each_byte", "test_each_bit")
LONG_MODULES = ("test_bit_flips",)
#: Of a test that verifies many receipts, these many and one in so many of the others are kept.
FIRST, ONE_IN = 30, 40


NAMED = {STANDARD: "standard", LOG_ONLY: "log-only"}
TESTED = verify, encodings.verify, hand_over.verify
#: What a module's `verify` may be, for its tests to be recorded.
VERIFY = verify, hand_over.verify


def recording(name: str, write: Callable[[dict[str, Any]], None]) -> tuple[Callable[..., Any], ...]:
    """What stands for `verify`, for `encodings.verify` and for `hand_over.verify` in a test."""
    seen = 0

    def note(
        document: Any, made: bytes, trust: Any, policy: Any = STANDARD, as_of: Any = None, bodies: Any = None
    ) -> None:
        nonlocal seen
        content = document.read_bytes() if isinstance(document, Path) else document
        if not isinstance(content, bytes):
            return  # a digest: the stand-alone verifiers are given documents
        seen += 1
        if seen <= FIRST or hashlib.sha256(made).digest()[0] % ONE_IN == 0:
            b64 = [base64.b64encode(each).decode() for each in (content, made, trust.to_bytes())]
            record = dict(zip(("document", "receipt", "trust"), b64, strict=True))
            required = NAMED.get(policy) or ",".join(sorted(policy.required))
            record |= {"name": f"{name}#{seen}", "policy": required, "as_of": as_of and as_of.isoformat()}
            pair = bodies and [f"0x{each.hex()}" for each in (bodies.offering, bodies.receiving)]
            write(record | {"bodies": pair})

    def one(document: Any, receipt: Any, trust: Any, policy: Any = STANDARD, *, as_of: Any = None) -> Any:
        with suppress(MalformedEvidence):  # of what no file can say
            note(document, receipt.to_bytes(), trust, policy, as_of)
        return TESTED[0](document, receipt, trust, policy, as_of=as_of)

    def of_any(document: Any, proof: Any, trust: Any, policy: Any = STANDARD, **more: Any) -> Any:
        if isinstance(proof, bytes):
            note(document, proof, trust, policy, more.get("as_of"))
        return TESTED[1](document, proof, trust, policy, **more)

    def of_hand_over(evidence: Any, digest: Any, trust: Any, bodies: Any, *more: Any, **others: Any) -> Any:
        if digest == DIGEST:
            note(DOCUMENT, evidence.to_bytes(), trust, bodies=bodies)
        return TESTED[2](evidence, digest, trust, bodies, *more, **others)

    return one, of_any, of_hand_over


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Only the tests of modules that verify."""

    def verifies(item: pytest.Item) -> bool:
        module = getattr(item, "module", None)
        by_name = getattr(module, "verify", None) in VERIFY or getattr(module, "encodings", None) is encodings
        return (
            by_name
            and module.__name__.rpartition(".")[2] not in LONG_MODULES
            and not item.name.startswith(LONG)
        )

    items[:] = [item for item in items if verifies(item)]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Any:
    module: Any = item.module  # type: ignore[attr-defined]
    with Path(os.environ[OUT]).open("a", encoding="ascii") as file:
        one, of_any, of_hand_over = recording(
            item.nodeid, lambda record: print(json.dumps(record), file=file)
        )
        with pytest.MonkeyPatch.context() as patch:
            if (found := getattr(module, "verify", None)) in VERIFY:
                patch.setattr(module, "verify", one if found is verify else of_hand_over)
            patch.setattr(encodings, "verify", of_any)
            return (yield)
