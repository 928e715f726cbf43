"""Subscriptions to one chain (eth_subscribe): what is new is handed on as the sealing thread makes it.

One thread for each chain that has subscribers, and none for the others. It sleeps until something happened to the
chain, then takes from every subscription's watch and delivers, in order. Nothing is lost and nothing comes twice
between subscribing and a block: a watch begins at the head that it saw, and goes on from where it stopped.
"""

from __future__ import annotations

import json
import logging
import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sandbox.errors import EngineError, RpcError
from sandbox.gateway import errors
from sandbox.gateway.endpoints import Asker, Handler, Subscriber
from sandbox.gateway.watches import Blocks, Logs, PendingTransactions, Source, Watch

_log = logging.getLogger(__name__)

#: Subscriptions that one subscriber may have, and all of a chain's together.
MOST_EACH, MOST = 100, 2_000
#: Seconds after which a look that failed is tried again.
_AGAIN = 0.25


@dataclass(eq=False)
class _Subscription:
    id: str
    watch: Watch
    subscriber: Subscriber
    live: bool = True


class Subscriptions:
    """The subscriptions of one chain. Thread-safe.

    `poll` is how often to look at a chain whose blocks somebody else makes, in seconds; None where `ring` tells.
    """

    def __init__(self, source: Source, *, poll: float | None = None) -> None:
        self._source, self._poll = source, poll
        self._subscriptions: dict[str, _Subscription] = {}
        self._changed = threading.Condition()
        self._rung = self._seen = 0
        self._closed = ""
        self._thread: threading.Thread | None = None

    @property
    def handlers(self) -> Mapping[str, Handler]:
        """The methods, for the gateway's table: for callers that can be told of what comes later."""
        return {"eth_subscribe": self._subscribe, "eth_unsubscribe": self._unsubscribe}

    def __len__(self) -> int:
        return len(self._subscriptions)

    def of(self, subscriber: Subscriber) -> int:
        """How many the subscriber has."""
        return sum(each.subscriber is subscriber for each in list(self._subscriptions.values()))

    def ring(self) -> None:
        """Something happened to the chain."""
        with self._changed:
            self._rung += 1
            self._changed.notify_all()

    def add(self, kind: str, params: list[Any], subscriber: Subscriber) -> str:
        """A new subscription; its id. RpcError where there is no such kind, or the limits are reached.

        `subscriber` may be told of something before this returns: whoever passes the id on sees to the order, by
        what `opened` told.
        """
        watch = self._watch(kind, params)
        with self._changed:
            if self._closed:
                raise errors.internal_error()
            own = self.of(subscriber)
            if own >= MOST_EACH or len(self._subscriptions) >= MOST:
                raise errors.too_many_subscriptions(MOST_EACH if own >= MOST_EACH else MOST)
            made = _Subscription(f"0x{secrets.token_hex(16)}", watch, subscriber)
            subscriber.opened(made.id)
            self._subscriptions[made.id] = made
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="subscriptions", daemon=True)
                self._thread.start()
        self.ring()  # a block may have come since the watch looked
        return made.id

    def remove(self, subscription: str, subscriber: Subscriber) -> bool:
        """End one of the subscriber's own; False where there is none of that id."""
        with self._changed:
            found = self._subscriptions.get(subscription)
            if found is None or found.subscriber is not subscriber:
                return False
            found.live = False
            del self._subscriptions[subscription]
            self._changed.notify_all()
        return True

    def leave(self, subscriber: Subscriber) -> None:
        """End all of the subscriber's."""
        for each in [each for each in list(self._subscriptions.values()) if each.subscriber is subscriber]:
            self.remove(each.id, subscriber)

    def end(self, reason: str, *, for_good: bool = False) -> None:
        """End every subscription and say why. `for_good`: the chain is being closed, and there are no more."""
        with self._changed:
            ended = list(self._subscriptions.values())
            self._subscriptions.clear()
            for each in ended:
                each.live = False
            if for_good:
                self._closed = reason
            thread = self._thread
            self._changed.notify_all()
        for each in ended:
            each.subscriber.ended(each.id, reason)
        if for_good and thread is not None and thread is not threading.current_thread():
            thread.join()

    def _subscribe(self, asker: Asker, params: list[Any]) -> str:
        if asker.subscriber is None:
            raise errors.notifications_unsupported()
        if not params or not isinstance(params[0], str):
            raise errors.invalid_params(
                "expected what to subscribe to: newHeads, logs or newPendingTransactions"
            )
        return self.add(params[0], params[1:], asker.subscriber)

    def _unsubscribe(self, asker: Asker, params: list[Any]) -> bool:
        if asker.subscriber is None:
            raise errors.notifications_unsupported()
        if len(params) != 1 or not isinstance(params[0], str):
            raise errors.invalid_params("expected one string: the subscription's id")
        if not self.remove(params[0], asker.subscriber):
            raise errors.subscription_not_found()
        return True

    def _watch(self, kind: str, params: list[Any]) -> Watch:
        match kind, params:
            case "newHeads", []:
                return Blocks(self._source)
            case "newPendingTransactions", [] | [False]:
                return PendingTransactions(self._source)
            case "logs", []:
                return Logs(self._source, {})
            case "logs", [dict() as criteria]:
                return Logs(self._source, criteria)
        raise errors.invalid_params(
            "expected newHeads, newPendingTransactions, or logs with one object of address and topics"
        )

    def _run(self) -> None:
        while (current := self._wait()) is not None:
            if not self._look(current):
                with self._changed:
                    self._changed.wait_for(lambda: not self._subscriptions, _AGAIN)
                    self._seen = -1

    def _wait(self) -> list[_Subscription] | None:
        """The subscriptions, once something happened; None, and this thread is no more, when there are none."""
        with self._changed:
            self._changed.wait_for(lambda: self._rung != self._seen or not self._subscriptions, self._poll)
            if not self._subscriptions:
                self._thread = None
                return None
            self._seen = self._rung
            return list(self._subscriptions.values())

    def _look(self, subscriptions: list[_Subscription]) -> bool:
        """One look for each; False when one failed, and is tried again."""
        source, well = replace(self._source, read=_remembering(self._source.read)), True
        for each in subscriptions:
            try:
                for new in each.watch.take(source):
                    if each.live:
                        each.subscriber.deliver(each.id, new)
                if each.watch.behind(source):
                    self.ring()
            except (RpcError, EngineError) as error:  # nothing is lost: its watch stays where it was
                _log.warning("a subscription could not look at its chain; it is tried again: %s", error)
                well = False
        return well


def _remembering(read: Callable[..., Any]) -> Callable[..., Any]:
    """`read`, asked once for what several subscriptions of one look want."""
    known: dict[str, Any] = {}

    def remembered(method: str, *params: Any) -> Any:
        key = json.dumps([method, *params], sort_keys=True)
        if key not in known:
            known[key] = read(method, *params)
        return known[key]

    return remembered
