"""Priority fees of a block by percentile, as `eth_feeHistory` has them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def rewards(paid: Iterable[tuple[int, int]], gas_used: int, percentiles: Sequence[float]) -> list[str]:
    """Per percentile of the block's gas, the priority fee up to which transactions used it, as geth says it.

    `paid` are the transactions' fees (wei per gas) and gas, in any order; `gas_used` is the block's.
    """
    rising = sorted(paid, key=lambda pair: pair[0])
    if not rising:
        return ["0x0"] * len(percentiles)
    answer, position, gas = [], 0, rising[0][1]
    for percentile in percentiles:
        threshold = int(gas_used * percentile / 100)
        while gas < threshold and position < len(rising) - 1:
            position += 1
            gas += rising[position][1]
        answer.append(hex(rising[position][0]))
    return answer
