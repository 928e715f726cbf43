"""A bare JSON-RPC client over one kept connection, and the job that every side does: DocumentNotary, notarise(bytes32)."""

from __future__ import annotations

import http.client
import json
import secrets
import time
from typing import Any
from urllib.parse import urlsplit

from eth_account import Account as EthAccount
from eth_utils import keccak
from rlp import encode as rlp_encode

from sandbox.abi import encode_call, encode_constructor
from sandbox.artifacts import load_artifact

#: Nobody's key: it holds nothing, and every chain here is thrown away.
SIGNER = EthAccount.from_key("0x" + "5a" * 32)


class Rpc:
    """One connection to `url`. Not for several threads."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        assert parts.hostname is not None
        self.url = url
        self._connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=120)
        self._path = parts.path or "/"

    def post(self, body: bytes) -> bytes:
        self._connection.request("POST", self._path, body, {"Content-Type": "application/json"})
        response = self._connection.getresponse()
        answer = response.read()
        assert response.status == 200, answer[:300]
        return answer

    def __call__(self, method: str, *params: Any) -> Any:
        answer = json.loads(self.post(json.dumps(call(method, *params)).encode()))
        assert "error" not in answer, answer
        return answer["result"]

    def close(self) -> None:
        self._connection.close()


def call(method: str, *params: Any, number: int = 1) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": list(params)}


def signed(chain_id: int, nonce: int, to: str | None, data: bytes, gas: int) -> str:
    fields = {"chainId": chain_id, "nonce": nonce, "gasPrice": 0, "gas": gas, "value": 0, "data": data}
    if to is not None:
        fields["to"] = to
    return "0x" + bytes(SIGNER.sign_transaction(fields).raw_transaction).hex()


def deployment(chain_id: int) -> str:
    """The raw transaction that deploys DocumentNotary, as the signer's first."""
    clerk = bytes.fromhex(SIGNER.address[2:])
    return signed(
        chain_id, 0, None, encode_constructor(load_artifact("DocumentNotary"), clerk, clerk), 5_000_000
    )


def notary() -> str:
    """The address at which the signer's first transaction puts its contract."""
    made = keccak(rlp_encode([bytes.fromhex(SIGNER.address[2:]), 0]))[12:]
    return f"0x{made.hex()}"


def notarise() -> bytes:
    return encode_call(load_artifact("DocumentNotary"), "notarise", secrets.token_bytes(32))


def bodies(chain_id: int, count: int, each: int, first: int = 1) -> list[bytes]:
    """Batches of `each` signed notarisations, `count` in all, with nonces from `first` on."""
    from eth_utils import to_checksum_address

    to = to_checksum_address(notary())
    raws = [signed(chain_id, first + number, to, notarise(), 100_000) for number in range(count)]
    calls = [call("eth_sendRawTransaction", raw, number=number) for number, raw in enumerate(raws)]
    return [json.dumps(calls[start : start + each]).encode() for start in range(0, count, each)]


def deploy(rpc: Rpc, chain_id: int) -> None:
    """Deploy and wait for the transaction receipt."""
    hash_ = rpc("eth_sendRawTransaction", deployment(chain_id))
    while (receipt := rpc("eth_getTransactionReceipt", hash_)) is None:
        time.sleep(0.001)
    assert receipt["status"] == "0x1", receipt


def wait_for_nonce(rpc: Rpc, nonce: int) -> None:
    """Return when so many of the signer's transactions are mined."""
    while int(rpc("eth_getTransactionCount", SIGNER.address, "latest"), 16) < nonce:
        time.sleep(0.01)
