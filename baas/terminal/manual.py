"""The manual of the command line in Markdown: what --help says of every command, as one page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

WIDTH = 100
HEAD = """\
# The command line

Made from the commands' own help by `baas manual`; a test compares.

"""


def manual(root: Any, exits: Mapping[str, tuple[int, str]]) -> str:
    """One section for each command below the context `root`, in the order of `baas --help`, and the exit codes."""
    parts = [HEAD, "## Exit codes\n\n| code | means |\n|---|---|\n"]
    parts += [f"| {code} | {meaning} |\n" for code, meaning in exits.values()]
    for context in pages(root):
        parts.append(f"\n## `{context.command_path}`\n\n```text\n{context.get_help().rstrip()}\n```\n")
    return "".join(parts)


def pages(root: Any) -> Iterator[Any]:
    """A context for `baas` and for every command below it."""
    top = type(root)(root.command, info_name="baas", terminal_width=WIDTH, max_content_width=WIDTH)
    yield from _below(top)


def _below(context: Any) -> Iterator[Any]:
    yield context
    group = context.command
    for name in group.list_commands(context) if hasattr(group, "list_commands") else ():
        command = group.get_command(context, name)
        yield from _below(type(context)(command, info_name=name, parent=context))
