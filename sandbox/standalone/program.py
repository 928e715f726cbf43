"""The program of baas-verify.pyz: what `baas verify` does, in Catalan, Spanish or English, with nothing installed.

It imports sandbox.evidence alone. Exit codes: 0 the policy is met, 1 it is not or a file cannot be read as evidence,
2 the command line or a file named on it cannot be used.
"""

from __future__ import annotations

import argparse
import json
import os
import pkgutil
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

from sandbox.errors import EvidenceError
from sandbox.evidence import ed25519, encodings, keccak, trust
from sandbox.evidence.policy import Policy, named
from sandbox.evidence.report import Detail, Outcome, Report

LANGUAGES = ("ca", "es", "en")
_OK, _REFUSED, _USAGE = 0, 1, 2

Texts = Mapping[str, str]


def main(arguments: Sequence[str]) -> int:
    """Verify what the command line says; the exit code."""
    language = _language(arguments)
    texts = _texts(language)
    given = _parser(texts, language).parse_args(arguments)
    try:
        proof = encodings.read(given.receipt.read_bytes())
        root = trust.parse(given.trust.read_bytes())
        report = encodings.verify(given.document, proof, root, given.policy, as_of=given.as_of)
    except OSError as error:
        return _fail(
            texts["verifier.unreadable"].format(file=error.filename, reason=error.strerror),
            _USAGE,
            given.json,
        )
    except EvidenceError as error:
        return _fail(texts["verifier.refused"].format(reason=error), _REFUSED, given.json)
    sys.stdout.write(
        json.dumps(report.to_dict(), ensure_ascii=False) + "\n" if given.json else to_text(report, texts)
    )
    return _OK if report.ok else _REFUSED


def to_text(report: Report, texts: Texts) -> str:
    """The report for a terminal, in the language of the texts: steps, layers, what the policy makes of it."""
    steps, lines = report.steps, []
    names = {step.name: texts[f"evidence.step.{step.name}"] for step in steps}
    results = {
        result: texts[f"evidence.result.{result}"] for result in {step.outcome.result for step in steps}
    }
    results |= {answer: texts[f"evidence.result.{answer}"] for answer in report.layers.values()}
    for step in steps:
        outcome = step.outcome
        lines += [
            f"{step.number:>2} {names[step.name]}: {results[outcome.result]}",
            f"   {_said(outcome, texts)}",
        ]
    lines.append("")
    lines += [
        f"{texts[f'evidence.layer.{layer}']}: {results[answer]}" for layer, answer in report.layers.items()
    ]
    lines.append("")
    for step in report.flags:
        flag = texts["evidence.report.flag"]
        lines.append(flag.format(step=names[step.name], text=_said(step.outcome, texts)))
    required = ", ".join(str(step.number) for step in steps if step.required)
    if report.failed_step is None:
        lines.append(texts["evidence.report.met"].format(required=required))
    else:
        lines.append(
            texts["evidence.report.not_met"].format(step=names[report.failed_step], required=required)
        )
    by = {"ed25519": ed25519.LIBRARY or "Python", "keccak": keccak.LIBRARY or "Python"}
    lines.append(texts["verifier.checked_by"].format(**by))
    return "\n".join(lines) + "\n"


def _parser(texts: Texts, language: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("baas-verify.pyz", description=texts["verifier.description"])
    parser.add_argument("document", metavar="DOCUMENT", type=Path, help=texts["verifier.document"])
    parser.add_argument("receipt", metavar="RECEIPT", type=Path, help=texts["verifier.receipt"])
    parser.add_argument("--trust", metavar="TRUST", type=Path, required=True, help=texts["verifier.trust"])
    parser.add_argument("--policy", type=_policy, default="standard", help=texts["verifier.policy"])
    parser.add_argument("--as-of", metavar="YYYY-MM-DD", type=_day, help=texts["verifier.as_of"])
    parser.add_argument("--lang", choices=LANGUAGES, default=language, help=texts["verifier.lang"])
    parser.add_argument("--json", action="store_true", help=texts["verifier.json"])
    return parser


def _policy(text: str) -> Policy:
    try:
        return named(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _day(text: str) -> datetime:
    """The end of that day, as `baas verify` has it."""
    return datetime.strptime(text, "%Y-%m-%d").replace(hour=23, minute=59, second=59, tzinfo=UTC)


def _language(arguments: Sequence[str]) -> str:
    """What --lang says, else the environment's language where it is one of ours, else Catalan."""
    wanted = [value for flag, value in pairwise([*arguments, ""]) if flag == "--lang"]
    wanted += [each.removeprefix("--lang=") for each in arguments if each.startswith("--lang=")]
    wanted += [(os.environ.get(name) or "")[:2] for name in ("LC_ALL", "LC_MESSAGES", "LANG")]
    return next((each for each in wanted if each in LANGUAGES), LANGUAGES[0])


def _texts(language: str) -> Texts:
    """The texts that the archive carries beside this module."""
    content = pkgutil.get_data(__package__, "texts.json")
    assert content is not None, "the archive carries its texts"
    texts: dict[str, dict[str, str]] = json.loads(content)
    return texts[language]


def _fail(line: str, code: int, as_json: bool) -> int:
    sys.stderr.write(f"baas-verify: {line}\n")
    if as_json:
        problem = {"title": "refused" if code == _REFUSED else "usage", "detail": line}
        sys.stdout.write(json.dumps({"problem": problem, "exit_code": code}, ensure_ascii=False) + "\n")
    return code


def _said(outcome: Outcome | Detail, texts: Texts) -> str:
    return _printable(texts[f"evidence.message.{outcome.key}"].format(**outcome.values))


def _printable(text: str) -> str:
    """Names in a receipt are its writer's: nothing in them may steer the reader's terminal."""
    return "".join(character if character.isprintable() else "\ufffd" for character in text)
