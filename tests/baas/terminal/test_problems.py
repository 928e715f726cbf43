from __future__ import annotations

import errno
from typing import get_args

import httpx2
import pytest

import cli
from baas import errors
from baas.administrations.model import AdministrationKind
from baas.api.problems import TABLE
from baas.client import ApiProblem
from baas.terminal.commands.administration import Kind
from baas.terminal.problems import NotLoggedIn, Unusable, told
from sandbox.errors import EngineError, SpecError

TOKEN = "baas_" + "x" * 43


@pytest.mark.parametrize(
    ("error", "ending"),
    [
        (ApiProblem(401, {}), "not_allowed"),
        (ApiProblem(403, {}), "not_allowed"),
        (ApiProblem(404, {}), "not_found"),
        (ApiProblem(410, {}), "not_found"),
        (ApiProblem(409, {}), "conflict"),
        (ApiProblem(422, {}), "refused"),
        (ApiProblem(500, {}), "failed"),
        (ApiProblem(503, {}), "failed"),
        (
            httpx2.ConnectError("refused", request=httpx2.Request("GET", "http://127.0.0.1:1/x")),
            "unreachable",
        ),
        (httpx2.ReadTimeout("", request=httpx2.Request("GET", "http://127.0.0.1:1/x")), "unreachable"),
        (NotLoggedIn("log in"), "not_allowed"),
        (Unusable("no"), "usage"),
        (errors.SettingsError("no"), "usage"),
        (errors.DataDirectoryLocked("/d", "process 1"), "conflict"),
        (errors.AlreadyInitialised("yes"), "conflict"),
        (errors.StoreTooNew("2", "1"), "failed"),
        (SpecError("no"), "refused"),
        (EngineError("no", "last\nmessages"), "refused"),
        (TimeoutError("not yet"), "conflict"),
        (PermissionError(errno.EACCES, "Permission denied", "/x"), "usage"),
        (ZeroDivisionError("x"), "failed"),
    ],
)
def test_each_error_has_its_ending_and_is_told_in_one_line(error: Exception, ending: str) -> None:
    found = told(error)
    assert found.ending == ending
    assert ending in cli.EXITS
    assert found.line
    assert "\n" not in found.line


def test_every_status_that_the_service_answers_has_an_ending() -> None:
    assert {told(ApiProblem(kind.status, {})).ending for kind in TABLE.values()} <= set(cli.EXITS)


def test_the_codes_are_distinct_and_stay_as_scripts_know_them() -> None:
    assert {name: code for name, (code, _) in cli.EXITS.items()} == {
        "ok": 0, "refused": 1, "usage": 2, "unreachable": 3, "not_allowed": 4, "not_found": 5, "conflict": 6,
        "failed": 7, "interrupted": 130,
    }  # fmt: skip


def test_what_was_expected_and_what_came_are_told_once() -> None:
    problem = {"detail": "/code: expected INE10, got '1'", "expected": "INE10", "got": "'1'"}
    assert told(ApiProblem(422, problem)).line == "/code: expected INE10, got '1'"
    assert told(ApiProblem(422, {"title": "No", "expected": "admin", "got": "auditor"})).line == (
        "No; expected admin; got auditor"
    )


def test_a_token_is_told_nowhere() -> None:
    for error in (ApiProblem(401, {"detail": f"no {TOKEN}"}), OSError(f"no {TOKEN}"), KeyError(TOKEN)):
        assert TOKEN[:12] not in told(error).line


def test_the_kinds_of_administration_are_those_of_the_model() -> None:
    assert set(get_args(Kind)) == set(AdministrationKind)
