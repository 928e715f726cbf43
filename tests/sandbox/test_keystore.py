"""Keys at rest: what is encrypted is standard, what is given is read with bounds, and nothing lies in plain."""

import json
import stat
import subprocess
import sys
from contextlib import closing

import pytest
from eth_account import Account as EthAccount

from sandbox.account_records import AccountRecords
from sandbox.chain import Chain
from sandbox.chain_file import ChainFile
from sandbox.errors import AccountError, KeystoreError
from sandbox.journal import SEALING_KEY, Journal
from sandbox.keystore import (
    VAULT_FILE,
    PasswordVault,
    directory_vault,
    export_keystore,
    import_keystore,
)

KEY = b"\x46" * 32
ADDRESS = "9d8a62f656a8d1615c1294fd71e9cfb3e4855a4f"
PASSWORD = "una contrasenya llarga"
#: The two test vectors of the Web3 Secret Storage Definition.
OFFICIAL_KEY = bytes.fromhex("7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d")
OFFICIAL = {
    "pbkdf2": {
        "crypto": {
            "cipher": "aes-128-ctr",
            "cipherparams": {"iv": "6087dab2f9fdbbfaddc31a909735c1e6"},
            "ciphertext": "5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46",
            "kdf": "pbkdf2",
            "kdfparams": {
                "c": 262144,
                "dklen": 32,
                "prf": "hmac-sha256",
                "salt": "ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd",
            },
            "mac": "517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2",
        },
        "id": "3198bc9c-6672-5ab3-d995-4942343ae5b6",
        "version": 3,
    },
    "scrypt": {
        "crypto": {
            "cipher": "aes-128-ctr",
            "cipherparams": {"iv": "83dbcc02d8ccb40e466191a123791e0e"},
            "ciphertext": "d172bf743a674da9cdad04534d56926ef8358534d458fffccd4e6ad2fbde479c",
            "kdf": "scrypt",
            "kdfparams": {
                "dklen": 32,
                "n": 262144,
                "r": 1,
                "p": 8,
                "salt": "ab0c7876052600dd703518d6fc3fe8984592145b591fc8fb5c6d43190334ba19",
            },
            "mac": "2103ac29920d71da29f15d75b4a16dbe95cfd7ff8faea1056c33131d846e3097",
        },
        "id": "3198bc9c-6672-5ab3-d995-4942343ae5b6",
        "version": 3,
    },
}


@pytest.fixture(scope="module")
def exported():
    return export_keystore(KEY, PASSWORD)


@pytest.fixture
def vault():
    return PasswordVault(b"\x07" * 32)


def test_what_a_vault_encrypts_is_a_keystore_v3_under_its_password_in_hex(vault):
    text = vault.encrypt(KEY)
    fields = json.loads(text)
    assert (fields["version"], fields["crypto"]["kdf"], fields["crypto"]["kdfparams"]["c"]) == (
        3,
        "pbkdf2",
        1,
    )
    assert EthAccount.decrypt(fields, "07" * 32) == KEY == vault.decrypt(text)
    assert KEY.hex() not in text
    assert vault.encrypt(KEY) != text  # salt and initialisation vector are fresh
    with pytest.raises(KeystoreError, match="another password"):
        PasswordVault(b"\x08" * 32).decrypt(text)
    assert "07" not in repr(vault)


def test_a_vault_opens_what_another_program_encrypted_under_its_password(vault):
    theirs = EthAccount.encrypt(KEY, "07" * 32, kdf="pbkdf2", iterations=1)
    assert vault.decrypt(json.dumps(theirs)) == KEY
    ours = json.loads(vault.encrypt(KEY))
    assert ours.keys() == theirs.keys()
    assert ours["address"] == theirs["address"].lower().removeprefix("0x")


