"""The client's waiting: what it says where the service has not come so far."""

from __future__ import annotations

import pytest

from baas.client import Client


def test_who_waited_too_long_is_told_how_to_get_the_receipt_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Client, "notarisation", lambda _self, _name: {"state": "included"})
    with (
        Client("http://127.0.0.1:1", "baas_none") as client,
        pytest.raises(TimeoutError, match=r"still 'included'; it is not lost: .*\(baas receipt 01H-0\)"),
    ):
        client.wait_anchored("01H-0", timeout=0)


def test_who_waits_in_vain_is_told_why_before_the_time_is_up(monkeypatch: pytest.MonkeyPatch) -> None:
    stuck = {"state": "included", "problem": "chain 'x' is stopped: start it first"}
    monkeypatch.setattr(Client, "notarisation", lambda _self, _name: stuck)
    monkeypatch.setattr("baas.client.waiting.STUCK", 0.1)
    with (
        Client("http://127.0.0.1:1", "baas_none") as client,
        pytest.raises(TimeoutError, match="it waits because: chain 'x' is stopped: start it first"),
    ):
        client.wait_anchored("01H-0", timeout=3600)
