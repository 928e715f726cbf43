"""Ready programs that talk to one chain: web3.py, ethers 6 and Hardhat 3.

The command line prints them and the console shows them. Each reads the token, and Hardhat the account's key, from
the environment: a secret does not belong in a file.
"""

from __future__ import annotations

WEB3 = """\
import os
from web3 import Web3

headers = {{"Authorization": f"Bearer {{os.environ['BAAS_TOKEN']}}", "Content-Type": "application/json"}}
w3 = Web3(Web3.HTTPProvider("{url}", request_kwargs={{"headers": headers}}))
assert w3.eth.chain_id == {chain_id}
print("block", w3.eth.block_number)  # gas is free: send transactions with gasPrice 0
"""

ETHERS = """\
import {{ FetchRequest, JsonRpcProvider }} from "ethers";

const request = new FetchRequest("{url}");
request.setHeader("Authorization", `Bearer ${{process.env.BAAS_TOKEN}}`);
const provider = new JsonRpcProvider(request, {chain_id}, {{ staticNetwork: true }});
console.log("block", await provider.getBlockNumber()); // gas is free: send transactions with gasPrice 0
"""

HARDHAT = """\
import {{ configVariable, defineConfig }} from "hardhat/config";

export default defineConfig({{
  solidity: {{ version: "0.8.30", settings: {{ evmVersion: "prague" }} }},
  networks: {{
    sandbox: {{
      type: "http",
      chainType: "l1",
      chainId: {chain_id},
      url: "{url}",
      httpHeaders: {{ Authorization: `Bearer ${{process.env.BAAS_TOKEN}}` }},
      gasPrice: 0,
      accounts: [configVariable("SANDBOX_KEY")], // of an account on the chain's allowlist
    }},
  }},
}});
"""

TITLES = {"web3.py": WEB3, "ethers 6": ETHERS, "Hardhat 3 (hardhat.config.ts)": HARDHAT}


def snippets(url: str, chain_id: int) -> dict[str, str]:
    """Each program for the chain's RPC address and its chain id, by its title."""
    return {title: text.format(url=url, chain_id=chain_id) for title, text in TITLES.items()}
