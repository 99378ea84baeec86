"""Load on ``/v1/suggest`` with wrk, beside a Flask view of constant bytes under the same WSGI server."""

from __future__ import annotations

import argparse
import re
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from bench import slapd

_LUA = """\
local paths = {{}}
for line in io.lines("{paths}") do paths[#paths + 1] = line end
request = function() return wrk.format("GET", paths[math.random(#paths)]) end
"""


@contextmanager
def bare(port: int) -> Iterator[None]:
    """gunicorn with a view that does nothing, 2 workers like ours."""
    command = [sys.executable, "-m", "gunicorn", "-w", "2", "-k", "gthread", "--threads", "4", "--keep-alive", "30"]
    process = subprocess.Popen(
        [*command, "-b", f"127.0.0.1:{port}", "--log-level", "error", "bench.bare_view:app"],
        cwd=Path(__file__).parent.parent,
    )
    try:
        slapd.wait_for(port)
        yield
    finally:
        process.terminate()
        process.wait(30)


def compare(
    cache: Path, texts: list[str], ours: int, theirs: int, options: argparse.Namespace
) -> list[dict[str, object]]:
    runs: dict[str, list[tuple[float, float, float]]] = {"ours": [], "theirs": []}
    for _ in range(options.rounds):
        runs["ours"].append(_wrk(cache, [f"/v1/suggest?q={quote(t)}" for t in texts], ours, options))
        runs["theirs"].append(_wrk(cache, ["/"], theirs, options))
    # The kernel deals gunicorn's connections out: where one worker gets them all, the bare view gives a third.
    told = {"ours": [statistics.median(c) for c in zip(*runs["ours"], strict=True)], "theirs": max(runs["theirs"])}
    row: dict[str, object] = {
        "work": f"/v1/suggest, {options.connections} connections (peer: constant bytes, best round)"
    }
    for side, (ops, p50, p99) in told.items():
        row[side] = f"{ops:,.0f}/s, p50 {p50:.1f} ms, p99 {p99:.1f} ms"
    row["ratio"] = f"{told['ours'][0] / told['theirs'][0]:.2f} x"
    return [row]


def _wrk(cache: Path, paths: list[str], port: int, options: argparse.Namespace) -> tuple[float, float, float]:
    (cache / "paths.txt").write_text("\n".join(paths))
    (cache / "wrk.lua").write_text(_LUA.format(paths=cache / "paths.txt"))
    command = ["wrk", "-t1", f"-c{options.connections}", f"-d{options.seconds:.0f}s", "--latency", "-s"]
    done = subprocess.run(
        [*command, cache / "wrk.lua", f"http://127.0.0.1:{port}"], check=True, capture_output=True, text=True
    ).stdout
    if "Non-2xx" in done:
        print(re.search(r"Non-2xx.*", done)[0], flush=True)
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", done)[1])
    return rate, _milliseconds(done, "50%"), _milliseconds(done, "99%")


def _milliseconds(report: str, percentile: str) -> float:
    value, unit = re.search(rf"{percentile}\s+([\d.]+)(us|ms|s)", report).groups()
    return float(value) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[unit]
