"""``python -m bench``: annuaire beside slapd and a bare Flask view, on the national sample."""

from __future__ import annotations

import argparse
import json
import re
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path

from bench import http, morning, postgresql, slapd, workload
from bench.machine import Cost, describe, watch
from bench.requests import write_requests
from bench.service import largest_worker, serving

SUFFIX = "o=annuaire-sante,c=fr"
OURS, THEIRS = 3389, 3390
HTTP, BARE = 3380, 3381
ANNUAIRE = str(Path(sys.executable).with_name("annuaire"))


def main() -> None:
    options = _options()
    cache = Path(options.cache).resolve()
    cache.mkdir(parents=True, exist_ok=True)
    print(f"machine: {describe()}\n", flush=True)
    sample = _sample(cache, options.people)
    steps: dict[str, Callable[[], list[dict[str, object]]]] = {
        "load": lambda: _load(cache, sample, options),
        "morning": lambda: _morning(cache, sample, options),
        "postgresql": lambda: _postgresql(cache, sample),
        "ldap": lambda: _ldap(cache, sample, options),
        "http": lambda: _http(cache, sample, options),
    }
    report = []
    for name in options.steps:
        rows = steps[name]()
        report += rows
        _show(rows)
    (cache / f"report-{options.people}.json").write_text(json.dumps({"machine": describe(), "rows": report}, indent=1))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("steps", nargs="*", default=["load", "ldap", "http"],
                        help="load, ldap, http; morning (after load, once), postgresql")  # fmt: skip
    parser.add_argument("--people", type=int, default=1_700_000)
    parser.add_argument("--rounds", type=int, default=3, help="runs of each load, in turn; medians are shown")
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--cache", default=str(Path(__file__).parent / ".cache"))
    parser.add_argument("--no-slapd", action="store_true", help="leave the peer out")
    parser.add_argument("--boxes-only", action="store_true", help="load slapd with ou=bal alone")
    return parser.parse_args()


def _sample(cache: Path, people: int, day: int = 0) -> Path:
    folder = cache / (f"sample-{people}-{day}" if day else f"sample-{people}")
    if not (folder / "truth.csv").exists():
        cost = watch([ANNUAIRE, "sample", str(folder), "--people", str(people), "--day", str(day)])
        print(f"sample of {people:,} people: {cost.seconds:.0f} s, {cost.peak_mb:.0f} MB\n", flush=True)
    return folder


def _data(cache: Path, people: int) -> Path:
    return cache / f"data-{people}"


def _load(cache: Path, sample: Path, options: argparse.Namespace) -> list[dict[str, object]]:
    data = _data(cache, options.people)
    for path in sorted(data.rglob("*"), reverse=True):
        path.unlink() if not path.is_dir() else path.rmdir()
    env = {"ANNUAIRE_DATA": str(data)}
    watch([ANNUAIRE, "init"], env=env)
    loaded = watch([ANNUAIRE, "import", "--json", str(sample)], env=env)
    indexed = watch([ANNUAIRE, "index", "--rebuild"], env=env)
    rows: list[dict[str, object]] = [
        {"work": "import into the registry", "ours": f"{loaded.seconds:.0f} s", "memory": f"{loaded.peak_mb:.0f} MB"},
        *_stages(loaded),
        {"work": "searchable index", "ours": f"{indexed.seconds:.0f} s", "memory": f"{indexed.peak_mb:.0f} MB"},
        *({"work": f"— {stage}", "ours": f"{seconds:.0f} s"} for stage, seconds in indexed.stages()),
    ]
    total = loaded.seconds + indexed.seconds
    whole: dict[str, object] = {"work": "extracts to answers, in all", "ours": f"{total:.0f} s"}
    if not options.no_slapd:
        theirs = _slapadd(cache, options.people, env)
        whole |= {"theirs": f"{theirs:.0f} s", "ratio": f"{theirs / total:.1f} x"}
    return [*rows, whole]


def _morning(cache: Path, sample: Path, options: argparse.Namespace) -> list[dict[str, object]]:
    both, data = (sample, _sample(cache, options.people, 1)), _data(cache, options.people)
    serving = partial(_serving, cache, options.people)
    return morning.measure(ANNUAIRE, data, both, options, serving, (OURS, HTTP), f"ou=bal,{SUFFIX}")


def _postgresql(cache: Path, sample: Path) -> list[dict[str, object]]:
    with postgresql.cluster() as url:
        env = {"ANNUAIRE_DATA": str(cache / "data-postgresql"), "ANNUAIRE_DATABASE_URL": url}
        watch([ANNUAIRE, "init"], env=env)
        loaded = watch([ANNUAIRE, "import", "--json", str(sample)], env=env)
    row = {"work": "import into PostgreSQL", "ours": f"{loaded.seconds:.0f} s", "memory": f"{loaded.peak_mb:.0f} MB"}
    return [row, *_stages(loaded)]


def _stages(loaded: Cost) -> list[dict[str, object]]:
    """Where the import says that its time went.  Reading and parsing are another process's where there are two cores:
    they go on during the other stages, and what the loading process waits for them is told apart."""
    seconds: dict[str, float] = loaded.report()["seconds"]
    return [{"work": f"· {stage}", "ours": f"{value:.0f} s"} for stage, value in seconds.items()]


