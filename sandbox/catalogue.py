"""What may be deployed: templates, read from one TOML file each and checked against the compiled contract.

A file that says more or less than a template, or something that its contract does not do, raises
CatalogueError: none is skipped. Parameters are constructor arguments, never text put into Solidity.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from sandbox.artifacts import Artifact, data_directory, load_artifact
from sandbox.errors import CatalogueError, ParameterError, UnknownTemplate
from sandbox.parameters import DEPLOYER, TYPES, parse_value

LANGUAGES = ("ca", "es", "en")

#: A text in each of `LANGUAGES`.
Text = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One constructor argument: `default` is a value, or the word `deployer` for the deploying account."""

    name: str
    type: str
    position: int
    required: bool
    default: str | None
    text: Text


@dataclass(frozen=True, slots=True)
class Role:
    """A role of the contract, and the parameters whose accounts get it at deployment."""

    name: str
    granted_to: tuple[str, ...]
    text: Text


@dataclass(frozen=True, slots=True)
class Action:
    """A function that writes, and the role it asks for; None if it asks for none."""

    function: str
    role: str | None
    text: Text


@dataclass(frozen=True, slots=True)
class Template:
    """A deployable entry of the catalogue; `parameters` are in constructor order."""

    slug: str
    version: str
    contract: str
    title: Text
    summary: Text
    privacy_note: Text
    parameters: tuple[Parameter, ...]
    roles: tuple[Role, ...]
    actions: tuple[Action, ...]

    def artifact(self) -> Artifact:
        """The compiled contract."""
        return load_artifact(self.contract)

    def constructor_arguments(self, values: Mapping[str, str], *, deployer: str | None = None) -> list[Any]:
        """The constructor's arguments in order, as the ABI encoder takes them (addresses are 20 bytes).

        `values` are texts by parameter name, `deployer` the address that the word `deployer` stands for.
        Raises ParameterError.
        """
        names = [parameter.name for parameter in self.parameters]
        unknown = sorted(values.keys() - set(names))
        if unknown:
            raise ParameterError(
                f"template {self.slug}: expected the parameters {names}, got {unknown} besides"
            )
        return [_argument(self.slug, parameter, values, deployer) for parameter in self.parameters]


def _argument(slug: str, parameter: Parameter, values: Mapping[str, str], deployer: str | None) -> Any:
    what = f"template {slug}, parameter {parameter.name}"
    text = values.get(parameter.name, parameter.default)
    if text is None:
        raise ParameterError(f"{what}: expected {TYPES[parameter.type]}, got nothing")
    if text == DEPLOYER and parameter.type == "address":
        if deployer is None:
            raise ParameterError(f"{what}: expected an address, because no deploying account is known here")
        text = deployer
    try:
        return parse_value(parameter.type, text)
    except ValueError as error:
        raise ParameterError(f"{what}: {error}") from error


def templates() -> dict[str, Template]:
    """Every shipped template by its slug, in alphabetical order. Raises CatalogueError for a broken file."""
    return dict(_shipped())


@cache
def _shipped() -> dict[str, Template]:
    return load_templates(data_directory("templates"))


def template(slug: str) -> Template:
    """One shipped template. Raises UnknownTemplate."""
    found = templates()
    if slug not in found:
        raise UnknownTemplate(f"there is no template {slug!r}; there are: {', '.join(found)}")
    return found[slug]


def load_templates(directory: Path) -> dict[str, Template]:
    """The templates of a directory, by slug; a file's name is its slug."""
    return {path.stem: read_template(path) for path in sorted(directory.glob("*.toml"))}


def read_template(path: Path) -> Template:
    """One template file, checked whole against its contract. Raises CatalogueError that names the file."""
    try:
        found = _template(tomllib.loads(path.read_text(encoding="utf-8")))
        _expect_equal("slug, by the file's name", path.stem, found.slug)
        _compare_with_contract(found, found.artifact())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, CatalogueError) as error:
        raise CatalogueError(f"{path.name}: {error}") from error
    return found


def _template(table: dict[str, Any]) -> Template:
    keys = (
        "slug",
        "version",
        "contract",
        "title",
        "summary",
        "privacy_note",
        "parameters",
        "roles",
        "actions",
    )
    _expect_keys("template", table, keys)
    parameters = [_parameter(item) for item in _tables(table, "parameters")]
    return Template(
        slug=_string(table, "slug"),
        version=_string(table, "version"),
        contract=_string(table, "contract"),
        title=_text(table, "title"),
        summary=_text(table, "summary"),
        privacy_note=_text(table, "privacy_note"),
        parameters=tuple(sorted(parameters, key=lambda parameter: parameter.position)),
        roles=tuple(_role(item) for item in _tables(table, "roles")),
        actions=tuple(_action(item) for item in _tables(table, "actions")),
    )


