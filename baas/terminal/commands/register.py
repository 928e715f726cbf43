"""`baas register`: an administration's registers, from CSV files to receipts of rows."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated

import typer

from baas.client import Client
from baas.receipts import RENDERINGS, Format
from baas.terminal import exporting, files, receipt_files, rows
from baas.terminal.commands.administration import Administration, OnlyOf
from baas.terminal.language import Language
from baas.terminal.problems import Unusable
from baas.terminal.render import Shown, note, printable, record, table
from baas.terminal.session import connect
from sandbox.evidence import encodings
from sandbox.evidence import policy as policies
from sandbox.evidence import receipt as receipts
from sandbox.evidence import trust as trust_roots
from sandbox.evidence.canonical import dumps

app = typer.Typer(help="Registers: append-only logs of an administration's rows.")
Register = Annotated[str, typer.Argument(help="The register's id.")]
Csv = Annotated[
    Path, typer.Argument(help="A CSV file: UTF-8, names in its first line.", exists=True, dir_okay=False)
]
Delimiter = Annotated[
    str | None,
    typer.Option(help="What separates values; comma, semicolon or tab are recognised.", metavar="CHARACTER"),
]
Row = Annotated[
    Path,
    typer.Argument(help="The row as a JSON file: an object of names to texts.", exists=True, dir_okay=False),
]


FIELDS = ("id", "name", "key", "columns", "accepted", "anchored_size", "problem")


@app.command()
def create(
    ctx: typer.Context,
    administration: Administration,
    name: Annotated[
        str | None, typer.Argument(help="The register's name; the preset's, unless said.")
    ] = None,
    key: Annotated[str | None, typer.Option(help="The column that names a row, such as numero.")] = None,
    columns: Annotated[str | None, typer.Option(help="Its columns, separated by commas.")] = None,
    csv: Annotated[
        Path | None,
        typer.Option(help="Take the columns from this CSV file's first line.", exists=True, dir_okay=False),
    ] = None,
    delimiter: Delimiter = None,
    preset: Annotated[str | None, typer.Option(help="A ready-made register (baas register presets).")] = None,
    numbering: Annotated[
        str | None, typer.Option(help="How keys are numbered: {year}/{number} or {body}/{year}/{number}.")
    ] = None,
    deployment: Annotated[
        str | None, typer.Option(help="Id of a free hash-registry deployment; the first, unless said.")
    ] = None,
) -> Shown:
    """Open a register on a free deployment of the template hash-registry."""
    if columns is not None and csv is not None:
        raise Unusable("expected the register's columns by --columns or by --csv, one of the two")
    if preset is None and (name is None or key is None or (columns is None and csv is None)):
        raise Unusable("expected --preset, or a name, --key and the columns by --columns or --csv")
    named = None
    if csv is not None:
        named = rows.columns(csv, _one(delimiter))
    elif columns is not None:
        named = [each.strip() for each in columns.split(",")]
    with connect(ctx) as client:
        made = client.create_register(
            administration, name, key, named, deployment, preset=preset, numbering=numbering
        )
    return record(made, *FIELDS)


@app.command()
def presets(ctx: typer.Context) -> Shown:
    """Ready-made registers for `baas register create --preset`."""
    with connect(ctx) as client:
        return table(client.register_presets(), "slug", "name.ca", "key", "numbering", "columns")


@app.command()
def numbering(
    ctx: typer.Context,
    register: Register,
    lang: Annotated[Language, typer.Option(help="The language of the findings.")] = Language.CA,
) -> Shown:
    """Show which numbers are missing, which rows have several versions, and which number is used twice."""
    with connect(ctx) as client:
        found = client.numbering(register, lang)
    return Shown(found, "\n".join(printable(each) for each in found["lines"]))


@app.command("list")
def list_(ctx: typer.Context, administration: OnlyOf = None) -> Shown:
    """The registers that you may see."""
    with connect(ctx) as client:
        return table(client.registers(administration), *FIELDS)


@app.command()
def show(ctx: typer.Context, register: Register) -> Shown:
    """One register and how far its log is."""
    with connect(ctx) as client:
        return record(client.register(register), *FIELDS, "size", "origin", "created")


@app.command()
def append(ctx: typer.Context, register: Register, file: Csv, delimiter: Delimiter = None) -> Shown:
    """Add a CSV file's rows: new keys are created, changed rows amended; the same row again changes nothing.

    Rows go in requests of at most 1,000, each accepted whole or not at all; after an interruption, run it again.
    """
    found = rows.read(file, _one(delimiter))
    done = {"created": 0, "amended": 0, "unchanged": 0}
    warned: set[str] = set()
    with connect(ctx) as client:
        for number, batch in enumerate(rows.batches(found), start=1):
            answer = client.append(register, batch)
            done = {name: count + answer[name] for name, count in done.items()}
            note(f"accepted: request {number}, {sum(done.values())} of {len(found)} rows")
            for warning in answer["warnings"]:
                if warning not in warned:
                    note(warning)
                warned.add(warning)
    return record(done, *done)


@app.command()
def checkpoint(
    ctx: typer.Context,
    register: Register,
    timeout: Annotated[float, typer.Option(help="Seconds to wait at most.", min=0)] = 300.0,
) -> Shown:
    """Wait until all that was accepted is anchored on the chain, and print the newest checkpoint."""
    with connect(ctx) as client:
        found = client.checkpoint(register, timeout=timeout)
    newest = found["checkpoint"]
    if newest is None:
        return Shown(found, "no checkpoint yet: the register has no rows")
    summary = record(newest, "size", "root", "transaction_hash", "anchored").text
    return Shown(found, f"{summary}\n\n{newest['checkpoint'].rstrip()}")


@app.command()
def prove(
    ctx: typer.Context,
    register: Register,
    key: Annotated[str, typer.Argument(help="The row's key.")],
    version: Annotated[
        int | None, typer.Option(help="Which version; the newest with content, unless said.", min=1)
    ] = None,
    out: Annotated[Path, typer.Option(help="The directory to write to.", file_okay=False)] = Path(),
    format_: Annotated[
        str, typer.Option("--format", help=f"The receipt's format: {', '.join(Format)}.")
    ] = Format.JSON.value,
    lang: Annotated[str, typer.Option(help="ca, es or en, of what people read.")] = "ca",
) -> Shown:
    """Write a row's canonical JSON and its receipt: what to hand to whoever shall check it."""
    wanted = receipt_files.named(format_, out)
    with connect(ctx) as client:
        content = [
            each
            for each in client.entries(register, key)
            if each["content"] and version in (None, each["version"])
        ]
        receipt = client.entry_receipt(register, key, version)
        if wanted is not Format.JSON:  # the same version, which a row that came meanwhile must not change
            number = version or content[-1]["version"]
            made = client.entry_receipt(register, key, number, format_=wanted, lang=lang)
    row = dumps(content[-1]["content"])
    if receipts.parse(receipt).document.digest != hashlib.sha256(row).digest():
        raise Unusable(
            f"the receipt that came is not of version {content[-1]['version']} of {key!r}: ask again"
        )
    stem = out / rows.file_stem(key)
    written = {"row": f"{stem}.row.json", "receipt": f"{stem}{RENDERINGS[wanted].suffix}"}
    files.write(Path(written["row"]), row)
    files.write(Path(written["receipt"]), receipt if wanted is Format.JSON else made)
    return record(
        {"key": key, "version": content[-1]["version"], **written}, "key", "version", "row", "receipt"
    )


