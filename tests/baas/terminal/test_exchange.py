"""`baas exchange` as users meet it: an exchange service in a process of its own, a command in another, files in between."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from baas.protocols.pci.products import mux, padro
from tests.test_cli import Done, Shell, in_process

CODE = "9821920002"


@dataclass(frozen=True)
class Place:
    shell: Shell
    asked: list[str]
    root: list[str]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    home = tmp_path_factory.mktemp("exchange")
    may = [f"{CODE}:PADRO:{padro.RESIDENT}:PROVES", f"{CODE}:MUX:{mux.ENTRY}:PROVES"]
    command = [sys.executable, "-m", "baas.exchange_service", "--data", str(home / "service"), "--port", "0"]
    command += [argument for each in may for argument in ("--authorise", each)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as started:
        try:
            assert started.stdout is not None
            said = json.loads(started.stdout.readline())
            root = ["--root", said["roots"]]
            key = ["--key", str(Path(said["keys"]) / f"{CODE}.pem"), "--administration", CODE]
            yield Place(Shell(home), ["--url", said["url"], *root, *key], root)
        finally:
            started.terminate()
            started.wait(timeout=20)


@pytest.fixture
def here(
    place: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Done]:
    return in_process(place.shell, monkeypatch, capsys)


def test_a_resident_is_asked_for_and_the_evidence_checked_offline(
    place: Place, here: Callable[..., Done]
) -> None:
    shell, kept, sent = place.shell, place.shell.home / "evidence.xml", place.shell.home / "message.xml"
    made = shell.ok(
        "exchange", "submit", *place.asked, "--person", "nif:12344321Z", "--evidence", kept, "--message", sent
    )
    assert (made["state"], made["answers"], made["provider"]) == ("0003", 1, "embedded")
    assert "<p:codigoResultado>1<" in made["answer"]
    found = here("exchange", "verify", kept, *place.root, "--message", sent, "--json").json
    assert (found["organisation"], found["product"]) == (CODE, "PADRO RESIDENT")
    assert found["message"] == "matches"
    assert found["verifiable_until"] is not None
    other = shell.home / "other.xml"
    other.write_bytes(sent.read_bytes() + b"\n")
    done = here("exchange", "verify", kept, *place.root, "--message", other)
    assert done.code == 1
    assert "not of the message" in done.err


def test_many_are_left_and_fetched(place: Place, here: Callable[..., Done]) -> None:
    out = place.shell.home / "many"
    persons = ["--person", "nif:12344321Z", "--person", "nie:Z2757735Z", "--person", "passport:RA12345678"]
    left = here("exchange", "submit-async", *place.asked, *persons, "--json").json
    assert (left["elements"], left["state"]) == (3, "0001")
    again = [*place.asked, "--id", left["id"], "--count", "3", "--out", out]
    while (done := here("exchange", "fetch", *again, "--json")).code == 6:
        assert done.json["state"] in ("0001", "0002")
    assert done.code == 0, done.err
    assert done.json["answers"] == 3
    assert sorted(each.name for each in out.iterdir()) == ["1.xml", "2.xml", "3.xml"]
    evidence = here("exchange", "evidence", *again[:-1], place.shell.home / "evidence", "--json").json
    assert len(evidence["files"]) == 3
    for number, each in enumerate(evidence["files"], 1):
        done = here("exchange", "verify", each, *place.root, "--json")
        assert (done.code, done.json["element"]) == (0, str(number)), done.err


def test_what_can_be_asked(place: Place, here: Callable[..., Done]) -> None:
    found = here("exchange", "capabilities", *place.asked[:2], "--json").json
    assert "PADRO RESIDENT" in found["products"]
    assert "not verified against AOC's pre-production" in found["verified_against"]


@pytest.mark.long
@pytest.mark.parametrize(
    ("change", "said", "code"),
    [
        ({"--administration": "0801930008"}, "(ORGANISATION)", 1),
        ({"--purpose": "ALTRES"}, "(AUTHORISATION)", 1),
        ({"--key": "nothing.pem"}, "expected a certificate in PEM", 2),
        ({"--root": "nothing.pem"}, "expected certificates in PEM", 2),
        ({"--url": "https://127.0.0.1:1"}, "cannot be reached", 1),
        ({"--person": "dni:1"}, "expected nif, nie, passport", 2),
        ({"--modality": "TITULAR"}, "refused", 1),
    ],
    ids=str,
)
def test_a_mistake_is_told(
    place: Place, here: Callable[..., Done], change: dict[str, str], said: str, code: int
) -> None:
    home = place.shell.home
    (home / "nothing.pem").write_text("nothing\n", encoding="utf-8")
    arguments = [*place.asked, "--person", "nif:12344321Z"]
    for option, value in change.items():
        wrong = str(home / value) if value.endswith(".pem") else value
        if option in arguments:
            arguments[arguments.index(option) + 1] = wrong
        else:
            arguments += [option, wrong]
    done = here("exchange", "submit", *arguments, "--evidence", home / "none.xml")
    assert done.code == code, done.err
    assert said in done.err
    assert not (home / "none.xml").exists()
