"""The faucet: test ether for accounts that send value. It is worth nothing, and exists on its own chain alone.

Gas is free on every chain here, so that nobody needs ether to send or to deploy. A contract under test may: then the
chain's custodial account `faucet`, to which block zero gives a billion, gives some by an ordinary transfer.
"""

from __future__ import annotations

import re

from sandbox.errors import AccountError

#: The label of the account that gives.
LABEL = "faucet"
ETHER = 10**18
#: Wei that the account has in block zero, and that one call gives at most.
WEALTH, MOST = 10**9 * ETHER, 1_000 * ETHER
WORTH_NOTHING = "Test ether: it exists on this chain alone, nobody redeems it, and it is worth nothing."

_AMOUNT = re.compile(r"(\d{1,9})(?:\.(\d{1,18}))?\Z", re.ASCII)


def wei_of(ether: str) -> int:
    """`1.5` as wei. AccountError unless it is a decimal number of ether that the faucet gives at once."""
    found = _AMOUNT.match(ether)
    wei = int(found[1]) * ETHER + int((found[2] or "").ljust(18, "0")) if found else 0
    if not 0 < wei <= MOST:
        raise AccountError(
            f"the faucet gives more than 0 and at most {MOST // ETHER} ether at once, as a decimal number such as 1.5; "
            f"got {ether[:60]!r}"
        )
    return wei
