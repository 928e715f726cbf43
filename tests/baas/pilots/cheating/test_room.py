"""The examining process: files in, answers out, and no socket whatever it does."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import baas
from baas.metrics import CHAIN, Attack
from baas.pilots.cheating import room
from baas.pilots.cheating.exhibits import Exhibit, Look, Seen
from baas.pilots.cheating.room import CHILD, ExaminationFailed, examined, look_at

ROOT = str(Path(baas.__path__[0]).parent)
#: A look that reaches out instead of looking.
REACHES = {
    "a connection": "socket.create_connection(('127.0.0.1', {port}), 1)",
    "a name": "socket.getaddrinfo('example.com', 80)",
    "a datagram": "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', {port}))",
    "a server of its own": "socket.socket(socket.AF_INET6)",
    "a local socket": "socket.socket(socket.AF_UNIX).connect('/run/some.sock')",
    "http": "__import__('urllib.request').request.urlopen('http://127.0.0.1:{port}/')",
}


def child(*statements: str) -> subprocess.CompletedProcess[str]:
    """The examining process, in which these statements are the look `reach`."""
    lines = [
        "import runpy, socket, sys",
        "from baas.pilots.cheating import looks",
        "def reach(files):",
        *(f"    {each}" for each in statements),
        "looks.KINDS['reach'] = reach",
        f"runpy.run_module({CHILD!r}, run_name='__main__')",
    ]
    task = json.dumps([{"kind": "reach", "files": {"a": base64.b64encode(b"b").decode()}}])
    environment = {"PYTHONPATH": os.pathsep.join([ROOT, *filter(None, sys.path)])}
    return subprocess.run(
        [sys.executable, "-P", "-c", "\n".join(lines)],
        input=task, capture_output=True, text=True, check=False, env=environment, timeout=60,
    )  # fmt: skip


@pytest.mark.parametrize("how", REACHES)
def test_an_examination_that_reaches_for_a_server_ends(how: str) -> None:
    ended = child(REACHES[how].format(port=9))
    assert ended.returncode
    assert "this process examines with every server off and may use no socket" in ended.stderr


def test_an_event_loop_which_only_wakes_itself_is_allowed() -> None:
    ended = child("import asyncio", "return asyncio.run(asyncio.sleep(0, 'seen'))")
    assert ended.returncode == 0, ended.stderr
    answer = json.loads(ended.stdout)
    assert answer["found"][0]["contradiction"] == "seen"
    assert answer["refused"].startswith("socket.")


def test_every_look_is_taken_in_its_order_with_its_own_files() -> None:
    wrong = Look(
        "verifier", "root.pem", "token_alone", {"root.pem": b"", "digest": bytes(32), "token.tsr": b""}
    )
    denied = Look("holder", "token.tsr", "token_denied", dict(wrong.files))
    with pytest.raises(ExaminationFailed, match="ended with 1"):  # a root that is none is no finding
        look_at([wrong, denied])
    receipt = Look("holder", "receipt.json", "receipt_and_kept", {"receipt.json": b"x", "shown.json": b"y"})
    found = look_at([receipt, receipt])
    assert len(found) == 2
    assert all(each.contradiction and each.seconds > 0 for each in found)
    assert look_at([]) == []


def test_an_unknown_look_gives_no_table_at_all() -> None:
    with pytest.raises(ExaminationFailed, match="KeyError: 'guess'"):
        look_at([Look("holder", "x", "guess", {})])


def test_a_process_that_does_not_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "PATIENCE", 0.01)
    with pytest.raises(ExaminationFailed, match="not done within"):
        look_at([Look("holder", "x", "receipt_and_kept", {})])


def test_the_first_who_notices_is_who_noticed_and_all_are_told() -> None:
    nothing = Seen("verifier", "trust.json", None, 0.1, without_operator=True)
    late = Seen("holder", "document.sha256", "another digest", 0.2, without_operator=False)
    later = Seen("third_party", "receipt.json", "and this", 0.3, without_operator=True)
    (trial,) = examined([Exhibit(CHAIN, Attack.REWRITE, 4, (nothing, late, later), "said anyway")])
    assert (trial.noticed_by, trial.with_file, trial.seconds, trial.number) == (
        "holder",
        "document.sha256",
        0.2,
        4,
    )
    assert not trial.without_operator
    assert trial.detail == (
        "verifier with trust.json: nothing; holder with document.sha256: another digest; "
        "third_party with receipt.json: and this; said anyway"
    )
    (trial,) = examined([Exhibit(CHAIN, Attack.NONE, 0, (nothing,))])
    assert (trial.noticed, trial.noticed_by, trial.seconds) == (False, "", None)
