"""`baas` on the command line: typed arguments in, one call, rendered result out.

A group of commands, such as `baas chain …`, is one file of baas/terminal/commands/; the other commands are here. Nothing
of `baas` is imported before a command needs it, so that `baas verify` runs with `sandbox.evidence` alone.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command, get_group

#: What a command returns: a value for --json, the same as text for people, and how it ended: a key of EXITS.
Shown = tuple[Any, str, str]

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

#: The groups, each a file of baas/terminal/commands/ with an `app`.
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


DEMO = Path("build/demo")
#: The formats of `baas.receipts`, which is not imported for their names.
FORMATS = "json, cose, tlog-proof, pdf or qr"


class Root(TyperGroup):
    """`baas` itself: loads a group when it is called for, and gives every command its --json."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.commands.update({name: TyperCommand(name) for name in GROUPS})  # get_command loads them

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name in GROUPS:
            module = importlib.import_module(f"baas.terminal.commands.{cmd_name}")
            module.app.rich_markup_mode = None
            return _with_json(get_group(module.app), cmd_name)
        command = super().get_command(ctx, cmd_name)
        return command and _with_json(command, cmd_name)

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
def init(ctx: typer.Context) -> Shown:
    """Make the first operator of a data directory and print its token, once."""
    from baas.terminal import running, session

    return running.initialise(session.data_place(ctx))


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
def backup(
    ctx: typer.Context,
    out: Annotated[Path, typer.Argument(help="A directory that is not there yet.", file_okay=False)],
) -> Shown:
    """Write a backup of a data directory whose service is stopped, without its master key."""
    from baas.terminal import backing, session

    return backing.backup(session.data_place(ctx), out)


@app.command()
def restore(
    ctx: typer.Context,
    directory: Annotated[
        Path, typer.Argument(metavar="BACKUP", help="A backup.", exists=True, file_okay=False)
    ],
    replace: Annotated[bool, typer.Option("--replace", help="What is there now is deleted.")] = False,
) -> Shown:
    """Put a backup in a data directory's place. What was erased since it was made is erased again at once."""
    from baas.terminal import backing, session

    return backing.restore(session.data_place(ctx), directory, replace)


@app.command()
def login(
    ctx: typer.Context,
    url: Annotated[str, typer.Argument(help="The service's address.")],
    token_stdin: Annotated[bool, typer.Option("--token-stdin", help="Read the token from stdin.")] = False,
) -> Shown:
    """Store a service and a token for it. The token is BAAS_TOKEN, or asked for without showing it."""
    from baas.terminal import signing_in

    return signing_in.login(url, token_stdin)


@app.command()
def logout(
    url: Annotated[str | None, typer.Argument(help="The service; that of the login, unless said.")] = None,
) -> Shown:
    """Forget a stored token. It stays valid: `baas token revoke` ends it."""
    from baas.terminal import signing_in

    return signing_in.logout(url)


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Where all that it makes goes.", file_okay=False)] = DEMO,
) -> Shown:
    """Run the whole main job on fictional files: chains, receipts, a register, a pilot and its verdict."""
    from baas import demo as story
    from baas.terminal.render import note

    return story.run(out, note), f"everything is in {out}; see {out / 'summary.json'}", "ok"


@app.command()
def deploy(
    ctx: typer.Context,
    chain: Annotated[str, typer.Argument(help="The chain's id, or its chain id in decimal.")],
    template: Annotated[str, typer.Argument(help="A template (baas template list).")],
    given: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A parameter.")
    ] = None,
) -> Shown:
    """Deploy a template on a chain; the code at its address is compared with the artifact."""
    from baas.terminal import render, session

    for each in given or []:
        if "=" not in each:
            raise typer.BadParameter(f"expected NAME=VALUE, got {each!r}", param_hint="--set")
    parameters = dict(each.partition("=")[::2] for each in given or [])
    with session.connect(ctx) as client:
        made = client.deploy(chain, template, parameters)
    return render.record(made, "id", "template", "version", "address", "transaction_hash", "artifact")


@app.command()
def notarise(
    ctx: typer.Context,
    documents: Annotated[list[Path], typer.Argument(metavar="FILE", help="Hashed here, and never sent.")],
    administration: Annotated[str | None, typer.Option(help="Its code, if you reach several.")] = None,
    out: Annotated[Path | None, typer.Option(help="The receipts' directory.", file_okay=False)] = None,
    wait: Annotated[bool, typer.Option(help="Wait for the chain and write a receipt for each file.")] = True,
    digest: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ALGORITHM", help="By which algorithm; several times for several. sha-256 unless said."
        ),
    ] = None,
    manifest: Annotated[
        bool, typer.Option("--manifest", help="FILE is a folder: notarise one root over all its files.")
    ] = False,
    anyone_can_guess_it: Annotated[
        bool,
        typer.Option("--anyone-can-guess-it", help="Also files that are one guessable value, such as a DNI."),
    ] = False,
) -> Shown:
    """Notarise files: each gets FILE.receipt.json, beside it or in --out.

    A file that changes while it is hashed, cannot be read, or is nothing but a value that can be guessed (a DNI, a
    telephone number, a date) is told and left out; the others go on, and the command ends with 1. With --manifest one
    notarisation is of a whole folder: each file gets a receipt of its own in FOLDER.receipts or --out, and
    manifest.json there holds names and salts, which stay with you.
    """
    from baas.terminal import folders, notarising, session

    slugs = digest or ["sha-256"]
    if manifest:
        if len(documents) != 1:
            raise typer.BadParameter("--manifest takes one folder", param_hint="FILE")
        return folders.run(documents[0], administration, out, wait, lambda: session.connect(ctx), slugs)
    return notarising.run(
        documents, administration, out, wait, lambda: session.connect(ctx), slugs, anyone_can_guess_it
    )


