"""A new chain's directory: all of it on disk under its name before anybody is told of it."""

import os
from pathlib import Path

from sandbox.chain import Chain
from sandbox.keystore import VAULT_FILE
from sandbox.spec import ChainSpec


def test_a_created_chain_outlives_a_power_cut(tmp_path, monkeypatch):
    """What is not flushed may be gone: the keystore's password, the directory's names, its own name in its parent."""
    done = []
    fsync, rename, opening, opened = os.fsync, Path.rename, os.open, {}

    def opens(path, *arguments, **options):
        descriptor = opening(path, *arguments, **options)
        opened[descriptor] = str(path)
        return descriptor

    def flushed(descriptor):
        done.append(opened[descriptor])
        fsync(descriptor)

    monkeypatch.setattr(os, "open", opens)
    monkeypatch.setattr(os, "fsync", flushed)

    def renamed(path, target):
        done.append(f"rename {target}")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", renamed)
    directory = tmp_path / "chain"
    Chain.create(directory, ChainSpec(4242, 1_700_000_000)).close()
    at = done.index(f"rename {directory}")
    made = {Path(each).name for each in done[:at]}
    assert VAULT_FILE in made
    assert any(name.endswith(".new") for name in made)
    assert str(tmp_path) in done[at:]
