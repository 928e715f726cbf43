"""What the service itself sends to a chain: signed with the anchoring account, and stored before it is sent."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from baas.chains.service import Chains
from sandbox.chain import Chain
from sandbox.errors import ChainError, RpcError, TransactionDropped
from sandbox.transactions import signer_of

#: Seconds for which a transaction is waited for before what needs it is shown as not moving; and how often a stop of
#: the service is looked for meanwhile.
ANCHOR_TIMEOUT, LOOK = 60.0, 1.0


def submit(chain: Chain, transaction: bytes) -> bool:
    """Submit a stored transaction, as often as need be; False when its nonce is not the next one any more.

    Then it neither waits nor is mined: another one took its nonce, or one before it was dropped, or the account got
    a new key before it was sent. The caller forgets it, and what is forgotten is never sent again.
    """
    chain.mark_anchored()  # before: no restore may take away a block that holds it
    try:
        chain.submit(transaction)
    except RpcError as error:
        another_nonce = isinstance(error.data, dict) and error.data.get("rule") == "nonce"
        if not another_nonce and signer_of(transaction) == chain.accounts.address(Chains.ANCHORING_ACCOUNT):
            raise
        return False
    return True


def wait(chain: Chain, transaction_hash: str, stopped: Callable[[], bool]) -> dict[str, Any]:
    """The transaction receipt, waited for in pieces, so that a stop of the service does not wait as long."""
    deadline = time.monotonic() + ANCHOR_TIMEOUT
    while True:
        try:
            return chain.wait(transaction_hash, timeout=LOOK)
        except TransactionDropped:
            raise
        except ChainError:
            if stopped() or time.monotonic() > deadline:
                raise
