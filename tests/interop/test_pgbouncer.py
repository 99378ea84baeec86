"""The registry behind a real PgBouncer that lends its servers by transaction, as database administrators like it."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import factories as f
import psycopg
import pytest
from conftest import missing
from e2e.installation import free_port
from sqlalchemy import URL, Engine

from directory_service.errors import RegistryBusy
from directory_service.registry.engine import kept_open, open_registry, reading
from directory_service.registry.journal import last_seq
from directory_service.registry.lock import locked
from directory_service.registry.upgrading import upgrade
from importers.load import run_import

CONFIGURATION = """
[databases]
* = host={folder} user=test
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 4
"""


@pytest.fixture
def pooled(new_database: Callable[[str], URL]) -> Iterator[Engine]:
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin") or missing("pgbouncer")
    url, port = new_database("ENCODING 'UTF8'"), free_port()
    folder = Path(str(url.query["host"]))
    configuration = folder / f"pgbouncer-{port}.ini"  # which the account of PostgreSQL may read
    configuration.write_text(CONFIGURATION.format(folder=folder, port=port))
    user = ["--user=postgres"] if os.geteuid() == 0 else []
    with subprocess.Popen([str(program), "-q", *user, configuration], stderr=subprocess.DEVNULL) as pooler:
        where = url.set(host="127.0.0.1", port=port, query={})
        _wait_for(where.render_as_string().replace("+psycopg", ""))
        engine = open_registry(where.render_as_string())
        upgrade(engine)
        yield engine
        pooler.terminate()


def _wait_for(url: str) -> None:
    until = time.monotonic() + 60
    while True:
        try:
            psycopg.connect(url).close()
        except psycopg.OperationalError:
            if time.monotonic() > until:
                raise
        else:
            return


def test_imports_follow_each_other(pooled: Engine, tmp_path: Path) -> None:
    """What the first one prepared is still there, under the names that the second one gives."""
    people = [f.activity(f.rpps(n)) for n in range(1, 40)]
    path = f.write_activity(tmp_path / "a.txt", people)
    assert run_import(pooled, [path], actor="tests").counts["practitioner"] == {"created": 39}
    for name in ("DURAND", "DUPOND", "DUBOIS"):
        changed = [f.activity(f.rpps(n), family_name=name) for n in range(1, 40)]
        path = f.write_activity(tmp_path / f"{name}.txt", changed)
        assert run_import(pooled, [path], actor="tests", accept="essai").counts["practitioner"]["updated"] == 39


def test_a_connection_that_is_kept_open_is_lent_another_server_each_time(pooled: Engine) -> None:
    """As the follower's is."""
    with kept_open(pooled.url.render_as_string()) as kept, kept_open(pooled.url.render_as_string()) as other:
        for _ in range(12):
            with reading(kept) as one, reading(other) as two:
                assert last_seq(one) == last_seq(two) == 0
            with reading(other) as two:
                assert last_seq(two) == 0


def test_one_import_at_a_time(pooled: Engine) -> None:
    """A lock of the session would be taken twice by two who were lent the same session, and never given back."""
    for _ in range(3):
        with locked(pooled, work="import", actor="aude"):
            for _ in range(5):
                with pytest.raises(RegistryBusy, match="import de aude"), locked(pooled, work="import", actor="zoé"):
                    pass


def test_little_patience_is_not_handed_on(pooled: Engine) -> None:
    url = pooled.url.render_as_string()
    with reading(open_registry(url, patience=1.0)) as connection:
        assert connection.exec_driver_sql("SHOW lock_timeout").scalar() == "1s"
    with psycopg.connect(url.replace("+psycopg", "")) as other:
        assert other.execute("SHOW lock_timeout").fetchone() == ("0",)
