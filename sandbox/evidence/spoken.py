"""A report in the words of a catalogue: what a person reads, in the language of the texts that are given.

The report itself stays as it is: names, keys and values are of no language, and a program reads those. Texts come from
whoever asks, as a mapping from key to text; this package knows no catalogue. The page's `spoken.js` says the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from sandbox.evidence.digest import digest_bytes, digest_file
from sandbox.evidence.report import Detail, Outcome, Report, Result, Step

#: Message key → text.
Texts = Mapping[str, str]
#: The blanks of messages that hold a word of ours, or several of them with commas, and no name, number or digest.
WORDS = ("step", "steps", "status", "kind", "what")
#: A report's first step → what no report of its kind proves, whatever its steps found.
LIMITS = {
    "document-digest": ("content", "signer", "code", "fork"),
    "act-digest": ("accounts", "keys", "later-steps", "code", "fork", "stated-time", "algorithms"),
}


class Said(NamedTuple):
    """One step: its title, the answer in a word, what it found, and that part by part."""

    title: str
    answer: str
    text: str
    details: tuple[str, ...]


class Spoken(NamedTuple):
    """A whole report. `proven` is empty where a step failed: what was found before it then proves nothing."""

    verdict: str
    flags: tuple[str, ...]
    proven: tuple[str, ...]
    unproven: tuple[str, ...]
    layers: tuple[tuple[str, str], ...]
    steps: tuple[Said, ...]


def speak(report: Report, texts: Texts) -> Spoken:
    """The report in the language of the texts. KeyError where one of them is missing."""
    return Spoken(
        _verdict(report, texts),
        tuple(_flag(step, texts) for step in report.flags),
        tuple(_proven(report, texts)),
        tuple(_unproven(report, texts)),
        tuple(
            (texts[f"evidence.layer.{layer}"], _answer(found, texts))
            for layer, found in report.layers.items()
        ),
        tuple(_step(step, texts) for step in report.steps),
    )


@dataclass(frozen=True, slots=True)
class Given:
    """What was checked: the document, the bytes of receipt and trust root with their names, two bodies' accounts."""

    document: Path
    receipt: bytes
    trust: bytes
    receipt_name: str
    trust_name: str
    accounts: tuple[str, ...] = ()

    def lines(self, texts: Texts) -> list[str]:
        """One for each, with the digest by which another reader knows the file."""
        whole = digest_file(self.document, slug="sha-256")
        files = (
            ("document", self.document.name, self.document.stat().st_size, whole),
            ("receipt", self.receipt_name, len(self.receipt), digest_bytes(self.receipt, "sha-256")),
            ("trust", self.trust_name, len(self.trust), digest_bytes(self.trust, "sha-256")),
        )
        accounts = zip(("offered_by", "offered_to"), self.accounts, strict=False)
        return [
            *(
                texts["evidence.report.file_digest"].format(
                    what=texts[f"evidence.given.{what}"],
                    name=printable(name),
                    size=size,
                    digest=found.value.hex(),
                )
                for what, name, size, found in files
            ),
            *(
                texts["evidence.report.account"].format(
                    what=texts[f"evidence.given.{what}"], account=account.lower()
                )
                for what, account in accounts
            ),
        ]


def to_text(report: Report, given: Given, texts: Texts) -> str:
    """The report for a terminal: what is made of it, what is proven and what not, of which files, layers, steps."""
    spoken = speak(report, texts)
    parts = [
        [spoken.verdict, *spoken.flags],
        _listed("evidence.report.proven", spoken.proven, texts),
        _listed("evidence.report.unproven", spoken.unproven, texts),
        _listed("evidence.report.files", given.lines(texts), texts),
        [f"{name}: {answer}" for name, answer in spoken.layers],
        [texts["evidence.report.steps"], *(line for step in spoken.steps for line in _lines(step))],
    ]
    return "\n\n".join("\n".join(lines) for lines in parts if lines) + "\n"


def _listed(title: str, lines: Sequence[str], texts: Texts) -> list[str]:
    return [texts[title], *(f"- {line}" for line in lines)] if lines else []


