"""Many people and mailboxes of one kind, on which thresholds are tried."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import factories as f
import pytest
from import_world import World

from directory_service.errors import CircuitBreaker
from importers.load import run_import
from importers.report import ImportReport

NURSES = [f.rpps(n) for n in range(100)]


def activities(numbers: list[str], **fields: str) -> list[dict[str, str]]:
    return [f.activity(n, **fields) for n in numbers]


def boxes(numbers: list[str], domain: str = "medecin.mssante.fr") -> list[dict[str, str]]:
    return [f.mailbox(f"{n}@{domain}", n) for n in numbers]


def imported(world: World, path: Path, **choices: Any) -> ImportReport:
    return run_import(world.engine, [path], actor="tests", **choices)


def stopped_by(stop: pytest.ExceptionInfo[CircuitBreaker]) -> set[str]:
    """Rule and subject of each threshold passed."""
    report = stop.value.report
    assert isinstance(report, ImportReport)
    assert (report.status, report.run) == ("stopped", None)
    return {f"{b.rule} {b.subject}" for b in report.breaches}
