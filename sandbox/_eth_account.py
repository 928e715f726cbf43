"""eth_account, which takes most of a second to load: imported inside the few functions that need it.

What it imports raises the interpreter's recursion limit to 100,000, and with that a deeply nested JSON text ends the
process instead of raising RecursionError. Nothing here needs it raised.
"""

import sys

_limit = sys.getrecursionlimit()
from eth_account import Account  # noqa: E402  # see above

sys.setrecursionlimit(_limit)

__all__ = ["Account"]
