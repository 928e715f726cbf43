"""Filters (eth_newFilter and its kin): a watch that a client polls by an id nobody can guess.

They live in memory, as long as they are polled and their chain is awake: whoever is told "Filter not found" makes a
new one, as clients do. A poll is the same on every engine, since it reads through the gateway.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.gateway import errors
from sandbox.gateway.endpoints import Asker, Handler
from sandbox.gateway.watches import Blocks, Logs, PendingTransactions, Source, Watch

#: Filters of one chain at once, and seconds after which one that nobody polls is gone (geth's are the same five minutes).
MOST_FILTERS, KEPT_SECONDS = 500, 300.0


@dataclass(eq=False)
class _Filter:
    watch: Watch
    criteria: Any = None  # of a filter for logs
    polled: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)


class Filters:
    """The filters of one chain. Thread-safe. `now` is monotonic seconds, `token` makes an id."""

    def __init__(
        self,
        source: Source,
        *,
        now: Callable[[], float] = time.monotonic,
        token: Callable[[], str] = lambda: f"0x{secrets.token_hex(16)}",
    ) -> None:
        self._source, self._now, self._token = source, now, token
        self._filters: dict[str, _Filter] = {}
        self._lock = threading.Lock()

    @property
    def handlers(self) -> Mapping[str, Handler]:
        """The methods, for the gateway's table."""
        return {
            "eth_newFilter": self._new_logs,
            "eth_newBlockFilter": self._new_blocks,
            "eth_newPendingTransactionFilter": self._new_pending,
            "eth_getFilterChanges": self._changes,
            "eth_getFilterLogs": self._logs,
            "eth_uninstallFilter": self._uninstall,
        }

    def _new_logs(self, _asker: Asker, params: list[Any]) -> str:
        if len(params) != 1:
            raise errors.invalid_params("expected one object: the filter")
        return self._new(params[0], Logs(self._source, params[0]))

    def _new_blocks(self, _asker: Asker, params: list[Any]) -> str:
        _expect_none(params)
        return self._new(None, Blocks(self._source))

    def _new_pending(self, _asker: Asker, params: list[Any]) -> str:
        _expect_none(params)
        return self._new(None, PendingTransactions(self._source))

    def _new(self, criteria: Any, watch: Watch) -> str:
        now = self._now()
        with self._lock:
            for name in [name for name, each in self._filters.items() if now - each.polled > KEPT_SECONDS]:
                del self._filters[name]
            if len(self._filters) >= MOST_FILTERS:
                raise errors.too_many_filters(MOST_FILTERS)
            name = self._token()
            self._filters[name] = _Filter(watch, criteria, now)
        return name

    def _changes(self, _asker: Asker, params: list[Any]) -> list[Any]:
        found = self._found(params)
        with found.lock:  # two polls at once share what is new, they do not both get it
            new = found.watch.take(self._source)
        return [block["hash"] for block in new] if isinstance(found.watch, Blocks) else new

    def _logs(self, _asker: Asker, params: list[Any]) -> Any:
        found = self._found(params)
        if not isinstance(found.watch, Logs):
            raise errors.filter_not_found()
        return self._source.read("eth_getLogs", found.criteria)

    def _uninstall(self, _asker: Asker, params: list[Any]) -> bool:
        name = _id(params)
        with self._lock:
            return self._filters.pop(name, None) is not None

    def _found(self, params: list[Any]) -> _Filter:
        name, now = _id(params), self._now()
        with self._lock:
            found = self._filters.get(name)
            if found is None or now - found.polled > KEPT_SECONDS:
                self._filters.pop(name, None)
                raise errors.filter_not_found()
            found.polled = now
        return found


def _id(params: list[Any]) -> str:
    if len(params) != 1 or not isinstance(params[0], str):
        raise errors.invalid_params("expected one string: the filter's id")
    return params[0]


def _expect_none(params: list[Any]) -> None:
    if params:
        raise errors.invalid_params("expected no parameters")
