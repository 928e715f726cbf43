"""The shipped templates, and every way in which a template file can be wrong."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.artifacts import data_directory
from sandbox.catalogue import LANGUAGES, Template, load_templates, read_template, template, templates
from sandbox.errors import CatalogueError, ParameterError, UnknownTemplate
from sandbox.parameters import TYPES, parse_value

ADDRESS = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"  # an example of EIP-55
SLUGS = ["account-allowlist", "document-notary", "hand-over", "hash-registry"]


def test_the_catalogue() -> None:
    assert list(templates()) == SLUGS
    assert template("hash-registry").contract == "HashRegistry"
    with pytest.raises(UnknownTemplate, match=f"there are: {', '.join(SLUGS)}"):
        template("hash_registry")


def test_a_caller_cannot_change_the_catalogue() -> None:
    templates().clear()
    assert list(templates()) == SLUGS


@pytest.mark.parametrize("slug", SLUGS)
def test_texts_are_there_in_each_language_and_differ(slug: str) -> None:
    found = template(slug)
    texts = [found.title, found.summary, found.privacy_note]
    texts += [item.text for item in (*found.parameters, *found.roles, *found.actions)]
    for text in texts:
        assert len({text[language] for language in LANGUAGES}) == len(LANGUAGES)


@pytest.mark.parametrize("slug", SLUGS)
def test_the_catalan_uses_the_words_of_the_trade(slug: str) -> None:
    found = template(slug)
    texts = [
        found.title,
        found.summary,
        found.privacy_note,
        *(item.text for item in (*found.actions, *found.roles)),
    ]
    catalan = " ".join(text["ca"] for text in texts).lower()
    not_ours = r"\b(hash|blockchain|cadena de blocs|notari\w*|revocar?|segell de temps|rebuts?|usuaris?)\b"
    assert re.findall(not_ours, catalan) == []
    assert "empremta electrònica" in catalan
    assert "llibre major electrònic" in catalan


class TestArguments:
    def test_default_is_the_deploying_account(self) -> None:
        arguments = template("document-notary").constructor_arguments({}, deployer=ADDRESS)
        assert arguments == [bytes.fromhex(ADDRESS[2:])] * 2

    def test_values_go_to_their_positions(self) -> None:
        values = {"notary": "0x" + "22" * 20, "admin": "0x" + "11" * 20}
        assert template("document-notary").constructor_arguments(values) == [b"\x11" * 20, b"\x22" * 20]

    def test_the_word_deployer_may_be_given(self) -> None:
        values = {"notary": "deployer", "admin": "0x" + "11" * 20}
        arguments = template("document-notary").constructor_arguments(values, deployer=ADDRESS)
        assert arguments == [b"\x11" * 20, bytes.fromhex(ADDRESS[2:])]

    @pytest.mark.parametrize(
        ("values", "message"),
        [
            ({"owner": ADDRESS}, r"expected the parameters \['admin', 'notary'\], got \['owner'\] besides"),
            ({"admin": "0x12"}, "parameter admin: expected an address that is not zero.*, got '0x12'"),
            ({"admin": ""}, "parameter admin: expected an address"),
            ({"admin": ADDRESS + "\n"}, "parameter admin: expected an address"),
            ({"admin": "0x" + "00" * 20}, "parameter admin: expected an address that is not zero"),
            ({"admin": ADDRESS.replace("aAe", "AAe")}, "EIP-55"),
            ({"admin": ADDRESS}, "parameter notary: expected an address, because no deploying account"),
        ],
    )
    def test_wrong_values_say_what_was_expected(self, values: dict[str, str], message: str) -> None:
        with pytest.raises(ParameterError, match=f"template document-notary.*{message}"):
            template("document-notary").constructor_arguments(values)


class TestValues:
    @pytest.mark.parametrize(
        ("kind", "text", "value"),
        [
            ("bool", "true", True),
            ("bool", "false", False),
            ("uint8", "255", 255),
            ("uint64", "18446744073709551615", 2**64 - 1),
            ("bytes32", "0x" + "Ab" * 32, b"\xab" * 32),
            ("address", ADDRESS, bytes.fromhex(ADDRESS[2:])),
            ("address", ADDRESS.lower(), bytes.fromhex(ADDRESS[2:])),
        ],
    )
    def test_good(self, kind: str, text: str, value: object) -> None:
        assert parse_value(kind, text) == value

    @pytest.mark.parametrize(
        ("kind", "text"),
        [
            ("bool", "True"),
            ("bool", "1"),
            ("uint8", "256"),
            ("uint8", "-1"),
            ("uint8", " 1"),
            ("uint8", "1_0"),
            ("uint8", "٣"),
            ("uint256", "9" * 5000),
            ("bytes32", "0x" + "ab" * 31),
            ("bytes32", "ab" * 32),
        ],
    )
    def test_bad(self, kind: str, text: str) -> None:
        with pytest.raises(ValueError, match=r"expected .*, got"):
            parse_value(kind, text)

    @given(kind=st.sampled_from(sorted(TYPES)), text=st.text(max_size=80))
    def test_any_text_is_a_value_or_a_clear_refusal(self, kind: str, text: str) -> None:
        try:
            parse_value(kind, text)
        except ValueError as error:
            assert str(error).startswith("expected ")


GOOD = (data_directory("templates") / "hash-registry.toml").read_text()
BREAKAGES = {
    "not TOML": ('version = "1.0.0"', "version = ", "hash-registry.toml: "),
    "unknown key": ('version = "1.0.0"', 'version = "1.0.0"\nicon = "x"', r"unknown keys \['icon'\]"),
    "missing key": ('version = "1.0.0"\n', "", r"missing keys \['version'\]"),
    "other slug": (
        'slug = "hash-registry"',
        'slug = "registry"',
        "expected 'hash-registry', .* says 'registry'",
    ),
    "no artifact": ('contract = "HashRegistry"', 'contract = "Nothing"', "there is no artifact 'Nothing'"),
    "other contract": (
        'contract = "HashRegistry"',
        'contract = "DocumentNotary"',
        "constructor parameters: expected",
    ),
    "language missing": ('ca = "Reprèn les anotacions."\n', "", r"text: missing keys \['ca'\]"),
    "language unknown": ('ca = "Reprèn', 'fr = "x"\nca = "Reprèn', r"unknown keys \['fr'\]"),
    "empty text": ('"Resumes recording."', '" "', "en: expected a text, got ' '"),
    "text is a number": ('"Resumes recording."', "1", "en: expected a text, got 1"),
    "parameter renamed": ('name = "registrar"', 'name = "registry"', "constructor parameters: expected"),
    "parameter's type": (
        'type = "address"\nposition = 1',
        'type = "bytes32"\nposition = 1',
        "expected 32 bytes",
    ),
    "type unknown": ('type = "address"\nposition = 1', 'type = "string"\nposition = 1', "expected a type of"),
    "position twice": ("position = 1", "position = 0", "positions: expected"),
    "position a text": ("position = 1", 'position = "1"', "expected a whole number as position"),
    "position a truth value": ("position = 1", "position = true", "expected a whole number as position"),
    "required with default": (
        "required = false",
        "required = true",
        "expected either required = true or a default",
    ),
    "bad default": ('default = "deployer"', 'default = "somebody"', "default: expected an address"),
    "role missing": (
        '[[roles]]\nname = "PAUSER_ROLE"',
        '[[roles]]\nname = "OTHER_ROLE"',
        "contract's roles: expected",
    ),
    "role to nobody": ('granted_to = "registrar"', 'granted_to = "owner"', "expected granted_to of"),
    "role to one of two": (
        'granted_to = "registrar"',
        'granted_to = ["registrar", "owner"]',
        r"expected granted_to of .*, got \['owner'\]",
    ),
    "role to one twice": (
        'granted_to = "registrar"',
        'granted_to = ["admin", "admin"]',
        "granted_to: expected each once",
    ),
    "role to none": ('granted_to = "registrar"', "granted_to = []", "granted_to: expected a text or a list"),
    "action unknown": (
        'function = "advance"',
        'function = "retreat"',
        "contract's writing functions: expected",
    ),
    "action's role": ('role = "REGISTRAR_ROLE"', 'role = "OWNER"', "action advance: expected a role of"),
    "table for a list": ("[[roles]]", "[roles]", "hash-registry.toml: "),
}


@pytest.mark.parametrize("breakage", BREAKAGES)
def test_a_broken_template_raises_and_is_never_skipped(tmp_path: Path, breakage: str) -> None:
    old, new, message = BREAKAGES[breakage]
    assert old in GOOD
    (tmp_path / "document-notary.toml").write_text(
        (data_directory("templates") / "document-notary.toml").read_text()
    )
    (tmp_path / "hash-registry.toml").write_text(GOOD.replace(old, new, 1))
    with pytest.raises(CatalogueError, match=message) as caught:
        load_templates(tmp_path)
    assert str(caught.value).startswith("hash-registry.toml: ")


def test_lists_must_be_lists_of_tables(tmp_path: Path) -> None:
    path = tmp_path / "hash-registry.toml"
    for value in ('"x"', '["x"]', "[1]"):
        head = GOOD.split("[title]")[0]
        tail = "[title]" + GOOD.split("[title]")[1].split("[[parameters]]")[0]
        path.write_text(f"{head}parameters = {value}\nroles = []\nactions = []\n{tail}")
        with pytest.raises(CatalogueError, match="expected a"):
            read_template(path)


def test_a_file_that_is_not_text_raises(tmp_path: Path) -> None:
    (tmp_path / "hash-registry.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(CatalogueError, match=r"hash-registry\.toml: "):
        load_templates(tmp_path)


def test_templates_are_immutable() -> None:
    found: Template = template("hash-registry")
    with pytest.raises(AttributeError):
        found.slug = "other"  # type: ignore[misc]  # that is what is tested
