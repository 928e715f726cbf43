"""Settings from the environment, and times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from baas.clock import SystemClock, iso, milliseconds, whole_milliseconds
from baas.errors import SettingsError
from baas.settings import Settings, load_settings


def test_defaults_listen_on_this_machine_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BAAS_DATA", raising=False)
    settings = load_settings()
    assert (settings.host, settings.language, settings.data.is_absolute()) == ("127.0.0.1", "ca", True)


def test_the_environment_counts_and_arguments_win(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BAAS_DATA", str(tmp_path))
    monkeypatch.setenv("BAAS_PORT", "9000")
    monkeypatch.setenv("BAAS_URL", "http://127.0.0.1:9000")  # the client's, not a setting
    assert (load_settings().data, load_settings().port) == (tmp_path, 9000)
    assert load_settings(port=1).port == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [("port", "70000"), ("port", "x"), ("language", "fr"), ("origin", "Not a name"), ("token_days", "0")],
)
def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"BAAS_{name.upper()}", value)
    with pytest.raises(SettingsError, match=rf"BAAS_{name.upper()}: .*got '{value}'"):
        load_settings()


def test_every_setting_is_described() -> None:
    assert [name for name, each in Settings.model_fields.items() if not each.description] == []


def test_times_are_utc_and_whole_milliseconds() -> None:
    now = SystemClock().now()
    assert (now.utcoffset(), now.microsecond % 1000) == (timedelta(), 0)
    moment = datetime(2026, 1, 31, 10, 30, 0, 123999, tzinfo=timezone(timedelta(hours=1)))
    assert whole_milliseconds(moment) == datetime(2026, 1, 31, 9, 30, 0, 123000, tzinfo=UTC)
    assert iso(moment) == "2026-01-31T09:30:00.123Z"
    assert milliseconds(datetime(2016, 7, 30, 22, 36, 16, 385000, tzinfo=UTC)) == 1469918176385
    with pytest.raises(ValueError, match="time zone"):
        iso(datetime(2026, 1, 31))  # noqa: DTZ001  # what must be refused
