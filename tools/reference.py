"""Writes the pages of ``docs/reference`` that follow from the code: settings and commands.  ``make reference`` runs it;
``tests/test_docs.py`` holds the pages equal to what it would write."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from directory_service.cli import annuaire
from directory_service.settings import FILE, describe

FOLDER = Path(__file__).parent.parent / "docs" / "reference"
WIDTH = 100
_WRITTEN = "<!-- Written from the code by `make reference`; a test holds it equal. -->"


def pages() -> dict[Path, str]:
    """Every page that is written from the code."""
    return {FOLDER / "settings.md": settings_page(), FOLDER / "cli.md": commands_page()}


def settings_page() -> str:
    rows = [f"| `{s.name}` | `{s.env}` | {_code(s.default)} | {s.doc} |" for s in describe()]
    return "\n".join(
        [
            "# Settings",
            "",
            _WRITTEN,
            "",
            f"Each setting is looked for on the command line, then in the environment, then in `{FILE}` of the current",
            "folder (or the file given to `annuaire --config`), and has a default otherwise.",
            "",
            f"| `{FILE}` | environment | default | meaning |",
            "|---|---|---|---|",
            *rows,
            "",
        ]
    )


def _code(value: object) -> str:
    return f"`{value}`" if str(value) else ""


def commands_page() -> str:
    head = [
        "# Command line",
        "",
        _WRITTEN,
        "",
        "Help is in French, as is everything the command prints.  `--json` makes any answer, errors included, one JSON",
        "document.  Exit codes:",
        "",
        "| code | meaning |",
        "|---|---|",
        *(f"| {code} | {meaning} |" for code, meaning in EXIT_CODES.items()),
    ]
    return "\n".join([*head, *_sections(annuaire, "annuaire", None), ""])


EXIT_CODES = {
    0: "done; verified",
    1: "internal fault, or a limit was met",
    2: "wrong usage, or a setting or argument that does not read",
    3: "input refused, nothing written",
    4: "not found; not verified",
    5: "registry, index or service unavailable, or a port that is taken",
    6: "stopped by the circuit breaker",
}


def _sections(command: click.Command, name: str, parent: click.Context | None) -> Iterator[str]:
    settings = {**command.context_settings, "max_content_width": WIDTH, "terminal_width": WIDTH}
    context = click.Context(command, info_name=name, parent=parent, **settings)
    yield from ("", f"## `{context.command_path}`", "", "```text", command.get_help(context), "```")
    if isinstance(command, click.Group):
        for sub in command.list_commands(context):
            found = command.get_command(context, sub)
            assert found is not None
            yield from _sections(found, sub, context)


def main() -> None:
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
