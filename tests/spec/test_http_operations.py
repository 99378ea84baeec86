"""What those who run the service ask over HTTP: status, measures, readiness."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import web_world as world
from flask.testing import FlaskClient

from directory_service.index.directory import Directory
from directory_service.index.writer import build_index
from directory_service.model.rhythms import Rhythms
from directory_service.registry.clock import format_instant
from directory_service.registry.engine import open_registry, writing
from directory_service.registry.runs import add_file, create_run, finish_run
from directory_service.registry.upgrading import upgrade
from directory_service.settings import Settings
from directory_service.web.app import create_app

TYPED = "dupontsecret"


def test_status_tells_the_build_and_its_age(client: FlaskClient) -> None:
    answer = client.get("/v1/status").json
    assert (
        answer["build"] == client.get("/readyz").json["build"]
        and answer["age_seconds"] >= 0
        and answer["white_list"] is True
    )
    assert answer["counts"]
    measures = answer["quality"]["matching"]["measures"]
    assert measures and all({"name", "precision", "recall", "f1", "false"} <= set(m) for m in measures)


def test_status_and_metrics_tell_which_sources_are_silent(tmp_path: Path) -> None:
    """Dated by their last extract, however lately it was read; sources without a rhythm never are."""
    now = datetime.now(UTC)
    engine = open_registry(f"sqlite:///{tmp_path / 'registry.sqlite'}")
    upgrade(engine)
    with writing(engine) as connection:
        number = create_run(connection, actor="tests", kind="import", as_of=format_instant(now))
        for layout, hours in (("rpps.activity", 30), ("mssante.mailboxes", 40), ("links.adeli_rpps", 9000)):
            made = format_instant(now - timedelta(hours=hours))
            add_file(connection, number, layout=layout, name=layout, sha256="", size=1, rows=1, published=made)
        finish_run(connection, number, status="done", counts={})
    build_index(engine, tmp_path / "index", world.SUFFIX)
    engine.dispose()
    with closing(Directory(tmp_path / "index", world.SUFFIX)) as directory:
        asked = create_app(directory).test_client()
        answer, text = asked.get("/v1/status").json, asked.get("/metrics").text
        weekly = Settings(source_rhythms=Rhythms.parse("mssante.mailboxes=168"))
        assert create_app(directory, weekly).test_client().get("/v1/status").json["anomalies"] == []
    assert {
        s["name"]: (s["silent"], s["rhythm_hours"], s["published_age_seconds"] // 3600) for s in answer["sources"]
    } == {
        "links.adeli_rpps": (False, None, 9000),
        "mssante.mailboxes": (True, 36.0, 40),
        "rpps.activity": (False, 36.0, 30),
    }
    (anomaly,) = answer["anomalies"]
    assert (anomaly["kind"], anomaly["source"], anomaly["hours"]) == ("silent_source", "mssante.mailboxes", 40)
    assert 'annuaire_source_silent{source="mssante.mailboxes"} 1.0' in text
    assert 'annuaire_source_silent{source="rpps.activity"} 0.0' in text
    assert 'annuaire_source_extract_age_seconds{source="links.adeli_rpps"}' in text


def test_metrics_count_routes_and_never_queries(client: FlaskClient) -> None:
    client.get(f"/v1/suggest?q={TYPED}")
    client.get(f"/v1/practitioners/{TYPED}")
    client.open("/v1/suggest", method=TYPED.upper())
    text = client.get("/metrics").text
    assert 'annuaire_http_requests_total{method="GET",route="/v1/suggest",status="200"}' in text
    assert 'route="/v1/practitioners/<path:identifier>"' in text
    assert TYPED not in text.lower()


def test_without_an_index_it_lives_but_is_not_ready(tmp_path: object) -> None:
    directory = Directory(tmp_path, world.SUFFIX)  # type: ignore[arg-type]
    client = create_app(directory).test_client()
    assert client.get("/healthz").status_code == 200
    for url in ("/readyz", "/v1/suggest?q=a", "/v1/status"):
        answer = client.get(url)
        assert answer.status_code == 503 and answer.headers["Retry-After"]
        assert answer.json["type"] == "/problems/unavailable"
    directory.close()


# -- readiness --------------------------------------------------------------------------------------------------------


def test_data_that_is_too_old_is_not_ready(opened: Directory, tmp_path: Path) -> None:
    """While reading goes on: old data are better than none, and a balancer may know of a younger node."""
    shutil.copytree(opened.folder, tmp_path / "index", symlinks=True)
    with closing(sqlite3.connect((tmp_path / "index" / "current").resolve())) as connection, connection:
        connection.execute("UPDATE meta SET value = '2026-01-01T00:00:00Z' WHERE key = 'built_at'")
    with closing(Directory(tmp_path / "index", opened.suffix)) as old:
        for age, status in ((0.0, 200), (3600.0, 503), (1e12, 200)):
            client = create_app(old, Settings(ready_age=age)).test_client()
            assert client.get("/readyz").status_code == status
            assert client.get("/v1/suggest?q=dupo").status_code == client.get("/healthz").status_code == 200


def test_an_index_that_does_not_read_is_not_ready_and_says_so_in_metrics(tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(b"this is not an index" * 500)
    (tmp_path / "current").symlink_to("other")
    with closing(Directory(tmp_path, "o=x")) as broken:
        client = create_app(broken).test_client()
        assert client.get("/readyz").status_code == 503
        assert "annuaire_index_up 0.0" in client.get("/metrics").text
    with closing(Directory(tmp_path / "nowhere", "o=x")) as missing:
        assert create_app(missing).test_client().get("/readyz").status_code == 503
