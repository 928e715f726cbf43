"""`baas` on the command line: typed arguments in, one call, rendered result out.

A command, or a group of them such as `baas chain …`, is one module of baas/terminal/commands/. Here is what all of them
have in common, and the three that need it: `serve` shows what it does while it goes on, `manual` tells of all the others,
and `verify` runs with `sandbox.evidence` alone, since nothing of `baas` is imported before a command needs it.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import traceback
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command, get_group

if TYPE_CHECKING:
    from sandbox.evidence.report import Report

#: What a command returns: a value for --json, the same as text for people, and how it ended: a key of EXITS.
Shown = tuple[Any, str, str]


class Language(StrEnum):
    """`baas.terminal.language`'s, again: `verify` loads nothing of `baas` unless it is asked for one."""

    CA = "ca"
    ES = "es"
    EN = "en"


#: How a command can end: what scripts may rely on.
EXITS: dict[str, tuple[int, str]] = {
    "ok": (0, "done"),
    "refused": (1, "refused: evidence that does not verify, a chain's refusal, a value that does not hold"),
    "usage": (2, "the command line, or a file named on it, cannot be used"),
    "unreachable": (3, "no service answers there"),
    "not_allowed": (4, "no valid token, or a role is missing"),
    "not_found": (5, "absent, or not yours to see"),
    "conflict": (6, "it contradicts what is there, is in use by another process, or is not ready yet"),
    "failed": (7, "the service failed or is too busy, or something happened that nobody expected"),
    "interrupted": (130, "interrupted by Ctrl-C"),
}

#: The commands by themselves, in the order in which they are listed.
COMMANDS = (
    "init", "serve", "backup", "restore", "login", "logout", "demo", "deploy", "notarise", "receipt", "renew", "verify",
    "verifier", "audit", "manual",
)  # fmt: skip
HERE = ("serve", "verify", "manual")

#: The groups. Each of these, as each command that is not HERE, is a module of baas/terminal/commands/ with an `app`.
GROUPS = (
    "administration", "member", "mandate", "token", "chain", "snapshot", "account", "allowlist", "access", "engine",
    "template", "notarisation", "renewal", "register", "privacy", "erasure", "series", "retention", "witness", "trust",
    "signature", "exchange", "readiness", "pilot",
)  # fmt: skip

EPILOG = """\
Commands talk to the first of: --url, --data, BAAS_URL, the stored login, BAAS_DATA, the default data directory; on a data
directory the same application runs in this process. The token is BAAS_TOKEN, or the one stored for that place. It is never
an argument: other users of the machine see those, and shells keep them.

With --json a command writes one JSON document to stdout; hints and progress go to stderr. Where it fails, that document is
{"problem": …}.

"""


