"""One administration's slow requests leave threads for the others."""

from __future__ import annotations

import asyncio
from typing import Any

from baas.api.middleware import AT_ONCE, Authentication
from baas.tenancy import Caller, CallerKind


def caller_of(token: str | None) -> Caller:
    return Caller(CallerKind.MEMBER, f"member of {token}", administration_id=token)


def test_an_administrations_requests_wait_for_each_other_and_hold_up_nobody_else() -> None:
    async def story() -> None:
        served: list[str] = []
        released = asyncio.Event()

        async def application(scope: Any, _receive: Any, _send: Any) -> None:
            served.append(scope["state"]["caller"].administration_id)
            if served[-1] == "slow":
                await released.wait()

        async def request(token: str) -> None:
            headers = [(b"authorization", f"Bearer {token}".encode())]
            await door({"type": "http", "path": "/api/v1/me", "headers": headers}, None, None)  # type: ignore[arg-type]  # unused

        door = Authentication(application, "origin", caller_of)
        waiting = [asyncio.ensure_future(request("slow")) for _ in range(3 * AT_ONCE)]
        await asyncio.sleep(0.2)
        await asyncio.wait_for(request("other"), 60)
        assert served.count("slow") == AT_ONCE
        released.set()
        await asyncio.gather(*waiting)
        assert served.count("slow") == 3 * AT_ONCE
        assert not door.turns

    asyncio.run(story())
