"""The languages that a command may be asked to say something in."""

from __future__ import annotations

from enum import StrEnum


class Language(StrEnum):
    CA = "ca"
    ES = "es"
    EN = "en"
