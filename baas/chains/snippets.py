"""Ready pieces of code that connect the usual libraries to a chain. The token is never in them: they read it."""

from __future__ import annotations

from dataclasses import dataclass

PYTHON = """import os
from web3 import Web3

headers = {{"Authorization": f"Bearer {{os.environ['BAAS_TOKEN']}}"}}
w3 = Web3(Web3.HTTPProvider("{endpoint}", request_kwargs={{"headers": headers}}))
assert w3.eth.chain_id == {chain_id}"""

ETHERS = """import {{ FetchRequest, JsonRpcProvider }} from "ethers";

const request = new FetchRequest("{endpoint}");
request.setHeader("Authorization", `Bearer ${{process.env.BAAS_TOKEN}}`);
const provider = new JsonRpcProvider(request, {chain_id}, {{ staticNetwork: true }});"""

HARDHAT = """networks: {{
  sandbox: {{
    type: "http",
    url: "{endpoint}",
    chainId: {chain_id},
    httpHeaders: {{ Authorization: `Bearer ${{process.env.BAAS_TOKEN}}` }},
  }},
}},"""


@dataclass(frozen=True)
class Snippet:
    """The library's name and the text to copy."""

    name: str
    text: str


def snippets(endpoint: str, chain_id: int) -> list[Snippet]:
    """For web3.py, ethers and Hardhat; `endpoint` is the whole address of the chain's RPC."""
    texts = (("web3.py", PYTHON), ("ethers", ETHERS), ("Hardhat (hardhat.config)", HARDHAT))
    return [Snippet(name, text.format(endpoint=endpoint, chain_id=chain_id)) for name, text in texts]
