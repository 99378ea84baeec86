"""Writes the pages of ``docs/reference`` that follow from the code: settings, commands, rules of data quality.
``make reference`` runs it; ``tests/test_docs.py`` holds the pages equal to what it would write."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from directory_service.cli import annuaire
from directory_service.option import FILE
from directory_service.settings import describe
from importers.quality.rules import RULES, Effect, Severity

FOLDER = Path(__file__).parent.parent / "docs" / "reference"
WIDTH = 100
_WRITTEN = "<!-- Written from the code by `make reference`; a test holds it equal. -->"


def pages() -> dict[Path, str]:
    """Every page that is written from the code."""
    return {
        FOLDER / "settings.md": settings_page(),
        FOLDER / "cli.md": commands_page(),
        FOLDER / "data-quality.md": rules_page(),
    }


def settings_page() -> str:
    rows = [f"| `{s.name}` | `{s.env}` | {_code(s.default)} | {s.doc} |" for s in describe()]
    return "\n".join(
        [
            "# Settings",
            "",
            _WRITTEN,
            "",
            "A setting is read from the command line if it has an option there, else from the environment, else from",
            f"`{FILE}` in the current folder (or the file given by `annuaire --config`), else it has its default.",
            "An unknown name in the file is an error (exit code 2).  An unknown variable `ANNUAIRE_…` in the",
            "environment is reported on standard error and ignored: it may belong to another program.  File names are",
            "relative to the current folder: give full paths for a service.",
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
        "Help and everything else that the command prints are in French.  With `--json`, any answer is one JSON",
        "document, errors included; the message of an error goes to standard error too.  Exit codes:",
        "",
        "| code | meaning |",
        "|---|---|",
        *(f"| {code} | {meaning} |" for code, meaning in EXIT_CODES.items()),
    ]
    return "\n".join([*head, *_sections(annuaire, "annuaire", None), ""])


EXIT_CODES = {
    0: "done; verified",
    1: "internal fault, or a limit was met",
    2: "wrong usage, a setting or argument that does not read, or a path that the system refuses",
    3: "input refused, nothing written",
    4: "not found; not verified",
    5: "registry, index or service unavailable, a port taken, a disk full; a check of `doctor` failed",
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


def rules_page() -> str:
    abouts = dict.fromkeys(rule.about for rule in RULES.values())
    sections = [line for about in abouts for line in _rules_about(about)]
    return "\n".join([_RULES_HEAD, *sections, ""])


def _rules_about(about: str) -> Iterator[str]:
    yield from ("", f"## {_ABOUT[about]}", "", "| code | what staff read | severity | effect | official source |")
    yield "|---|---|---|---|---|"
    for rule in RULES.values():
        if rule.about == about:
            yield f"| `{rule.code}` | {rule.text} | {rule.severity} | {rule.effect} | {rule.source} |"


_ABOUT = {
    "ligne": "Lines",
    "personne": "People and what they practise",
    "structure": "Structures",
    "boîte": "Mailboxes",
    "lien": "Links between ADELI and RPPS",
}
_RULES_HEAD = f"""# Rules of data quality

{_WRITTEN}

Every line that an import reads is checked against these rules (`importers/quality/rules.py`). Their codes never
change: they appear in `--json`, in CSV files and in the registry.

| effect | what happens |
|---|---|
| {Effect.REJECT} | the line is set aside with its text; the rest of the file is imported, unless more than 5 % go |
| {Effect.REPAIR} | what is read is corrected; what was written is kept beside it |
| {Effect.WARN} | the line is imported as it is written, and reported |

| severity | meaning |
|---|---|
| {Severity.ERROR} | the value is wrong |
| {Severity.WARNING} | two values contradict one another, or one is missing |
| {Severity.NOTICE} | worth knowing, and often right |

Names, professions and savoir-faire are never altered (RG_EXP_031), but for control characters, which are part of none.

* `annuaire import` and `annuaire runs show N` count the lines of each rule, file by file. All lines are counted,
  except those that have not changed since the source was last read: a run counts what is new.
* `annuaire runs rejects N --csv` gives the lines themselves: file, source, line number, column, rule, severity,
  effect, message, value, suggestion, text. All rejected lines are kept. Of the other rules, the first
  `ANNUAIRE_IMPORT_FINDINGS` lines of each file are kept, ten at most of one value, so that one big hospital does
  not hide the others.
* A false RPPS or ADELI number may get a suggestion: a number that differs by one digit or by two neighbours
  swapped, whose check key is right and whose holder the registry knows under the same name (in a link, the name
  behind the other number). Suggestions are looked for once all files are read, for 10,000 lines of each file at
  most. They correct nothing.
* A number, a code or a place is judged once for each distinct value; every line that holds it is counted (see the
  heads of `importers/quality/codes.py` and `places.py`). In activities, the labels of profession and savoir-faire
  are compared with their codes on every line, other labels where a pair of codes first occurs. The address of a
  structure is that of the first line that names it. Codes of diplomas are not judged: they have no open list."""


def main() -> None:
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
