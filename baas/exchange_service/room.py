"""Room in memory for messages that come and go, and who makes room for whom.

The beginning of each message counts for nobody: there are at most as many of them as connections, and a request of one
element has seldom more. So it is never refused for want of room, whatever the large ones do. What is beyond it is
bounded, for all together and for each sender; a body that hardly comes is given up, and where there is no room, the one
that comes most slowly makes it.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

FREE = 64 << 10
"""Bytes of each message that count for nobody."""
SLOWEST = 32 << 10
"""Bytes a second at which a body must come, once it has more than those."""
LOOKED_AT = 5.0
"""Seconds over which that is measured."""
PATIENCE = 3.0
"""Seconds in which a body makes room for nobody."""


class NoRoom(Exception):
    """Says who has it."""


class Place:
    """What one message holds of the room."""

    def __init__(self, room: Room, sender: str) -> None:
        self._room, self.sender = room, sender
        self.came = self.held = 0
        self.gave_up = False
        """Whether it made room for another."""
        self._limit: asyncio.Timeout | None = None
        self._began = 0.0
        self._marked = 0

    @contextmanager
    def coming(self, limit: asyncio.Timeout) -> Iterator[None]:
        """While its body comes, over a network. `limit` ends when it comes too slowly, or has to make room."""
        self._limit, self._began = limit, _now()
        self._room.coming.add(self)
        try:
            yield
        finally:
            self._limit = None
            self._room.coming.discard(self)

    def take(self, more: int) -> None:
        """For the next bytes of it. Raises NoRoom."""
        if self.gave_up:
            raise NoRoom("another needed the room, and this message came slowly")
        self.came += more
        counted = max(0, self.came - FREE) - self.held
        if counted == 0:
            return
        self._room.take(self, counted)
        enough = self.came - self._marked >= SLOWEST * LOOKED_AT
        if self._limit is not None and (enough or not self._marked):
            self._marked = self.came
            self._limit.reschedule(_now() + LOOKED_AT)

    def rate(self, now: float) -> float | None:
        """Bytes a second so far; None while it makes room for nobody."""
        seconds = now - self._began
        return self.came / seconds if seconds > PATIENCE else None

    def give_up(self) -> None:
        self.gave_up = True
        if self._limit is not None:
            self._limit.reschedule(_now())


class Room:
    """Bytes of all messages together: at most `most`, and `most_of_one` of one sender. For one event loop."""

    def __init__(self, most: int, most_of_one: int) -> None:
        self._most, self._most_of_one = most, most_of_one
        self._held = 0
        self._held_by: Counter[str] = Counter()
        self.coming: set[Place] = set()

    @contextmanager
    def place(self, sender: str) -> Iterator[Place]:
        """For one message; what it holds is given back at the end."""
        place = Place(self, sender)
        try:
            yield place
        finally:
            self._give_back(place)

    def take(self, place: Place, more: int) -> None:
        if self._held_by[place.sender] + more > self._most_of_one:
            raise NoRoom("too much of this sender is being answered")
        while self._held + more > self._most:
            slowest = self._slowest()
            if slowest is None or slowest is place:
                raise NoRoom("too much is being answered")
            self._give_back(slowest)
            slowest.give_up()
        self._held += more
        self._held_by[place.sender] += more
        place.held += more

    def _slowest(self) -> Place | None:
        now = _now()
        rates = [(rate, each) for each in self.coming if each.held and (rate := each.rate(now)) is not None]
        return min(rates, key=lambda each: each[0])[1] if rates else None

    def _give_back(self, place: Place) -> None:
        self._held -= place.held
        self._held_by[place.sender] -= place.held
        if not self._held_by[place.sender]:
            del self._held_by[place.sender]
        place.held = 0


def _now() -> float:
    return asyncio.get_running_loop().time()
