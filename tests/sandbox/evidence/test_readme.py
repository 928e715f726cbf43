"""The package's own description: nothing that exists is left out of it."""

from __future__ import annotations

import re
from pathlib import Path

import sandbox.evidence
from sandbox.evidence import entry, hand_over, hand_over_file, policy, receipt, trust
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
    for word in (*entry.KINDS, receipt.TYPE, trust.TYPE, hand_over_file.TYPE):
        assert f"`{word}`" in README


def test_every_step_and_field_of_a_hand_over_is_in_its_tables() -> None:
    section = README[README.index("### Hand-over") : README.index("### RFC 3161")]
    rows = re.findall(r"^\| `([a-z-]+)` \| (?:document|anchor|time|status) \|", section, re.MULTILINE)
    assert rows == list(hand_over.STEPS)
    for name in hand_over_file.StepProof.__slots__:
        assert f".{name}`" in section, name


def test_every_field_of_a_receipt_is_in_the_table() -> None:
    table = README[README.index("### Receipt") : README.index("### Trust root")]
    for name in (*receipt.Anchor.__slots__, *receipt.SaltedDigest.__slots__, *receipt.Inclusion.__slots__):
        assert f".{name}" in table, name
