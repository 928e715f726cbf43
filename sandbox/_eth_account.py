"""eth_account, which takes most of a second to load: imported inside the few functions that need it.

What it imports raises the interpreter's recursion limit to 100,000, and with that a deeply nested JSON text ends the
process instead of raising RecursionError. Nothing here needs it raised, not for a moment either: other threads read what
strangers send meanwhile. So the function that raises it does nothing while it loads.
"""

import sys

_raising = sys.setrecursionlimit
sys.setrecursionlimit = lambda limit, /: None
try:
    from eth_account import Account
finally:
    sys.setrecursionlimit = _raising

__all__ = ["Account"]
