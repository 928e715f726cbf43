"""Receipts over HTTP: in which format they are asked for, and the answer as a file to keep."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Query, Response

from baas.receipts import RENDERINGS, Format, Source

#: Every media type in which a receipt can come, for the API's description.
RECEIPTS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The receipt in the format that was asked for.",
        "content": {rendering.media_type: {} for rendering in RENDERINGS.values()},
    }
}
In = Annotated[Format, Query(alias="format", description="the receipt's file format")]
Language = Annotated[
    Literal["ca", "es", "en"], Query(alias="lang", description="of the formats that people read")
]


def receipt_file(source: Source, format_: Format, language: str, name: str) -> Response:
    """A receipt as a file to keep, `name` and the format's suffix."""
    rendering = RENDERINGS[format_]
    headers = {"Content-Disposition": f'attachment; filename="{name}{rendering.suffix}"'}
    return Response(rendering.render(source, language), media_type=rendering.media_type, headers=headers)
