"""Options that several commands share: where they stand on the command line, and that the command is given them whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer
from typer.testing import CliRunner

from baas.terminal.shared_options import with_options

Place = Annotated[str, typer.Option("--where", help="The place.")]


@dataclass(frozen=True)
class Visit:
    place: Place
    days: Annotated[int, typer.Option(help="How long.", max=9)] = 2


app = typer.Typer()


@app.command()
@with_options(Visit)
def go(visit: Visit, who: str, warm: bool = False) -> None:
    """Go there."""
    typer.echo(f"{visit} {who} {warm}")


def test_the_command_is_given_the_dataclass_with_its_defaults_and_what_was_said() -> None:
    run = CliRunner()
    assert run.invoke(app, ["anna", "--where", "Vic"]).output == "Visit(place='Vic', days=2) anna False\n"
    said = run.invoke(app, ["--days", "3", "--warm", "anna", "--where", "Olot"])
    assert said.output == "Visit(place='Olot', days=3) anna True\n"


def test_a_field_is_an_option_like_any_other() -> None:
    run = CliRunner()
    assert run.invoke(app, ["anna"]).exit_code == 2, "one without a default is required"
    assert run.invoke(app, ["anna", "--where", "Vic", "--days", "10"]).exit_code == 2


def test_fields_without_a_default_stand_first_and_the_others_last() -> None:
    command = typer.main.get_command(app)
    assert [each.name for each in command.params][:4] == ["place", "who", "warm", "days"]
    assert command.help == "Go there."
