"""An administration with one chain, the people of it, and what a page tells them is wrong."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import unescape
from typing import Any

import httpx2

from tests.baas.console.person import Person, words
from tests.baas.flows import ok

CODE = "9999990001"


@dataclass
class Town:
    """An administration with one chain, and people of it with each role."""

    server: Any
    chain: str
    admin: Person
    developer: Person
    auditor: Person
    api: Any

    @property
    def base(self) -> str:
        return f"/console/chains/{self.chain}"


def made(town: Town, label: str) -> str:
    return str(ok(town.api.post("/chains", json={"administration": CODE, "label": label}), 201)["id"])


def problem(answer: httpx2.Response) -> str:
    """What the page says is wrong."""
    found = re.search(r'<p class="problem" role="alert">(.*?)</p>', answer.text, re.DOTALL)
    assert found, words(answer)
    return unescape(found[1])
