"""What tests of several of the console's pages share."""

from __future__ import annotations

from typing import Any

import pytest

from baas.tenancy import Role
from tests.baas.console.person import Person
from tests.baas.console.town import CODE, Town
from tests.baas.flows import ok


@pytest.fixture(scope="module")
def town(shared_server: Any) -> Town:
    shared_server.administration(CODE, "Vallclara del Mar")
    tokens = {role: shared_server.token_of(shared_server.member(CODE, role)["id"]) for role in Role}
    people = {}
    for role, token in tokens.items():
        people[role] = Person(shared_server)
        assert people[role].sign_in(token).status_code == 303
    api = shared_server.client(tokens[Role.DEVELOPER])
    chain = ok(api.post("/chains", json={"administration": CODE, "label": "decrets"}), 201)["id"]
    return Town(
        shared_server, chain, *(people[role] for role in (Role.ADMIN, Role.DEVELOPER, Role.AUDITOR)), api
    )
