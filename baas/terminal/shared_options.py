"""Options that several commands share, told once: the fields of a dataclass, which such a command is given whole.

    @app.command()
    @with_options(Connection)
    def ask(connection: Connection, what: What) -> Shown: ...

On the command line the fields without a default come first, then the command's own options, then the other fields.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, TypeVar

Options = TypeVar("Options")
Result = TypeVar("Result")


def with_options(
    options: Callable[..., Options],
) -> Callable[[Callable[Concatenate[Options, ...], Result]], Callable[..., Result]]:
    """For a command whose first parameter is the dataclass `options`, each field of which is an option of it."""
    shared = inspect.signature(options, eval_str=True).parameters

    def of(command: Callable[Concatenate[Options, ...], Result]) -> Callable[..., Result]:
        _, *own = inspect.signature(command, eval_str=True).parameters.values()
        needed = [each for each in shared.values() if each.default is each.empty]
        other = [each for each in shared.values() if each.default is not each.empty]
        parameters = [each.replace(kind=each.KEYWORD_ONLY) for each in (*needed, *own, *other)]

        @wraps(command)
        def run(**given: Any) -> Result:
            return command(options(**{name: given.pop(name) for name in shared}), **given)

        run.__annotations__ = {each.name: each.annotation for each in parameters}
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # PEP 362: any function may
        return run

    return of
