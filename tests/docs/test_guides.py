"""The guides: their commands are run as they are written, their programs and tables are those of the product."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from baas.settings import Settings
from baas.wiring import Services
from tests.baas.conftest import Server, ShiftedClock, initialised_server
from tests.docs.test_readme import TREE, run

GUIDES = sorted((TREE / "docs" / "guides").glob("*.md"))
TOOLS = TREE / "docs" / "examples" / "tools"
OPERATORS = (TREE / "docs" / "guides" / "operators.md").read_text(encoding="utf-8")
#: Variables that an engine reads, not the service.
OF_ENGINES = {"BAAS_ANVIL", "BAAS_ENDPOINTS"}
#: A program in a guide: the file that it is, its language, its text.
PROGRAM = re.compile(r"<!-- (\S+) -->\n```\w+\n(.*?)```\n", re.DOTALL)


#: Guides whose commands are about the data directory itself; the others' go to a service that runs, which is faster.
ON_DATA = {"operators"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    clock = ShiftedClock()
    services = Services.build(Settings(data=tmp_path_factory.mktemp("guides") / "data", port=0), clock)
    services.start()
    with initialised_server(services, clock) as started:
        yield started
    services.stop()


@pytest.mark.manual
@pytest.mark.timeout(300)
@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.stem)
def test_its_commands_do_what_they_say(guide: Path, tmp_path: Path, server: Server) -> None:
    (tmp_path / "docs").symlink_to(TREE / "docs")
    text = guide.read_text(encoding="utf-8").replace("9999990001", f"999999{GUIDES.index(guide) + 10:04}")
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    assert blocks
    (tmp_path / f"build/guide-{guide.stem}").mkdir(parents=True)
    place = {} if guide.stem in ON_DATA else {"BAAS_URL": server.url, "BAAS_TOKEN": server.operator_token}
    done = run(["bash", "-euo", "pipefail"], tmp_path, "\n".join(blocks), **place)
    assert done.returncode == 0, done.stderr + done.stdout


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.stem)
def test_it_has_a_summary_in_catalan_and_links_to_what_is_there(guide: Path) -> None:
    text = guide.read_text(encoding="utf-8")
    assert re.match(r"# .+\n\n> \*\*Resum\.\*\* ", text)
    for target in re.findall(r"\]\(([^)#:]+)[^)]*\)", text):
        assert (guide.parent / target).exists(), target


def test_the_programs_are_the_files_that_the_tools_are_tested_with() -> None:
    text = (TREE / "docs" / "guides" / "tools.md").read_text(encoding="utf-8")
    shown = dict(PROGRAM.findall(text))
    assert shown == {
        str(path.relative_to(TOOLS)): path.read_text(encoding="utf-8")
        for path in TOOLS.rglob("*")
        if path.suffix in {".py", ".mjs", ".sh", ".ts"}
    }


def rows(heading: str) -> dict[str, list[str]]:
    """The table below a heading: the first cell's code, and the other cells."""
    section = OPERATORS.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    lines = [line.split(" | ") for line in section.splitlines() if line.startswith("| `")]
    return {line[0].strip("| `"): [cell.strip(" |") for cell in line[1:]] for line in lines}


def test_every_setting_is_in_the_table_as_it_is() -> None:
    expected = {}
    for name, field in Settings.model_fields.items():
        default = f"`{field.default}`" if field.default is not None else "none"
        if isinstance(field.default, bool):
            default = default.lower()
        if field.default_factory is not None:
            default = "`~/.local/share/baas-sandbox`"
        expected[f"BAAS_{name.upper()}"] = [default, str(field.description)]
    found = rows("Settings")
    assert {name: cells for name, cells in found.items() if name not in OF_ENGINES} == expected
    assert set(found) - set(expected) == OF_ENGINES


def test_every_metric_is_in_the_table(server: Server) -> None:
    said = dict(re.findall(r"^# HELP (\w+) (.+)$", server.services.telemetry.text().decode(), re.MULTILINE))
    shown = {name: cells[0].partition(", by ")[0] for name, cells in rows("Metrics").items()}
    names = {name.removesuffix("_total").removesuffix("_created"): text for name, text in said.items()}
    assert shown == {name: text.partition(", by ")[0] for name, text in names.items()}


def test_the_example_of_endpoints_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sandbox.engines.remote import endpoints

    (tmp_path / "besu-lab").write_text("Bearer x")
    (example,) = re.findall(r"```toml\n(.*?)```", OPERATORS, re.DOTALL)
    path = tmp_path / "endpoints.toml"
    path.write_text(example.replace("/etc/baas", str(tmp_path)))
    assert endpoints(path)["besu-lab"].authorization == "Bearer x"


def test_the_example_of_witnesses_elsewhere_is_one(tmp_path: Path) -> None:
    from baas.witnesses.outside import outside

    text = (TREE / "docs" / "guides" / "witnesses.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    path = tmp_path / "witnesses.toml"
    path.write_text(example)
    assert [each.operator for each in outside(path).values()] == ["Ajuntament de Vila B (fictici)"]


def test_the_numbers_of_operators_are_those_that_the_verification_says() -> None:
    from sandbox.evidence.collusion import operators_who_must_collude

    text = (TREE / "docs" / "guides" / "witnesses.md").read_text(encoding="utf-8")
    table = re.findall(r"^\| (\d+) \| (\d+) \| (\d+)", text, re.MULTILINE)
    assert len(table) == 5
    for witnesses, threshold, said in ((int(a), int(b), int(c)) for a, b, c in table):
        towns = [f"vila {number}" for number in range(witnesses)]
        assert operators_who_must_collude("plataforma", threshold, towns) == said
