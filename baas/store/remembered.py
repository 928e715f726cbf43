"""What was read from the database, remembered for as long as nobody has written anything since.

The store's revision is asked for before each answer, so none is given that a reading at that moment would not give: what
was revoked or suspended is so from the commit on. Any commit forgets everything.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from baas.store import Store

Value = TypeVar("Value")


class Remembered(Generic[Value]):
    """Values by key, `most` of them, that follow from the database and from nothing else. Thread-safe.

    They are shared between threads: nobody may change one. What raises is not remembered.
    """

    def __init__(self, store: Store, most: int = 1_000) -> None:
        self._store, self._most = store, most
        self._lock = threading.Lock()
        self._revision: int | None = None
        self._values: dict[Hashable, Value] = {}

    def get(
        self, key: Hashable, read: Callable[[], Value], holds: Callable[[Value], bool] = lambda value: True
    ) -> Value:
        """The value of `key`: as it is remembered, if it `holds`, else as `read` finds it now.

        After a commit during `read`, the next one reads again.
        """
        revision = self._store.revision()
        with self._lock:
            if revision != self._revision:
                self._revision, self._values = revision, {}
            elif key in self._values and holds(self._values[key]):
                return self._values[key]
        value = read()
        with self._lock:
            if revision == self._revision:
                if len(self._values) >= self._most:
                    self._values = {}
                self._values[key] = value
        return value
