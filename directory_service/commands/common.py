"""What every command shares: ``--json``, output as a table or as JSON, access to the settings, progress.

It decides no exit code (``errors`` and ``cli`` do) and opens nothing until asked.
"""

from __future__ import annotations

import functools
import getpass
import io
import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import click

from directory_service.commands.french import TEXTS
from directory_service.errors import FULL, InvalidInput, NotFound, RegistryUnavailable, why_unwritten
from directory_service.model.numbers import grouped

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection, Engine

    from directory_service.index.directory import Directory
    from directory_service.settings import Settings

_WHOLE: Final = 1_000  # characters: more than the first sentence of any help
NO = NotFound.exit_code  # of a command that asks something (contract.md §1)


def as_json(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds ``--json``, passed as ``machine``."""
    return click.option("--json", "machine", is_flag=True, help="Sortie JSON, pour les programmes.")(command)


def with_settings(command: Callable[..., Any]) -> Callable[..., Any]:
    """Passes the settings first; they are read when the command runs, so that ``--help`` never fails on them."""

    @click.pass_obj
    @functools.wraps(command)
    def call(load: Callable[..., Settings], *args: Any, **kwargs: Any) -> Any:
        return command(load(), *args, **kwargs)

    return call


class Whole(click.IntRange):
    """A number of 64 bits, which is what registries hold; of ``least`` or more."""

    def __init__(self, least: int | None = None) -> None:
        super().__init__(least)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        found = super().convert(value, param, ctx)
        if abs(found) >= 2**63:
            self.fail("ce nombre est trop grand.", param, ctx)
        return found


NUMBER: Final = Whole()


class Moment(click.DateTime):
    """A day or an instant, ISO 8601; without a zone it is UTC."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        from directory_service.registry.clock import parse_instant

        try:
            return parse_instant(value.strip())
        except InvalidInput as error:
            self.fail(f"{value} : {error.message}.", param, ctx)


class Commands(click.Group):
    """A group whose help gives what each command does in full, where click would cut it at the end of the line."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        alone = kwargs.get("invoke_without_command", False)
        kwargs.setdefault("subcommand_metavar", "[COMMANDE] [ARGUMENTS]…" if alone else "COMMANDE [ARGUMENTS]…")
        super().__init__(*args, **kwargs)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        found = ((name, self.get_command(ctx, name)) for name in self.list_commands(ctx))
        rows = [(name, command.get_short_help_str(_WHOLE)) for name, command in found if command]
        with formatter.section(TEXTS["Commands"]):
            formatter.write_dl(rows)


def whoami() -> str:
    """Who runs the command: the account's name, or its number where the system knows none, as in containers."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # of an account without a name; since Python 3.13 the second
        return f"uid {os.getuid()}"


@contextmanager
def written_to(path: Path) -> Iterator[None]:
    """Around what is written where the caller asked.  Raises InvalidInput where that cannot be; a full disk is named,
    and told by ``cli``."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            error.filename = error.filename or str(path)
            raise
        raise InvalidInput(why_unwritten(error), where=str(error.filename or path)) from error


@contextmanager
def registry(settings: Settings, *, asked: bool = True) -> Iterator[Engine]:
    """The registry, known to be of the current schema; not yet ``asked``, for work that takes the lock first."""
    from directory_service.registry.engine import open_registry, require_current

    engine = open_registry(settings.registry_url)
    try:
        if asked:
            require_current(engine)
        yield engine
    finally:
        engine.dispose()


@contextmanager
def changing(settings: Settings) -> Iterator[Connection]:
    """One transaction that changes the registry."""
    from directory_service.registry.engine import writing

    with registry(settings) as engine, writing(engine) as connection:
        yield connection


@contextmanager
def making_index(settings: Settings) -> Iterator[None]:
    """Around what writes the index.  Raises RegistryUnavailable for what its disk or the system refuses."""
    from directory_service.index.files import told_of_index

    try:
        with told_of_index():
            yield
    except OSError as error:
        raise RegistryUnavailable(why_unwritten(error), where=str(error.filename or settings.index_folder)) from error


@contextmanager
def directory(settings: Settings) -> Iterator[Directory]:
    """The index, as the faces read it."""
    from contextlib import closing

    from directory_service.index.directory import Directory

    with closing(Directory(settings.index_folder, settings.ldap_suffix)) as found:
        yield found


@contextmanager
def progress(*, quiet: bool = False) -> Iterator[Callable[[str, int, int], None]]:
    """What long work is given to tell how far it is: bars on a terminal, a line per step elsewhere, on standard
    error so that standard output stays the result."""
    if quiet:
        yield lambda label, done, total: None
    elif sys.stderr.isatty():
        with _bars() as show:
            yield show
    else:
        yield _Steps()


_WIDE: Final = 120  # columns: the name of an extract, a bar, and how far it is
_FIGURES: Final = 14  # columns: a percentage and the time


def _cut(label: str, room: int) -> str:
    """In the middle: its beginning says what is done, its end to which day's file."""
    cut = len(label) - room + 1
    return f"{label[: room // 2]}…{label[room // 2 + cut :]}" if cut > 1 else label


class _Steps:
    """One line when a step starts and one when it ends."""

    def __init__(self) -> None:
        self.said: set[tuple[str, bool]] = set()

    def __call__(self, label: str, done: int, total: int) -> None:
        key = (label, 0 < total <= done)
        if key not in self.said:
            self.said.add(key)
            click.echo(f"{label} : terminé ({grouped(done)})" if key[1] else f"{label}…", err=True)


@contextmanager
def _bars() -> Iterator[Callable[[str, int, int], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    bar = (BarColumn(),) if console.width >= _WIDE else ()
    # Percents, since a file is counted in octets, which would pass for its lines.
    columns = (TextColumn("{task.description}"), *bar, TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as drawn:
        tasks: dict[str, Any] = {}

        def show(label: str, done: int, total: int) -> None:
            if label not in tasks:
                tasks[label] = drawn.add_task(_cut(label, console.width - _FIGURES), total=total or None)
            drawn.update(tasks[label], completed=done, total=total or None)

        yield show


def in_utf8() -> None:
    """What programs read is UTF-8, whatever the alphabet of the terminal: as it would be in a file."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")


def emit(value: object) -> None:
    """One JSON document on standard output."""
    in_utf8()
    click.echo(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, none: str = "") -> None:
    """A table on a terminal; tab-separated lines elsewhere, so that ``cut`` and ``grep`` read them.  ``none``: what is
    said where there are no rows, beside the answer."""
    shown = [[_cell(value) for value in row] for row in rows]
    if not sys.stdout.isatty():
        for row in shown:
            click.echo("\t".join(row))
    elif shown:
        _fit(columns, [[_INSTANT.sub(r"\1 \2", text) for text in row] for row in shown])
    if none and not shown:
        click.echo(none, err=True)


_INSTANT: Final = re.compile(r"\b(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\dZ)")  # two words, that a column may be narrower


def _fit(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table as long as no word of it has to be broken, which half an address or number is; else a line per value."""
    from rich.cells import cell_len
    from rich.console import Console

    ways = [(name, *cells) for name, *cells in zip(columns, *rows, strict=True)]
    least = [max(cell_len(word) for text in way for word in text.split() or ("",)) for way in ways]
    widths = [max(map(cell_len, way)) for way in ways]
    room = Console().width - 2 * (len(columns) - 1)
    if sum(least) > room:
        told = ("\n".join(f"{name} : {text}" for name, text in zip(columns, row, strict=True) if text) for row in rows)
        click.echo("\n\n".join(told))
        return
    while sum(widths) > room:  # the widest gives way
        widest = max((i for i, width in enumerate(widths) if width > least[i]), key=widths.__getitem__)
        widths[widest] -= 1
    draw(columns, ([(text, "") for text in row] for row in rows), widths)


def draw(columns: Sequence[str], rows: Iterable[Iterable[tuple[str, str]]], widths: Sequence[int] = ()) -> None:
    """On a terminal, cells of a text and its style.  What is too long goes on below: half an address is none."""
    from rich.console import Console
    from rich.table import Column, Table
    from rich.text import Text

    given = dict(zip(columns, widths, strict=False))
    heads = (Column(name, overflow="fold", width=given.get(name)) for name in columns)
    drawn = Table(*heads, box=None, header_style="bold", pad_edge=False)
    for row in rows:
        drawn.add_row(*(Text(text, style=style) for text, style in row))
    Console().print(drawn)


def lines(pairs: Mapping[str, object]) -> None:
    """``name : value`` lines, the empty ones left out."""
    for name, value in pairs.items():
        if value not in (None, "", [], ()):
            click.echo(f"{name} : {_cell(value)}")


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, list | tuple):
        return ", ".join(_cell(v) for v in value)
    return str(value)


_COUNTS = {
    "practitioners": "professionnels",
    "practitioners_active": "dont en exercice",
    "organizations": "structures",
    "activities": "activités",
    "mailboxes": "boîtes ouvertes",
    "mailboxes_closed": "boîtes fermées",
    "operators": "opérateurs",
}


def named_counts(counts: Mapping[str, int]) -> dict[str, int]:
    """What a build or the registry holds, under French names."""
    return {_COUNTS.get(name, name): number for name, number in counts.items()}
