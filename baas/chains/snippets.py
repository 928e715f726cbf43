"""Ready programs that talk to one chain: web3.py, ethers 6, viem, cast and Hardhat 3.

They are the files of docs/examples/tools, as the tests run them with the tools themselves; only the chain's address and
chain id are put in. The command line prints them and the console shows them. Each reads the token and the account's
key from the environment: a secret does not belong in a file.
"""

from __future__ import annotations

from functools import cache

from baas.examples import examples

#: What stands in the files where a chain's own goes.
ADDRESS, CHAIN_ID = "http://127.0.0.1:8080/rpc/CHAIN", "20000001"

#: Title → file.
PROGRAMS = {
    "web3.py": "web3_py.py",
    "ethers 6": "ethers.mjs",
    "ethers 6 (events as they come)": "ethers-events.mjs",
    "viem 2": "viem.mjs",
    "cast": "cast.sh",
    "Hardhat 3 (hardhat.config.ts)": "hardhat/hardhat.config.ts",
    "Hardhat 3 (deploy.ts)": "hardhat/deploy.ts",
    "Hardhat 3 (fixture.ts)": "hardhat/fixture.ts",
}


def snippets(url: str, chain_id: int) -> dict[str, str]:
    """Each program for the chain's RPC address and its chain id, by its title."""
    return {
        title: _program(name).replace(ADDRESS, url).replace(CHAIN_ID, str(chain_id))
        for title, name in PROGRAMS.items()
    }


@cache
def _program(name: str) -> str:
    return (examples() / "tools" / name).read_text(encoding="utf-8")
