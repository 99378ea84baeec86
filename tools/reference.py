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
            f"Each setting is looked for on the command line, then in the environment, then in `{FILE}` of the current",
            "folder (or the file given to `annuaire --config`), and has a default otherwise.",
            "An unknown name in the file is refused; one in the environment is told on standard error and ignored: it",
            "may be somebody else's.",
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
    2: "wrong usage, a setting or argument that does not read, or a path that the system refuses",
    3: "input refused, nothing written",
    4: "not found; not verified",
    5: "registry, index or service unavailable, a port that is taken, or a disk that is full",
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

Every line that an import reads is held to these rules (`importers/quality/rules.py`).  Codes are stable: they stand in
`--json`, in CSV files and in the registry.

| effect | what happens |
|---|---|
| {Effect.REJECT} | the line is set aside with its text; the rest of the file is imported, unless more than 5 % go |
| {Effect.REPAIR} | what is read is corrected; what was written is kept beside it |
| {Effect.WARN} | the line is imported as it is written |

Severity: *{Severity.ERROR}*, the value is false; *{Severity.WARNING}*, two values contradict one another, or one is
missing; *{Severity.NOTICE}*, worth knowing and often right.  Names, professions and savoir-faire are never altered
(RG_EXP_031).

* `annuaire import` and `annuaire runs show N` give the lines of each rule, by file, that is by source.  All lines are
  counted.  Of a source that was read before, lines found unchanged are not looked at again: a run counts what is new.
* `annuaire runs rejects N --csv` gives the lines themselves: file, source, line number, column, rule, severity, effect,
  message, value, suggestion, text.  Rejected lines are all there; of the other rules, the first
  `ANNUAIRE_IMPORT_FINDINGS` lines of each file, ten at most of one value, so that a big hospital hides nobody.
* A false RPPS or ADELI number gets a suggestion: the numbers with one other digit, or two neighbours swapped, whose key
  holds and whose holder the registry knows under the same name (in a link, the name behind the other number).  It is
  looked for when all files of the run are read, for 10,000 lines of each file at most.  Nothing is corrected by it.
* What a number, a code or a place is worth is judged once for each distinct value, and each line that holds it counts:
  see the heads of `importers/quality/codes.py` and `places.py`.  Of activities, the labels of profession and
  savoir-faire are held against their codes on every line, the other labels where their codes are met together first.
  The address of a structure is that of the first line that names it.  Diplomas have no open list: their codes are not
  judged."""


def main() -> None:
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