@app.command()
def receipt(
    ctx: typer.Context,
    notarisation: Annotated[str, typer.Argument(help="The notarisation's id.")],
    out: Annotated[Path | None, typer.Option(help="The file; stdout unless said.", dir_okay=False)] = None,
    previous: Annotated[
        bool, typer.Option("--with-previous", help="With what bounds its time from below.")
    ] = False,
    format_: Annotated[str, typer.Option("--format", help=f"{FORMATS}.")] = "json",
    lang: Annotated[str, typer.Option(help="ca, es or en, of what people read.")] = "ca",
) -> Shown:
    """Get the receipt of a notarisation that was not waited for, or in another format.

    The other formats are made of the same receipt. cose (RFC 9942), tlog-proof (C2SP) and the qr image carry no anchor on
    a chain: they are verified with --policy log-only. The pdf is for people, and embeds all of them but the image.
    """
    from baas.terminal import receipt_files, session

    wanted = receipt_files.named(format_, out)
    with session.connect(ctx) as client:
        found = client.receipt(notarisation, previous=previous, format_=wanted, lang=lang)
    return receipt_files.shown(found, wanted, out)


@app.command()
def renew(
    ctx: typer.Context,
    receipt: Annotated[
        Path | None, typer.Argument(help="A receipt that you hold.", exists=True, dir_okay=False)
    ] = None,
    document: Annotated[
        Path | None, typer.Option(help="Its document, hashed here.", exists=True, dir_okay=False)
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="The renewed receipt; over the old one unless said.", dir_okay=False)
    ] = None,
    algorithm: Annotated[str, typer.Option(help="The new algorithm.")] = "sha3-256",
    administration: Annotated[str | None, typer.Option(help="Its code, if you reach several.")] = None,
) -> Shown:
    """Renew receipts under another algorithm, before those that they rest on end.

    Without arguments all that the service can renew itself; baas receipt gives them then as renewed. With a receipt and
    its --document that one, of which only a hash is sent.
    """
    from baas.terminal import renewing, session

    if (receipt is None) != (document is None):
        raise typer.BadParameter("a receipt and its --document go together", param_hint="RECEIPT")
    if receipt is not None and document is not None:
        target = out or receipt
        return renewing.one(
            document, receipt, administration, algorithm, target, lambda: session.connect(ctx)
        )
    with session.connect(ctx) as client:
        return renewing.all_of(client, administration, algorithm)


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
        return _verify_hand_over(file, given, trust, offered_by or "", offered_to or "")
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
    return report.to_dict(), report.to_text(), "ok" if report.ok else "refused"


def _verify_hand_over(file: Path, evidence: bytes, trust: Path, offered_by: str, offered_to: str) -> Shown:
    from sandbox.errors import MalformedEvidence
    from sandbox.evidence import hand_over
    from sandbox.evidence import trust as trust_roots
    from sandbox.evidence.digest import digest_file

    try:
        bodies = hand_over.Bodies.of_addresses(offered_by, offered_to)
    except MalformedEvidence as error:
        raise typer.BadParameter(str(error), param_hint="--offered-by, --offered-to") from None
    read, root = hand_over.parse(evidence), trust_roots.parse(trust.read_bytes())
    report = hand_over.verify(read, digest_file(file, slug=read.document.algorithm), root, bodies)
    return report.to_dict(), report.to_text(), "ok" if report.ok else "refused"


@app.command()
def verifier(
    out: Annotated[Path, typer.Option(help="Where the files go.", file_okay=False)] = Path(),
) -> Shown:
    """Write what verifies without us: baas-verify.pyz, for any Python 3.11 or later, and the page verify.html.

    Neither needs an installation, a network or this service. Hand them out by another way than the receipts.
    """
    from baas import verifier as standalone
    from baas.terminal import files

    made = standalone.files()
    for name, content in made.items():
        files.write(out / name, content)
    shown = {"files": {name: len(content) for name, content in made.items()}}
    return shown, "\n".join(f"wrote {out / name}" for name in made), "ok"


@app.command()
def audit(
    log: Annotated[
        str, typer.Argument(metavar="DIR|URL", help="An export, a mirror, or where a log is served.")
    ],
    trust: Annotated[
        Path | None, typer.Option(help="What you trust already.", exists=True, dir_okay=False)
    ] = None,
    state: Annotated[
        Path | None, typer.Option(help="The file of its progress; beside DIR, unless said.", dir_okay=False)
    ] = None,
    fresh: Annotated[bool, typer.Option(help="Start anew, whatever was checked before.")] = False,
) -> Shown:
    """Check a whole log without its service: every row, entry, tile, checkpoint and anchor.

    It names the row, the entry or the tile that was changed, and what it did not check. An audit that was stopped goes on
    where it was. It ends with 0 if the log holds, else with 1.
    """
    from baas.terminal import auditing

    return auditing.run(log, trust, state, fresh)


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
