"""How often each confidence of ``directory_service.matching`` is right, and how fast lines are answered.

Lines are made from people of the index that ``--data`` names, with the faults of address books: columns that are
missing, one typing error, initials, columns swapped, a town she left.  One in four is about somebody who is not there
(the given name, profession and town of another).  Each is asked of ``candidates``; the figures say, for each band of
confidence, how many candidates were the person meant, and of ``match: true`` how many were not.

    python -m bench.matching --data var --lines 2000 --seed 1
"""

from __future__ import annotations

import argparse
import random
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import orjson

from directory_service.index.directory import Directory
from directory_service.index.query import Equal, Part, Query, Scope, View
from directory_service.matching import Outcome, candidates, check_line, describe
from directory_service.model.names import squash
from directory_service.model.nicknames import other_names

Record = dict[str, Any]
Line = tuple[str, set[str], dict[str, str]]
BANDS: Final = ((95, 100), (80, 95), (50, 80), (20, 50), (0, 20))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, default=Path("var"))
    parser.add_argument("--suffix", default="o=annuaire-sante,c=fr")
    parser.add_argument("--lines", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    directory = Directory(args.data / "index", args.suffix)
    dice = random.Random(args.seed)
    everyone = _people(directory)
    people = dice.sample(everyone, min(args.lines, len(everyone)))
    there: dict[tuple[str, str], set[str]] = defaultdict(set)
    for record in everyone:
        there[_called(record["family_name"], record["given_names"])].add(record["id"])
    lines = [_line(dice, record, people, there) for record in people]
    _measure_confidence(directory, lines)
    _measure_speed(directory, lines)
    directory.close()


def _people(directory: Directory) -> list[Record]:
    """Active people, all of them."""
    query = Query(
        f"ou=personnes,{directory.suffix}", Scope.ONE, Equal("asStatus", b"active"), 200_000, 60, part=Part.JSON
    )
    return [orjson.loads(h.json) for h in directory.search(query, View.ANONYMOUS).hits]


def _called(family: str, given: str) -> tuple[str, str]:
    return squash(family), squash(given.split(" ")[0])


def _line(
    dice: random.Random, record: Record, people: Sequence[Record], there: Mapping[tuple[str, str], set[str]]
) -> Line:
    """The kind of fault, the ids of who is meant ("" for nobody), and the line.  Of a stranger whose name somebody
    ``there`` has by chance, it is she."""
    said = _plain(record)
    for column in ("town", "profession", "structure", "postcode", "department"):
        if dice.random() < 0.5:
            said.pop(column, None)
    if dice.random() < 0.25:
        other = _plain(dice.choice(people))
        stranger = {
            "family": said["family"],
            "given": other["given"],
            **{k: other[k] for k in said if k in other and k not in ("family", "given")},
        }
        return "stranger", there.get(_called(stranger["family"], stranger["given"]), {""}), stranger
    name, fault = dice.choice(_FAULTS)
    return name, {record["id"]}, fault(dice, said)


def _plain(record: Record) -> dict[str, str]:
    place = next((a for a in record["activities"] if a["address"] and a["address"]["city"]), None)
    said = {"family": record["family_name"], "given": record["given_names"].split(" ")[0]}
    if record["profession"]:
        said["profession"] = record["profession"]["label"]
    if place:
        said |= {"town": place["address"]["city"], "postcode": place["address"]["postcode"] or ""}
        said |= {"structure": (place["structure"] or {}).get("name", "")}
        said |= {"department": (place["address"]["department"] or {}).get("label", "")}
    return {name: value for name, value in said.items() if value}


def _typo(dice: random.Random, said: dict[str, str]) -> dict[str, str]:
    name = said["family"]
    at = dice.randrange(len(name))
    return {**said, "family": name[:at] + dice.choice("ABCDEFGHILMNOPRSTU") + name[at + dice.randint(0, 1) :]}


def _nicknamed(dice: random.Random, said: dict[str, str]) -> dict[str, str]:
    """By what people call her, where the table of nicknames says so."""
    called = sorted(other_names(squash(said["given"])))
    return {**said, "given": dice.choice(called)} if called else said


def _spoken(said: dict[str, str]) -> dict[str, str]:
    return {"text": " ".join(_only(said, "family", "given", "profession", "town").values())}


def _moved(dice: random.Random, said: dict[str, str]) -> dict[str, str]:
    kept = {k: v for k, v in said.items() if k not in ("postcode", "department", "structure")}
    return {**kept, "town": dice.choice(["BREST", "NICE", "LENS", "PAU", "DOLE"])}


def _only(said: dict[str, str], *names: str) -> dict[str, str]:
    return {name: said[name] for name in names if name in said}


_FAULTS: Final[Sequence[tuple[str, Callable[[random.Random, dict[str, str]], dict[str, str]]]]] = (
    ("clean", lambda _, s: s),
    ("clean", lambda _, s: s),
    ("typo", _typo),
    ("initial", lambda _, s: {**s, "given": s["given"][0]}),
    ("swapped", lambda _, s: {**s, "family": s["given"], "given": s["family"]}),
    ("surname", lambda _, s: {k: v for k, v in s.items() if k != "given"}),
    ("moved", _moved),
    ("one field", lambda _, s: {"name": f"{s['given']} {s['family']}", **_only(s, "town")}),
    ("nickname", _nicknamed),
    ("free text", lambda _, s: _spoken(s)),
    ("text, typo", lambda dice, s: _spoken(_typo(dice, s))),
    ("text, called", lambda dice, s: _spoken(_nicknamed(dice, s))),
)  # fmt: skip


def _measure_confidence(directory: Directory, lines: Sequence[Line]) -> None:
    bands, kinds, wrong = [Band() for _ in BANDS], Counter[tuple[str, str]](), Counter[bool]()
    spent: dict[str, float] = defaultdict(float)
    for fault, meant, said in lines:
        started = time.process_time()
        found = candidates(directory, describe(said))
        spent[fault] += 1000 * (time.process_time() - started)
        for c in found.candidates:
            band = next(b for b, (low, high) in zip(bands, BANDS, strict=True) if low <= c.confidence < high)
            band.add(c.confidence, right=c.id in meant)
        if found.match:
            wrong[found.match.id not in meant] += 1
        best = found.best.id if found.best else ""
        kinds[fault, "all"] += 1
        kinds[fault, "right"] += best in meant
        kinds[fault, "sure"] += found.outcome is Outcome.SURE
    print(f"{len(lines)} lines, {sum(spent.values()) / len(lines):.2f} ms of processor each")
    print(f"match: {wrong.total()}, of which wrong: {wrong[True]}")
    for band, (low, high) in zip(bands, BANDS, strict=True):
        print(f"confidence {low:3}-{high:3}: {band}")
    for fault in dict.fromkeys(f for f, _, _ in lines):
        of = {k: 100 * kinds[fault, k] / kinds[fault, "all"] for k in ("right", "sure")}
        told = f"first is right {of['right']:5.1f} %, sure {of['sure']:5.1f} %"
        print(f"{fault:12} {kinds[fault, 'all']:5}: {told}, {spent[fault] / kinds[fault, 'all']:5.2f} ms")


class Band:
    """Candidates of one band of confidence."""

    def __init__(self) -> None:
        self.count = self.right = self.sum = 0

    def add(self, confidence: int, *, right: bool) -> None:
        self.count, self.sum, self.right = self.count + 1, self.sum + confidence, self.right + right

    def __str__(self) -> str:
        count = max(self.count, 1)
        return f"{self.count:6} candidates, mean {self.sum / count:5.1f}, right {100 * self.right / count:5.1f} %"


def _measure_speed(directory: Directory, lines: Sequence[Line]) -> None:
    spent = []
    for _, _, said in lines[:500]:
        local = f"{said.get('given', 'x')}.{said.get('family', 'y')}".lower().replace(" ", "-")
        started = time.process_time()
        check_line(directory, {**said, "address": f"{local}@medecin.mssante.fr"})
        spent.append(1000 * (time.process_time() - started))
    spent.sort()
    mean, p99 = sum(spent) / len(spent), spent[len(spent) * 99 // 100]
    print(f"check_line with an unknown address, ms of processor: mean {mean:.2f}, p99 {p99:.1f}")


if __name__ == "__main__":
    main()
