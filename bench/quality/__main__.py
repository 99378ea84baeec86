"""``python -m bench.quality``: measures the matching and writes what ``annuaire quality`` and ``/v1/status`` tell.

``train`` learns the weights anew first; ``splink`` measures Splink on febrl4, ``traps`` counts false merges of
people who are in one registry only: both instead, and neither writes anything.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path

from bench.quality.measure import Measure

OUT = Path("directory_service/model/data/quality.json")
COMMAND = "python -m bench.quality"
# people, seed, variants, defects: none of these seeds was learnt from.
SAMPLES = (
    (60_000, 31, 0.0, 0.0),
    (60_000, 32, 0.05, 0.01),
    (60_000, 33, 0.15, 0.03),
    (60_000, 34, 0.4, 0.05),
)


def main(arguments: list[str]) -> None:
    if arguments == ["splink"]:
        from bench.quality import peer

        _show(peer.measure())
        return
    if arguments == ["traps"]:
        from bench.quality import traps

        print(dict(sorted(traps.measure().items())))
        return
    from bench.quality import chain, febrl

    if arguments == ["train"]:
        from bench.quality.train import train

        train()
    measures = [m for sample in SAMPLES for m in chain.measure(*sample)] + [febrl.measure()]
    _show(measures)
    weights = json.loads(Path("importers/data/matching.json").read_text(encoding="utf-8"))
    told = {
        "measured": f"{datetime.now(UTC):%Y-%m-%d}",
        "command": COMMAND,
        "model": weights["made"],
        "measures": [m.as_dict() for m in measures],
    }
    OUT.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _show(measures: list[Measure]) -> None:
    for m in measures:
        asked = "" if m.recall_with_review is None else f", with review {m.recall_with_review:.4f}"
        print(
            f"{m.name}: pairs {m.pairs}, precision {m.precision:.4f}, recall {m.recall:.4f}, F1 {m.f1:.4f}, "
            f"false {m.false}{asked}"
        )


if __name__ == "__main__":
    main(sys.argv[1:])
