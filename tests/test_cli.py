"""The command line as its users meet it: child processes, a real service, real files."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

import cli
from baas.receipts import Format
from baas.terminal import running, session
from baas.terminal.commands.receipt import FORMATS
from baas.terminal.manual import pages
from baas.texts import text
from sandbox.evidence import qr
from tests.sandbox.evidence import hand_overs

ROOT = Path(__file__).parents[1]
CODE = "9999990001"


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        assert self.out.count("\n") == 1, f"expected one JSON document, got {self.out!r} {self.err}"
        return json.loads(self.out)


@dataclass
class Shell:
    """A user's terminal: a home of its own, and `baas` in it."""

    home: Path
    environ: dict[str, str] = field(default_factory=dict)

    @property
    def login(self) -> Path:
        return self.home / "config" / "baas-sandbox" / "login.json"

    def start(self, *arguments: object, **environ: str) -> subprocess.Popen[str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("BAAS_", "XDG_"))}
        own = {"XDG_CONFIG_HOME": str(self.home / "config"), "PYTHONPATH": str(ROOT)}
        return subprocess.Popen(
            [sys.executable, "-m", "cli", *map(str, arguments)],
            env=kept | own | self.environ | environ,
            cwd=self.home,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def baas(self, *arguments: object, stdin: str = "", **environ: str) -> Done:
        with self.start(*arguments, **environ) as process:
            out, err = process.communicate(stdin, timeout=60)
        return Done(process.returncode, out, err)

    def ok(self, *arguments: object) -> Any:
        """What a command that must succeed writes with --json."""
        done = self.baas(*arguments, "--json")
        assert done.code == 0, done.err
        return done.json


def serving(shell: Shell, data: Path, *options: object) -> tuple[subprocess.Popen[str], dict[str, Any]]:
    """A child that serves, and the document that it wrote when it was ready."""
    process = shell.start("--data", data, "serve", "--port", "0", "--json", *options)
    assert process.stdout is not None
    readable, _, _ = select.select([process.stdout], [], [], 60)
    line = process.stdout.readline() if readable else ""
    if not line:
        process.kill()
        raise AssertionError(f"the service did not start: {process.communicate()[1]}")
    return process, json.loads(line)


def stopped(process: subprocess.Popen[str], number: int) -> Done:
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    return Done(process.returncode, out, err)


@dataclass
class World:
    """A service in a child, its operator's terminal, and one of a developer with a chain and both templates."""

    operator: Shell
    developer: Shell
    data: Path
    url: str
    chain: dict[str, Any]
    deployments: dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    base = tmp_path_factory.mktemp("cli")
    (base / "operator").mkdir()
    (base / "developer").mkdir()
    data = base / "data"
    operator = Shell(base / "operator")
    process, ready = serving(operator, data, "--init")
    try:
        operator.environ = {"BAAS_URL": ready["url"], "BAAS_TOKEN": ready["token"]}
        assert (
            operator.ok("administration", "create", CODE, "Vilafictícia", "--kind", "ajuntament")["code"]
            == CODE
        )
        roles = ["--role", "admin", "--role", "developer", "--role", "auditor"]
        member = operator.ok("member", "create", CODE, "Secretaria", *roles)
        token = operator.ok("token", "create", "cli", "--for", member["id"])["token"]
        developer = Shell(base / "developer")
        logged_in = developer.baas("login", ready["url"], "--token-stdin", "--json", stdin=f"{token}\n")
        assert logged_in.code == 0, logged_in.err
        assert token not in logged_in.out + logged_in.err
        chain = developer.ok("chain", "create", CODE, "Prova")
        slugs = ("document-notary", "hash-registry")
        deployments = {slug: developer.ok("deploy", chain["id"], slug) for slug in slugs}
        yield World(operator, developer, data, ready["url"], chain, deployments)
    finally:
        done = stopped(process, signal.SIGTERM)
    assert (done.code, done.out) == (0, ""), done.err
    assert "Traceback" not in done.err
    assert "baas_" not in done.err


def in_process(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Done]:
    """`baas` as a shell's user, in this process: quicker than a child, where the difference does not matter."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(shell.home / "config"))
    monkeypatch.chdir(shell.home)

    def run(*arguments: object, **environ: str) -> Done:
        with monkeypatch.context() as now:
            now.setattr(sys, "argv", ["baas", *map(str, arguments)])
            for name, value in environ.items():
                now.setenv(name, value)
            with pytest.raises(SystemExit) as end:
                cli.main()
        out, err = capsys.readouterr()
        return Done(end.value.code if isinstance(end.value.code, int) else 0, out, err)

    return run


@pytest.fixture
def here(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Done]:
    return in_process(world.developer, monkeypatch, capsys)


# -- the whole way ---------------------------------------------------------------------------------


def test_files_are_notarised_and_verified_offline(
    world: World, here: Callable[..., Done], tmp_path: Path
) -> None:
    good, other = tmp_path / "acta.pdf", tmp_path / "ban.pdf"
    good.write_bytes(b"%PDF-1.7 acta")
    other.write_bytes(b"%PDF-1.7 ban")
    done = world.developer.baas("notarise", good, other, "--out", tmp_path / "receipts", "--json")
    assert done.code == 0, done.err
    assert [Path(item["receipt"]).name for item in done.json["items"]] == [
        "acta.pdf.receipt.json",
        "ban.pdf.receipt.json",
    ]
    here("trust", "export", CODE, "--out", tmp_path / "trust.json")
    receipt = tmp_path / "receipts" / "acta.pdf.receipt.json"

    passed = world.developer.baas("verify", good, receipt, "--trust", tmp_path / "trust.json")
    assert passed.code == 0, passed.err
    assert re.search(r"^ 1 document-digest +passed", passed.out, re.MULTILINE)
    assert re.search(r"^10 anchored-root +passed", passed.out, re.MULTILINE)
    for language in ("ca", "es", "en"):
        said = world.developer.baas(
            "verify", good, receipt, "--trust", tmp_path / "trust.json", "--lang", language
        )
        assert said.code == 0
        assert text("evidence.proven.document.exact", language) in said.out
        assert text("evidence.limit.content", language) in said.out

    wrong = world.developer.baas("verify", other, receipt, "--trust", tmp_path / "trust.json", "--json")
    assert wrong.code == 1
    assert (wrong.json["ok"], wrong.json["failed_step"]) == (False, "document-digest")

    receipt.write_bytes(receipt.read_bytes()[:-1])
    broken = world.developer.baas("verify", good, receipt, "--trust", tmp_path / "trust.json")
    assert (broken.code, broken.out) == (1, "")
    assert broken.err.startswith("baas: receipt: expected canonical JSON")


def test_verify_opens_no_socket_and_loads_neither_service_nor_chain(
    here: Callable[..., Done], tmp_path: Path
) -> None:
    document = tmp_path / "acta.pdf"
    document.write_bytes(b"%PDF-1.7 offline")
    assert here("notarise", document).code == 0
    here("trust", "export", CODE, "--out", tmp_path / "trust.json")
    program = """
import json, sys
def no_network(event, arguments):
    if event.startswith("socket."):
        raise PermissionError(event)
sys.addaudithook(no_network)
import cli
try:
    cli.main()
except SystemExit as end:
    heavy = {"web3", "eth", "fastapi", "sqlalchemy", "sqlmodel", "httpx2", "baas", "starlette", "uvicorn"}
    print(json.dumps([end.code, sorted({name.partition(".")[0] for name in sys.modules} & heavy)]), file=sys.stderr)
"""
    receipt = tmp_path / "acta.pdf.receipt.json"
    for file, code in ((document, 0), (receipt, 1)):
        done = subprocess.run(
            [
                sys.executable,
                "-c",
                program,
                "verify",
                file,
                receipt,
                "--trust",
                tmp_path / "trust.json",
                "--json",
            ],
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        assert json.loads(done.stderr) == [code, []]
        assert json.loads(done.stdout)["ok"] is (code == 0)


def test_the_evidence_of_a_hand_over_is_verified_between_the_bodies_that_are_named(
    here: Callable[..., Done], tmp_path: Path
) -> None:
    prover = hand_overs.Prover()
    for name, content in (
        ("act.txt", b"act"),
        ("hand-over.json", prover.evidence().to_bytes()),
        ("half.json", prover.evidence(*prover.evidence().steps[:2]).to_bytes()),
        ("trust.json", prover.trust().to_bytes()),
    ):
        (tmp_path / name).write_bytes(content)
    first, second, third = (
        each.account.address for each in (hand_overs.FIRST, hand_overs.SECOND, hand_overs.THIRD)
    )

    def verify(evidence: str, by: str | None, to: str | None, file: str = "act.txt", *more: str) -> Done:
        named = [*(("--offered-by", by) if by else ()), *(("--offered-to", to) if to else ()), *more]
        trust = tmp_path / "trust.json"
        return here("verify", tmp_path / file, tmp_path / evidence, "--trust", trust, *named, "--json")

    good = verify("hand-over.json", first, second)
    assert (good.code, good.json["ok"], "log" in good.json["layers"]) == (0, True, False)
    assert verify("hand-over.json", first.lower(), second.lower()).code == 0
    for evidence, by, to, file, step in (
        ("hand-over.json", first, third, "act.txt", "signatures"),
        ("hand-over.json", second, first, "act.txt", "signatures"),
        ("half.json", first, second, "act.txt", "final"),
        ("hand-over.json", first, second, "trust.json", "act-digest"),
    ):
        refused = verify(evidence, by, to, file)
        assert (refused.code, refused.json["failed_step"]) == (1, step)
    for by, to in ((None, None), (first, None), (None, second), (first, "0x12"), (first, first)):
        assert verify("hand-over.json", by, to).code == 2
    assert verify("trust.json", first, second).code == 2  # no hand-over has two bodies there
    for more in (("--policy", "log-only"), ("--as-of", "2026-06-01")):
        assert verify("hand-over.json", first, second, "act.txt", *more).code == 2  # these judge receipts


def test_a_register_goes_from_csv_to_a_rows_receipt(
    world: World, here: Callable[..., Done], tmp_path: Path
) -> None:
    csv = tmp_path / "decrets.csv"
    csv.write_text("numero;titol\n2024/0001;Un\n2024/0002;Dos\n")
    opened = here("register", "create", CODE, "Decrets", "--key", "numero", "--csv", csv, "--json").json
    assert opened["columns"] == ["numero", "titol"]
    register = opened["id"]
    assert world.developer.ok("register", "append", register, csv) == {
        "created": 2,
        "amended": 0,
        "unchanged": 0,
    }
    csv.write_text("numero;titol\n2024/0001;Un, esmenat\n2024/0002;Dos\n")
    assert here("register", "append", register, csv, "--json").json == {
        "created": 0,
        "amended": 1,
        "unchanged": 1,
    }
    assert here("register", "checkpoint", register, "--json").json["checkpoint"]["size"] == 4
    assert CODE in here("register", "checkpoint", register).out
    for version, title in ((None, "Un, esmenat"), (1, "Un")):
        chosen = ["--version", version] if version else []
        proof = here("register", "prove", register, "2024/0001", "--out", tmp_path, *chosen, "--json").json
        row = Path(proof["row"])
        assert row.name == "2024-0001.row.json"
        assert json.loads(row.read_bytes()) == {"numero": "2024/0001", "titol": title}
        here("trust", "export", CODE, "--out", tmp_path / "trust.json")
        checked = here("register", "verify", row, proof["receipt"], "--trust", tmp_path / "trust.json")
        assert checked.code == 0, checked.err
        row.write_text(json.dumps({"titol": title, "numero": "2024/0001"}, indent=1))
        assert here("register", "verify", row, proof["receipt"], "--trust", tmp_path / "trust.json").code == 0
        row.write_text(json.dumps({"titol": title, "numero": "2024/0003"}))
        forged = here(
            "register", "verify", row, proof["receipt"], "--trust", tmp_path / "trust.json", "--json"
        )
        assert (forged.code, forged.json["failed_step"]) == (1, "document-digest")
    proof = here(
        "register", "prove", register, "2024/0002", "--format", "cose", "--out", tmp_path, "--json"
    ).json
    assert Path(proof["receipt"]).name == "2024-0002.receipt.cose"
    row_and_receipt = (proof["row"], proof["receipt"], "--trust", tmp_path / "trust.json")
    assert here("register", "verify", *row_and_receipt, "--policy", "log-only").code == 0
    assert here("register", "verify", *row_and_receipt).code == 1
    assert here("register", "verify", *row_and_receipt, "--policy", ",").code == 2
    assert register in here("register", "list").out
    assert here("register", "show", register, "--json").json["accepted"] == 4
    csv.write_text("numero;titol\n2024/0001\n")
    assert here("register", "append", register, csv).code == 2


@pytest.mark.long
def test_a_pilot_goes_from_plan_to_report(world: World, here: Callable[..., Done], tmp_path: Path) -> None:
    plan = tmp_path / "plan.toml"
    plan.write_text(
        'problem = "la constància dels decrets d\'un ajuntament fictici"\n'
        'hypothesis = "La cadena dona evidència tan aviat com un segell de temps."\n'
        'alternative = "Un segell de temps pot ser suficient: és la hipòtesi nul·la."\n'
        "mid = 2.0\npairs = 6\ninterval = 0.02\nseed = 7\n"
    )
    draft = here("pilot", "create", CODE, plan, "--title", "Prova", "--json").json
    pilot = draft["id"]
    assert here("pilot", "run", pilot).code == 6  # not frozen yet
    assert here("pilot", "freeze", pilot, "--json").json["plan_sha256"] == draft["plan_sha256"]
    assert here("pilot", "run", pilot, "--json").json["state"] == "measured"
    verdict = here("pilot", "evaluate", pilot, "--json").json["verdict"]
    assert verdict
    assert here("pilot", "decide", pilot, "scale", "--reason", "Ho volem a tot arreu de seguida.").code != 0
    reason = "El segell de temps ja dona el que cal."
    assert here("pilot", "decide", pilot, "stop_learned", "--reason", reason).code == 0
    report, receipt = tmp_path / "report.json", tmp_path / "report.receipt.json"
    assert here("pilot", "report", pilot, "--out", report, "--receipt", receipt).code == 0
    here("trust", "export", CODE, "--out", tmp_path / "trust.json")
    assert here("verify", report, receipt, "--trust", tmp_path / "trust.json").code == 0
    assert here("pilot", "report", pilot, "--out", tmp_path / "report.html").code == 0
    assert (tmp_path / "report.html").read_bytes().startswith(b"<!DOCTYPE html>")
    assert verdict in here("pilot", "list").out
    plan.write_text("pairs = [")
    assert here("pilot", "create", CODE, plan, "--title", "Prova").code == 2


# -- chains ----------------------------------------------------------------------------------------


def test_a_chains_state_is_recorded_restored_cloned_exported_and_brought_in(
    world: World, here: Callable[..., Done], tmp_path: Path
) -> None:
    chain = here("chain", "create", CODE, "Estats", "--json").json["id"]
    taken = here("snapshot", "take", chain, "inici", "--json").json
    assert here("snapshot", "list", chain, "--json").json["items"] == [taken]
    assert here("snapshot", "verify", chain, "inici", "--json").json["holds"] is True
    assert here("snapshot", "restore", chain, "inici").code == 2  # there is no terminal to ask on
    assert here("snapshot", "restore", chain, "inici", "--yes", "--json").json["branch"] == 1
    assert here("chain", "clock", chain, "--move", 60, "--json").json == {"acts": 1, "offset_ms": 60_000}
    acts = [each["act"] for each in here("chain", "operations", chain, "--json").json["items"]]
    assert acts == ["clock.move", "snapshot.restore", "snapshot.take"]
    clone = here("chain", "clone", chain, "Còpia", "--snapshot", "inici", "--json").json
    assert clone["parent"]["number"] == 0
    archive = tmp_path / "cadena.zip"
    assert here("chain", "export", chain, archive, "--json").json["bytes"] == archive.stat().st_size
    assert here("chain", "export", chain, archive).code == 2  # it is there already
    same = here("chain", "import", CODE, "Aquí", archive)
    assert (same.code, "--as-clone" in same.err) == (6, True)
    assert here("chain", "import", CODE, "Aquí", archive, "--as-clone", "--json").json["parent"] is not None
    assert here("snapshot", "remove", chain, "inici", "--json").json == {"removed": "inici"}
    assert here("snapshot", "verify", chain, "inici").code == 5


def test_a_chain_is_called_stopped_started_and_deleted(world: World, here: Callable[..., Done]) -> None:
    chain = here("chain", "create", CODE, "Passatgera", "--json").json["id"]
    assert here("chain", "rpc", chain, "eth_chainId").out.startswith("0x")
    nobody = "0x" + "00" * 19 + "01"
    assert here("chain", "rpc", chain, "eth_getBalance", nobody, "latest").out == "0x0\n"
    refused = here("chain", "rpc", chain, "eth_sign", nobody, "0x00", "--json")
    assert refused.code == 1
    assert refused.json["error"]["code"] == -32604  # Besu: Method not enabled
    assert here("chain", "stop", chain, "--json").json["desired"] == "stopped"
    assert here("chain", "rpc", chain, "eth_chainId").code == 6
    assert here("chain", "start", chain, "--json").json["observed"] == "running"
    assert here("chain", "show", chain, "--json").json["head"]["number"] == 0
    assert chain in here("chain", "list").out
    unasked = world.developer.baas("chain", "delete", chain)
    assert (unasked.code, "--yes" in unasked.err) == (2, True)
    assert here("chain", "delete", chain, "--yes").code == 0
    assert here("chain", "show", chain).code == 5
    assert chain not in here("chain", "list").out


def test_the_web3_snippet_runs_as_it_is_printed(
    world: World, here: Callable[..., Done], tmp_path: Path
) -> None:
    """As far as the refusal of a key that nobody has let in; the other tools and the rest: tests/tools."""
    shown = here("chain", "rpc", world.chain["id"], "--json").json
    for title in ("web3.py", "ethers 6", "viem 2", "cast", "Hardhat 3 (hardhat.config.ts)"):
        assert shown["url"] in shown["snippets"][title]
        assert str(shown["chain_id"]) in shown["snippets"][title]
    (tmp_path / "HashRegistry.json").write_text(here("template", "artifact", "hash-registry").out)
    token = json.loads(world.developer.login.read_bytes())["tokens"][world.url]
    done = subprocess.run(
        [sys.executable, "-c", shown["snippets"]["web3.py"]],
        env={"PATH": os.environ["PATH"], "BAAS_TOKEN": token, "SANDBOX_KEY": "0x" + "11" * 32},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "Sender account not authorized to send transactions" in done.stderr
    assert "how_to_ask" in done.stderr


def test_a_wallets_url_opens_the_chain_and_nothing_else(world: World, here: Callable[..., Done]) -> None:
    import httpx2

    shown = here("chain", "rpc", world.chain["id"], "--wallet", "--days", 1, "--json").json
    call = {"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": []}
    answer = httpx2.post(shown["wallet_url"], json=call).json()
    assert int(answer["result"], 16) == world.chain["chain_id"]
    token = shown["wallet_url"].rpartition("/")[2]
    assert here("chain", "list", BAAS_URL=world.url, BAAS_TOKEN=token).code == 4


def test_the_administrators_address_and_its_token(world: World, here: Callable[..., Done]) -> None:
    import httpx2

    chain = world.chain["id"]
    shown = here("chain", "rpc", chain, "--wallet", "--admin", "--json").json
    assert shown["url"].endswith(f"/rpc-admin/{chain}")
    call = {"jsonrpc": "2.0", "id": 1, "method": "evm_revert", "params": ["0xffff"]}
    assert httpx2.post(shown["wallet_url"], json=call).json()["result"] is False
    public = httpx2.post(shown["wallet_url"].replace("rpc-admin", "rpc"), json=call)
    assert public.status_code == 401
    assert here("chain", "rpc", chain, "evm_revert", "0xffff").code == 1
    assert here("chain", "rpc", "--admin", chain, "evm_revert", "0xffff").out.strip() == "false"


def test_the_faucet_gives_and_says_what_it_is_worth(world: World, here: Callable[..., Done]) -> None:
    chain, address = world.chain["id"], f"0x{'4' * 40}"
    given = here("chain", "faucet", chain, address, "--ether", "0.25")
    assert "worth nothing" in given.err
    assert address in given.out
    assert here("chain", "rpc", chain, "eth_getBalance", address).out.strip() == hex(10**18 // 4)
    assert here("chain", "faucet", chain, address, "--ether", "1001").code != 0


def test_accounts_and_the_allowlist(world: World, here: Callable[..., Done]) -> None:
    chain = world.chain["id"]
    address = here("account", "create", chain, "tecnic", "--json").json["address"]
    assert address in here("account", "list", chain).out
    given = here(
        "allowlist", "add", chain, address, "--selector", "notarise(bytes32)", "--max-value", 0,
        "--target", address, "--until", "2099-12-31", "--json",
    ).json  # fmt: skip
    assert (given["act"], given["role"], given["max_value"], given["target"]) == (
        "send",
        "enabled",
        "0",
        address,
    )
    assert (given["selector"], given["expires"]) == ("0xe7e9f385", 4102444800)
    assert here("allowlist", "add", chain, address, "--act", "deploy").code == 0
    assert given in here("allowlist", "list", chain, "--json").json["items"]
    assert here("allowlist", "remove", chain, address, "--act", "deploy").code == 0
    assert here("allowlist", "remove", chain, given["id"]).code == 0
    assert address not in here("allowlist", "list", chain).out
    assert here("allowlist", "remove", chain, given["id"]).code == 5
    for wrong in ("2099-13-01", "tomorrow", "2099-12-31T10:00"):
        assert here("allowlist", "add", chain, address, "--until", wrong).code == 2
    assert here("account", "create", chain, "tecnic").code in (1, 6)


def test_a_key_comes_in_goes_out_sends_and_is_replaced(
    world: World, here: Callable[..., Done], tmp_path: Path
) -> None:
    from eth_account import Account

    chain = world.chain["id"]
    key, password, out = tmp_path / "key", tmp_path / "password", tmp_path / "out.json"
    key.write_text("0x" + "48" * 32 + "\n")
    password.write_text("una contrasenya llarga\n")
    address = here("account", "import", chain, "portat", key, "--json").json["address"]
    exported = here("account", "export", chain, "portat", "--password-file", password, "--out", out)
    assert (exported.code, exported.err, stat.S_IMODE(out.stat().st_mode)) == (0, "", 0o600)
    assert Account.decrypt(out.read_text(), "una contrasenya llarga") == b"\x48" * 32
    assert here("account", "export", chain, "portat", stdin="x").code == 2  # nobody to ask, and none given
    again = here("account", "import", chain, "altre", out, "--password-file", password)
    assert again.code != 0
    assert "a key is used once" in again.err

    assert here("allowlist", "add", chain, address).code == 0
    sent = [
        here("chain", "send", chain, "portat", "--to", address, "--key", "once", "--json").json
        for _ in range(2)
    ]
    assert sent[0] == sent[1]
    notary = world.deployments["document-notary"]
    call = here(
        "chain", "send", chain, "anchoring", "notarise", "0x" + "cd" * 32, "--to", notary["address"], "--json"
    )
    assert call.json["hash"].startswith("0x")

    rotated = here("account", "rotate", chain, "portat", "--json").json
    assert rotated["old"] == address.lower()
    (shown,) = (
        each for each in here("account", "list", chain, "--json").json["items"] if each["label"] == "portat"
    )
    assert [each["state"] for each in shown["keys"]] == ["retired", "current"]


def test_a_refusal_is_explained_asked_about_and_decided(world: World, here: Callable[..., Done]) -> None:
    chain, address = world.chain["id"], "0x00000000000000000000000000000000000A11Ce"
    call = ("--from", address, "--to", address, "--data", "0x11223344")
    told = here("chain", "explain", chain, *call)
    assert told.code == 1
    assert "failed       sender-allowlist" in told.out
    assert "not reached  nonce" in told.out
    assert "baas_requestAccess" in told.out
    asked = here(
        "access", "request", chain, address, "--target", address, "--message", "per a la prova", "--json"
    ).json
    assert (asked["state"], asked["act"]) == ("open", "send")
    assert "per a la prova" in here("access", "list", chain, "--state", "open").out
    accepted = here("access", "accept", chain, asked["id"], "--selector", "0x11223344", "--json").json
    assert accepted["state"] == "accepted"
    allowed = here("chain", "explain", chain, *call, "--json")
    assert (allowed.code, allowed.json["permission"]) == (0, accepted["permission"])
    assert here("access", "accept", chain, asked["id"]).code == 6
    again = here("access", "request", chain, address, "--json").json
    assert (
        here("access", "reject", chain, again["id"], "massa ampli", "--json").json["reason"] == "massa ampli"
    )
    assert here("chain", "refusals", chain).code == 0
    assert (
        "RULE" in here("chain", "refusals", chain, "--summary").out
        or "none" in here("chain", "refusals", chain).out
    )
    assert here("chain", "explain", chain).code == 1
    assert here("chain", "explain", chain, "--raw", "0x00", "--json").json["rule"] == "transaction-type"


def test_templates_engines_and_a_parameter_that_does_not_hold(
    world: World, here: Callable[..., Done]
) -> None:
    assert {item["slug"] for item in here("template", "list", "--json").json["items"]} >= set(
        world.deployments
    )
    assert "--set admin=…" in here("template", "show", "document-notary").out
    assert "BODY_ROLE, given to firstBody, secondBody: " in here("template", "show", "hand-over").out
    assert here("template", "show", "absent").code == 5
    assert here("template", "artifact", "document-notary", "--json").json["contractName"] == "DocumentNotary"
    assert here("template", "artifact", "absent").code == 5
    assert "embedded" in here("engine", "list").out
    refused = here("deploy", world.chain["id"], "document-notary", "--set", "admin=me")
    assert (refused.code, "admin" in refused.err) == (1, True)


# -- who may, and what goes wrong ------------------------------------------------------------------


def test_tokens_mandates_and_members(world: World, here: Callable[..., Done]) -> None:
    provider = world.operator.ok(
        "administration", "create", "9999990002", "Diputació fictícia", "--kind", "diputacio"
    )
    granted = here(
        "mandate", "grant", CODE, provider["code"], "--role", "developer", "--days", "30", "--json"
    ).json
    assert granted["roles"] == ["developer"]
    assert here("mandate", "revoke", CODE, granted["id"]).code == 0
    assert here("mandate", "list", CODE, "--json").json["items"][0]["revoked"]
    assert "Secretaria" in here("member", "list", CODE).out
    token = here("token", "create", "passatger", "--days", "1", "--json").json
    environ = {"BAAS_URL": world.url, "BAAS_TOKEN": token["token"]}
    assert here("chain", "list", **environ).code == 0
    assert here("token", "revoke", token["id"]).code == 0
    assert here("chain", "list", **environ).code == 4
    listed = here("token", "list", "--administration", CODE, "--json").json["items"]
    assert token["id"] in [each["id"] for each in listed]
    assert "token" not in listed[0]


def test_a_wrong_token_a_missing_role_and_an_absent_object(world: World, here: Callable[..., Done]) -> None:
    wrong = world.developer.baas("chain", "list", "--json", BAAS_URL=world.url, BAAS_TOKEN=f"baas_{'x' * 43}")
    assert (wrong.code, wrong.json["exit_code"], wrong.json["problem"]["status"]) == (4, 4, 401)
    assert len(wrong.err.splitlines()) == 1
    assert "log in again" in wrong.err
    missing = here("administration", "create", "9999990003", "x")
    assert (missing.code, "operator" in missing.err) == (4, True)
    assert here("chain", "show", "01ARZ3NDEKTSV4RRFFQ69G5FAV").code == 5
    invalid = here("administration", "create", "123", "x", **world.operator.environ)
    assert (invalid.code, "INE10" in invalid.err) == (1, True)
    again = here("administration", "create", CODE, "x", **world.operator.environ)
    assert (again.code, "already exists" in again.err) == (6, True)


def test_a_command_that_does_not_exist_and_one_without_its_argument(
    world: World, here: Callable[..., Done]
) -> None:
    unknown = world.developer.baas("chian", "list")
    assert (unknown.code, unknown.out) == (2, "")
    assert "No such command 'chian'" in unknown.err
    assert "Did you mean 'chain'" in unknown.err
    assert here("chain", "show").code == 2
    assert here("verify", "absent.pdf", "absent.json", "--trust", "absent.json").code == 2
    assert here("--url", world.url, "--data", world.data, "chain", "list").code == 2
    assert here("deploy", "chain", "template", "--set", "name").code == 2


def test_no_service_there(here: Callable[..., Done]) -> None:
    done = here("--url", "http://127.0.0.1:1", "chain", "list", "--json", BAAS_TOKEN="baas_x")
    assert done.code == 3
    assert "baas serve" in done.json["problem"]["detail"]


def test_a_data_directory_in_use_is_refused_with_a_hint(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    here = in_process(world.operator, monkeypatch, capsys)
    for command in (("administration", "list"), ("init",)):
        done = here("--data", world.data, *command)
        assert (done.code, done.out) == (6, ""), done.err
        assert "in use by another process" in done.err
        assert "set BAAS_URL" in done.err


def test_a_port_in_use_is_refused_with_a_hint(
    world: World, here: Callable[..., Done], tmp_path: Path
) -> None:
    port = world.url.rpartition(":")[2]
    done = here("--data", tmp_path / "data", "serve", "--port", port)
    assert (done.code, done.out) == (6, "")
    assert f"cannot listen on port {port}" in done.err
    assert "--port" in done.err


def test_files_that_cannot_be_notarised_are_told_and_the_others_go_on(
    world: World, here: Callable[..., Done], tmp_path: Path
) -> None:
    good = tmp_path / "good.pdf"
    good.write_bytes(b"%PDF-1.7 good")
    done = here("notarise", tmp_path / "absent.pdf", good, "--json")
    assert done.code == 1
    assert [Path(item["file"]).name for item in done.json["items"]] == ["good.pdf"]
    assert [Path(item["file"]).name for item in done.json["failed"]] == ["absent.pdf"]
    assert Path(f"{good}.receipt.json").exists()
    again = here("notarise", good)
    assert (again.code, "is there already" in again.err) == (2, True)


def test_a_receipt_can_be_had_later(world: World, here: Callable[..., Done], tmp_path: Path) -> None:
    document = tmp_path / "acta.pdf"
    document.write_bytes(b"%PDF-1.7 later")
    accepted = here("notarise", document, "--no-wait", "--json").json["items"][0]
    assert accepted["receipt"] is None
    assert not Path(f"{document}.receipt.json").exists()
    deadline = time.monotonic() + 30
    while (got := here("receipt", accepted["notarisation"], "--out", tmp_path / "r.json")).code == 6:
        assert time.monotonic() < deadline, got.err
        time.sleep(0.1)
    here("trust", "export", CODE, "--out", tmp_path / "trust.json")
    assert here("verify", document, tmp_path / "r.json", "--trust", tmp_path / "trust.json").code == 0


def test_a_receipt_in_other_formats(world: World, here: Callable[..., Done], tmp_path: Path) -> None:
    document = tmp_path / "acta.pdf"
    document.write_bytes(b"%PDF-1.7 formats")
    item = here("notarise", document, "--json").json["items"][0]["notarisation"]
    here("trust", "export", CODE, "--out", tmp_path / "trust.json")

    def verify(receipt: Path, *options: str) -> Done:
        return here("verify", document, receipt, "--trust", tmp_path / "trust.json", *options, "--json")

    for name in ("json", "cose", "tlog-proof"):
        file = tmp_path / f"acta.{name}"
        assert here("receipt", item, "--format", name, "--out", file).code == 0
        assert verify(file, "--policy", "log-only").code == 0
        assert verify(file, "--policy", "document-digest,inclusion").code == 0
        whole = verify(file)
        assert (whole.code, whole.json["failed_step"]) == ((0, None) if name == "json" else (1, "contract"))
        assert verify(file, "--policy", "log-only", "--as-of", "2020-01-01").code == (
            0 if name == "json" else 1
        )
    assert here("receipt", item, "--format", "tlog-proof").out.startswith("c2sp.org/tlog-proof@v1")
    assert here("receipt", item, "--format", "cose").code == 2
    unknown = here("receipt", item, "--format", "docx")
    assert (unknown.code, "expected json, cose" in unknown.err) == (2, True)
    for policy in ("", "everything"):
        assert verify(tmp_path / "acta.json", "--policy", policy).code == 2
    code = tmp_path / "code.txt"
    code.write_text(qr.encode((tmp_path / "acta.cose").read_bytes()) + "\n")
    assert verify(code, "--policy", "log-only").code == 0
    assert all(str(each) in FORMATS for each in Format)


def test_versions_duplicates_and_batches(world: World, here: Callable[..., Done], tmp_path: Path) -> None:
    one, two = tmp_path / "v1.txt", tmp_path / "v2.txt"
    for path in (one, two):
        path.write_text(f"versió de {path.name}", encoding="utf-8")
    done = here("notarise", one, "--digest", "sha-256", "--digest", "sha3-256", "--json")
    first = done.json["items"][0]["notarisation"]
    found = here("notarisation", "find", one, "--algorithm", "sha3-256", "--json").json["items"]
    assert [each["id"] for each in found] == [first]
    second = here("notarisation", "supersede", first, two, "--json").json["id"]
    refused = here("notarisation", "revoke", first, "--reason", "error")
    assert (refused.code, "superseded" in refused.err) == (6, True)
    end = here("notarisation", "revoke", second, "--reason", "withdrawn", "--json").json["id"]
    shown = here("notarisation", "versions", end, "--json").json["items"]
    assert [(each["id"], each["ended"]) for each in shown] == [
        (first, "supersede"),
        (second, "revoke"),
        (end, None),
    ]
    assert here("notarisation", "show", second, "--json").json["followed_by"] == end
    assert here("notarisation", "batching", CODE, "--json").json == {"entries": 1, "seconds": 0}
    assert here("notarisation", "batching", CODE, "--entries", "2").code != 0
    assert here("receipt", first, "--with-previous").code == 0


def test_receipts_are_renewed(world: World, here: Callable[..., Done], tmp_path: Path) -> None:
    document = tmp_path / "acta.txt"
    document.write_text("una acta fictícia", encoding="utf-8")
    item = here("notarise", document, "--digest", "sha-256", "--digest", "sha3-256", "--json").json["items"][
        0
    ]
    done = here("renew", "--json").json
    assert done["size"] >= 1
    here("receipt", item["notarisation"], "--out", tmp_path / "renewed.json")
    other = tmp_path / "only.txt"
    other.write_text("només una empremta", encoding="utf-8")
    here("notarise", other)
    held = Path(f"{other}.receipt.json")
    assert "algorithms" in here("renewal", "needs", CODE).out.lower()
    wrong = here("renew", held, "--document", document)
    assert (wrong.code, "is not the document of" in wrong.err) == (2, True)
    assert here("renew", held, "--document", other, "--json").json["whole"] is False
    assert len(here("renewal", "list", "--json").json["items"]) == 2
    assert here("renewal", "show", done["id"], "--json").json["stamped"] is True
    here("trust", "export", CODE, "--out", tmp_path / "trust.json")
    for file, receipt in ((document, tmp_path / "renewed.json"), (other, held)):
        shown = here(
            "verify", file, receipt, "--trust", tmp_path / "trust.json", "--as-of", "2040-01-01", "--json"
        )
        assert (shown.code, shown.json["steps"][15]["key"]) == (0, "renewal.renewed")


def test_an_error_that_nobody_expected_has_a_traceback_only_when_asked_for(
    here: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(ctx: object) -> None:
        raise ZeroDivisionError("nobody expected this")

    monkeypatch.setattr(session, "connect", broken)
    done = here("receipt", "x", "--json")
    assert (done.code, len(done.err.splitlines())) == (7, 1)
    assert "BAAS_DEBUG=1" in done.json["problem"]["detail"]
    monkeypatch.setenv("BAAS_DEBUG", "1")
    assert "Traceback" in here("receipt", "x").err

    def interrupted(ctx: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(session, "connect", interrupted)
    assert here("receipt", "x").code == cli.EXITS["interrupted"][0]


# -- a data directory of one's own -----------------------------------------------------------------


def test_a_data_directory_is_worked_on_in_process_and_then_served(
    here: Callable[..., Done], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "data"
    shell = Shell(tmp_path, {"BAAS_DATA": str(data)})
    before = here("--data", data, "administration", "list")
    assert (before.code, "init" in before.err) == (4, True)
    monkeypatch.setattr(running, "_listen_to_signals_and_logs", lambda: None)  # not in the tests' process
    unserved = here("--data", data, "serve", "--port", "0")
    assert (unserved.code, "--init" in unserved.err) == (6, True)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(shell.login.parents[1]))
    made = here("--data", data, "init")
    assert made.code == 0, made.err
    assert stat.S_IMODE(shell.login.stat().st_mode) == 0o600
    token = json.loads(shell.login.read_bytes())["tokens"][str(data)]
    assert token in made.out
    shell.ok("administration", "create", CODE, "Vilafictícia")

    process, ready = serving(shell, data)
    assert ready["token"] is None
    logged_in = shell.baas("login", ready["url"], BAAS_TOKEN=token)
    assert logged_in.code == 0, logged_in.err
    assert [item["code"] for item in shell.ok("administration", "list")["items"]] == [CODE]
    done = stopped(process, signal.SIGINT)
    assert (done.code, done.out) == (0, "")
    assert done.err.endswith("stopped: everything that was accepted is on disk\n")
    assert "Traceback" not in done.err
    assert here("administration", "list").code == 3
    assert here("logout").code == 0
    assert json.loads(shell.login.read_bytes()) == {"service": None, "tokens": {str(data): token}}
    assert here("logout").code == 4


def test_a_token_that_the_service_does_not_accept_is_not_stored(world: World, tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    assert shell.baas("login", world.url, "--token-stdin", stdin="\n").code == 2
    assert shell.baas("login", world.url, "--token-stdin", stdin=f"baas_{'x' * 43}\n").code == 4
    assert shell.baas("login", world.url).code == 2  # no terminal to ask on
    assert not shell.login.exists()


# -- help ------------------------------------------------------------------------------------------


def _commands() -> dict[str, Any]:
    """Every page of help by its command, as the manual shows them."""
    root = get_command(cli.app)
    return {page.command_path: page for page in pages(root.make_context("baas", [], resilient_parsing=True))}


COMMANDS = _commands()


def test_the_commands_are_those_that_the_product_promises() -> None:
    promised = {
        "init", "login", "logout", "serve", "demo", "deploy", "notarise", "verify", "trust export", "engine list",
        "administration create", "administration list", "member create", "member list",
        "token create", "token list", "token revoke", "mandate grant", "mandate list", "mandate revoke",
        "account create", "account list", "account import", "account export", "account rotate", "chain send",
        "allowlist list", "allowlist add", "allowlist remove",
        "access request", "access list", "access accept", "access reject", "chain explain", "chain refusals",
        "chain create", "chain list", "chain show", "chain start", "chain stop", "chain delete", "chain rpc",
        "template list", "template show", "register create", "register list", "register show", "register append",
        "register checkpoint", "register prove", "register verify",
        "pilot arms", "pilot create", "pilot freeze", "pilot run", "pilot evaluate", "pilot decide", "pilot report",
    }  # fmt: skip
    assert {f"baas {each}" for each in promised} <= set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_every_option_says_what_it_is(name: str) -> None:
    page = COMMANDS[name]
    assert page.command.help, f"{name} has no docstring"
    undocumented = [each.name for each in page.command.params if not each.help]
    assert undocumented == [], f"{name}: {undocumented} have no help"
    if not hasattr(page.command, "commands"):
        assert "--json" in [option for each in page.command.params for option in each.opts]


def test_the_manual_is_what_the_commands_say(world: World) -> None:
    done = world.developer.baas("manual", COLUMNS="40")
    expected = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    assert done.out == expected, "the commands' help changed: baas manual > docs/cli.md"
    for name in COMMANDS:
        assert f"## `{name}`" in expected


def test_the_help_says_every_exit_code(world: World) -> None:
    done = world.developer.baas("--help")
    for code, meaning in cli.EXITS.values():
        assert re.search(rf"^ +{code} +{re.escape(meaning.split()[0])}", done.out, re.MULTILINE)
        assert f"| {code} | {meaning} |" in (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
