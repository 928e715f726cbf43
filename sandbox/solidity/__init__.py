"""Compiles the contracts, and reads what was compiled.

`python -m sandbox.solidity build` writes contracts/artifacts, `check` compiles again and compares.
"""

from sandbox.artifacts import Artifact, artifact_names, load_artifact

__all__ = ["Artifact", "artifact_names", "load_artifact"]
