"""The codes that name an administration: INE10 (ten digits) or DIR3 (nine characters).

Only the shape is checked. INE10 is what AOC's platforms use for a body; DIR3 is the State's common directory:
a letter for the level and eight digits, or two letters and seven (`EA`, `LA`, `GE`).
"""

from __future__ import annotations

import re

from baas.errors import Invalid

INE10 = re.compile(r"[0-9]{10}")
DIR3 = re.compile(r"[AEIJLU][0-9]{8}|(?:EA|LA|GE)[0-9]{7}")


def checked_code(code: str, pointer: str = "/code") -> str:
    """`code` itself when it has the shape of one of the two; raises Invalid."""
    if INE10.fullmatch(code) or DIR3.fullmatch(code):
        return code
    raise Invalid(
        pointer, "an INE10 code (10 digits) or a DIR3 code (A, E, I, J, L or U and 8 digits)", repr(code[:40])
    )
