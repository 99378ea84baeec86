"""``python -m bench.verify``: what a verification costs, alone, in batches, with and without receipts.

Alone: time and processor time in the process, from the body of a request to the body of the answer, and requests over
HTTP by wrk beside a Flask view of constant bytes under the same server, in the same run.  Batches of 10,000 are sent
over HTTP to two workers, by one client and by two at once.  Two questions in three are right ones (address and number,
or address and name), the others wrong or unknown.
"""

from __future__ import annotations

import argparse
import http.client
import json
import random
import re
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from bench import http as bare_http
from bench.machine import describe, watch
from bench.service import serving
from directory_service.index.directory import Directory
from directory_service.index.query import View
from directory_service.trust.access import Caller
from directory_service.trust.keys import Keys
from directory_service.trust.ranges import verdicts_in
from directory_service.trust.receipts import Receipts
from directory_service.web.asking import Asker

ANNUAIRE = [sys.executable, "-m", "directory_service.cli"]
PORT, LDAP, BARE = 3580, 3589, 3581
SUFFIX = "o=annuaire-sante,c=fr"
_LUA = """\
local bodies = {{}}
for line in io.lines("{bodies}") do bodies[#bodies + 1] = line end
wrk.headers["Content-Type"] = "application/json"
request = function() return wrk.format("POST", "/v1/verify", nil, bodies[math.random(#bodies)]) end
"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.verify", description=__doc__)
    parser.add_argument("--people", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--cache", default=str(Path(__file__).parent / ".cache"))
    options = parser.parse_args()
    cache = Path(options.cache).resolve()
    data = _prepared(cache, options.people)
    lines = _questions(cache / f"verify-sample-{options.people}")
    print(f"machine: {describe()}\n")
    _print("| work | figure |\n|---|---|")
    for name, receipt in (("no receipt", False), ("receipt", True), ("private receipt", "private")):
        wall, own = zip(*_alone(data, _with(lines, receipt)[:5_000]), strict=True)
        _print(f"| one, in process, {name} | {_shown(wall)}; processor {_shown(own)} |")
        each = statistics.median(_together(data, _with(lines, receipt)) for _ in range(options.rounds))
        _print(f"| a batch, in process, {name} | processor {each * 1e6:.0f} µs each: {1 / each:,.0f}/s a core |")
    _print(f"| one range of hashes, in process | {_range(data) * 1e3:.1f} ms |")
    with serving(ANNUAIRE, data, LDAP, PORT), bare_http.bare(BARE):
        _over_http(cache, lines, options)
        for receipt in (False, True):
            for clients in (1, 2):
                rate = statistics.median(_batches(_with(lines, receipt), clients) for _ in range(options.rounds))
                name = "receipts" if receipt else "no receipts"
                _print(f"| batches of {len(lines):,}, {clients} at once, {name} | {rate:,.0f} answers/s |")


def _print(text: str) -> None:
    print(text, flush=True)


def _prepared(cache: Path, people: int) -> Path:
    sample, data = cache / f"verify-sample-{people}", cache / f"verify-data-{people}"
    env = {"ANNUAIRE_DATA": str(data)}
    if not (sample / "truth.csv").exists():
        watch([*ANNUAIRE, "sample", str(sample), "--people", str(people)])
    if not (data / "registry.sqlite").exists():
        watch([*ANNUAIRE, "init"], env=env)
        watch([*ANNUAIRE, "import", str(sample)], env=env)
    watch([*ANNUAIRE, "index", "--rebuild"], env=env)
    return data


def _questions(sample: Path, number: int = 10_000) -> list[dict[str, object]]:
    """From the extract of mailboxes: address, number, name."""
    (extract,) = sample.glob("*MSSante*.txt")
    rows = [line.split("|") for line in extract.read_text(encoding="utf-8").splitlines()[1:]]
    boxes = [(row[1], row[2], f"{row[6]} {row[5]}") for row in rows if row[0] == "PER" and row[2]]
    rng = random.Random(11)
    made: list[dict[str, object]] = []
    while len(made) < number:
        (address, person, name), (_, other, _) = rng.choice(boxes), rng.choice(boxes)
        made += [
            {"address": address, "person": person},
            {"address": address, "name": name},
            rng.choice([{"address": address, "person": other}, {"address": "x" + address}, {"address": address}]),
        ]
    return made[:number]


def _with(lines: list[dict[str, object]], receipt: object) -> list[bytes]:
    return [json.dumps({**line, **({"receipt": receipt} if receipt else {})}).encode() for line in lines]


def _shown(seconds: Sequence[float]) -> str:
    return (
        f"median {statistics.median(seconds) * 1e6:.0f} µs, p99 {statistics.quantiles(seconds, n=100)[98] * 1e6:.0f} µs"
    )


def _alone(data: Path, bodies: list[bytes]) -> list[tuple[float, float]]:
    """Seconds, and those of the processor, from body to body, each question by itself."""
    with _asker(data) as asker:
        taken = []
        for body in bodies:
            start, busy = time.perf_counter(), time.thread_time()
            asker.answer(body)
            taken.append((time.perf_counter() - start, time.thread_time() - busy))
    return taken


def _together(data: Path, bodies: list[bytes]) -> float:
    """Seconds of the processor for each answer of a batch."""
    with _asker(data) as asker:
        busy = time.thread_time()
        count = sum(answers.count(b"\n") for answers in asker.answers(bodies))
        return (time.thread_time() - busy) / count


@contextmanager
def _asker(data: Path) -> Iterator[Asker]:
    with closing(Directory(data / "index", SUFFIX)) as directory:
        yield Asker(directory, Caller(View.ANONYMOUS), "patient.mssante.fr", Receipts(Keys(data / "keys"), "bench"))


def _range(data: Path) -> float:
    with closing(Directory(data / "index", SUFFIX)) as directory:
        taken = []
        for number in range(200):
            start = time.perf_counter()
            verdicts_in(directory, f"{number:03x}")
            taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def _over_http(cache: Path, lines: list[dict[str, object]], options: argparse.Namespace) -> None:
    bodies, script = cache / "verify-bodies.txt", cache / "verify.lua"
    bodies.write_bytes(b"\n".join(_with(lines, False)))
    script.write_text(_LUA.format(bodies=bodies))
    runs: dict[str, list[float]] = {"ours": [], "bare": []}
    for _ in range(options.rounds):
        runs["ours"].append(_wrk(PORT, options, "-s", str(script)))
        runs["bare"].append(_wrk(BARE, options))
    ours, bare = (statistics.median(rates) for rates in runs.values())
    _print(f"| one a request, {options.connections} connections | {ours:,.0f}/s; bare view {bare:,.0f}/s; "
           f"ratio {ours / bare:.2f} |")  # fmt: skip


def _wrk(port: int, options: argparse.Namespace, *more: str) -> float:
    command = [
        "wrk",
        "-t1",
        f"-c{options.connections}",
        f"-d{options.seconds:.0f}s",
        *more,
        f"http://127.0.0.1:{port}/",
    ]
    done = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert "Non-2xx" not in done, done
    return float(re.search(r"Requests/sec:\s+([\d.]+)", done)[1])


def _batches(lines: list[bytes], clients: int) -> float:
    """Answers a second of so many batches at once."""
    counts: list[int] = []
    threads = [threading.Thread(target=lambda: counts.append(_batch(lines))) for _ in range(clients)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts == [len(lines)] * clients
    return sum(counts) / (time.perf_counter() - start)


def _batch(lines: list[bytes]) -> int:
    with closing(http.client.HTTPConnection("127.0.0.1", PORT, timeout=120)) as connection:
        connection.request("POST", "/v1/verify/batch", b"\n".join(lines))
        return connection.getresponse().read().count(b"\n")


if __name__ == "__main__":
    main()
