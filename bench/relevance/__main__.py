"""``python -m bench.relevance``: asks for people who are known, in the ways that people type, and sees where they come.

``--data`` is a folder that holds an index; without it, a sample of ``--people`` is made, loaded and kept under
``bench/.cache``.  ``--sample`` people are drawn from it by ``--seed``, and each gives a question of every class that
suits her.  The table is for docs/reference/relevance.md, which says the rules.  Exits with 1 where a goal is missed.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

from rich.console import Console
from rich.table import Table

from bench.machine import describe, watch
from bench.relevance.ask import Ask, asked_of, ways
from bench.relevance.figures import Figures
from bench.relevance.queries import CLASSES, GOALS
from bench.relevance.targets import Person, draw
from directory_service.index.directory import Directory

SUFFIX = "o=annuaire-sante,c=fr"
ANNUAIRE = str(Path(sys.executable).with_name("annuaire"))

Results = Mapping[tuple[str, str], Figures]  # way and class


class Line(NamedTuple):
    """One line of the table, as shown."""

    way: str
    name: str
    asked: str
    at_1: str
    at_10: str
    mrr: str
    strict_1: str
    strict_10: str
    strict_mrr: str
    slow: str


HEADS = Line("way", "typed", "asked", "recall@1", "recall@10", "MRR", "very person @1", "@10", "MRR ", "p99 ms")


def main() -> int:
    options = _options()
    data = Path(options.data) if options.data else _made(Path(options.cache), options.people)
    directory = Directory(data / "index", options.suffix)
    asks = {name: ask for name, ask in ways(directory).items() if not options.ways or name in options.ways}
    results = measure(draw(data / "index", options.sample, options.seed), asks, options.seed, options.tell)
    lines = [_line(way, name, f) for (way, name), f in sorted(results.items(), key=_place)]
    shown = f"{describe()}; index {directory.build().id}; --sample {options.sample} --seed {options.seed}"
    directory.close()
    _show(shown, lines)
    if options.out:
        Path(options.out).write_text(f"{shown}\n\n{markdown(lines)}\n", encoding="utf-8")
    missed = [name for name, goal in GOALS.items() if _short(results.get(("search", name)), goal)]
    if missed:
        print("goal missed:", ", ".join(missed))
    return 1 if missed else 0


def measure(people: Iterator[Person], asks: Mapping[str, Ask], seed: int, tell: int = 0) -> Results:
    """Who has no mailbox is not asked for where only mailboxes are.  ``tell``: so many misses a class are printed,
    which are names of a sample."""
    results: defaultdict[tuple[str, str], Figures] = defaultdict(Figures)
    for person in people:
        for name, make in CLASSES.items():
            asked = make(person, random.Random(crc32(f"{seed}:{name}:{person.id}".encode())))
            for way, ask in asks.items() if asked else ():
                if not asked_of(way, name) or (way in ("suggest", "address book") and not person.has_mail):
                    continue
                begun, figures = time.perf_counter(), results[way, name]
                answers, missed = ask(asked.text), figures.asked - len(figures.fitting)
                figures.add(asked, person, answers, time.perf_counter() - begun)
                if missed < figures.asked - len(figures.fitting) <= tell:
                    print(f"{way}, {name}: {asked.text!r} for {person.family} {person.given}; "
                          f"{[f'{a.family} {a.given}' for a in answers[:3]]}")  # fmt: skip
    return results


def _short(figures: Figures | None, goal: float) -> bool:
    return figures is not None and figures.recall(figures.fitting, 10) < goal


def _place(item: tuple[tuple[str, str], Figures]) -> tuple[int, int]:
    way, name = item[0]
    return ["search", "suggest", "address book", "~="].index(way), list(CLASSES).index(name)


def _line(way: str, name: str, f: Figures) -> Line:
    sides = [(f.recall(ranks, 1), f.recall(ranks, 10), f.mrr(ranks)) for ranks in (f.fitting, f.found)]
    figures = [f"{value:.3f}" for side in sides for value in side]
    return Line(way, name, f"{f.asked:,}", *figures, f"{f.slow():.1f}")


def markdown(lines: list[Line]) -> str:
    rows = [HEADS, *lines]
    return "\n".join(
        "| " + " | ".join(row) + " |" + ("\n|" + "---|" * len(row) if row is HEADS else "") for row in rows
    )


def _show(shown: str, lines: list[Line]) -> None:
    table = Table(title=shown, title_justify="left")
    for head in HEADS:
        table.add_column(head, justify="left" if head in HEADS[:2] else "right", no_wrap=True)
    for before, line in zip([None, *lines], lines, strict=False):
        if before and before.way != line.way:
            table.add_section()
        goal = GOALS.get(line.name) if line.way == "search" else None
        style = "" if goal is None else "green" if float(line.at_10) >= goal else "red"
        table.add_row(*line, style=style)
    Console(width=None if sys.stdout.isatty() else 160).print(table)


def _made(cache: Path, people: int) -> Path:
    sample, data = cache / f"relevance-{people}" / "sample", cache / f"relevance-{people}" / "data"
    if (data / "index" / "current").exists():
        return data
    sample.parent.mkdir(parents=True, exist_ok=True)
    watch([ANNUAIRE, "sample", str(sample), "--people", str(people)])
    for command in (["init"], ["import", str(sample)], ["index", "--rebuild"]):
        watch([ANNUAIRE, *command], env={"ANNUAIRE_DATA": str(data)})
    return data


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.relevance", description=__doc__)
    parser.add_argument("--data", default="", help="a data folder of annuaire (ANNUAIRE_DATA) with an index")
    parser.add_argument("--people", type=int, default=20_000, help="without --data: people of the sample that is made")
    parser.add_argument("--sample", type=int, default=2_000, help="people asked for")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--ways", nargs="*", default=[], help="search, suggest, 'address book', ~=; all by default")
    parser.add_argument("--out", default="", help="a file for the table in Markdown")
    parser.add_argument("--tell", type=int, default=0, help="misses of each class to print: names, of a sample only")
    parser.add_argument("--suffix", default=SUFFIX)
    parser.add_argument("--cache", default=str(Path(__file__).parent.parent / ".cache"))
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
