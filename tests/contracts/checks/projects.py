"""Folders in which forge compiles: copies of the contracts beside the checks, laid out anew each time."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
AREAS = ("anchoring", "handovers", "notarisation", "permissioning", "registers")
#: The areas that halmos proves something of.
PROVED = tuple(area for area in AREAS if area != "permissioning")

#: What of the contracts each subject's checks need; less to compile is most of a planted bug's time.
NEEDED = {
    "Notary": ("anchoring", "notarisation"),
    "Registry": ("anchoring", "registers"),
    "MerkleLog": (),
    "Allowlist": ("permissioning",),
    "HandOver": ("handovers",),
}
#: Rules that a subject's tests and proofs both ask, in shared/; they need that subject's contracts.
RULES = {"Notary": "NotaryRules.sol", "HandOver": "HandOverRules.sol"}


class CheckError(Exception):
    """A check could not be made: a tool is missing or failed, or a planted bug does not fit the sources."""


@dataclass(frozen=True)
class Tools:
    """The programs, by path."""

    forge: Path
    analysers: Path
    solc: Path
    node_modules: Path

    @classmethod
    def find(cls, modules: Path, analysers: Path, solc: Path, node_modules: Path) -> Tools:
        """Raises CheckError where one is missing."""
        forges = sorted(modules.glob("@foundry-rs/forge-*/bin/forge"))
        if not forges:
            raise CheckError(
                f"no forge for this machine in {modules}: expected @foundry-rs/forge-<system>/bin/forge"
            )
        for name in ("halmos", "slither"):
            if not (analysers / "bin" / name).is_file():
                raise CheckError(
                    f"{name} is not in {analysers}: run `make contracts-check`, which installs it"
                )
        return cls(forges[0], analysers / "bin", solc, node_modules)


@dataclass(frozen=True)
class Project:
    """One folder and what was copied into it."""

    folder: Path

    @classmethod
    def sources(cls, tree: Path, folder: Path) -> Project:
        """The contracts as they are, and nothing else: what slither reads."""
        return cls._laid(tree, folder, AREAS)

    @classmethod
    def tests(cls, tree: Path, folder: Path, subject: str | None = None) -> Project:
        """The contracts as they are, and forge's tests (of one subject)."""
        project = cls._laid(tree, folder, NEEDED[subject] if subject else AREAS)
        project._log(tree)
        project._checks("tests", f"{subject}.t.sol" if subject else "*.t.sol", subject)
        return project

    @classmethod
    def proofs(cls, tree: Path, folder: Path, subject: str | None = None) -> Project:
        """What halmos proves (of one subject).

        The contracts stand on AnyMerkleLog, whose answers are arbitrary. MerkleLog is proved by itself, with Keccak-256 in
        place of SHA-256: halmos 0.3.3 cannot take SHA-256 of what is unknown, and knows of Keccak what the proofs need
        and no more, that it does not collide. No step of MerkleLog depends on which of the two it calls.
        """
        project = cls._laid(tree, folder, NEEDED[subject] if subject else PROVED)
        project._log(tree)
        project._checks("proofs", f"{subject}Proofs.sol" if subject else "*Proofs.sol", subject)
        if (folder / "contracts" / "anchoring").is_dir():
            shutil.copyfile(
                HERE / "proofs" / "AnyMerkleLog.sol", folder / "contracts" / "anchoring" / "MerkleLog.sol"
            )
        for file in (folder / "log" / "MerkleLog.sol", folder / "shared" / "Rfc9162.sol"):
            if file.is_file():
                _replace(file, "return sha256(", "return keccak256(")
        return project

    @classmethod
    def _laid(cls, tree: Path, folder: Path, areas: tuple[str, ...]) -> Project:
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "contracts").mkdir(parents=True)
        for area in areas:
            shutil.copytree(tree / "contracts" / area, folder / "contracts" / area)
        shutil.copyfile(HERE / "foundry.toml", folder / "foundry.toml")
        return cls(folder)

    def _log(self, tree: Path) -> None:
        (self.folder / "log").mkdir()
        shutil.copyfile(
            tree / "contracts" / "anchoring" / "MerkleLog.sol", self.folder / "log" / "MerkleLog.sol"
        )

    def _checks(self, kind: str, pattern: str, subject: str | None) -> None:
        (self.folder / "checks").mkdir()
        for file in (HERE / kind).glob(pattern):
            shutil.copyfile(file, self.folder / "checks" / file.name)
        shutil.copytree(HERE / "shared", self.folder / "shared")
        for of, rules in RULES.items():
            if subject not in (None, of):
                (self.folder / "shared" / rules).unlink()

    def link(self, tools: Tools) -> None:
        """The libraries and the compiler, where foundry.toml looks for them."""
        for name, target in (("node_modules", tools.node_modules), ("solc", tools.solc)):
            if not (self.folder / name).exists():
                (self.folder / name).symlink_to(target)

    def plant(self, bug: Mapping[str, object]) -> None:
        """Raises CheckError where the bug's place is not in the source exactly once."""
        file = self.folder / str(bug["file"])
        _replace(file, str(bug["instead_of"]), str(bug["write"]))


def _replace(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    if text.count(old) != 1:
        raise CheckError(f"expected once in {file.name}, got {text.count(old)} times: {old!r}")
    file.write_text(text.replace(old, new), encoding="utf-8")
