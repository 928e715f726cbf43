"""What an audit says: each check with its result, each finding with its place, and what was not checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sandbox.evidence.canonical import Json
from sandbox.evidence.report import Outcome, Result

#: Findings that a report lists; more are counted.
LISTED = 200


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that does not hold: the file, what it says, and the entry that it is about (None: none alone)."""

    file: str
    text: str
    index: int | None = None

    def to_dict(self) -> dict[str, Json]:
        return {"file": self.file, "index": self.index, "text": self.text}

    def __str__(self) -> str:
        return f"{self.file}: {self.text}"


@dataclass(frozen=True, slots=True)
class Report:
    """The checks by name in their order; `required` are those without which nothing is proved."""

    origin: str
    size: int
    root: str
    checks: Mapping[str, Outcome]
    required: tuple[str, ...]
    findings: tuple[Finding, ...]
    more: int = 0
    went_on: int = 0

    @property
    def ok(self) -> bool:
        """Whether nothing failed, and everything required was checked."""
        results = {name: outcome.result for name, outcome in self.checks.items()}
        return Result.FAILED not in results.values() and all(
            results.get(name) is Result.PASSED for name in self.required
        )

    def to_dict(self) -> dict[str, Json]:
        return {
            "v": 1,
            "type": "baas-audit-report",
            "ok": self.ok,
            "origin": self.origin,
            "size": self.size,
            "root": self.root,
            "went_on_from": self.went_on,
            "checks": [
                {
                    "name": name,
                    "required": name in self.required,
                    "result": str(each.result),
                    "key": each.key,
                    "text": each.text,
                }
                for name, each in self.checks.items()
            ],
            "findings": [each.to_dict() for each in self.findings],
            "more_findings": self.more,
        }

    def to_text(self) -> str:
        """The report for a terminal."""
        lines = [
            f"{name:<12} {each.result.replace('_', ' '):<12}{_printable(each.text)}"
            for name, each in self.checks.items()
        ]
        lines.append("")
        lines += [_printable(str(each)) for each in self.findings]
        if self.more:
            lines.append(f"and {self.more} more findings")
        if self.findings:
            lines.append("")
        if self.went_on:
            lines.append(f"This audit went on from entry {self.went_on}, where it had been stopped.")
        lines.append(
            "The log holds: every required check passed, and nothing that was checked failed."
            if self.ok
            else "The log does NOT hold, or what is required was not checked."
        )
        return "\n".join(lines) + "\n"


def _printable(text: str) -> str:
    """Names in a log are its writer's: nothing in them may steer the reader's terminal."""
    return "".join(character if character.isprintable() else "\ufffd" for character in text)
