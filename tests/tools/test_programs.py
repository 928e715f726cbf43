"""The programs of docs/examples/tools, run by the tools themselves, as `baas chain rpc` prints them.

One story for each: a key that nobody has seen is refused and told how to ask, its owner asks, an administrator accepts, and
then it deploys a contract, calls it and reads its event. The account has no balance from beginning to end.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from eth_account.signers.local import LocalAccount
from eth_hash.auto import keccak

from baas.chains.snippets import snippets
from sandbox.abi import encode_call
from sandbox.artifacts import load_artifact
from tests.tools.conftest import Place
from tests.tools.toolbox import Ran, Toolbox
from tests.transactions import legacy

pytestmark = [pytest.mark.tools, pytest.mark.timeout(300)]

REFUSED = "Sender account not authorized to send transactions"
HOW_TO_ASK = "ask an admin of the administration that owns this chain"
HARDHAT = ["node", "node_modules/hardhat/dist/src/cli.js"]
#: Title of the program → command.
TOOLS = {
    "web3.py": ["python", "program.py"],
    "ethers 6": ["node", "program.mjs"],
    "viem 2": ["node", "program.mjs"],
    "cast": ["bash", "program.sh"],
    "Hardhat 3 (deploy.ts)": [*HARDHAT, "run", "--no-compile", "--network", "sandbox", "deploy.ts"],
}

EVENTS = "ethers 6 (events as they come)"

Program = Callable[..., Ran]


@pytest.fixture
def program(tools: Toolbox, folder: Path) -> Program:
    """Runs a program for a chain, with an account's key."""

    def run(title: str, place: Place, account: LocalAccount, *, command: list[str] | None = None) -> Ran:
        texts = snippets(place.url, place.chain["chain_id"])
        command = command or TOOLS[title]
        if title.startswith("Hardhat"):
            (folder / "package.json").write_text('{"type": "module"}')
            for name in ("hardhat.config.ts", "deploy.ts", "fixture.ts"):
                (folder / name).write_text(texts[f"Hardhat 3 ({name})"])
        else:
            (folder / command[1]).write_text(texts[title])
        return tools.run(command, folder, BAAS_TOKEN=place.token, SANDBOX_KEY=f"0x{account.key.hex()}")

    return run


@pytest.mark.parametrize("title", TOOLS)
def test_refused_then_let_in_then_deploys_calls_and_reads_the_event(
    program: Program, place: Place, account: LocalAccount, title: str
) -> None:
    refused = program(title, place, account)
    assert refused.code != 0
    assert REFUSED in refused.said, refused
    assert HOW_TO_ASK in refused.said, refused
    assert account.address.lower() in refused.said
    assert "contract 0x" not in refused.out

    place.ask_and_let_in(account.address)
    done = program(title, place, account)
    assert done.code == 0, done
    contract = re.search(r"^contract (0x[0-9a-fA-F]{40})$", done.out, re.MULTILINE)
    assert contract is not None, done
    assert re.search(r"^size 1$", done.out, re.MULTILINE), done
    assert account.address.lower()[2:] in done.out.lower()
    assert len(events(place, contract[1])) == 1
    assert place.call("eth_getTransactionCount", account.address, "latest") == "0x2"
    assert place.call("eth_getBalance", account.address, "latest") == "0x0"
    for ran in (refused, done):
        assert place.token not in ran.said
        assert account.key.hex() not in ran.said


def events(place: Place, contract: str) -> list[Any]:
    """What the contract anchored, as the chain has it."""
    anchored = "0x" + keccak(b"RootAnchored(bytes32,uint64,uint64,address)").hex()
    wanted = {"address": contract, "fromBlock": "0x0", "toBlock": "latest", "topics": [anchored]}
    return list(place.call("eth_getLogs", wanted))


def test_every_program_is_tried() -> None:
    shown = set(snippets("http://127.0.0.1/rpc/x", 1))
    assert shown == {*TOOLS, EVENTS, "Hardhat 3 (hardhat.config.ts)", "Hardhat 3 (fixture.ts)"}


def test_a_fixture_is_refused_on_the_public_address(
    program: Program, place: Place, account: LocalAccount
) -> None:
    """By Hardhat, which finds no test network there; and by the gateway, whoever asks it directly."""
    place.allow(account.address)
    command = [*HARDHAT, "run", "--no-compile", "--network", "sandbox", "fixture.ts"]
    refused = program("Hardhat 3 (fixture.ts)", place, account, command=command)
    assert refused.code != 0
    assert "begins with size" not in refused.out
    for method in ("evm_snapshot", "evm_revert", " EVM_SNAPSHOT", "hardhat_reset", "anvil_reset"):
        assert place.answer(method, [])["error"]["code"] in (-32601, -32604)


def test_a_fixture_on_the_administrators_address_gives_each_test_the_same_state(
    program: Program, place: Place, account: LocalAccount
) -> None:
    place.allow(account.address)
    command = [*HARDHAT, "run", "--no-compile", "--network", "administrator", "fixture.ts"]
    done = program("Hardhat 3 (fixture.ts)", place, account, command=command)
    assert done.code == 0, done
    assert [line for line in done.out.splitlines() if line] == [
        "first begins with size 0",
        "first ends with size 1",
        "second begins with size 0",
        "second ends with size 1",
    ]


def test_an_event_comes_over_websocket_to_whoever_waits_for_it(
    program: Program, place: Place, account: LocalAccount, tools: Toolbox, folder: Path
) -> None:
    """The waiting program says that it waits, then somebody else's transaction is sent, then it ends by itself."""
    place.allow(account.address)
    registry = re.search(r"contract (0x\w{40})", program("ethers 6", place, account).out)
    assert registry is not None
    (folder / "events.mjs").write_text(snippets(place.url, place.chain["chain_id"])[EVENTS])
    environ = {"BAAS_TOKEN": place.token, "CONTRACT": registry[1]}
    with tools.start(["node", "events.mjs"], folder, **environ) as waiting:
        assert waiting.stdout is not None
        head = re.fullmatch(r"waiting from block (\d+)\n", waiting.stdout.readline())
        assert head is not None, waiting.communicate()[1]
        leaf = b"\x08" * 32
        root = hashlib.sha256(
            b"\x01" + keccak(b"first entry") + leaf
        ).digest()  # RFC 9162: from one entry to two
        data = encode_call(load_artifact("HashRegistry"), "advance", 2, root, [leaf])
        raw = legacy(account, 2, place.chain["chain_id"], to=bytes.fromhex(registry[1][2:]), data=data)
        place.call("eth_sendRawTransaction", f"0x{raw.hex()}")
        out, err = waiting.communicate(timeout=60)
    assert waiting.returncode == 0, err
    found = re.fullmatch(rf"event RootAnchored 2 {account.address} in block (\d+)\n", out)
    assert found is not None, out + err
    assert int(found[1]) > int(head[1])
