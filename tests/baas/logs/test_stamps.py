"""Time-stamps on checkpoints: asked for after the anchor, again when the authority fails, and never in anybody's way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from baas.connectors import ConnectorUnreachable
from baas.errors import SettingsError
from baas.logs import stamps as module
from baas.settings import Settings
from baas.wiring import Services
from sandbox.evidence.digest import Digest
from sandbox.evidence.verify import verify
from tests.baas.flows import accept, all_anchored, new_place, until
from tests.baas.logs.whole import anchors


def receipt_of(services: Services, place: Any, batch: str) -> Any:
    with services.store.reading() as session:
        found = services.notarisations.receipt(session, place.scope, f"{batch}-0")
        return found, services.trust.of(session, place.scope, place.code)


def test_an_authority_that_fails_is_asked_again_and_holds_up_nothing(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FIRST_RETRY", 0.01)
    real, asked = services.stamps._authority, []

    def failing(digest: Digest) -> bytes:
        asked.append(digest)
        if len(asked) < 3:
            raise ConnectorUnreachable("http://127.0.0.1:9/ cannot be reached")
        return real(digest)

    monkeypatch.setattr(services.stamps, "_authority", failing)
    place = new_place(services)
    batch = accept(services, place, b"a document")
    all_anchored(services)
    made, trust = receipt_of(services, place, batch)
    assert verify(b"a document", made, trust).ok  # with a token or without
    until(lambda: all(each.token for each in anchors(services)))
    made, trust = receipt_of(services, place, batch)
    report = verify(b"a document", made, trust)
    assert report.steps[10].outcome.key == "timestamps.hold"
    assert len(asked) >= 3
    until(lambda: services.stamps.problem is None)


def test_what_was_anchored_before_a_stop_is_stamped_after_the_start(settings: Settings) -> None:
    services = Services.build(settings)
    services.chains.reconcile()  # nothing runs by itself
    place = new_place(services)
    batch = accept(services, place, b"a document", poke=False)
    while services.pipeline.advance(1):
        pass
    made, trust = receipt_of(services, place, batch)
    assert made.timestamps == ()
    assert verify(b"a document", made, trust).steps[10].outcome.key == "timestamps.none"
    services.stop()
    again = Services.build(settings)
    again.start()
    until(lambda: all(each.token for each in anchors(again)))
    again.stop()


def test_a_service_outside_needs_its_root(tmp_path: Path) -> None:
    outside = {"timestamp_url": "http://127.0.0.1:9/tsa"}
    for root in (None, tmp_path / "absent.pem"):
        with pytest.raises(SettingsError, match="BAAS_TIMESTAMP_ROOT"):
            Services.build(Settings(data=tmp_path / "data", timestamp_root=root, **outside))


def test_a_service_outside_is_asked_and_trusted(server: Any, tmp_path: Path) -> None:
    """Another installation's authority, over a real socket."""
    from baas.trust_service.tsa.http import PATH

    root = tmp_path / "root.pem"
    root.write_bytes(server.services.trust_service.roots_pem)
    services = Services.build(
        Settings(data=tmp_path / "other", timestamp_url=server.url + PATH, timestamp_root=root)
    )
    services.start()
    try:
        place = new_place(services)
        batch = accept(services, place, b"a document")
        all_anchored(services)
        until(lambda: all(each.token for each in anchors(services)))
        made, trust = receipt_of(services, place, batch)
        report = verify(b"a document", made, trust)
        assert report.steps[10].outcome.key == "timestamps.hold"
        assert [each.name for each in trust.timestamp_roots][1] == server.url + PATH
    finally:
        services.stop()
