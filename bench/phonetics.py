"""``python -m bench.phonetics``: how well codes bring spellings of one French surname together, and keep others apart.

On ``bench/data``: families of spellings, and pairs of names a letter apart that are other names.  Peers run where they
are installed, in environments of their own (``--python``: one with ``abydos`` and ``phonetic-fr``; ``--node``: a folder
in which ``npm install talisman`` ran); none is a dependency.  ``--verbose`` lists what we miss and merge.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import timeit
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import combinations
from pathlib import Path
from typing import Final, NamedTuple
from zlib import crc32

from bench.machine import describe
from directory_service.model.names import squash
from directory_service.model.phonetics import code, sounds_alike
from importers.sample.names import surnames

DATA: Final = Path(__file__).parent / "data"
COMMON: Final = 20_000  # surnames, the commonest of INSEE, for names a code

_PYTHON: Final = """
import json, sys
from abydos.phonetic import FONEM, HenryEarly, Soundex
from phonetic_fr import phonetic
names = sys.stdin.read().split()
made = {"FONEM (abydos 0.5.0)": FONEM().encode, "Henry (abydos 0.5.0)": HenryEarly().encode,
        "Soundex (abydos 0.5.0)": Soundex().encode, "phonetic-fr 1.0.3 (PyPI)": phonetic}
print(json.dumps({name: [encode(n) for n in names] for name, encode in made.items()}))
"""
_NODE: Final = """
const names = require('fs').readFileSync(0, 'utf8').split(/\\s+/).filter(Boolean), out = {};
for (const f of ['fonem', 'phonetic', 'phonex', 'sonnex', 'soundex', 'soundex2'])
  { const m = require('talisman/phonetics/french/' + f), encode = m.default || m;
    out[`${f} (talisman 1.1.4)`] = names.map(n => String(encode(n))); }
console.log(JSON.stringify(out));
"""

BOTH: Final = ("FONEM (abydos 0.5.0)", "phonetic-fr 1.0.3 (PyPI)")

Codes = dict[str, str]
Alike = Callable[[str, str], bool]


class Figures(NamedTuple):
    recall: float  # pairs of one family with one code, families counting alike
    whole: float  # families with one code
    merged: float  # pairs of other names with one code


def families(name: str) -> list[list[str]]:
    return [line.split() for line in (DATA / name).read_text(encoding="utf-8").splitlines() if line[:1].isalpha()]


def held_out(family: Sequence[str]) -> bool:
    """Half of the families: rules were made looking at the other half."""
    return crc32(family[0].encode()) % 2 == 1


def by_code(codes: Codes) -> Alike:
    return lambda one, other: codes[one] == codes[other]


def ours_alike(one: str, other: str) -> bool:
    """The codes, and an E that may be an É."""
    return sounds_alike(one.lower(), other.lower())


def either(one: Alike, other: Alike) -> Alike:
    return lambda a, b: one(a, b) or other(a, b)


def figures(alike: Alike, groups: Iterable[Sequence[str]], pairs: Sequence[Sequence[str]]) -> Figures:
    shares = [_share(alike, group) for group in groups]
    merged = sum(alike(a, b) for a, b in pairs) / len(pairs)
    return Figures(sum(shares) / len(shares), sum(s == 1 for s in shares) / len(shares), merged)


def shared(codes: Codes) -> float:
    """How many of the commonest names have the code of one of them, itself included."""
    common = Counter(codes[name] for name in common_names())
    return sum(n * n for n in common.values()) / COMMON


def _share(alike: Alike, group: Sequence[str]) -> float:
    pairs = list(combinations(group, 2))
    return sum(alike(a, b) for a, b in pairs) / len(pairs)


def common_names() -> list[str]:
    return [squash(name).upper() for name in surnames().names[:COMMON]]


def _peers(options: argparse.Namespace, names: list[str]) -> dict[str, Codes]:
    text, found = "\n".join(names), {}
    for command, folder in (([options.python, "-c", _PYTHON], "."), (["node", "-e", _NODE], options.node)):
        if not command[0] or not folder:
            continue
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=True, cwd=folder)
        found |= {name: dict(zip(names, codes, strict=True)) for name, codes in json.loads(done.stdout).items()}
    return found


def main() -> None:
    options = _options()
    groups, given, pairs = map(families, ("surname_families.txt", "given_families.txt", "surname_pairs.txt"))
    names = list(dict.fromkeys([n for group in (*groups, *given, *pairs) for n in group] + common_names()))
    ours = {name: code(name.lower()) for name in names}
    kept = [g for g in groups if held_out(g)]
    print(f"{describe()}\n{len(groups)} families, {sum(map(len, groups))} names, {len(kept)} families held out; "
          f"{len(given)} families of given names; {len(pairs)} pairs of other names\n")  # fmt: skip
    print("| code | recall | recall, held out | families whole | given names | false merges | names a code |")
    print("|---|---|---|---|---|---|---|")
    codes = {"ours": ours, **_peers(options, names)}
    told = {name: (ours_alike if name == "ours" else by_code(found), shared(found)) for name, found in codes.items()}
    if set(BOTH) <= told.keys():
        told["FONEM or phonetic-fr"] = (either(*(told[name][0] for name in BOTH)), None)
    for name, (alike, crowd) in told.items():
        made, out = figures(alike, groups, pairs), figures(alike, kept, pairs)
        first = sum(_share(alike, g) for g in given) / len(given)
        print(f"| {name} | {made.recall:.3f} | {out.recall:.3f} | {made.whole:.3f} | {first:.3f} | {made.merged:.3f} "
              f"| {'' if crowd is None else f'{crowd:.1f}'} |")  # fmt: skip
    print(f"\ncode(): {_cost(code.__wrapped__):.2f} µs a word, not remembered")
    if options.verbose:
        _tell([*groups, *given] if options.all else [g for g in [*groups, *given] if not held_out(g)], pairs, ours)


def _cost(made: Callable[[str], str]) -> float:
    words = [name.lower() for name in common_names()]
    return min(timeit.repeat(lambda: [made(word) for word in words], number=1, repeat=5)) / len(words) * 1e6


def _tell(groups: list[list[str]], pairs: list[list[str]], ours: Codes) -> None:
    for group in groups:
        missed = [f"{a}/{b}" for a, b in combinations(group, 2) if not ours_alike(a, b)]
        if missed:
            print("apart:", *missed, *(f"{name}: {ours[name]}" for name in group))
    print("merged:", ", ".join(f"{a}/{b}" for a, b in pairs if ours_alike(a, b)))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.phonetics", description=__doc__)
    parser.add_argument("--python", default="", help="an interpreter that has abydos and phonetic-fr")
    parser.add_argument("--node", default="", help="a folder in which talisman is installed by npm")
    parser.add_argument("--verbose", action="store_true", help="what we miss (held-out families not told) and merge")
    parser.add_argument("--all", action="store_true", help="with --verbose: held-out families too")
    return parser.parse_args()


if __name__ == "__main__":
    main()
