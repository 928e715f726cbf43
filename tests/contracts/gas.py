"""Gas of each act under Prague rules, 21,000 of the transaction itself included.

`python -m tests.contracts.gas` measures and writes contracts/gas.json; a test compares it exactly.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sandbox.abi import encode_constructor
from tests.contracts.evm import Evm
from tests.contracts.rfc9162 import EqualLeaves, leaf, mth, path, proof

SNAPSHOT = Path(__file__).resolve().parents[2] / "contracts" / "gas.json"
LEAVES = [leaf(n.to_bytes(4, "big")) for n in range(4097)]
A, B, C = (bytes([n]) * 32 for n in (0xAA, 0xBB, 0xCC))

#: Sizes of a register as it grows: consistency proofs of 1 to 13 hashes.
GROWTH = [1, 2, 3, 5, 8, 64, 100, 1000, 1001, 1100, 3000, 4095, 4097]

#: Registers too large to build leaf by leaf: each size of the goal, from it and to it, with the proofs' extremes.
LARGE = [
    (size + before, size + after)
    for size in (2**10, 2**20, 2**30)
    for before, after in (
        (0, 1),
        (0, size),
        (-1, 0),
        (-1, 1),
        (1, 2),
        (-size // 3, 0),
        (-size // 3, size // 3),
    )
]


def measure() -> dict[str, Any]:
    """Gas by contract and act; `advance` by the old size, the new size and the proof's hashes."""
    evm = Evm()
    _, admin, worker, other, *_ = evm.accounts
    return {
        "AccountAllowlist": _allowlist(evm, admin, worker),
        "DocumentNotary": _notary(evm, admin, worker),
        "HandOver": _hand_over(evm, admin, worker, other),
        "HashRegistry": _registry(evm, admin, worker),
    }


def _creation(evm: Evm, name: str, *arguments: str) -> int:
    contract = evm.deploy(name, *arguments)
    data = encode_constructor(contract.artifact, *arguments)
    return int(evm._mine(evm.accounts[0], None, data)["gas_used"])


def _allowlist(evm: Evm, admin: str, mirror: str) -> dict[str, int]:
    """Each batch's gas by what it repeats; accounts are new unless it is said."""
    contract = evm.deploy("AccountAllowlist", admin, mirror)
    gas = {"deployment": _creation(evm, "AccountAllowlist", admin, mirror)}
    simple = (1, False, False, bytes(4), "0x" + "00" * 20, 0, 0)
    narrow = (1, True, True, A[:4], "0x" + "a1" * 20, 2**40 - 1, 10**18)

    def batch(name: str, first: int, count: int, *permissions: Any) -> None:
        grants = [(f"0x{first + n:040x}", 0, list(permissions)) for n in range(count)]
        revision = contract.read("revision")
        gas[name] = contract.does(mirror, "mirror", revision, revision + count, False, grants).gas

    batch("mirror, the first, one account", 1_000, 1, simple)
    batch("mirror, one account", 2_000, 1, simple)
    batch("mirror, one account, narrowed in every way", 3_000, 1, narrow)
    batch("mirror, one account taken off", 2_000, 1)
    batch("mirror, 100 accounts", 4_000, 100, simple)
    return gas


def _notary(evm: Evm, admin: str, notary: str) -> dict[str, int]:
    contract = evm.deploy("DocumentNotary", admin, notary)
    gas = {"deployment": _creation(evm, "DocumentNotary", admin, notary)}

    def act(name: str, sender: str, function: str, *arguments: Any) -> None:
        gas[name] = contract.does(sender, function, *arguments).gas

    root = mth(LEAVES[:2000])
    act("notariseBatch, the first", notary, "notariseBatch", mth(LEAVES[:1000]), 0, 1000)
    act("notariseBatch", notary, "notariseBatch", root, 1000, 2000)
    act("notariseBatch, of 10,000", notary, "notariseBatch", A, 2000, 12_000)
    act("notarise", notary, "notarise", A)
    act("supersede", notary, "supersede", A, B)
    act("revoke", admin, "revoke", B, 1)
    for index, (name, sender, last) in enumerate(
        [("supersedeBatched", notary, C), ("revokeBatched", admin, 1)]
    ):
        inclusion = path(index, LEAVES[:2000])
        act(f"{name}, proof of {len(inclusion)}", sender, name, LEAVES[index], index, inclusion, root, last)
    return gas


def _hand_over(evm: Evm, admin: str, first: str, second: str) -> dict[str, int]:
    """Each step's gas: one act accepted and completed, another rejected."""
    contract = evm.deploy("HandOver", admin, first, second)
    gas = {"deployment": _creation(evm, "HandOver", admin, first, second)}
    for name, sender, arguments in (
        ("offer", first, (A, second)),
        ("accept", second, (A,)),
        ("complete", second, (A, C)),
    ):
        gas[name] = contract.does(sender, name, *arguments).gas
    contract.does(first, "offer", B, second)
    gas["reject"] = contract.does(second, "reject", B, C).gas
    return gas


def _registry(evm: Evm, admin: str, registrar: str) -> dict[str, Any]:
    contract = evm.deploy("HashRegistry", admin, registrar)
    advance: list[dict[str, int]] = []
    for old, new in zip([0, *GROWTH], GROWTH, strict=False):
        hashes = proof(old, LEAVES[:new]) if old else []
        sent = contract.does(registrar, "advance", new, mth(LEAVES[:new]), hashes)
        advance.append({"old_size": old, "new_size": new, "proof": len(hashes), "gas": sent.gas})
    for old, new in LARGE:
        contract = evm.deploy("HashRegistry", admin, registrar)
        log = EqualLeaves(LEAVES[0])
        contract.does(registrar, "advance", old, log.mth(old), [])
        hashes = log.proof(old, new)
        sent = contract.does(registrar, "advance", new, log.mth(new), hashes)
        advance.append({"old_size": old, "new_size": new, "proof": len(hashes), "gas": sent.gas})
    return {"deployment": _creation(evm, "HashRegistry", admin, registrar), "advance": advance}


if __name__ == "__main__":
    SNAPSHOT.write_text(json.dumps(measure(), indent=1) + "\n")
    print(SNAPSHOT.read_text())