class Root(TyperGroup):
    """`baas` itself: loads a command or a group when it is called for, and gives every command its --json."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        here = self.commands  # get_command loads the others
        self.commands = {name: here.get(name) or TyperCommand(name) for name in (*COMMANDS, *GROUPS)}

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name in HERE or cmd_name not in self.commands:
            command = super().get_command(ctx, cmd_name)
            return command and _with_json(command, cmd_name)
        module = importlib.import_module(f"baas.terminal.commands.{cmd_name}")
        module.app.rich_markup_mode = None
        made = get_group(module.app) if cmd_name in GROUPS else get_command(module.app)
        return _with_json(made, cmd_name)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        for paragraph in EPILOG.split("\n\n"):
            formatter.write_paragraph()
            formatter.write_text(" ".join(paragraph.split()))
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(code), meaning) for code, meaning in EXITS.values()])

    def invoke(self, ctx: Any) -> Any:
        shown = super().invoke(ctx)
        if shown is not None:
            ctx.exit(_show(shown, ctx.obj["json"]))


def _with_json(command: Any, name: str) -> Any:
    command.name = name
    if isinstance(command, TyperGroup):
        for below, each in command.commands.items():
            _with_json(each, below)
    elif not any(each.name == "as_json" for each in command.params):
        command.params.append(_json_option())
    return command


def _note_json(ctx: typer.Context, value: bool) -> None:
    ctx.obj["json"] = value


def _json_option() -> Any:
    def command(
        as_json: Annotated[
            bool,
            typer.Option("--json", help="Write one JSON document.", callback=_note_json, expose_value=False),
        ] = False,
    ) -> None: ...

    maker = typer.Typer(add_completion=False)
    maker.command()(command)
    return get_command(maker).params[0]


app = typer.Typer(
    cls=Root,
    help="The sandbox on the command line: chains, notarisations, registers and pilots of public administrations.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.callback()
def _options(
    url: Annotated[str | None, typer.Option(help="The service to talk to: https://HOST[:PORT].")] = None,
    data: Annotated[Path | None, typer.Option(help="The data directory to work on.", file_okay=False)] = None,
) -> None:
    """Options that go before the command; commands read them from the root context."""


@app.command()
def serve(
    ctx: typer.Context,
    host: Annotated[str | None, typer.Option(help="The address; BAAS_HOST or loopback, unless said.")] = None,
    port: Annotated[
        int | None, typer.Option(help="0 takes a free one; BAAS_PORT or 8080.", max=65535)
    ] = None,
    first: Annotated[bool, typer.Option("--init", help="Do `baas init` first, if it was not done.")] = False,
) -> None:
    """Run the service in the foreground until Ctrl-C, and print its address."""
    from baas.terminal import running, session

    running.serve(session.data_place(ctx), host, port, first, lambda shown: _show(shown, ctx.obj["json"]))


@app.command()
def verify(
    file: Annotated[Path, typer.Argument(help="The document.", exists=True, dir_okay=False)],
    receipt: Annotated[Path, typer.Argument(help="Its receipt.", exists=True, dir_okay=False)],
    trust: Annotated[Path, typer.Option(help="What you trust already.", exists=True, dir_okay=False)],
    policy: Annotated[
        str, typer.Option(help="standard, log-only, or the steps that must pass, separated by commas.")
    ] = "standard",
    as_of: Annotated[
        datetime | None,
        typer.Option(
            help="Judge algorithms and undated keys as of the end of this day (UTC).", formats=["%Y-%m-%d"]
        ),
    ] = None,
    offered_by: Annotated[
        str | None, typer.Option(help="Of a hand-over: the account of the body that offered the act.")
    ] = None,
    offered_to: Annotated[
        str | None, typer.Option(help="Of a hand-over: the account of the body that answered.")
    ] = None,
    lang: Annotated[
        Language | None,
        typer.Option(help="Say it as people read it, in ca, es or en; else by the steps' own names."),
    ] = None,
) -> Shown:
    """Check a document against its receipt, offline: numbered steps, an answer for each layer.

    The receipt may be JSON, a COSE receipt, a tlog-proof, the PDF that embeds them, or the text of its QR code; what an
    encoding does not carry is not checked, and log-only asks for what all of them carry. In its place the evidence of a
    hand-over between two bodies is taken, whose accounts you say; it has steps of its own, all of which must pass. The
    trust root (baas trust export) must have come by another way than the receipt. This needs no service, no login and no
    network. It ends with 0 if the policy is met, else with 1 and the name of the step that failed.
    """
    from sandbox.evidence import encodings, hand_over
    from sandbox.evidence import policy as policies
    from sandbox.evidence import trust as trust_roots

    given = receipt.read_bytes()
    if hand_over.is_one(given):
        if policy != "standard" or as_of is not None:
            raise typer.BadParameter(
                "expected a receipt: of a hand-over all steps but the reason or outcome are required, and none judges the "
                "algorithms as of a day",
                param_hint="--policy, --as-of",
            )
        bodies = (offered_by or "", offered_to or "")
        report = _verify_hand_over(file, given, trust, *bodies)
        return _verified(report, lang, file, (receipt, given), trust, bodies)
    if offered_by is not None or offered_to is not None:
        raise typer.BadParameter(
            "expected evidence of a hand-over, as it was written: only that has two bodies",
            param_hint="--offered-by, --offered-to",
        )
    try:
        demanded = policies.named(policy)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--policy") from None
    root = trust_roots.parse(trust.read_bytes())
    moment = None if as_of is None else as_of.replace(hour=23, minute=59, second=59, tzinfo=UTC)
    report = encodings.verify(file, given, root, demanded, as_of=moment)
    return _verified(report, lang, file, (receipt, given), trust)


def _verified(
    report: Report,
    lang: Language | None,
    file: Path,
    receipt: tuple[Path, bytes],
    trust: Path,
    accounts: tuple[str, ...] = (),
) -> Shown:
    """The report, in the words of the catalogue where a language was asked for."""
    said = report.to_text()
    if lang is not None:
        from baas.texts import catalogue
        from sandbox.evidence.spoken import Given, to_text

        path, content = receipt
        given = Given(file, content, trust.read_bytes(), path.name, trust.name, accounts)
        said = to_text(report, given, catalogue(lang))
    return report.to_dict(), said, "ok" if report.ok else "refused"


def _verify_hand_over(file: Path, evidence: bytes, trust: Path, offered_by: str, offered_to: str) -> Report:
    from sandbox.errors import MalformedEvidence
    from sandbox.evidence import hand_over
    from sandbox.evidence import trust as trust_roots
    from sandbox.evidence.digest import digest_file

    try:
        bodies = hand_over.Bodies.of_addresses(offered_by, offered_to)
    except MalformedEvidence as error:
        raise typer.BadParameter(str(error), param_hint="--offered-by, --offered-to") from None
    read, root = hand_over.parse(evidence), trust_roots.parse(trust.read_bytes())
    return hand_over.verify(read, digest_file(file, slug=read.document.algorithm), root, bodies)


@app.command()
def manual(ctx: typer.Context) -> Shown:
    """Print this manual of every command, in Markdown."""
    from baas.terminal import manual as pages

    text = pages.manual(ctx.find_root(), EXITS)
    return {"manual": text}, text, "ok"


def main() -> None:
    """The entry point `baas`: runs a command and exits with its code of EXITS."""
    flags = {"json": False}
    try:
        app(prog_name="baas", obj=flags)
    except Exception as error:
        sys.exit(_fail(error, flags["json"]))


def _show(shown: Any, as_json: bool) -> int:
    """Print what a command returned: its value, its text and how it ended; the exit code for that."""
    value, text, ending = shown
    if as_json:
        print(json.dumps(value, ensure_ascii=False), flush=True)
    elif text:
        print(text.rstrip("\n"), flush=True)
    return EXITS[ending][0]


def _fail(error: Exception, as_json: bool) -> int:
    """Say why in one line; the traceback only for who asks for it with BAAS_DEBUG=1."""
    from sandbox.errors import EvidenceError

    if isinstance(error, EvidenceError):  # of `verify`, which needs nothing of the service
        ending, line, problem = "refused", str(error), {"title": "refused", "detail": str(error)}
    else:
        from baas.terminal.problems import told

        ending, line, problem = told(error)
    if os.environ.get("BAAS_DEBUG") == "1":
        traceback.print_exception(error)
    print(f"baas: {line}", file=sys.stderr)
    code, _ = EXITS[ending]
    if as_json:
        print(json.dumps({"problem": problem, "exit_code": code}, ensure_ascii=False), flush=True)
    return code


if __name__ == "__main__":
    main()
