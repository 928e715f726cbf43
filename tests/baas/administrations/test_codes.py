"""The shapes of INE10 and DIR3 codes."""

from __future__ import annotations

import pytest

from baas.administrations.codes import checked_code
from baas.errors import Invalid


@pytest.mark.parametrize("code", ["9999990001", "L01999999", "A99999999", "EA9999999", "U99999999"])
def test_accepted(code: str) -> None:
    assert checked_code(code) == code


@pytest.mark.parametrize(
    "code",
    [
        "",
        "999999001",
        "99999900011",
        "B99999999",
        "L0199999",
        "l01999999",
        "９９９９９９０００１",
        "9999990001\n",
        " 9999990001",
    ],
)
def test_refused(code: str) -> None:
    with pytest.raises(Invalid) as refused:
        checked_code(code)
    assert (refused.value.pointer, refused.value.got) == ("/code", repr(code))
