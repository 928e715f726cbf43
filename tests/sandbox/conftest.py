"""Real chains for the tests of the runtime."""

import pytest
from eth_account import Account as EthAccount

from sandbox.chain import Chain
from sandbox.spec import ChainSpec

GENESIS_TIME = 1_700_000_000


@pytest.fixture
def spec():
    return ChainSpec(chain_id=4242, genesis_time=GENESIS_TIME, seal_after_ms=10)


@pytest.fixture
def chain(tmp_path, spec):
    with Chain.create(tmp_path / "chain", spec) as opened:
        yield opened


class Wallet:
    """An account outside the platform: its own key, nonces counted by itself, signed by eth_account."""

    def __init__(self, seed, chain_id=4242):
        self.account = EthAccount.from_key(bytes([seed]) * 32)
        self.address = self.account.address
        self.chain_id = chain_id
        self.nonce = 0

    def sign(self, **fields):
        fields = {
            "nonce": self.nonce,
            "gasPrice": 0,
            "gas": 100_000,
            "to": "0x" + "11" * 20,
            "value": 0,
            "data": b"",
            "chainId": self.chain_id,
        } | fields
        fields = {name: value for name, value in fields.items() if value is not None}
        if "type" in fields and fields["type"] == 2:
            fields.pop("gasPrice", None)
        return bytes(self.account.sign_transaction(fields).raw_transaction)

    def next(self, **fields):
        raw = self.sign(**fields)
        self.nonce += 1
        return raw


@pytest.fixture
def wallet():
    return Wallet(0x46)


@pytest.fixture
def other_wallet():
    return Wallet(0x47)
