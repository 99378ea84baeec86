"""Registries for the tests, on SQLite and on PostgreSQL: empty, current, one to each test or file.

PostgreSQL is a cluster of our own, started once per session in a temporary folder on a Unix socket, and each test's
database is copied from a template.  Where PostgreSQL is missing its tests skip with the reason; in CI they fail.
"""

from __future__ import annotations

import gc
import itertools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy import URL, Engine, make_url

from directory_service.index import finder
from directory_service.registry.engine import open_registry
from directory_service.registry.upgrading import upgrade

_COUNTER = itertools.count(1)
# Nothing of it must outlive the session.  With a minimal log, a database is copied by its files at a third of the cost.
_OF_THE_CLUSTER = ("listen_addresses=", "fsync=off", "synchronous_commit=off", "full_page_writes=off",
                   "wal_level=minimal", "max_wal_senders=0", "autovacuum=off", "shared_buffers=32MB")  # fmt: skip
# OpenLDAP's programs look up the machine's own name at each start: where the resolver is silent, for ten seconds.
os.environ.setdefault("RES_OPTIONS", "timeout:1 attempts:1")
# Where packages come through a proxy, it is not to be asked for our own servers.
os.environ["no_proxy"] = os.environ["NO_PROXY"] = f"127.0.0.1,localhost,{os.environ.get('no_proxy', '')}"
# Two seconds are of a service; a test that is held up for so long still asks who is found.
finder.TIME = 60.0  # type: ignore[misc]
# Both measure the machine, which other tests share, and not the code.
settings.register_profile("annuaire", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("annuaire")


_DATABASES = ["sqlite", "postgresql"]


def pytest_collection_finish() -> None:
    """Thousands of collected tests stay to the end: each look of the garbage collector would go through them again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(params=_DATABASES)
def registry_url(request: pytest.FixtureRequest, registries: Path) -> Iterator[str]:
    """URL of an empty registry of the current version, in the place of the last test's."""
    yield from _registry(request, registries, "test")


@pytest.fixture(scope="session")
def registries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("registries")


@pytest.fixture(scope="module", params=_DATABASES)
def kept_registry(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """The same for all the tests of a file, which fill it once and then only read."""
    for url in _registry(request, tmp_path_factory.mktemp("kept"), f"kept_{next(_COUNTER)}"):
        engine = open_registry(url)
        yield engine
        engine.dispose()


@pytest.fixture
def registry(registry_url: str) -> Iterator[Engine]:
    """Engine on an empty registry of the current version.  The same from test to test, as in a service: it keeps the
    statements that it has compiled, a fifth of the time of short imports, and no connection."""
    engine = _opened(registry_url)
    yield engine
    engine.dispose()


_opened = cache(open_registry)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "registry.sqlite"
    engine = open_registry(f"sqlite:///{path}")
    upgrade(engine)
    engine.dispose()
    return path


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Path]:
    """Socket folder of a running cluster that holds the database ``template_annuaire``."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name))
    if not programs:
        missing("PostgreSQL (/usr/lib/postgresql/*/bin)")
    # Not pytest's own folder: root's is closed to the account that PostgreSQL must run under, and a socket's path
    # may hold 107 bytes at most.
    folder = Path(tempfile.mkdtemp(prefix="annuaire-pg-", dir=_memory()))
    try:
        _start(programs[-1], folder)
        yield folder
        _as_postgres([programs[-1] / "pg_ctl", "stop", "-w", "-m", "immediate", "-D", folder / "data"])
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _memory() -> str | None:
    """Where a database is copied and dropped in 25 ms instead of 60; None, for the usual place, where there is little
    room, as in many containers."""
    place = "/dev/shm"
    roomy = os.access(place, os.W_OK) and shutil.disk_usage(place).free > 4 << 30
    return place if roomy else None


@pytest.fixture
def new_database(postgresql: Path) -> Iterator[Callable[[str], URL]]:
    """Makes an empty database, with options of CREATE DATABASE, and a role of its name that may do nothing in it."""
    made: list[str] = []

    def make(options: str = "") -> URL:
        made.append(f"plain_{next(_COUNTER)}")
        _administer(postgresql, f"CREATE DATABASE {made[-1]} TEMPLATE template0 {options}")
        _administer(postgresql, f"CREATE ROLE {made[-1]} LOGIN")
        return make_url(_url(postgresql, made[-1])).set(username=made[-1])

    yield make
    for name in made:
        _administer(postgresql, f"DROP DATABASE {name} WITH (FORCE)")
        _administer(postgresql, f"DROP ROLE {name}")


def missing(peer: str) -> None:
    """A real peer is not installed: a failure in CI, a skip elsewhere."""
    if os.environ.get("CI"):
        pytest.fail(f"{peer} is required in CI")
    pytest.skip(f"{peer} is not installed")


def _start(programs: Path, folder: Path) -> None:
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
    _as_postgres(
        [
            programs / "initdb",
            "-D",
            folder / "data",
            "-U",
            "test",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
            "-N",
        ]
    )
    options = " ".join(f"-c {option}" for option in (f"unix_socket_directories={folder}", *_OF_THE_CLUSTER))
    _as_postgres([programs / "pg_ctl", "start", "-w", "-D", folder / "data", "-l", folder / "log", "-o", options])
    _administer(folder, "CREATE DATABASE template_annuaire")
    engine = open_registry(_url(folder, "template_annuaire"))
    upgrade(engine)
    engine.dispose()


def _as_postgres(command: list[str | Path]) -> None:
    """PostgreSQL refuses to run as root; Debian's package brings the account ``postgres``."""
    prefix = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    # pg_ctl's child keeps its output open: a pipe would never end.
    done = subprocess.run([*prefix, *map(str, command)], cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    assert done.returncode == 0, f"{command[0]} ended with {done.returncode}"


def _registry(request: pytest.FixtureRequest, folder: Path, name: str) -> Iterator[str]:
    if request.param == "postgresql":
        yield from _database(request.getfixturevalue("postgresql"), name)
        return
    path = folder / "registry.sqlite"
    shutil.copy(request.getfixturevalue("sqlite_template"), path)
    yield f"sqlite:///{path}"
    for left in folder.glob(f"{path.name}*"):  # with its -wal and -shm, where a test has left it open
        left.unlink()


def _database(folder: Path, name: str) -> Iterator[str]:
    _administer(folder, f"CREATE DATABASE {name} TEMPLATE template_annuaire STRATEGY file_copy")
    yield _url(folder, name)
    _administer(folder, f"DROP DATABASE {name} WITH (FORCE)")


def _administer(folder: Path, statement: str) -> None:
    with psycopg.connect(host=str(folder), user="test", dbname="postgres", autocommit=True) as connection:
        connection.execute(statement)


def _url(folder: Path, database: str) -> str:
    return f"postgresql+psycopg://test@/{database}?host={folder}"