def _parameter(table: dict[str, Any]) -> Parameter:
    _expect_keys("parameter", table, ("name", "type", "position", "required", "text"), ("default",))
    name, kind = _string(table, "name"), _string(table, "type")
    if kind not in TYPES:
        raise CatalogueError(f"parameter {name}: expected a type of {sorted(TYPES)}, got {kind!r}")
    if type(table["position"]) is not int or type(table["required"]) is not bool:
        raise CatalogueError(
            f"parameter {name}: expected a whole number as position and a truth value as required"
        )
    default = _string(table, "default") if "default" in table else None
    if table["required"] == (default is not None):
        raise CatalogueError(f"parameter {name}: expected either required = true or a default")
    if default is not None and not (default == DEPLOYER and kind == "address"):
        try:
            parse_value(kind, default)
        except ValueError as error:
            raise CatalogueError(f"parameter {name}, default: {error}") from error
    return Parameter(name, kind, table["position"], table["required"], default, _text(table, "text"))


def _role(table: dict[str, Any]) -> Role:
    _expect_keys("role", table, ("name", "granted_to", "text"))
    return Role(_string(table, "name"), _strings(table, "granted_to"), _text(table, "text"))


def _action(table: dict[str, Any]) -> Action:
    _expect_keys("action", table, ("function", "text"), ("role",))
    role = _string(table, "role") if "role" in table else None
    return Action(_string(table, "function"), role, _text(table, "text"))


def _compare_with_contract(found: Template, artifact: Artifact) -> None:
    """The template must say of its contract what the ABI says: all of it and nothing else."""
    expected = [(item["name"], item["type"]) for item in artifact.constructor_inputs()]
    _expect_equal(
        "the contract's constructor parameters",
        expected,
        [(item.name, item.type) for item in found.parameters],
    )
    _expect_equal("positions", list(range(len(expected))), [item.position for item in found.parameters])
    functions = [item for item in artifact.abi if item["type"] == "function"]
    writing = sorted(item["name"] for item in functions if item["stateMutability"] not in ("view", "pure"))
    _expect_equal(
        "the contract's writing functions", writing, sorted(action.function for action in found.actions)
    )
    of_contract = sorted(item["name"] for item in functions if item["name"].endswith("_ROLE"))
    names = [role.name for role in found.roles]
    _expect_equal("the contract's roles", of_contract, sorted(names))
    addresses = [parameter.name for parameter in found.parameters if parameter.type == "address"]
    for role in found.roles:
        if unknown := [name for name in role.granted_to if name not in addresses]:
            raise CatalogueError(f"role {role.name}: expected granted_to of {addresses}, got {unknown}")
    for action in found.actions:
        if action.role is not None and action.role not in names:
            raise CatalogueError(f"action {action.function}: expected a role of {names}, got {action.role!r}")


def _expect_equal(what: str, expected: Any, got: Any) -> None:
    if expected != got:
        raise CatalogueError(f"{what}: expected {expected!r}, the template says {got!r}")


def _expect_keys(what: str, table: Any, required: tuple[str, ...], optional: tuple[str, ...] = ()) -> None:
    if not isinstance(table, dict):
        raise CatalogueError(f"{what}: expected a table, got {table!r}")
    missing, unknown = set(required) - table.keys(), table.keys() - set(required) - set(optional)
    if missing or unknown:
        raise CatalogueError(f"{what}: missing keys {sorted(missing)}, unknown keys {sorted(unknown)}")


def _string(table: dict[str, Any], key: str) -> str:
    value = table[key]
    if not isinstance(value, str) or not value.strip():
        raise CatalogueError(f"{key}: expected a text, got {value!r}")
    return value


def _strings(table: dict[str, Any], key: str) -> tuple[str, ...]:
    """One text, or a list of different ones."""
    found = table[key] if isinstance(table[key], list) else [table[key]]
    if not found or not all(isinstance(each, str) and each.strip() for each in found):
        raise CatalogueError(f"{key}: expected a text or a list of texts, got {table[key]!r}")
    if len(set(found)) != len(found):
        raise CatalogueError(f"{key}: expected each once, got {found!r}")
    return tuple(found)


def _text(table: dict[str, Any], key: str) -> Text:
    _expect_keys(key, table[key], LANGUAGES)
    return {language: _string(table[key], language) for language in LANGUAGES}


def _tables(table: dict[str, Any], key: str) -> list[dict[str, Any]]:
    if not isinstance(table[key], list):
        raise CatalogueError(f"{key}: expected a list of tables, got {table[key]!r}")
    return list(table[key])
