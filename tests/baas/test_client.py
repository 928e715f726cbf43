"""The client's waiting: what it says where the service has not come so far."""

from __future__ import annotations

import pytest

from baas.client import Client


def test_who_waited_too_long_is_told_how_to_get_the_receipt_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Client, "notarisation", lambda _self, _name: {"state": "included"})
    with (
        Client("http://127.0.0.1:1", "baas_none") as client,
        pytest.raises(TimeoutError, match=r"still 'included' .* not lost: .*\(baas receipt 01H-0\)"),
    ):
        client.wait_anchored("01H-0", timeout=0)
