"""Gas of each act under Prague rules, 21,000 of the transaction itself included.

`python -m tests.contracts.gas` measures and writes contracts/gas.json; a test compares it exactly.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sandbox.abi import encode_constructor
from tests.contracts.evm import Evm
from tests.contracts.rfc9162 import leaf, mth, path, proof

SNAPSHOT = Path(__file__).resolve().parents[2] / "contracts" / "gas.json"
LEAVES = [leaf(n.to_bytes(4, "big")) for n in range(4097)]
A, B, C = (bytes([n]) * 32 for n in (0xAA, 0xBB, 0xCC))

#: Sizes of a register as it grows: consistency proofs of 1 to 13 hashes.
GROWTH = [1, 2, 3, 5, 8, 64, 100, 1000, 1001, 1100, 3000, 4095, 4097]


def measure() -> dict[str, Any]:
    """Gas by contract and act; `advance` by the old size, the new size and the proof's hashes."""
    evm = Evm()
    _, admin, worker, *_ = evm.accounts
    return {"DocumentNotary": _notary(evm, admin, worker), "HashRegistry": _registry(evm, admin, worker)}


def _creation(evm: Evm, name: str, *arguments: str) -> int:
    contract = evm.deploy(name, *arguments)
    data = encode_constructor(contract.artifact, *arguments)
    return int(evm._mine(evm.accounts[0], None, data)["gas_used"])


def _notary(evm: Evm, admin: str, notary: str) -> dict[str, int]:
    contract = evm.deploy("DocumentNotary", admin, notary)
    gas = {"deployment": _creation(evm, "DocumentNotary", admin, notary)}

    def act(name: str, sender: str, function: str, *arguments: Any) -> None:
        gas[name] = contract.does(sender, function, *arguments).gas

    root = mth(LEAVES[:2000])
    act("notariseBatch, the first", notary, "notariseBatch", mth(LEAVES[:1000]), 0, 1000)
    act("notariseBatch", notary, "notariseBatch", root, 1000, 2000)
    act("notarise", notary, "notarise", A)
    act("supersede", notary, "supersede", A, B)
    act("revoke", admin, "revoke", B, 1)
    for index, (name, sender, last) in enumerate(
        [("supersedeBatched", notary, C), ("revokeBatched", admin, 1)]
    ):
        inclusion = path(index, LEAVES[:2000])
        act(f"{name}, proof of {len(inclusion)}", sender, name, LEAVES[index], index, inclusion, root, last)
    return gas


def _registry(evm: Evm, admin: str, registrar: str) -> dict[str, Any]:
    contract = evm.deploy("HashRegistry", admin, registrar)
    advance = []
    for old, new in zip([0, *GROWTH], GROWTH, strict=False):
        hashes = proof(old, LEAVES[:new]) if old else []
        sent = contract.does(registrar, "advance", new, mth(LEAVES[:new]), hashes)
        advance.append({"old_size": old, "new_size": new, "proof": len(hashes), "gas": sent.gas})
    return {"deployment": _creation(evm, "HashRegistry", admin, registrar), "advance": advance}


if __name__ == "__main__":
    SNAPSHOT.write_text(json.dumps(measure(), indent=1) + "\n")
    print(SNAPSHOT.read_text())
