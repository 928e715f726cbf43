"""Keystores of administrations: made once, under a master key that is made once, private, and never guessed at."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from baas.custody.master_key import MasterKey
from baas.errors import MasterKeyError
from baas.settings import Settings
from baas.wiring import MASTER_KEY, Services
from sandbox.chain import Chain
from sandbox.errors import KeystoreError
from sandbox.keystore import PasswordVault
from tests.baas.flows import new_place


def build(directory: Path, **more: object) -> Services:
    services = Services.build(Settings(data=directory, port=0, **more))  # type: ignore[arg-type]
    services.start()
    return services


def test_the_master_key_is_made_once_and_private(tmp_path: Path) -> None:
    build(tmp_path).stop()
    path = tmp_path / MASTER_KEY
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    made = path.read_bytes()
    build(tmp_path).stop()
    assert path.read_bytes() == made
    key = MasterKey.read(path)
    assert key is not None
    assert key.key.hex() not in repr(key)


def test_a_chains_file_and_the_database_without_the_master_key_give_no_key(tmp_path: Path) -> None:
    services = build(tmp_path / "data", master_key_file=tmp_path / "elsewhere.key")
    place = new_place(services)
    awake = services.chains.awake(place.chain.id)
    vault, account = awake.keystore, awake.accounts.unlocked("anchoring")
    directory = awake.directory
    services.stop()
    assert isinstance(vault, PasswordVault)
    files = [path for path in (tmp_path / "data").rglob("*") if path.is_file()]
    assert len(files) > 5
    for path in files:
        content = path.read_bytes()
        for secret in (account.private_key, vault.password):
            assert secret not in content, path
            assert secret.hex().encode() not in content.lower(), path
    with pytest.raises(KeystoreError):
        Chain.open(directory)
    with Chain.open(directory, keystore=vault) as chain:
        assert chain.accounts.unlocked("anchoring") == account


def test_a_stopped_service_wakes_its_chains_with_the_same_keys(tmp_path: Path) -> None:
    services = build(tmp_path)
    place = new_place(services)
    before = services.chains.awake(place.chain.id).accounts.unlocked("anchoring")
    services.stop()
    again = build(tmp_path)
    try:
        assert again.chains.awake(place.chain.id).accounts.unlocked("anchoring") == before
    finally:
        again.stop()


def test_without_its_master_key_a_service_does_not_start_and_makes_no_new_one(tmp_path: Path) -> None:
    services = build(tmp_path)
    new_place(services)
    services.stop()
    path = tmp_path / MASTER_KEY
    kept = path.read_bytes()
    path.unlink()
    with pytest.raises(MasterKeyError, match="is missing, and the keys of 1 administrations"):
        build(tmp_path)
    assert not path.exists()
    MasterKey.make(path)
    with pytest.raises(MasterKeyError, match="is another one: expected the key"):
        build(tmp_path)
    path.write_bytes(kept)
    build(tmp_path).stop()  # and the directory was let go of each time


@pytest.mark.parametrize("content", ["", "xyz", "00" * 31, "00" * 33])
def test_what_is_no_master_key_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "key"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(MasterKeyError, match="64 hex digits"):
        MasterKey.read(path)


def test_a_master_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key"
    MasterKey.make(path)
    path.chmod(0o640)
    with pytest.raises(MasterKeyError, match="0640"):
        MasterKey.read(path)
    path.chmod(0o400)
    assert MasterKey.read(path) is not None


def test_what_is_wrapped_is_bound_to_its_administration_and_key(tmp_path: Path) -> None:
    key, other = MasterKey(b"\x01" * 32), MasterKey(b"\x02" * 32)
    wrapped = key.wrap(b"password", "one")
    assert key.unwrap(wrapped, "one") == b"password"
    for who, whose in ((key, "two"), (other, "one")):
        with pytest.raises(MasterKeyError):
            who.unwrap(wrapped, whose)
    assert key.fingerprint != other.fingerprint
    with pytest.raises(MasterKeyError, match="cannot be made"):
        MasterKey.make(tmp_path / "nowhere" / "key")
