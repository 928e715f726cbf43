"""Who signed each step of a hand-over: Foundry's `cast` says of the same bytes what `sandbox.evidence` says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sandbox.errors import VerificationError
from sandbox.evidence import transaction
from sandbox.evidence.secp256k1 import ORDER, address_of
from tests.sandbox.evidence.hand_overs import ACT, FIRST, OUTCOME, SECOND, THIRD, Key, Prover
from tests.tools.toolbox import Toolbox

pytestmark = [pytest.mark.tools, pytest.mark.timeout(300)]
PROVER = Prover()
SIGNED: dict[str, tuple[Key, bytes]] = {
    "offer": (FIRST, PROVER.signed(FIRST, "offer", ACT.commitment(), SECOND.address)),
    "accept": (SECOND, PROVER.signed(SECOND, "accept", ACT.commitment())),
    "complete": (SECOND, PROVER.signed(SECOND, "complete", ACT.commitment(), OUTCOME.commitment())),
    "reject": (SECOND, PROVER.signed(SECOND, "reject", ACT.commitment(), OUTCOME.commitment())),
    "an acceptance by a third body": (THIRD, PROVER.signed(THIRD, "accept", ACT.commitment())),
}


@pytest.mark.parametrize("name", SIGNED)
def test_cast_names_the_same_signer_chain_contract_and_call(
    tools: Toolbox, tmp_path: Path, name: str
) -> None:
    by, raw = SIGNED[name]
    ran = tools.run(["cast", "decode-transaction", f"0x{raw.hex()}", "--json"], tmp_path)
    assert ran.code == 0, ran.said
    said = json.loads(ran.out)
    said = json.loads(said) if isinstance(said, str) else said
    read = transaction.parse(raw)
    assert bytes.fromhex(said["signer"][2:]) == address_of(by.public) == by.address
    assert (int(said["chainId"], 16), said["to"]) == (read.chain_id, f"0x{read.to.hex()}")
    assert said["input"] == f"0x{read.data.hex()}"
    assert 0 < int(said["s"], 16) <= ORDER // 2
    for key in (FIRST, SECOND, THIRD):
        if key.address == bytes.fromhex(said["signer"][2:]):
            read.require_signed_by(key.public)
        else:
            with pytest.raises(VerificationError):
                read.require_signed_by(key.public)
