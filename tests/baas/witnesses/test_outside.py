"""Witnesses elsewhere: the operator's file, and the one way out to them."""

from __future__ import annotations

import itertools
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from baas.errors import SettingsError
from baas.witnesses import outside as way
from baas.witnesses.outside import Asking, OutsideWitness, WitnessUnreachable, outside
from sandbox.evidence.cosignature import Cosigner
from sandbox.witness import SIZE, Answer
from tests.baas.witnesses.alone import answering

VERIFIER = Cosigner("witness.vila-b.example/w1", bytes(32)).verifier
GOOD = {"url": "https://witness.vila-b.example/w1/", "key": VERIFIER.vkey, "operator": "Vila B"}


def written(path: Path, *tables: dict[str, object]) -> Path:
    file = path / "witnesses.toml"
    lines = []
    for number, table in enumerate(tables):
        lines += [f"[w{number}]", *(f"{name} = {value!r}" for name, value in table.items())]
    file.write_text("\n".join(lines))
    return file


def test_the_operators_file(tmp_path: Path) -> None:
    assert outside(None) == {}
    found = outside(written(tmp_path, GOOD))
    assert found == {VERIFIER.name: OutsideWitness("https://witness.vila-b.example/w1", VERIFIER, "Vila B")}


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "ftp://x"},
        {"url": "https://user@x"},
        {"url": "https://x/?a=1"},
        {"url": "x"},
        {"key": "x"},
        {"key": "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"},
        {"operator": " "},
        {"operator": 1},
        {"more": "x"},
    ],
)
def test_what_is_wrong_in_it_is_named(tmp_path: Path, wrong: dict[str, object]) -> None:
    with pytest.raises(SettingsError, match=r"BAAS_WITNESSES_FILE, \[w0\]"):
        outside(written(tmp_path, GOOD | wrong))


def test_a_file_that_cannot_be_read_or_names_one_twice(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="TOML file of witnesses"):
        outside(tmp_path / "absent")
    with pytest.raises(SettingsError, match="there twice"):
        outside(written(tmp_path, GOOD, GOOD))


def witness(url: str) -> OutsideWitness:
    return OutsideWitness(url, VERIFIER, "Vila B")


def test_an_answer_comes_as_it_was_given() -> None:
    asked = []

    def answer(handler: BaseHTTPRequestHandler, body: bytes) -> None:
        asked.append((handler.path, body))
        handler.send_response(409)
        handler.send_header("Content-Type", SIZE)
        handler.send_header("Content-Length", "2")
        handler.end_headers()
        handler.wfile.write(b"7\n")

    with answering(answer) as url:
        asking = Asking()
        assert asking.ask(witness(f"{url}/w1"), b"old 0\n") == Answer(409, SIZE, "7\n")
        asking.close()
    assert asked == [("/w1/add-checkpoint", b"old 0\n")]


def _redirects(handler: BaseHTTPRequestHandler, _: bytes) -> None:
    handler.send_response(307)
    handler.send_header("Location", "http://127.0.0.1:1/elsewhere")
    handler.send_header("Content-Length", "0")
    handler.end_headers()


def _endless(handler: BaseHTTPRequestHandler, _: bytes) -> None:
    handler.send_response(200)
    handler.end_headers()
    handler.wfile.write(b"x" * (way.MOST_BYTES + 100_000))


def _binary(handler: BaseHTTPRequestHandler, _: bytes) -> None:
    handler.send_response(200)
    handler.end_headers()
    handler.wfile.write(b"\xff\xfe")


def test_a_redirect_is_an_answer_and_not_followed() -> None:
    with answering(_redirects) as url:
        asking = Asking()
        assert asking.ask(witness(url), b"").status == 307
        asking.close()


@pytest.mark.parametrize("misbehaving", [_endless, _binary])
def test_what_is_no_answer(misbehaving: object) -> None:
    with answering(misbehaving) as url:  # type: ignore[arg-type]
        asking = Asking()
        with pytest.raises(WitnessUnreachable):
            asking.ask(witness(url), b"")
        asking.close()


def test_an_answer_that_comes_too_late_is_cut() -> None:
    now = itertools.count(0, 20)  # each look at the clock finds it 20 s later

    def drips(handler: BaseHTTPRequestHandler, _: bytes) -> None:
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(b"x")

    with answering(drips) as url:
        asking = Asking(lambda: float(next(now)))
        with pytest.raises(WitnessUnreachable, match="not within"):
            asking.ask(witness(url), b"")
        asking.close()


def test_one_that_does_not_answer_rests_longer_each_time_and_holds_up_nobody() -> None:
    time, asked = [0.0], []

    def refuses(handler: BaseHTTPRequestHandler, _: bytes) -> None:
        asked.append(time[0])
        handler.close_connection = True

    with answering(refuses) as url:
        asking = Asking(lambda: time[0])
        for _ in range(40):
            with pytest.raises(WitnessUnreachable):
                asking.ask(witness(url), b"")
            time[0] += 0.25
        asking.close()
    assert len(asked) < 8
    pauses = [later - earlier for earlier, later in itertools.pairwise(asked)]
    assert pauses == sorted(pauses)
