"""web3.py: deploys a contract on the sandbox, calls it and reads its event.

BAAS_TOKEN holds a token, SANDBOX_KEY the private key of an account on the chain's allowlist.
HashRegistry.json is what `baas template artifact hash-registry` prints.
"""

import json
import os
from pathlib import Path

from web3 import Web3

URL = "http://127.0.0.1:8080/rpc/CHAIN"
CHAIN_ID = 20000001

headers = {"Authorization": f"Bearer {os.environ['BAAS_TOKEN']}", "Content-Type": "application/json"}
w3 = Web3(Web3.HTTPProvider(URL, request_kwargs={"headers": headers}))
assert w3.eth.chain_id == CHAIN_ID
account = w3.eth.account.from_key(os.environ["SANDBOX_KEY"])
artifact = json.loads(Path("HashRegistry.json").read_text())
free = {"from": account.address, "chainId": CHAIN_ID, "gasPrice": 0}  # gas costs nothing here


def send(call):
    transaction = call.build_transaction({**free, "nonce": w3.eth.get_transaction_count(account.address)})
    sent = w3.eth.send_raw_transaction(account.sign_transaction(transaction).raw_transaction)
    return w3.eth.wait_for_transaction_receipt(sent, poll_latency=0.2)


factory = w3.eth.contract(abi=artifact["abi"], bytecode=artifact["bytecode"])
created = send(factory.constructor(account.address, account.address))
registry = w3.eth.contract(created["contractAddress"], abi=artifact["abi"])
print("contract", registry.address)

send(registry.functions.advance(1, Web3.keccak(text="first entry"), []))
print("size", registry.functions.size().call())
for event in registry.events.RootAnchored().get_logs(from_block=created["blockNumber"]):
    print("event", event["event"], event["args"]["newSize"], event["args"]["by"])
