"""Every interface has a suite, and the suites run on whatever implements it."""

from pathlib import Path

from sandbox.artifacts import artifact_names
from tests.contracts.implementations import CONTRACTS, implementations

#: Interface → the suite that says what it promises.
SUITES = {
    "IAccountAllowlist": "test_account_allowlist.py",
    "IDocumentNotary": "test_document_notary.py",
    "IHandOver": "test_hand_over.py",
    "IHashRegistry": "test_hash_registry.py",
    "IRootAnchor": "test_root_anchor.py",
}


def test_every_interface_has_a_suite_that_asks_for_its_implementations() -> None:
    assert sorted(SUITES) == sorted(path.stem for path in CONTRACTS.rglob("I[A-Z]*.sol"))
    for interface, suite in SUITES.items():
        assert f'implementations("{interface}")' in (Path(__file__).parent / suite).read_text()


def test_every_artifact_is_in_a_suite() -> None:
    tried = {name for interface in SUITES for name in implementations(interface)}
    assert tried == set(artifact_names())
    assert implementations("IRootAnchor") == ["DocumentNotary", "HashRegistry"]


def test_a_new_implementation_is_found_through_whatever_it_inherits(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "IOne.sol").write_text("interface IOne is IZero {\n}\n")
    (tmp_path / "a" / "Base.sol").write_text("abstract contract Base is\n    Other,\n    IOne\n{\n}\n")
    (tmp_path / "Old.sol").write_text("contract Old is IOne, Other {\n}\n")
    (tmp_path / "New.sol").write_text("contract New is Base, Ownable(msg.sender) {\n}\n")
    (tmp_path / "Apart.sol").write_text("contract Apart {\n}\n")
    assert implementations("IOne", tmp_path) == implementations("IZero", tmp_path) == ["New", "Old"]
