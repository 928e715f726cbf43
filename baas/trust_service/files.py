"""Files that a service which stands alone leaves for those who start it: roots, secrets, keys."""

from __future__ import annotations

import os
from pathlib import Path


def put(path: Path, content: bytes) -> str:
    """Writes a file whole or not at all, for its owner alone; its absolute path."""
    making = path.with_name(path.name + ".making")
    making.unlink(missing_ok=True)
    with os.fdopen(os.open(making, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    making.replace(path)
    return str(path.absolute())
