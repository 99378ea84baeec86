"""Run a command and watch what it costs: seconds, and the peak memory of it and all its children.

Memory is the sum over the process tree of the anonymous and the shared-file pages counted once each (PSS, from
``smaps_rollup``), less the page cache that mapped files account for: what the machine must have, not what it may use.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Cost:
    seconds: float
    peak_mb: float
    output: str
    lines: tuple[tuple[float, str], ...]  # of the output: seconds since the start, text

    def stages(self) -> list[tuple[str, float]]:
        """What the command said that it began (``Index : clés…``), and the seconds until the next or the end."""
        begun = [(at, line[:-1]) for at, line in self.lines if line.endswith("…")]
        ends = [at for at, _ in begun[1:]] + [self.seconds]
        return [(name, end - at) for (at, name), end in zip(begun, ends, strict=True)]

    def report(self) -> dict[str, Any]:
        """What a command with ``--json`` told; what it said on standard error stands before and behind it."""
        found: dict[str, Any] = json.JSONDecoder().raw_decode(self.output[self.output.index("{") :])[0]
        return found


def watch(command: Sequence[str], *, env: dict[str, str] | None = None, cwd: Path | None = None) -> Cost:
    """Run to the end; raises CalledProcessError with the output shown when the command fails."""
    start = time.perf_counter()
    process = subprocess.Popen(
        command, env={**os.environ, **(env or {})}, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    peak = _Peak(process.pid)
    peak.start()
    assert process.stdout
    lines = tuple((time.perf_counter() - start, line.rstrip("\n")) for line in process.stdout)
    process.wait()
    output = "\n".join(line for _, line in lines)
    seconds = time.perf_counter() - start
    peak.stop()
    if process.returncode:
        print(output)
        raise subprocess.CalledProcessError(process.returncode, command)
    return Cost(seconds, peak.megabytes, output, lines)


class _Peak(threading.Thread):
    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid, self._done, self.megabytes = pid, threading.Event(), 0.0

    def run(self) -> None:
        while not self._done.wait(0.5):
            self.megabytes = max(self.megabytes, tree_memory(self._pid))

    def stop(self) -> None:
        self._done.set()
        self.join()


def tree_memory(pid: int) -> float:
    """Anonymous memory, in MB, of a process and its descendants, shared pages split between their owners."""
    return sum(anonymous(p) for p in [pid, *descendants(pid)]) / 1024


def descendants(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = [int(c) for c in task.read_text().split()]
        except OSError:
            continue
        for child in children:
            found += [child, *descendants(child)]
    return found


def anonymous(pid: int) -> int:
    """kB of one process; 0 when it has ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:  # gone between the listing and the reading
        return 0
    values = {line.split(":")[0]: int(line.split()[1]) for line in lines[1:]}
    return values.get("Pss_Anon", 0) + values.get("Pss_Shmem", 0)


def describe() -> str:
    """One line: processor, cores, memory, kernel, Python."""
    model = next((ln.split(":")[1].strip() for ln in _read("/proc/cpuinfo") if ln.startswith("model name")), "?")
    memory = next((int(ln.split()[1]) // 2**20 for ln in _read("/proc/meminfo") if ln.startswith("MemTotal")), 0)
    system = f"Linux {platform.release()}, Python {platform.python_version()}"
    return f"{model}, {os.cpu_count()} cores, {memory} GiB, {system}"


def _read(path: str) -> list[str]:
    return Path(path).read_text().splitlines()
