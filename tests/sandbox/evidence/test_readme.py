"""The package's own description: nothing that exists is left out of it."""

from __future__ import annotations

import re
from pathlib import Path

import sandbox.evidence
from sandbox.evidence import entry, policy, receipt, trust
from sandbox.evidence.check import checks

PACKAGE = Path(sandbox.evidence.__file__).parent
README = (PACKAGE / "README.md").read_text(encoding="utf-8")


def test_every_step_is_in_the_table() -> None:
    assert policy.STANDARD.required  # the steps are those of this module
    rows = re.findall(r"^\| (\d+) \| `([a-z-]+)` \| (\w+) \|", README, re.MULTILINE)
    assert rows == [(str(step.number), step.name, step.layer) for step in checks()]


def test_every_module_kind_and_type_is_named() -> None:
    for module in PACKAGE.glob("[a-z]*.py"):
        assert f"`{module.stem}`" in README or f"`{module.name}`" in README, module.name
    for word in (*entry.KINDS, receipt.TYPE, trust.TYPE):
        assert f"`{word}`" in README


def test_every_field_of_a_receipt_is_in_the_table() -> None:
    table = README[README.index("### Receipt") : README.index("### Trust root")]
    for name in (*receipt.Anchor.__slots__, *receipt.SaltedDigest.__slots__, *receipt.Inclusion.__slots__):
        assert f".{name}" in table, name
