"""``python -m bench.soak [--seconds 600] [--people 3000]``: the run, its report, and 1 where something is wrong.

A registry and an index of its own in a temporary folder; ``annuaire serve`` with two workers; traffic; every few
seconds the next day's extracts are imported, which the follower applies, or the index is built anew, which readers swap
to.  Wrong is: a process that ended, a fault in the log, an answer that should not be, memory or descriptors that grow.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from bench import machine
from bench.soak import traffic
from bench.soak.watch import HEADER, Series, Watch

ANNUAIRE = str(Path(sys.executable).with_name("annuaire"))
DRAIN = 8.0  # seconds for what was left open to be closed, after the last client has gone
IDLE = 5  # seconds of ldap_idle_anonymous, so that leaked connections come and go within the run
_FAULT = re.compile(r"internal fault|Traceback|relancé|Exception|Error\b")
OPERATOR = "soak"


@dataclass(frozen=True)
class Report:
    """What a run came to; ``wrong`` is empty when all is well."""

    wrong: list[str]
    series: list[Series]
    answers: dict[str, int]
    swaps: int
    days: int


def soak(folder: Path, seconds: float, people: int, *, judge_growth: bool = True, seed: int = 1) -> Report:
    """Loads, serves, bothers and judges."""
    env = _env(folder)
    secret = _load(folder, env, people)
    with _served(folder, env) as (process, log):
        watch = Watch(process.pid)
        before, sockets = _settled(watch)
        watch.start()
        target = _target(env, secret)
        threads = traffic.start(target, seed)
        days, swaps = _churn(folder, env, people, time.monotonic() + seconds)
        target.done.set()
        for thread in threads:
            thread.join(40)
        series = watch.stop()
        left = _left_open(sockets, time.monotonic() + DRAIN + IDLE)
        after = watch.alive()
    wrong = [f"process {part} ended" for pid, part in before.items() if pid not in after]
    wrong += [f"process {part} is new" for pid, part in after.items() if pid not in before]
    wrong += [f"{count} x {what}" for what, count in target.wrong.items()]
    wrong += [line for line in log.read_text(encoding="utf-8").splitlines() if _FAULT.search(line)]
    wrong += [f"{before[pid]}: {count} more sockets than at the start" for pid, count in left.items()]
    wrong += [f"exit code {process.returncode}"] if process.returncode else []
    wrong += [fault for found in series for fault in found.faults()] if judge_growth else []
    return Report(wrong, series, dict(sorted(target.answers.items())), swaps, days)


def _env(folder: Path) -> dict[str, str]:
    ours = {"ANNUAIRE_DATA": str(folder / "var"), "ANNUAIRE_WORKERS": "2", "ANNUAIRE_LDAP_IDLE_ANONYMOUS": str(IDLE)}
    ports = {f"ANNUAIRE_{face}_PORT": str(_free_port()) for face in ("LDAP", "HTTP")}
    return {n: v for n, v in os.environ.items() if not n.startswith("ANNUAIRE_")} | ours | ports


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _run(folder: Path, env: dict[str, str], *arguments: str) -> str:
    done = subprocess.run([ANNUAIRE, *arguments], cwd=folder, env=env, capture_output=True, text=True, timeout=300)
    if done.returncode:
        raise RuntimeError(f"annuaire {' '.join(arguments)}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def _load(folder: Path, env: dict[str, str], people: int) -> str:
    """The secret of an operator."""
    _run(folder, env, "init")
    _run(folder, env, "sample", "day0", "--people", str(people), "--seed", "5")
    _run(folder, env, "import", "day0", "--as-of", "2026-01-01T06:00:00")
    _run(folder, env, "operator", "add", OPERATOR, "--domain", "medecin.mssante.fr")
    secret = json.loads(_run(folder, env, "operator", "secret", OPERATOR, "--json"))["secret"]
    _run(folder, env, "index")
    return str(secret)


@contextmanager
def _served(folder: Path, env: dict[str, str]) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    log = folder / "serve.log"
    with log.open("wb") as out:
        process = subprocess.Popen([ANNUAIRE, "serve"], cwd=folder, env=env, stdout=out, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + 90
        while "Ctrl-C" not in log.read_text(encoding="utf-8"):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(log.read_text(encoding="utf-8"))
            time.sleep(0.1)
        yield process, log
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def _target(env: dict[str, str], secret: str) -> traffic.Target:
    name = f"cn={OPERATOR},ou=operateurs,{traffic.SUFFIX}"
    return traffic.Target(int(env["ANNUAIRE_LDAP_PORT"]), int(env["ANNUAIRE_HTTP_PORT"]), name, secret)


def _churn(folder: Path, env: dict[str, str], people: int, end: float) -> tuple[int, int]:
    """In turn, the changes of a day through the follower and a build that readers swap to; how many of each."""
    days = swaps = 0
    while time.monotonic() < end:
        days += 1
        _run(folder, env, "sample", f"day{days}", "--people", str(people), "--seed", "5", "--day", str(days))
        _run(folder, env, "import", f"day{days}", "--as-of", f"2026-{1 + days // 28:02}-{1 + days % 28:02}T06:00:00")
        time.sleep(max(0.0, min(3.0, end - time.monotonic())))
        if time.monotonic() < end:
            swaps += 1
            _run(folder, env, "index", "--rebuild")
            time.sleep(max(0.0, min(3.0, end - time.monotonic())))
    return days, swaps


def _settled(watch: Watch) -> tuple[dict[int, str], dict[int, int]]:
    """The processes and their sockets once all listen: the port answers as soon as one of two workers does."""
    while True:
        before = watch.alive()
        sockets = {pid: _sockets(pid) for pid in before}
        time.sleep(1)
        listening = all(sockets[pid] for pid, part in before.items() if part == "ldap")
        if listening and before == watch.alive() and sockets == {pid: _sockets(pid) for pid in before}:
            return before, sockets


def _sockets(pid: int) -> int:
    """Not files: each search thread keeps the index open, and threads start when they are wanted."""
    count = 0
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):  # closed since it was listed
            count += str(entry.readlink()).startswith("socket:")
    return count


def _left_open(before: dict[int, int], deadline: float) -> dict[int, int]:
    """How many sockets more than at the start each process has, once the traffic has ended; waits for them to close."""
    while True:
        left = {pid: more for pid, count in before.items() if (more := _sockets(pid) - count) > 0}
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(0.5)


def main() -> int:
    parser = argparse.ArgumentParser(prog="soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--people", type=int, default=3000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="annuaire-soak-") as folder:
        report = soak(Path(folder), options.seconds, options.people)
    print(machine.describe(), f"\n{options.seconds:g} s, {report.days} days imported, {report.swaps} index swaps\n")
    print(HEADER, *(found.row() for found in report.series), sep="\n")
    print("\n| answers | |\n|---|---|", *(f"| {what} | {n} |" for what, n in report.answers.items()), sep="\n")
    print("\n".join(f"WRONG: {line}" for line in report.wrong) or "\nNothing grew, ended or faulted.")
    return 1 if report.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
