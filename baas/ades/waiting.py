"""pyHanko's coroutines, from code that does not wait: none of those used here does anything but compute."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")

#: What pyHanko refuses is in our verdict. Its own log would say it again, with a traceback, as often as a stranger likes.
for _name in ("pyhanko", "pyhanko_certvalidator"):
    logging.getLogger(_name).setLevel(logging.CRITICAL)


def waited(work: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
    """The result of pyHanko's coroutine, run to its end in a loop of its own, and in a thread of its own within one."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work())
    done: list[Result] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            done.append(asyncio.run(work()))
        except BaseException as error:  # it is raised again where it was asked for
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
    return done[0]
