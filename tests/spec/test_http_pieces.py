"""What takes the processor long counts as several requests, whatever it is made of."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from itertools import count
from math import ceil
from pathlib import Path
from typing import Any

import orjson
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from directory_service.index.directory import Directory
from directory_service.settings import Settings
from directory_service.web import limiting
from directory_service.web.app import create_app

HERE = {"REMOTE_ADDR": "192.0.2.1"}
DEAR, CHEAP = 1e-6, 60.0  # seconds for what is counted once: less than anything takes, more than everything does
LINE = {"text": "dupont jean medecin grenoble"}


def client(opened: Directory, folder: Path, **chosen: Any) -> FlaskClient:
    return create_app(opened, Settings(data=folder, **chosen)).test_client()


def batch(asking: FlaskClient, lines: int, where: Mapping[str, str] = HERE) -> TestResponse:
    sent = b"\n".join([orjson.dumps(LINE)] * lines)
    return asking.post("/v1/match/batch", data=sent, content_type="application/x-ndjson", environ_overrides=where)


def test_a_search_that_takes_long_is_counted_again(
    opened: Directory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asking, url = client(opened, tmp_path, http_rate_search=100), "/v1/search?q=dupont"
    monkeypatch.setattr(limiting, "PIECE", CHEAP)
    assert asking.get(url, environ_overrides=HERE).headers["RateLimit"].startswith('"search";r=99;')
    monkeypatch.setattr(limiting, "PIECE", DEAR)
    answer = asking.get(url, environ_overrides=HERE)
    assert answer.status_code == 200 and answer.headers["RateLimit"].startswith('"search";r=0;')
    refused = asking.get(url, environ_overrides=HERE)
    assert refused.status_code == 429 and 0 < int(refused.headers["Retry-After"]) <= 60


def test_what_is_not_dear_is_counted_once(opened: Directory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limiting, "PIECE", DEAR)
    asking = client(opened, tmp_path, http_rate_suggest=10)
    for left in (9, 8):
        answer = asking.get("/v1/suggest?q=dup", environ_overrides=HERE)
        assert answer.headers["RateLimit"].startswith(f'"suggest";r={left};')


def test_lines_of_a_batch_are_answered_as_long_as_they_are_paid_for(
    opened: Directory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asking = client(opened, tmp_path, http_rate_verify=20)
    monkeypatch.setattr(limiting, "PIECE", CHEAP)
    told = [orjson.loads(line) for line in batch(asking, 30).data.splitlines()]
    assert len(told) == 30 and all("build" in line for line in told)
    monkeypatch.setattr(limiting, "PIECE", DEAR)
    told = [orjson.loads(line) for line in batch(asking, 30).data.splitlines()]
    assert "build" in told[0] and {line["status"] for line in told[1:]} == {429}
    assert told[1]["type"].endswith("too-many-requests") and "ligne 2" in told[1]["where"]


@pytest.mark.parametrize("piece", [1.0, 0.5, 0.25])
def test_each_line_is_paid_for_once_by_what_it_takes(
    opened: Directory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, piece: float
) -> None:
    """By a clock on which a line takes one second.  The batch itself, counted as one, is worth one more."""
    monkeypatch.setattr(limiting, "thread_time", partial(next, count()))
    monkeypatch.setattr(limiting, "PIECE", piece)
    monkeypatch.setattr(limiting, "WINDOW", 86_400.0)  # nothing is given back meanwhile
    asking = client(opened, tmp_path, http_rate_verify=20)
    told = [orjson.loads(line) for line in batch(asking, 30).data.splitlines()]
    answered = ceil((20 + 1) * piece)
    assert ["build" in line for line in told] == [True] * answered + [False] * (30 - answered)


def test_queries_of_a_reconciliation_are_refused_together(
    opened: Directory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asking = client(opened, tmp_path, http_rate_verify=20)
    queries = orjson.dumps({f"q{n}": {"query": LINE["text"]} for n in range(5)}).decode()
    monkeypatch.setattr(limiting, "PIECE", CHEAP)
    assert asking.post("/v1/reconcile", data={"queries": queries}, environ_overrides=HERE).status_code == 200
    monkeypatch.setattr(limiting, "PIECE", DEAR)
    refused = asking.post("/v1/reconcile", data={"queries": queries}, environ_overrides=HERE)
    assert refused.status_code == 429 and refused.headers["RateLimit"].startswith('"verify";r=0;')


def test_the_machine_itself_is_not_counted(opened: Directory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limiting, "PIECE", DEAR)
    asking = client(opened, tmp_path, http_rate_search=2)
    for _ in range(5):
        assert asking.get("/v1/search?q=dupont").status_code == 200
    assert batch(asking, 3, {}).data.count(b'"build"') == 3