def _lines(step: Said) -> list[str]:
    return [f"{step.title}: {step.answer}", f"   {step.text}", *(f"   - {line}" for line in step.details)]


def _verdict(report: Report, texts: Texts) -> str:
    required = _ranges([step.number for step in report.steps if step.required])
    verdict = texts["evidence.report.met"].format(required=required)
    for step in report.steps:
        if step.name == report.failed_step:
            name, why = texts[f"evidence.step.{step.name}"], said(step.outcome, texts)
            verdict = texts["evidence.report.not_met"].format(step=name, text=why, required=required)
    unchecked = sum(step.outcome.result is Result.NOT_CHECKED for step in report.steps)
    return f"{verdict} {texts['evidence.report.unchecked'].format(count=unchecked)}"


def _flag(step: Step, texts: Texts) -> str:
    name = texts[f"evidence.step.{step.name}"]
    return texts["evidence.report.flag"].format(step=name, text=said(step.outcome, texts))


def _proven(report: Report, texts: Texts) -> list[str]:
    """A sentence for each passed step that has one, with the step's number."""
    if any(step.outcome.result is Result.FAILED for step in report.steps):
        return []
    return [
        texts["evidence.report.see"].format(
            text=_filled(texts[key], step.outcome.values, texts), step=step.number
        )
        for step in report.steps
        if step.outcome.result is Result.PASSED and (key := f"evidence.proven.{step.outcome.key}") in texts
    ]


def _unproven(report: Report, texts: Texts) -> list[str]:
    """A sentence for each step that was not checked and has one, and then what is never proven."""
    if any(step.outcome.result is Result.FAILED for step in report.steps):
        return [texts["evidence.report.nothing_proven"]]
    unchecked = [step for step in report.steps if step.outcome.result is Result.NOT_CHECKED]
    found = [
        texts["evidence.report.see"].format(text=texts[key], step=step.number)
        for step in unchecked
        if (key := f"evidence.unproven.{step.name}") in texts
    ]
    return [*found, *(texts[f"evidence.limit.{name}"] for name in LIMITS[report.steps[0].name])]


def _step(step: Step, texts: Texts) -> Said:
    title = f"{step.number}. {texts[f'evidence.step.{step.name}']}"
    if not step.required:
        title += f" ({texts['evidence.report.optional']})"
    outcome = step.outcome
    details = tuple(said(each, texts) for each in outcome.details)
    return Said(title, _answer(outcome.result, texts), said(outcome, texts), details)


def _answer(result: Result, texts: Texts) -> str:
    return texts[f"evidence.result.{result}"]


def said(outcome: Outcome | Detail, texts: Texts) -> str:
    """What an outcome, or a line of one, says."""
    values = dict(outcome.values)
    if isinstance(outcome, Outcome) and "reason" in values:
        values["reason"] = _because(outcome, texts)
    return _filled(texts[f"evidence.message.{outcome.key}"], values, texts)


def _because(outcome: Outcome, texts: Texts) -> str:
    """Why a step failed, in words of the catalogue where it has them; else the library's own sentence, which is English."""
    cause = outcome.cause
    if cause is not None and (key := f"evidence.reason.{cause.key}") in texts:
        return _filled(texts[key], cause.values, texts)
    return texts["evidence.report.in_english"].format(reason=outcome.values["reason"])


def _filled(template: str, values: Mapping[str, str | int], texts: Texts) -> str:
    return template.format(
        **{blank: printable(_word(blank, value, texts)) for blank, value in values.items()}
    )


def _word(blank: str, value: str | int, texts: Texts) -> str:
    if blank not in WORDS or not isinstance(value, str):
        return str(value)
    return ", ".join(texts.get(f"evidence.word.{each}", each) for each in value.split(", "))


def _ranges(numbers: list[int]) -> str:
    """Ascending numbers as a person writes them: 1–10, 13."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][1] == number - 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ", ".join(str(first) if first == last else f"{first}–{last}" for first, last in runs)


def printable(text: str) -> str:
    """Names in a receipt are its writer's: nothing in them may steer the reader's terminal."""
    return "".join(character if character.isprintable() else "\ufffd" for character in text)
