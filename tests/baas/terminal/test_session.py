from __future__ import annotations

import stat
from pathlib import Path

import pytest

from baas.terminal.login import Login, login_file
from baas.terminal.problems import Unusable
from baas.terminal.session import Place, checked_url, exchange_url, resolve

URL = "http://127.0.0.1:8080"


@pytest.fixture
def login(tmp_path: Path) -> Login:
    return Login(tmp_path / "login.json", "https://stored.example", {"https://stored.example": "T-stored"})


def test_the_command_line_goes_before_the_environment_and_that_before_the_login(
    login: Login, tmp_path: Path
) -> None:
    environ = {"BAAS_URL": "https://environment.example", "BAAS_TOKEN": "T"}
    assert resolve(URL, None, environ, login) == Place(URL, None, "T")
    assert resolve(None, tmp_path, environ, login) == Place(None, tmp_path, "T")
    assert resolve(None, None, environ, login) == Place("https://environment.example", None, "T")
    assert resolve(None, None, {"BAAS_TOKEN": "T"}, login) == Place("https://stored.example", None, "T")


def test_with_neither_service_nor_login_it_is_the_data_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BAAS_DATA", str(tmp_path / "data"))
    login = Login(tmp_path / "login.json", None, {str(tmp_path / "data"): "T-init"})
    assert resolve(None, None, {}, login) == Place(None, tmp_path / "data", "T-init")


def test_a_stored_token_goes_only_to_the_place_that_it_is_stored_for(login: Login) -> None:
    assert resolve(None, None, {}, login).token == "T-stored"
    assert resolve("https://other.example", None, {}, login).token is None
    assert resolve("http://stored.example", None, {}, login).token is None


def test_a_service_and_a_data_directory_at_once_are_refused(login: Login, tmp_path: Path) -> None:
    with pytest.raises(Unusable, match="got both"):
        resolve(URL, tmp_path, {}, login)


@pytest.mark.parametrize(
    "url",
    [
        "sandbox.example",
        "ftp://sandbox.example",
        "http://",
        "http://host:port",
        "http://u:p@host",
        "http://host/?q",
        "http://host/path",
    ],
)
def test_what_is_not_the_address_of_a_service_is_refused(url: str) -> None:
    with pytest.raises(Unusable, match="expected a service's address"):
        checked_url(url)


def test_the_exchange_without_a_running_service_is_where_serve_would_have_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The address of a command's own process answers nobody any more when the command has ended."""
    gone = "https://127.0.0.1:40404"
    assert exchange_url(Place(URL, None), gone) == gone
    assert capsys.readouterr().err == ""
    here = Place(None, tmp_path)
    monkeypatch.setenv("BAAS_PORT", "9000")
    assert exchange_url(here, gone) == "https://127.0.0.1:9001"
    assert "no service is running" in capsys.readouterr().err
    monkeypatch.setenv("BAAS_EXCHANGE_PORT", "9443")
    assert exchange_url(here, gone) == "https://127.0.0.1:9443"


@pytest.mark.parametrize(
    ("port", "exchange_port", "host", "expected"),
    [
        ("0", None, "127.0.0.1", "no address yet"),
        ("9000", "0", "127.0.0.1", "no address yet"),
        ("65535", None, "127.0.0.1", "no address yet"),
        ("0", "9443", "127.0.0.1", "https://127.0.0.1:9443"),
        ("9000", None, "::1", "https://[::1]:9001"),
    ],
)
def test_an_exchange_that_will_take_a_free_port_has_no_address_yet(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    port: str,
    exchange_port: str | None,
    host: str,
    expected: str,
) -> None:
    for name, value in {"PORT": port, "EXCHANGE_PORT": exchange_port, "HOST": host}.items():
        if value is not None:
            monkeypatch.setenv(f"BAAS_{name}", value)
    assert exchange_url(Place(None, tmp_path), None).startswith(expected)


def test_a_token_in_the_clear_is_warned_of_except_on_this_machine(capsys: pytest.CaptureFixture[str]) -> None:
    assert checked_url("http://sandbox.example/") == "http://sandbox.example"
    assert "not https" in capsys.readouterr().err
    for url in ("http://127.0.0.1:1", "http://[::1]:1", "http://localhost:1", "https://sandbox.example"):
        assert checked_url(url) == url
    assert capsys.readouterr().err == ""


def test_the_login_is_readable_by_its_user_alone_and_replaced_whole(login: Login) -> None:
    login.path.write_text("{}")
    login.path.chmod(0o644)
    login.save()
    assert stat.S_IMODE(login.path.stat().st_mode) == 0o600
    assert Login.load(login.path) == login
    assert [each.name for each in login.path.parent.iterdir()] == ["login.json"]


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"service": null, "tokens": 3}'])
def test_a_file_that_is_no_login_is_refused_with_what_to_do(tmp_path: Path, content: str) -> None:
    (tmp_path / "login.json").write_text(content)
    with pytest.raises(Unusable, match="remove it and log in again"):
        Login.load(tmp_path / "login.json")


def test_the_configuration_directory_is_the_users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert login_file({}) == tmp_path / ".config/baas-sandbox/login.json"
    assert login_file({"XDG_CONFIG_HOME": "relative"}) == tmp_path / ".config/baas-sandbox/login.json"
    assert login_file({"XDG_CONFIG_HOME": "/etc/xdg"}) == Path("/etc/xdg/baas-sandbox/login.json")
