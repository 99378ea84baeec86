"""What the homonym shield costs a suggestion: ``python -m bench.shield FOLDER`` (an index; the suffix is the usual).

One process, no network.  ``first`` is a text that nobody typed since the last commit, ``again`` one that somebody did;
both with the shield and without.  Medians, in microseconds.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from itertools import product
from pathlib import Path

from directory_service.index.directory import Directory
from directory_service.index.query import View

TEXTS = ("m", "martin", "martin mar", "pharmacie", "jean", "dupont")
_ROUNDS = 200
_LIMIT = 10


def main(folder: str) -> None:
    with closing(Directory(Path(folder), "o=annuaire-sante,c=fr")) as directory:
        print(f"{'text':12}{'first':>8}{'again':>8}{'without: first':>16}{'again':>8}")
        for text in TEXTS:
            ways = (partial(way, text, _LIMIT, View.ANONYMOUS) for way in (directory.suggestions, directory.suggest))
            found = [_median(directory, ask, cold=cold) for ask, cold in product([*ways], (True, False))]
            print(f"{text:12}" + "".join(f"{us:>{width}.0f}" for us, width in zip(found, (8, 8, 16, 8), strict=True)))


def _median(directory: Directory, ask: Callable[[], object], *, cold: bool) -> float:
    taken = []
    for _ in range(_ROUNDS):
        if cold:
            directory.forget_answers()
        begun = time.perf_counter()
        ask()
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken) * 1e6


if __name__ == "__main__":
    main(sys.argv[1])
