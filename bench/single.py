"""What one question costs: ``python -m bench.single --data DIR``, of the processor, in one process without network.

``DIR`` holds an index.  People are drawn from it by ``--seed``, and ``--asked`` questions of each kind are made of
them; each is asked once, so that nothing that was planned or read for another one like it helps.  The tables are for
docs/reference/performance.md and search.md.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.machine import describe
from bench.relevance.targets import Person, draw
from directory_service.index.directory import Criteria, Directory
from directory_service.index.query import (
    And,
    Approx,
    Equal,
    Filter,
    LessOrEqual,
    Not,
    Or,
    Part,
    Query,
    Scope,
    Substrings,
    View,
)  # fmt: skip
from directory_service.matching import check_line

SUFFIX = "o=annuaire-sante,c=fr"
BASES = {"ou=bal": f"ou=bal,{SUFFIX}", "ou=personnes": f"ou=personnes,{SUFFIX}", "whole tree": SUFFIX}
WANTED = 100  # entries, or people of a page
WARM = 20  # questions that open the file

Make = Callable[[Person, random.Random], object]


def _has(name: str, text: str) -> Filter:
    return Substrings(name, b"", (text.lower().encode(),), b"")


def _near(name: str, text: str) -> Filter:
    return Approx(name, text.lower().encode())


def _first(names: str) -> str:
    return names.replace("-", " ").split()[0]


FILTERS: Mapping[str, Callable[[Person, random.Random], Filter]] = {
    "(cn~=family)": lambda p, _: _near("cn", p.family),
    "(sn~=family)": lambda p, _: _near("sn", p.family),
    "(sn~=given): a name of the other kind": lambda p, _: _near("sn", _first(p.given)),
    "(cn~=family given)": lambda p, _: _near("cn", f"{p.family} {_first(p.given)}"),
    "(&(sn~=family)(givenName~=given))": lambda p, _: And((_near("sn", p.family), _near("givenName", _first(p.given)))),
    "(&(cn~=family)(cn~=given))": lambda p, _: And((_near("cn", p.family), _near("cn", _first(p.given)))),
    "(|(cn~=family)(mail=*family*))": lambda p, _: Or((_near("cn", p.family), _has("mail", p.family))),
    "(cn=*5 letters inside*)": lambda p, _: _has("cn", p.family[1:6]),
    "(&(cn=*5 letters*)(l=town))": lambda p, _: And((_has("cn", p.family[:5]), Equal("l", _town(p).encode()))),
    "(&(l=town)(!(title=*med*)))": lambda p, _: And((Equal("l", _town(p).encode()), Not(_has("title", "med")))),
    "(!(cn=*a*))": lambda _, rng: Not(_has("cn", rng.choice("abcdefghijklmnoprstuv"))),
    "(uid=*1234*)": lambda _, rng: _has("uid", f"{rng.randrange(10_000):04d}"),
    "(modifyTimestamp<=…)": lambda _, rng: LessOrEqual("modifyTimestamp", b"20001124%06dZ" % rng.randrange(10_000)),
}  # fmt: skip
TEXTS: Mapping[str, Callable[[Person, random.Random], str]] = {
    "2 letters": lambda p, _: p.family[:2],
    "3 letters of a family name": lambda p, _: p.family[:3],
    "family name": lambda p, _: p.family,
    "family and given name": lambda p, _: f"{p.family} {p.given}",
    "given name, 4 letters of the family name": lambda p, _: f"{_first(p.given)} {p.family[:4]}",
    "family name, town": lambda p, _: f"{p.family} {_town(p)}",
    "profession, town": lambda p, _: f"{p.profession} {_town(p)}",
    "family name, profession, town": lambda p, _: f"{p.family} {p.profession} {_town(p)}",
    "town": lambda p, _: _town(p),
    "family name with two letters exchanged, given name": lambda p, rng: f"{_exchanged(p.family, rng)} {p.given}",
    "the same, alone": lambda p, rng: _exchanged(p.family, rng),
    "Dr given family, a trade and a town not hers": lambda p, _: f"Dr {p.given} {p.family} cardiologue Quimper",
}
LINES: Mapping[str, Callable[[Person, random.Random], str]] = {
    "given family": lambda p, _: f"{p.given} {p.family}",
    "Dr given family profession town": lambda p, _: f"Dr {p.given} {p.family} {p.profession} {_town(p)}",
    "given family town, two letters exchanged": lambda p, rng: f"{p.given} {_exchanged(p.family, rng)} {_town(p)}",
    "Dr given family profession, a town not hers": lambda p, _: f"Dr {p.given} {p.family} {p.profession} Quimper",
}


def main() -> None:
    options = _options()
    index = Path(options.data) / "index"
    people = [p for p in draw(index, options.asked, options.seed) if len(p.family) > 1]
    with closing(Directory(index, SUFFIX)) as directory:
        print(f"{describe()}; index {directory.build().id}; --asked {options.asked} --seed {options.seed}")
        for what in options.what:
            kinds = {"ldap": _ldap, "search": _search, "match": _match}[what](directory)
            _show(what, _measured(kinds, people, options.seed))


def _ldap(directory: Directory) -> dict[str, tuple[Make, Callable[[object], object]]]:
    def ask(base: str, asked: object) -> object:
        assert isinstance(asked, Filter)
        return directory.search(Query(base, Scope.SUBTREE, asked, WANTED, part=Part.BER, kept=False), View.ANONYMOUS)

    return {
        f"{kind}, {name}": (make, lambda asked, base=base: ask(base, asked))
        for kind, make in FILTERS.items()
        for name, base in BASES.items()
    }


def _search(directory: Directory) -> dict[str, tuple[Make, Callable[[object], object]]]:
    def ask(text: object) -> object:
        return directory.find(Criteria(q=str(text)), View.ANONYMOUS, 20, None)

    return {kind: (make, ask) for kind, make in TEXTS.items()}


def _match(directory: Directory) -> dict[str, tuple[Make, Callable[[object], object]]]:
    return {kind: (make, lambda text: check_line(directory, {"text": str(text)})) for kind, make in LINES.items()}


def _measured(
    kinds: Mapping[str, tuple[Make, Callable[[object], object]]], people: Sequence[Person], seed: int
) -> Iterator[tuple[str, list[float]]]:
    for kind, (make, ask) in kinds.items():
        rng = random.Random(f"{seed}:{kind}")
        asked = list(dict.fromkeys(make(person, rng) for person in people))
        warm = min(WARM, len(asked) // 3)
        for question in asked[:warm]:
            ask(question)
        yield kind, sorted(_milliseconds(ask, question) for question in asked[warm:])


def _milliseconds(ask: Callable[[object], object], question: object) -> float:
    begun = time.thread_time()
    ask(question)
    return (time.thread_time() - begun) * 1e3


def _show(what: str, rows: Iterator[tuple[str, list[float]]]) -> None:
    table = Table(title=f"{what}: milliseconds of the processor", title_justify="left")
    for head in ("asked", "questions", "p50", "p90", "p99", "most"):
        table.add_column(head, justify="left" if head == "asked" else "right")
    for kind, taken in rows:
        at = [taken[min(len(taken) - 1, int(len(taken) * part))] for part in (0.5, 0.9, 0.99, 1)]
        table.add_row(kind, str(len(taken)), *(f"{ms:.1f}" for ms in at))
    Console(width=120).print(table)


def _town(person: Person) -> str:
    return person.towns[0] if person.towns else "LYON"


def _exchanged(word: str, rng: random.Random) -> str:
    at = rng.randrange(max(1, len(word) - 1))
    return word[:at] + word[at : at + 2][::-1] + word[at + 2 :]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.single", description=__doc__)
    parser.add_argument("what", nargs="*", default=["ldap", "search", "match"], help="ldap, search, match")
    parser.add_argument("--data", required=True, help="a data folder of annuaire with an index")
    parser.add_argument("--asked", type=int, default=170)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    main()