@app.command()
def revoke(
    ctx: typer.Context,
    register: Register,
    key: Annotated[str, typer.Argument(help="The row's key.")],
    reason: Annotated[str, typer.Option(help="error, annulled, withdrawn or other.")],
) -> Shown:
    """Leave a row without effect, with a reason. What was true before stays provable."""
    with connect(ctx) as client:
        done = client.revoke_entry(register, key, reason)
    return record(done, "first_index", "accepted")


@app.command()
def rectify(
    ctx: typer.Context,
    register: Register,
    row: Row,
    reason: Annotated[str, typer.Option(help="error, omission or other.")] = "error",
) -> Shown:
    """Correct an error of the row that has the same key, with a reason: its next version."""
    with connect(ctx) as client:
        done = client.rectify_entry(register, rows.one(row), reason)
    return record(done, "first_index", "accepted")


@app.command()
def supersede(
    ctx: typer.Context,
    register: Register,
    key: Annotated[str, typer.Argument(help="The key of the row whose place is taken.")],
    row: Row,
    reason: Annotated[str, typer.Option(help="replaced, merged or other.")] = "replaced",
) -> Shown:
    """Put another row, with a key of its own, in the place of one in effect."""
    with connect(ctx) as client:
        done = client.supersede_entry(register, key, rows.one(row), reason)
    return record(done, "first_index", "accepted")


