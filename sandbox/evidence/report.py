"""Verification reports: what each step found, what each layer's answer is, and whether the policy is met.

There is no single verdict beyond `ok`: a reader sees what was proved, by whom it is stated, and what was not
checked. Messages have a stable `key`, values, and an English text; other languages come from a catalogue.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from sandbox.errors import EvidenceError, VerificationError
from sandbox.evidence.canonical import Json

#: What a report answers for, in the order in which it is read.
LAYERS = ("document", "log", "anchor", "time", "status")
_NOTHING: Mapping[str, str | int] = MappingProxyType({})


class Result(StrEnum):
    """A step's outcome, or a layer's; PARTIAL is a layer of which some holds and the rest was not checked."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_CHECKED = "not_checked"
    PARTIAL = "partial"


class Detail(NamedTuple):
    """One more line of an outcome, with a key, an English template and values of its own."""

    key: str
    template: str
    values: Mapping[str, str | int]

    @property
    def text(self) -> str:
        """The English message with the values in it."""
        return self.template.format(**self.values)


class Outcome(NamedTuple):
    """What one step found: `key` names the message for a catalogue, `template` is its English without the values.

    A `flag` is what a reader must see although the step passed; `details` say it part by part. `cause` is why it was
    refused, where that has a message of its own: its text is `reason` among the values. (A tuple, as `Step`: they are
    made sixteen at a time, and a frozen dataclass takes four times as long.)
    """

    result: Result
    key: str
    template: str
    values: Mapping[str, str | int] = _NOTHING
    flag: bool = False
    details: tuple[Detail, ...] = ()
    cause: Detail | None = None

    @property
    def text(self) -> str:
        """The English message with the values in it."""
        return self.template.format(**self.values)


def detail(key: str, text: str, **values: str | int) -> Detail:
    return Detail(key, text, values)


def passed(key: str, text: str, **values: str | int) -> Outcome:
    return Outcome(Result.PASSED, key, text, values)


def flagged(key: str, text: str, **values: str | int) -> Outcome:
    """Passed, and with a flag."""
    return Outcome(Result.PASSED, key, text, values, flag=True)


def failed(key: str, text: str, **values: str | int) -> Outcome:
    return Outcome(Result.FAILED, key, text, values)


def refused(name: str, error: EvidenceError) -> Outcome:
    """Failed, since a step raised: `name` is the step's; the reason has a message of its own where the error has a key."""
    cause = None
    if isinstance(error, VerificationError) and error.key:
        cause = Detail(error.key, "{reason}", error.values)
    return Outcome(Result.FAILED, f"{name}.refused", "{reason}", {"reason": str(error)}, cause=cause)


def not_checked(key: str, text: str, **values: str | int) -> Outcome:
    return Outcome(Result.NOT_CHECKED, key, text, values)


class Step(NamedTuple):
    """One numbered step and its outcome; `required` by the policy or not."""

    number: int
    name: str
    layer: str
    required: bool
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Report:
    """The steps in their order; everything else follows from them."""

    steps: tuple[Step, ...]

    @property
    def ok(self) -> bool:
        """Whether every required step passed and no other failed."""
        return self.failed_step is None

    @property
    def failed_step(self) -> str | None:
        """The name of the first step that failed, or that the policy requires and that was not checked."""
        for step in self.steps:
            result = step.outcome.result
            if result is Result.FAILED or (step.required and result is not Result.PASSED):
                return step.name
        return None

    @property
    def flags(self) -> tuple[Step, ...]:
        """The steps that passed and say something that a reader must see all the same."""
        return tuple(step for step in self.steps if step.outcome.flag)

    @property
    def layers(self) -> dict[str, Result]:
        """The answer of each layer that has steps: failed if one of them did, passed only if all did."""
        answers = {}
        for layer in LAYERS:
            results = {step.outcome.result for step in self.steps if step.layer == layer}
            if not results:  # a hand-over has no log
                continue
            if Result.FAILED in results:
                answers[layer] = Result.FAILED
            elif len(results) == 1:
                answers[layer] = results.pop()
            else:
                answers[layer] = Result.PARTIAL if Result.PASSED in results else Result.NOT_CHECKED
        return answers

    def to_dict(self) -> dict[str, Json]:
        return {
            "v": 1,
            "type": "baas-verification-report",
            "ok": self.ok,
            "failed_step": self.failed_step,
            "layers": {layer: str(answer) for layer, answer in self.layers.items()},
            "flags": [step.outcome.key for step in self.flags],
            "steps": [_step_to_json(step) for step in self.steps],
        }

    def to_text(self) -> str:
        """The report for a terminal: the steps, one line per layer, and what the policy makes of it."""
        lines = []
        for step in self.steps:
            result = _words(step.outcome.result)
            lines.append(f"{step.number:>2} {step.name:<20} {result:<12}{_printable(step.outcome.text)}")
            lines += [f"{'':<36}- {_printable(each.text)}" for each in step.outcome.details]
        lines.append("")
        lines += [f"{layer:<9} {_words(answer)}" for layer, answer in self.layers.items()]
        lines.append("")
        lines += [f"FLAG: see step {step.name!r}: {_printable(step.outcome.text)}" for step in self.flags]
        required = [step.number for step in self.steps if step.required]
        if self.ok:
            lines.append(f"The policy is met: steps {_list(required)} are required, and each of them passed.")
        else:
            lines.append(
                f"The policy is NOT met: see step {self.failed_step!r}; required: {_list(required)}."
            )
        return "\n".join(lines) + "\n"


def _step_to_json(step: Step) -> dict[str, Json]:
    outcome = step.outcome
    value: dict[str, Json] = {
        "number": step.number,
        "name": step.name,
        "layer": step.layer,
        "required": step.required,
        "result": str(outcome.result),
        "key": outcome.key,
        "text": outcome.text,
        "values": dict(outcome.values),
    }
    if outcome.details:
        value["details"] = [
            {"key": each.key, "text": each.text, "values": dict(each.values)} for each in outcome.details
        ]
    return value


def _words(result: Result) -> str:
    return result.replace("_", " ")


def _printable(text: str) -> str:
    """Names in a receipt are its writer's: nothing in them may steer the reader's terminal."""
    return "".join(character if character.isprintable() else "\ufffd" for character in text)


def _list(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers))
