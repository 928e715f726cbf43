"""Odd but well-formed words in every place of an address: refused or answered, never an incident."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.baas.flows import ok

ODD = [
    *("9" * 26, "-1", "%00", "%ED%A0%80", "..%2f..", "%D9%A3%D9%A3", "%0d%0aX-Injected:%201"),
    "01M817EMDZJY8DZ26HNFF6HXQP-999999",
]


@pytest.mark.long
def test_no_address_is_an_incident(world: Any) -> None:
    member, operator = world.town.member, world.server.operator
    document = ok(world.server.client().get("/openapi.json"))
    asked = 0
    for path, operations in document["paths"].items():
        if "get" not in operations:
            continue
        short = path.removeprefix("/api/v1")
        for odd in ODD:
            addresses = [f"{short}?{name}={odd}" for name in ("after", "administration", "limit")]
            if "{" in short:
                named = re.sub(r"\{\w+\}", odd, short)
                addresses = [f"{named}?key={odd}&old=1&new=1"]
            for address in addresses:
                for client in (member,) if "{" in short else (member, operator):
                    answer = client.get(address)
                    asked += 1
                    assert answer.status_code < 500, (address, answer.text)
                    assert "x-injected" not in answer.headers
    assert asked > 300
