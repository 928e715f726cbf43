"""The stored login: which service to talk to, and a token for each service and each data directory.

One JSON file, `baas-sandbox/login.json` in the user's configuration directory (XDG Base Directory), readable by the
user alone: `{"service": url or null, "tokens": {place: token}}`. A token is sent only to the place that it is stored
for.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from baas.terminal import files
from baas.terminal.problems import Unusable


def login_file(environ: Mapping[str, str] = os.environ) -> Path:
    """Where the login is; a relative XDG_CONFIG_HOME counts as unset, as its specification says."""
    configured = Path(environ.get("XDG_CONFIG_HOME", ""))
    base = configured if configured.is_absolute() else Path.home() / ".config"
    return base / "baas-sandbox" / "login.json"


@dataclass
class Login:
    """`service` is the one that commands talk to; `tokens` are by URL or by absolute data directory."""

    path: Path
    service: str | None = None
    tokens: dict[str, str] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path | None = None) -> Self:
        """The stored login, or an empty one. Unusable when the file is not one of ours."""
        path = path or login_file()
        try:
            found = json.loads(path.read_bytes())
            service, tokens = found["service"], dict(found["tokens"])
        except FileNotFoundError:
            return cls(path)
        except (ValueError, KeyError, TypeError) as error:
            raise Unusable(f"{path} is not a stored login ({error}): remove it and log in again") from None
        return cls(path, service, tokens)

    def save(self) -> None:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        text = json.dumps({"service": self.service, "tokens": self.tokens}, indent=2)
        files.write(self.path, f"{text}\n".encode(), files.PRIVATE)