def _slapadd(cache: Path, people: int, env: dict[str, str], *, boxes_only: bool = False) -> float:
    ldif = cache / f"entries-{people}.ldif"
    watch([ANNUAIRE, "export", "ldif", "--out", str(ldif)], env=env)
    if boxes_only:
        slapd.keep_boxes(ldif)
    cost = slapd.load(cache / f"slapd-{people}", ldif, SUFFIX)
    ldif.unlink()
    return cost.seconds


def _ldap(cache: Path, sample: Path, options: argparse.Namespace) -> list[dict[str, object]]:
    known = workload.read_known(sample)
    six = ("cn", "sn", "givenName", "mail", "title", "o")
    loads: dict[str, tuple[list[str], tuple[str, ...]]] = {
        "equality on mail": (workload.equality(known), ()),
        "equality on mail, 6 attributes": (workload.equality(known), six),
        "equality on asRpps": (workload.by_number(known), ()),
        "Thunderbird, 3 to 8 letters or two words": (workload.client(known, workload.thunderbird_filter), ()),
        "Outlook, the same texts": (workload.client(known, workload.outlook_filter), ()),
        "Apple": (workload.client(known, workload.apple_filter), ()),
        "Evolution": (workload.client(known, workload.evolution_filter), ()),
        "Roundcube": (workload.client(known, workload.roundcube_filter), ()),
        "Thunderbird, 1 letter": (workload.short(known, 1), ()),
        "Thunderbird, 2 letters": (workload.short(known, 2), ()),
        **{f"Thunderbird, {n} letters": (workload.lengths(known, n), ()) for n in (3, 4, 5, 6, 8)},
        "Thunderbird, nothing found": (workload.nothing(known), ()),
    }
    with _serving(cache, options.people) as pid, _peer(cache, options):
        rows = [_compare(cache, name, *load, options) for name, load in loads.items()]
        return [*rows, largest_worker(pid, "ldap")]


def _compare(
    cache: Path, name: str, filters: list[str], wanted: tuple[str, ...], options: argparse.Namespace
) -> dict[str, object]:
    servers = {"ours": OURS} if options.no_slapd else {"ours": OURS, "theirs": THEIRS}
    runs: dict[str, list[tuple[float, float, float]]] = {side: [] for side in servers}
    for number in range(options.rounds):
        # Each round asks other questions, as far as there are: nothing is quick because it was asked before.
        mine = filters[number :: options.rounds] if len(filters) > 5_000 else filters
        requests = write_requests(cache / "requests.bin", mine, base=f"ou=bal,{SUFFIX}", limit=100, attributes=wanted)
        for side, port in servers.items():
            runs[side].append(_load_once(cache, port, requests, options))
    row: dict[str, object] = {"work": name}
    medians = {side: [statistics.median(column) for column in zip(*done, strict=True)] for side, done in runs.items()}
    for side, (ops, _, p99) in medians.items():
        row[side] = f"{ops:,.0f}/s, p99 {p99:.1f} ms"
    if not options.no_slapd:
        row["ratio"] = f"{medians['ours'][0] / medians['theirs'][0]:.1f} x"
    return row


def _load_once(cache: Path, port: int, requests: Path, options: argparse.Namespace) -> tuple[float, float, float]:
    program = cache / "ldap_load"
    if not program.exists():
        subprocess.run(["cc", "-O2", "-o", program, Path(__file__).with_name("ldap_load.c")], check=True)
    command = [program, str(port), str(options.connections), str(options.seconds), requests]
    line = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    ops, p50, p99 = (float(re.search(rf"{key} ([\d.]+)", line)[1]) for key in ("ops/s", "p50", "p99"))
    return ops, p50, p99


def _serving(cache: Path, people: int) -> AbstractContextManager[int]:
    # One address asks for more entries in a minute than a hospital in a day.
    return serving([ANNUAIRE], _data(cache, people), OURS, HTTP, ANNUAIRE_LDAP_HARVEST_ANONYMOUS="0")


@contextmanager
def _peer(cache: Path, options: argparse.Namespace) -> Iterator[None]:
    if options.no_slapd:
        yield
        return
    folder = cache / f"slapd-{options.people}"
    if not folder.exists():
        env = {"ANNUAIRE_DATA": str(_data(cache, options.people))}
        seconds = _slapadd(cache, options.people, env, boxes_only=options.boxes_only)
        print(f"slapadd: {seconds:.0f} s\n", flush=True)
    with slapd.running(folder, THEIRS):
        yield


def _http(cache: Path, sample: Path, options: argparse.Namespace) -> list[dict[str, object]]:
    # Everybody, so that a text comes back as often as people type the same, and not because there are few.
    texts = workload.typed_texts(workload.read_known(sample, wanted=sys.maxsize))
    with _serving(cache, options.people) as pid, http.bare(BARE):
        return [*http.compare(cache, texts, HTTP, BARE, options), largest_worker(pid, "http")]


def _show(rows: list[dict[str, object]]) -> None:
    columns = ["work", "ours", "theirs", "ratio", "memory"]
    used = [c for c in columns if any(c in row for row in rows)]
    print("| " + " | ".join(used) + " |\n|" + "---|" * len(used))
    for row in rows:
        print("| " + " | ".join(str(row.get(c, "")) for c in used) + " |")
    print(flush=True)


if __name__ == "__main__":
    main()
