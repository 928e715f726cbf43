"""How many operators must collude to show two people two different logs (a split view).

A log's policy wants k cosignatures of its n witnesses. The log's operator signs both views: it is always one of those
who collude. An honest witness cosigns at most one of two views of the same size, a colluding one both. With c witnesses
colluding, the two views together get at most 2c + (n - c) cosignatures, and need 2k: so c = max(0, 2k - n) are needed,
and that many are enough, since the log may share the honest ones out between the views as it likes.

What counts is who is behind the witnesses: those of the log's own operator come free with it, and an operator that is
won over brings all of its own. So the number is 1 for the log's operator, and the fewest *other* operators whose
witnesses make up the rest of c. It is 1 when everything is run by one operator, and when 2k <= n: then the honest
witnesses alone can be shared out, and nobody else need be won over.

A witness that was retired (its key is valid no longer) is not asked any more, so none of its cosignatures is honest;
but its operator can still date one back. Each such witness therefore adds to both views and takes none away: it counts
twice towards 2k - n, where n are the witnesses that are active.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence


def operators_who_must_collude(
    log_operator: str, threshold: int, active: Sequence[str], retired: Sequence[str] = ()
) -> int:
    """The number above. `active` and `retired` name the operator of each witness, one item per witness.

    ValueError when all witnesses together do not reach the threshold: then there is no view at all, not even one.
    """
    if threshold < 0 or threshold > len(active) + len(retired):
        raise ValueError(f"expected a threshold of at most {len(active) + len(retired)}, got {threshold}")
    weight = Counter(active) + Counter([*retired, *retired])
    needed = 2 * threshold - len(active) - weight.pop(log_operator, 0)
    operators = 1
    for brought in sorted(weight.values(), reverse=True):
        if needed <= 0:
            break
        needed -= brought
        operators += 1
    return operators