def test_the_library_of_keystores_never_raises_the_recursion_limit():
    """A deeply nested JSON text would end the process while it is raised, and threads read such texts."""
    code = (
        "import sys; raised = []; before = sys.getrecursionlimit()\n"
        "sys.addaudithook(lambda event, args: raised.append(sys.getrecursionlimit()) if event == 'import' else None)\n"
        "import sandbox._eth_account\n"
        "sys.exit(max(raised) != before or sys.getrecursionlimit() != before or not 'py_ecc' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_other_secrets_are_bound_to_their_purpose(vault):
    wrapped = vault.wrap(b"seed", "sealing key")
    assert vault.unwrap(wrapped, "sealing key") == b"seed"
    changed = wrapped[:-1] + bytes([wrapped[-1] ^ 1])
    other = PasswordVault.new()
    for who, what, purpose in [
        (vault, wrapped, "x"),
        (vault, changed, "sealing key"),
        (other, wrapped, "sealing key"),
    ]:
        with pytest.raises(KeystoreError, match="cannot be opened"):
            who.unwrap(what, purpose)
    with pytest.raises(KeystoreError):
        vault.unwrap(b"", "sealing key")


def test_what_is_handed_out_is_read_by_others(exported):
    assert EthAccount.decrypt(exported, PASSWORD) == KEY
    fields = json.loads(exported)
    assert fields["address"] == ADDRESS
    assert fields["crypto"]["kdfparams"] | {"salt": ""} == {
        "dklen": 32,
        "n": 2**18,
        "r": 8,
        "p": 1,
        "salt": "",
    }
    assert import_keystore(exported, PASSWORD) == KEY


@pytest.mark.parametrize("kdf", OFFICIAL)
def test_the_definitions_own_vectors(kdf):
    assert import_keystore(json.dumps(OFFICIAL[kdf]), "testpassword") == OFFICIAL_KEY


def test_a_wrong_password_and_a_changed_file_are_refused(exported):
    with pytest.raises(KeystoreError, match="password is wrong, or the keystore was changed"):
        import_keystore(exported, PASSWORD + "x")
    fields = json.loads(exported)
    fields["crypto"]["ciphertext"] = "00" * 32
    with pytest.raises(KeystoreError, match="MAC does not match"):
        import_keystore(json.dumps(fields), PASSWORD)
    fields = json.loads(exported)
    with pytest.raises(KeystoreError, match="its key is that of 0x9d8a"):
        import_keystore(json.dumps(fields | {"address": "0x" + "11" * 20}), PASSWORD)


def changed(path, value):
    fields = json.loads(json.dumps(OFFICIAL["scrypt"]))
    *parents, last = path
    inner = fields
    for each in parents:
        inner = inner[each]
    inner[last] = value
    return json.dumps(fields)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "no keystore"),
        ("[]", "no keystore"),
        ("{}", "no keystore"),
        ("[" * 60_000, "no keystore"),
        (" " * 70_000, "at most 65536"),
        (changed(["version"], 4), "version 3"),
        (changed(["version"], "3"), "version 3"),
        (changed(["crypto", "kdf"], "argon2"), "no keystore"),
        (changed(["crypto", "kdfparams", "n"], 2**40), "costlier"),
        (changed(["crypto", "kdfparams", "r"], 2**30), "costlier"),
        (changed(["crypto", "kdfparams", "p"], 2**30), "costlier"),
        (changed(["crypto", "kdfparams", "n"], -1), "positive integers"),
        (changed(["crypto", "kdfparams", "n"], True), "positive integers"),
        (changed(["crypto", "kdfparams", "n"], "262144"), "positive integers"),
        (changed(["crypto", "kdfparams", "n"], 1000), "cannot be read"),
        (changed(["crypto", "kdfparams", "dklen"], 2**31), "dklen 32"),
        (changed(["crypto", "ciphertext"], "00" * 33), "one 32-byte key"),
        (changed(["crypto", "cipher"], "aes-256-gcm"), "aes-128-ctr"),
        (changed(["crypto", "kdfparams", "salt"], "xx"), "cannot be read"),
        (changed(["crypto", "mac"], 5), "cannot be read"),
    ],
)
def test_what_is_no_keystore_or_costs_too_much_is_refused_before_anything_is_derived(text, match):
    with pytest.raises(KeystoreError, match=match):
        import_keystore(text, "testpassword")


def everything_in(directory, *without):
    return b"".join(
        path.read_bytes() for path in directory.iterdir() if path.is_file() and path.name not in without
    )


def test_no_file_of_a_chain_holds_a_key_in_plain(tmp_path, spec, vault):
    directory = tmp_path / "chain"
    with Chain.create(directory, spec, keystore=vault) as chain:
        address = chain.accounts.create("clerk")
        chain.allow(address, "send")
        chain.wait(chain.send("clerk", to=address))
        key = chain.accounts.unlocked("clerk").private_key
        with closing(ChainFile(directory)) as file:
            seed = vault.unwrap(Journal(file).chain().sealing_key, SEALING_KEY)
        found = everything_in(directory)
        for secret in (key, seed, vault.password):
            assert secret not in found
            assert secret.hex().encode() not in found.lower()
    assert not (directory / VAULT_FILE).exists()


def test_a_chain_opens_with_its_own_keystore_only_and_decrypts_no_account_to_wake(tmp_path, spec, vault):
    with Chain.create(tmp_path / "chain", spec, keystore=vault) as chain:
        vkey = chain.sealing_key
        chain.accounts.create("clerk")
    with pytest.raises(KeystoreError, match="sealing key"):
        Chain.open(tmp_path / "chain", keystore=PasswordVault.new())
    with pytest.raises(KeystoreError, match="keys are kept elsewhere"):
        Chain.open(tmp_path / "chain")

    class Counting(PasswordVault):
        opened = 0

        def decrypt(self, keystore):
            Counting.opened += 1
            return super().decrypt(keystore)

    with Chain.open(tmp_path / "chain", keystore=Counting(vault.password)) as chain:
        assert (chain.sealing_key, Counting.opened) == (vkey, 0)
        chain.allow(chain.accounts.address("clerk"), "send")
        for _ in range(2):
            chain.send("clerk", to=chain.accounts.address("clerk"))
        assert Counting.opened == 1


def test_without_a_service_the_password_is_a_private_file_beside_the_chain(tmp_path, spec):
    directory = tmp_path / "chain"
    with Chain.create(directory, spec) as chain:
        chain.accounts.create("clerk")
        key = chain.accounts.unlocked("clerk").private_key
    assert stat.S_IMODE((directory / VAULT_FILE).stat().st_mode) == 0o600
    assert key not in everything_in(directory, VAULT_FILE)
    with closing(ChainFile(directory)) as file:
        assert directory_vault(directory).decrypt(AccountRecords(file).get("clerk").keystore) == key
    (directory / VAULT_FILE).write_text("not hex")
    with pytest.raises(KeystoreError, match="64 hex digits"):
        Chain.open(directory)


def test_an_account_is_brought_in_and_handed_out(tmp_path, spec):
    with Chain.create(tmp_path / "chain", spec) as chain:
        address = chain.accounts.bring_in("clerk", KEY)
        assert address.lower() == f"0x{ADDRESS}"
        assert EthAccount.decrypt(chain.accounts.hand_out("clerk", PASSWORD), PASSWORD) == KEY
        with pytest.raises(AccountError, match="at least 12"):
            chain.accounts.hand_out("clerk", "short")
        with pytest.raises(AccountError, match="a key is used once"):
            chain.accounts.bring_in("other", KEY)
        for no_key in (b"", bytes(32), b"\xff" * 32, b"\x01" * 31):
            with pytest.raises(AccountError, match="no private key"):
                chain.accounts.bring_in("other", no_key)
