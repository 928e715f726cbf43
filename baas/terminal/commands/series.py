"""`baas series`: documentary series with their retention (TAAD) and their DPIA record."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from baas.terminal import files
from baas.terminal.commands.administration import Administration, OnlyOf
from baas.terminal.language import Language
from baas.terminal.problems import Unusable
from baas.terminal.render import Shown, record, table
from baas.terminal.session import connect

app = typer.Typer(help="Documentary series: retention (TAAD), class of data, DPIA record.")
Series = Annotated[str, typer.Argument(help="The series' id.")]
FIELDS = ("id", "name", "code", "years", "until", "data_class", "has_dpia", "subjects")


class DataClass(StrEnum):
    SYNTHETIC = "synthetic"
    REAL_NON_PERSONAL = "real_non_personal"
    REAL_PERSONAL = "real_personal"


class Format(StrEnum):
    JSON = "json"
    MARKDOWN = "markdown"


@app.command()
def create(
    ctx: typer.Context,
    administration: Administration,
    name: Annotated[str, typer.Argument(help="The series' name.")],
    code: Annotated[str, typer.Option(help="Its code in the TAAD, or the administration's own.")],
    legal_basis: Annotated[str, typer.Option(help="Why it is held: the law and its article.")],
    data_class: Annotated[DataClass, typer.Option(help="What its data are.")] = DataClass.SYNTHETIC,
    years: Annotated[
        int | None, typer.Option(help="Kept so long from each entry's acceptance.", min=0)
    ] = None,
    until: Annotated[str | None, typer.Option(help="Or until this day, as 2031-12-31.")] = None,
) -> Shown:
    """Make a series; without --years or --until it is kept for good."""
    with connect(ctx) as client:
        made = client.create_series(
            administration,
            name,
            code,
            data_class=data_class.value,
            legal_basis=legal_basis,
            years=years,
            until=until,
        )
    return record(made, *FIELDS)


@app.command("list")
def list_(ctx: typer.Context, administration: OnlyOf = None) -> Shown:
    """The series that you may see."""
    with connect(ctx) as client:
        return table(client.all_series(administration), *FIELDS)


@app.command()
def show(ctx: typer.Context, series: Series) -> Shown:
    """One series and what belongs to it."""
    with connect(ctx) as client:
        return record(client.series(series), *FIELDS, "legal_basis", "created")


@app.command()
def use(
    ctx: typer.Context,
    series: Series,
    subject: Annotated[str, typer.Argument(help="documents, or a register's id.")],
) -> Shown:
    """Say that the administration's documents, or a register, belong to the series from now on."""
    with connect(ctx) as client:
        return record(client.use_series(series, subject), *FIELDS)


@app.command()
def dpia(
    ctx: typer.Context,
    series: Series,
    file: Annotated[
        Path | None,
        typer.Option(
            help="Write the record from this JSON file; without it, print the newest.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    as_: Annotated[Format, typer.Option("--format", help="What is printed.")] = Format.MARKDOWN,
    lang: Annotated[Language, typer.Option(help="The Markdown's language.")] = Language.CA,
    out: Annotated[Path | None, typer.Option(help="The file; stdout unless said.", dir_okay=False)] = None,
) -> Shown:
    """Write the DPIA record of a series (art. 35 GDPR), or print it with the places of EDPB 02/2025 that it answers."""
    with connect(ctx) as client:
        if file is not None:
            try:
                content = json.loads(file.read_bytes())
            except ValueError as error:
                raise Unusable(f"{file} is no JSON: {error}") from None
            return record(client.write_dpia(series, content), "version", "written", "author")
        found = client.dpia(series, format=as_.value, lang=lang.value)
    if out is not None:
        files.write(out, found)
        return Shown({"file": str(out)}, f"wrote {out}")
    text = found.decode()
    return Shown(json.loads(text) if as_ is Format.JSON else {"markdown": text}, text)
