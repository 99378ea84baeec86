"""How one question is answered: ``python -m bench.explain FOLDER TEXT…`` (an index; the suffix is the usual).

A text is asked as Thunderbird asks what is typed in an address field; one that begins with ``(`` is a filter.  For each
it shows what is left to match once the branch is known, the lists that are read, who comes first and why, and what each
step takes, asked for the first time.  ``docs/explanation/how-a-search-runs.md`` reads one such answer line by line.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from itertools import product
from pathlib import Path
from string import ascii_lowercase, digits

from bench.workload import thunderbird_filter
from directory_service.index.directory import Directory
from directory_service.index.lookups import Span
from directory_service.index.plan import Plan, Tiers
from directory_service.index.plan.access import Path as Way
from directory_service.index.plan.fours import NAMES, term
from directory_service.index.query import (
    And,
    Equal,
    Filter,
    HasTag,
    InText,
    Not,
    Or,
    Part,
    Query,
    Scope,
    Substrings,
    View,
)
from directory_service.index.tree import spans_of
from directory_service.ldap.filters import parse_filter

_LETTERS = ascii_lowercase + digits + "^$ @.-_"
_LIMIT = 100


def main(folder: str, *texts: str) -> None:
    with closing(Directory(Path(folder), "o=annuaire-sante,c=fr")) as directory:
        directory.suggest("zz", 1, View.ANONYMOUS)  # opens the file
        for text in texts:
            print("\n".join(explained(directory, text)))


def explained(directory: Directory, text: str) -> Iterator[str]:
    """The lines to show."""
    written = text if text.startswith("(") else thunderbird_filter(text)
    yield f"asked      {written}"
    begun = time.perf_counter()
    query = Query(f"ou=bal,{directory.suffix}", Scope.ONE, parse_filter(written), _LIMIT, part=Part.BER)
    decoded = time.perf_counter()
    reader = directory._reader(time.monotonic())
    spans = spans_of(reader, directory.suffix, query, View.ANONYMOUS)
    planned = time.perf_counter()
    found = directory.search(query, View.ANONYMOUS)
    answered = time.perf_counter()
    for span in spans:
        yield from _of_span(span)
    ids = [hit.id for hit in found.hits]
    read = time.perf_counter()
    reader.hits(ids, Part.BER)
    reading = time.perf_counter() - read
    more = ", and there are more" if found.truncated else ""
    yield f"found      {len(ids)} of at most {_LIMIT} entries{more}"
    steps = {
        "decoded": decoded - begun,
        "planned": planned - decoded,
        "ids found": answered - planned - reading,
        "entries read": reading,
    }
    yield "took       " + ", ".join(f"{name} {seconds * 1000:.2f} ms" for name, seconds in steps.items())
    yield ""


def _of_span(span: Span) -> Iterator[str]:
    halves = span.plan.halves
    for number, plan in enumerate(halves or (span.plan,), start=1):
        if halves:
            yield f"half {number}     {'all the words' if number == 1 else 'one of them alone'}"
        yield from _of_plan(plan)


def _of_plan(plan: Plan) -> Iterator[str]:
    yield f"to match   {told(plan.filter)}"
    if plan.paths is None:
        yield "looked up  nothing: all entries are read"
    for way in plan.paths or ():
        yield f"looked up  {_way(way)}"
    if plan.estimate != float("inf"):
        yield f"           some {plan.estimate:.0f} candidates"
    if isinstance(plan.first, Tiers):
        for number, tier in enumerate(plan.first, start=1):
            order = tier.order
            by = "" if order is None else ", by family name" if order.sql == "e.sn" else ", by how well the names fit"
            yield f"first {number}    {told(tier.filter)}{by}"


def told(asked: Filter) -> str:
    """A filter as one reads it aloud."""
    match asked:
        case And(items) | Or(items):
            word = " and " if isinstance(asked, And) else " or "
            texts = [f"({told(i)})" if isinstance(i, And | Or) and len(i.items) > 1 else told(i) for i in items]
            return word.join(texts) or ("everything" if isinstance(asked, And) else "nothing")
        case Not(item):
            return f"not ({told(item)})"
        case InText(columns, piece):
            return f"{'/'.join(columns)} has {piece!r}"
        case HasTag(token, starts):
            return f"token {token}{'…' if starts else ''}"
        case Equal(attribute, value):
            return f"{attribute} is {value.decode(errors='replace')}"
        case Substrings(attribute, initial, middle, final):
            return f"{attribute} is {'*'.join(part.decode(errors='replace') for part in (initial, *middle, final))}"
        case _:
            return str(asked)


def _way(way: Way) -> str:
    if way.keys:
        return f"key {' or '.join(way.keys)}"
    if way.start:
        return f"family names from {way.start!r} on, in order"
    begun = ("numbers that begin", " or ".join(way.begins))
    lists = (begun, ("lists of letters", _spelled(way.names)), ("texts", way.text), ("tokens", way.tag))
    return "; or ".join(f"{name} {asked}" for name, asked in lists if asked)


def _spelled(expression: str) -> str:
    """The terms of ``names`` as the letters that they stand for."""
    return re.sub(r'"([^"]+)"', lambda found: _letters(found[1]), expression)


def _letters(written: str) -> str:
    column, _ = _PAIRS.get(written[0], ("", ""))
    pairs = [_PAIRS.get(sign, ("", "··"))[1] for sign in written]
    return f"{column}{':' if column else ''}{pairs[0]}" + "".join(pair[1] for pair in pairs[1:])


# What each character of ``names`` stands for: a column, where it is written apart, and two letters.
_PAIRS = {
    term(one + other, column): (column if column in ("given", "mail") else "", one + other)
    for column in reversed(NAMES)
    for one, other in product(_LETTERS, repeat=2)
}


if __name__ == "__main__":
    main(*sys.argv[1:])
