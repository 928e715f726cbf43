"""What is wrong with the fields of a form: told beside each of them, and the form keeps what was typed."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from fastapi import Response

from baas.console.visits import Visit

#: What was typed in which field, and what is wrong with it; "" is the form as a whole.
Texts = Mapping[str, str]


class Mistakes(Exception):
    """What somebody typed cannot be used. `keys` has, by field, a text of the catalogue under `console.` and its blanks."""

    def __init__(self, keys: Mapping[str, tuple[str, Mapping[str, object]]]) -> None:
        self.keys = keys
        super().__init__(", ".join(f"{field}: {key}" for field, (key, _) in keys.items()))

    @classmethod
    def one(cls, field: str, key: str, **blanks: object) -> Mistakes:
        return cls({field: (key, blanks)})

    def texts(self, visit: Visit) -> dict[str, str]:
        return {
            field: visit.t(f"console.{key}").format(**blanks) for field, (key, blanks) in self.keys.items()
        }


def attempt(act: Callable[[], Response], visit: Visit, page: Callable[[int, Texts], Response]) -> Response:
    """What `act` answers; after Mistakes, the page with its status and what is wrong."""
    try:
        return act()
    except Mistakes as mistakes:
        return page(422, mistakes.texts(visit))
