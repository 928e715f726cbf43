"""The program of baas-verify.pyz: what `baas verify` does, in Catalan, Spanish or English, with nothing installed.

It takes a document with its receipt, or an act with the evidence of its hand-over and the accounts of the two bodies.
It imports sandbox.evidence alone. Exit codes: 0 the policy is met, 1 it is not or a file cannot be read as evidence,
2 the command line or a file named on it cannot be used.
"""

from __future__ import annotations

import argparse
import json
import os
import pkgutil
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

from sandbox.errors import EvidenceError, MalformedEvidence
from sandbox.evidence import ed25519, encodings, hand_over, keccak, trust
from sandbox.evidence.digest import digest_file
from sandbox.evidence.policy import STANDARD, Policy, named
from sandbox.evidence.report import Report
from sandbox.evidence.spoken import Given, Texts, to_text

LANGUAGES = ("ca", "es", "en")
_OK, _REFUSED, _USAGE = 0, 1, 2


class _Misused(Exception):
    """Options that do not go with the evidence that was given; the text says which."""


def main(arguments: Sequence[str]) -> int:
    """Verify what the command line says; the exit code."""
    language = _language(arguments)
    texts = _texts(language)
    given = _parser(texts, language).parse_args(arguments)
    try:
        evidence, trusted = given.receipt.read_bytes(), given.trust.read_bytes()
        judge = _of_hand_over if hand_over.is_one(evidence) else _of_receipt
        report = judge(given, evidence, trusted, texts)
        said = "" if given.json else _said(report, given, evidence, trusted, texts)
    except _Misused as error:
        return _fail(str(error), _USAGE, given.json)
    except OSError as error:
        return _fail(
            texts["verifier.unreadable"].format(file=error.filename, reason=error.strerror),
            _USAGE,
            given.json,
        )
    except EvidenceError as error:
        reason = texts["evidence.report.in_english"].format(reason=error)
        return _fail(texts["verifier.refused"].format(reason=reason), _REFUSED, given.json)
    if given.json:
        sys.stdout.write(json.dumps(report.to_dict(), ensure_ascii=False) + "\n")
    else:
        sys.stdout.write(said)
    return _OK if report.ok else _REFUSED


def _of_receipt(given: argparse.Namespace, evidence: bytes, trusted: bytes, texts: Texts) -> Report:
    proof = encodings.read(evidence)
    if given.offered_by is not None or given.offered_to is not None:
        raise _Misused(texts["verifier.only_of_hand_over"])
    return encodings.verify(given.document, proof, trust.parse(trusted), given.policy, as_of=given.as_of)


def _of_hand_over(given: argparse.Namespace, evidence: bytes, trusted: bytes, texts: Texts) -> Report:
    if given.policy != STANDARD or given.as_of is not None:
        raise _Misused(texts["verifier.not_of_hand_over"])
    try:
        bodies = hand_over.Bodies.of_addresses(given.offered_by or "", given.offered_to or "")
    except MalformedEvidence as error:
        raise _Misused(texts["verifier.needs_bodies"].format(reason=error)) from None
    read, root = hand_over.parse(evidence), trust.parse(trusted)
    digest = digest_file(given.document, slug=read.document.algorithm)
    return hand_over.verify(read, digest, root, bodies)


def _said(report: Report, given: argparse.Namespace, evidence: bytes, trusted: bytes, texts: Texts) -> str:
    """The report for a terminal, with what it is of, and by what the signatures were checked."""
    accounts = () if given.offered_by is None else (given.offered_by, given.offered_to)
    files = Given(given.document, evidence, trusted, given.receipt.name, given.trust.name, accounts)
    by = {"ed25519": ed25519.LIBRARY or "Python", "keccak": keccak.LIBRARY or "Python"}
    return f"{to_text(report, files, texts)}\n{texts['verifier.checked_by'].format(**by)}\n"


def _parser(texts: Texts, language: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("baas-verify.pyz", description=texts["verifier.description"])
    parser.add_argument("document", metavar="DOCUMENT", type=Path, help=texts["verifier.document"])
    parser.add_argument("receipt", metavar="RECEIPT", type=Path, help=texts["verifier.receipt"])
    parser.add_argument("--trust", metavar="TRUST", type=Path, required=True, help=texts["verifier.trust"])
    parser.add_argument("--policy", type=_policy, default="standard", help=texts["verifier.policy"])
    parser.add_argument("--as-of", metavar="YYYY-MM-DD", type=_day, help=texts["verifier.as_of"])
    parser.add_argument("--offered-by", metavar="0x…", help=texts["verifier.offered_by"])
    parser.add_argument("--offered-to", metavar="0x…", help=texts["verifier.offered_to"])
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