@app.command()
def export(
    ctx: typer.Context,
    register: Register,
    out: Annotated[Path, typer.Option(help="The directory to make.")],
) -> Shown:
    """Write the whole register to a directory that `baas audit` checks without the service.

    Rows with their salts, entries, tiles, every anchored checkpoint and the trust root. It holds what only the
    administration has: keep it as you keep the register.
    """
    with connect(ctx) as client:
        return exporting.run(client, register, out)


@app.command()
def publish(
    ctx: typer.Context,
    register: Annotated[str | None, typer.Argument(help="The register's id.")] = None,
    documents: Annotated[
        str | None, typer.Option(help="The document log of this administration instead.", metavar="CODE")
    ] = None,
    withdraw: Annotated[bool, typer.Option(help="Let nobody else read it any more.")] = False,
) -> Shown:
    """Let anybody read and mirror the log: commitments, kinds and reasons, never a row. For admins."""
    with connect(ctx) as client:
        found = _logs(client, register, documents)
        done = [(client.withdraw_log if withdraw else client.publish_log)(each) for each in found]
    addresses = [{**each, "address": f"/logs/{each['id']}/"} for each in done]
    return table(addresses, "origin", "address", "anchored_size", "published")


@app.command()
def witnesses(
    ctx: typer.Context,
    register: Annotated[str | None, typer.Argument(help="The register's id.")] = None,
    documents: Annotated[
        str | None, typer.Option(help="The document log of this administration instead.", metavar="CODE")
    ] = None,
    threshold: Annotated[
        int | None, typer.Option(help="How many of them must have cosigned; 0 asks none any more.", min=0)
    ] = None,
    witness: Annotated[
        list[str] | None, typer.Option(help="The name of a witness (baas witness list --known); repeat it.")
    ] = None,
) -> Shown:
    """Show which witnesses a log asks, or choose them (for admins): receipts then wait for their cosignatures."""
    if (threshold or 0) > 0 and not witness:
        raise Unusable("--threshold needs the witnesses: name each with --witness")
    if witness and not threshold:
        raise Unusable("--witness needs --threshold: how many of them must have cosigned")
    with connect(ctx) as client:
        for log in _logs(client, register, documents):
            if threshold == 0:
                client.clear_log_witnesses(log)
            elif threshold is not None and witness:
                client.set_log_witnesses(log, threshold, witness)
            found = client.log_witnesses(log)
    summary = record(found, "threshold", "operators", "witnessed_size").text
    rows_ = table(found["witnesses"], "name", "operator", "size", "problem").text
    return Shown(found, f"{summary}\n\n{rows_}")


@app.command()
def verify(
    row: Annotated[
        Path, typer.Argument(help="The row as a JSON file, in any spacing.", exists=True, dir_okay=False)
    ],
    receipt: Annotated[Path, typer.Argument(help="Its receipt.", exists=True, dir_okay=False)],
    trust: Annotated[
        Path, typer.Option(help="The administration's trust root.", exists=True, dir_okay=False)
    ],
    policy: Annotated[
        str, typer.Option(help="standard, log-only, or the steps that must pass, separated by commas.")
    ] = "standard",
) -> Shown:
    """Check a row against its receipt in any format, offline, as `baas verify` checks a document."""
    try:
        demanded = policies.named(policy)
    except ValueError as error:
        raise Unusable(f"--policy: {error}") from None
    root = trust_roots.parse(trust.read_bytes())
    report = encodings.verify(rows.canonical(row), receipt.read_bytes(), root, demanded)
    return Shown(report.to_dict(), report.to_text(), "ok" if report.ok else "refused")


def _logs(client: Client, register: str | None, documents: str | None) -> list[str]:
    """The log that a command is about: a register's, or an administration's of documents (one for each chain it had)."""
    if (register is None) == (documents is None):
        raise Unusable("expected a register's id or --documents CODE, one of the two")
    if register is not None:
        return [client.register(register)["log"]]
    found = [each["id"] for each in client.logs(documents) if each["kind"] == "documents"]
    if not found:
        raise Unusable(f"administration {documents} has no document log yet: notarise something first")
    return found


def _one(delimiter: str | None) -> str | None:
    if delimiter is not None and len(delimiter) != 1:
        raise Unusable(f"--delimiter: expected one character, got {delimiter!r}")
    return delimiter
