"""The import table of the house (house.md §2), held by walking every module with ``ast``.

A room may import itself, the rooms and third-party packages of its line, and the standard library; a pure room may not
import the parts of the standard library that do I/O, tell the time or throw dice.  Imports under ``TYPE_CHECKING`` and
inside functions count: a dependency is one wherever it is written.
"""

from __future__ import annotations

import ast
import configparser
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OURS = ("directory_service", "importers", "ldap_schema")

IMPURE = frozenset(
    """asyncio fcntl glob http io mmap multiprocessing os pathlib random secrets select selectors shutil signal smtplib
    socket socketserver sqlite3 ssl subprocess tempfile threading time urllib.request""".split()  # noqa: SIM905
)


@dataclass(frozen=True)
class Room:
    """``may`` names rooms (a prefix of module names); ``packages`` third-party top-level packages."""

    may: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    pure: bool = False


_MODEL = ("directory_service.model", "directory_service.errors")
_WIRE = ("directory_service.ldap.ber", "directory_service.ldap.dn")
_FORMAT = Room(may=(*_MODEL, *(f"importers.{m}" for m in ("rows", "quality", "source", "rpps"))), pure=True)

# The longest name that is a prefix of a module's own is its room.
ROOMS = {
    "ldap_schema": Room(pure=True),
    "directory_service": Room(),
    "directory_service.errors": Room(pure=True),
    "directory_service.option": Room(may=(*_MODEL, "directory_service.ldap.limits")),
    "directory_service.facesettings": Room(
        may=(*_MODEL, *(f"directory_service.{m}" for m in ("ldap.dn", "ldap.limits", "option")))
    ),
    "directory_service.settings": Room(
        may=(*_MODEL, *(f"directory_service.{m}" for m in ("facesettings", "ldap.limits", "option")))
    ),
    "directory_service.accesslog": Room(may=_MODEL, packages=("orjson", "prometheus_client")),
    "directory_service.tls": Room(may=("directory_service.errors", "directory_service.trust.certificates")),
    "directory_service.model": Room(may=("directory_service.errors",), pure=True),
    "directory_service.registry": Room(may=_MODEL, packages=("sqlalchemy", "alembic", "psycopg", "argon2")),
    "directory_service.entries": Room(
        may=(*_MODEL, *_WIRE, "ldap_schema", "directory_service.index.query"), packages=("orjson",), pure=True
    ),
    "directory_service.index": Room(
        may=(*_MODEL, "directory_service.ldap.dn", "directory_service.registry", "directory_service.entries"),
        packages=("sqlalchemy", "orjson"),
    ),
    "directory_service.index.query": Room(pure=True),
    "directory_service.index.plan": Room(
        may=(*_MODEL, *_WIRE, "directory_service.entries", "directory_service.index.query"), pure=True
    ),
    "directory_service.index.onebox": Room(
        may=(
            *_MODEL,
            "directory_service.entries",
            *(f"directory_service.index.{m}" for m in ("query", "plan")),
        ),
        pure=True,
    ),
    "directory_service.trust": Room(
        may=(
            *_MODEL,
            "directory_service.pem",
            *(f"directory_service.registry.{m}" for m in ("clock", "logread")),
            *(f"directory_service.index.{m}" for m in ("directory", "query", "ranges")),
        ),
        packages=("cryptography", "argon2", "joserfc", "orjson"),
    ),
    # Who is meant: reads as the faces do, and knows none of them (decision 0031).
    "directory_service.matching": Room(
        may=(
            *_MODEL,
            "directory_service.entries",
            *(f"directory_service.index.{m}" for m in ("directory", "criteria", "query")),
            *(f"directory_service.trust.{m}" for m in ("naming", "rightbox", "verdicts", "verify")),
        ),
        packages=("orjson",),
    ),
    "directory_service.ldap": Room(may=(*_MODEL, "directory_service.index.query", "ldap_schema"), pure=True),
    "directory_service.ldap.server": Room(
        may=(
            *_MODEL,
            "directory_service.registry.clock",
            *(f"directory_service.{r}" for r in ("accesslog", "heap", "siblings", "tls", "ldap", "index", "trust")),
            "ldap_schema",
        ),
        packages=("uvloop", "prometheus_client"),
    ),
    "directory_service.policy": Room(
        may=(
            *_MODEL,
            *(f"directory_service.index.{m}" for m in ("directory", "freshness", "query")),
            *(f"directory_service.trust.{m}" for m in ("access", "certificates", "verdicts", "verify")),
        )
    ),
    "directory_service.policy.server": Room(
        may=(*_MODEL, "directory_service.index.directory", "directory_service.policy"),
        packages=("prometheus_client",),
    ),
    "directory_service.web": Room(
        may=(
            *_MODEL,
            *(
                f"directory_service.{r}"
                for r in (
                    *("accesslog", "heap", "runfolder", "siblings", "tls", "trust", "index", "matching", "registry"),
                    "settings",
                    *("entries.history", "entries.vcard"),
                )
            ),
        ),
        packages=("flask", "werkzeug", "markupsafe", "gunicorn", "orjson", "prometheus_client"),
    ),
    # Pages: what the API's routes may read, the words of labels, and the libraries of what pages take and give.
    "directory_service.web.portal": Room(
        may=(
            *_MODEL,
            "directory_service.entries.history",
            "directory_service.entries.labels",
            *(f"directory_service.index.{m}" for m in ("directory", "freshness", "query", "shield", "onebox.facets")),
            "directory_service.matching",
            *(f"directory_service.trust.{m}" for m in ("access", "domains", "rightbox", "verdicts", "verify")),
            "directory_service.web",
        ),
        packages=("flask", "werkzeug", "orjson", "openpyxl", "segno"),
    ),
    # XML that strangers send is read here, and nowhere else of the face.
    "directory_service.web.dav": Room(
        may=(
            *_MODEL,
            *(f"directory_service.index.{m}" for m in ("directory", "criteria", "query")),
            "directory_service.entries.vcard",
            *(f"directory_service.web.{m}" for m in ("answers", "bodies", "cards", "context", "limiting", "links")),
            "directory_service.web.openapi.route",
        ),
        packages=("flask", "werkzeug", "orjson", "lxml"),
    ),
    # The one door of the face to the registry's database.
    "directory_service.web.registry": Room(
        may=(
            "directory_service.errors",
            "directory_service.registry.engine",
            "directory_service.web.context",
        ),
        packages=("flask", "sqlalchemy"),
    ),
    # What wires: the only place, with the console, that may reach the importers.
    "directory_service.cli": Room(may=("directory_service",), packages=("click",)),
    "directory_service.commands": Room(
        may=("directory_service", "importers"), packages=("click", "rich", "orjson", "sqlalchemy")
    ),
    "directory_service.serve": Room(may=("directory_service",)),
    "directory_service.parts": Room(may=("directory_service",)),
    "directory_service.following": Room(
        may=tuple(f"directory_service.{r}" for r in ("errors", "index", "registry", "settings", "trust")),
        packages=("sqlalchemy", "prometheus_client"),
    ),
    "directory_service.pem": Room(),
    "directory_service.safekeeping": Room(
        may=("directory_service.errors", "directory_service.pem", "directory_service.settings"),
        packages=("cryptography",),
    ),
    "directory_service.doctor": Room(may=("directory_service",), packages=("ldap3",)),
    "importers": Room(
        may=(*_MODEL, "directory_service.pem", "directory_service.registry"),
        packages=("pandas", "numpy", "sqlalchemy", "orjson", "signxml", "lxml", "cryptography"),
    ),
    "importers.source": _FORMAT,
    "importers.reconcile": _FORMAT,
    "importers.quality": _FORMAT,
    # A source is a folder with a source.py, and none may touch the registry.
    **{f"importers.{path.parent.name}": _FORMAT for path in (ROOT / "importers").glob("*/source.py")},
}


def _modules() -> list[str]:
    files = (f for top in OURS for f in (ROOT / top).rglob("*.py"))
    return sorted(".".join(f.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for f in files)


def _source(module: str) -> Path:
    path = ROOT.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _within(name: str, prefix: str) -> bool:
    return name == prefix or name.startswith(prefix + ".")


def room_of(module: str) -> str:
    return max((r for r in ROOMS if _within(module, r)), key=len)


def imports(source: str) -> Iterator[str]:
    """Every module that ``source`` names; ``from a import b`` names ``a.b``, which may be a module or not."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative import: the table reads absolute ones"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def refused(module: str, source: str) -> list[str]:
    """The imports of ``module`` that its room's line does not allow."""
    return sorted({name for name in imports(source) if not _allowed(room_of(module), name)})


def _allowed(room: str, name: str) -> bool:
    rules = ROOMS[room]
    top = name.partition(".")[0]
    if top in OURS:
        inside = _within(name, room) and (ROOMS[room_of(name)].pure or not rules.pure)
        return inside or any(_within(name, m) for m in rules.may)
    if top in sys.stdlib_module_names:
        return not (rules.pure and any(_within(name, m) for m in IMPURE))
    return top in rules.packages


@pytest.mark.parametrize("module", _modules())
def test_a_room_imports_only_what_its_line_allows(module: str) -> None:
    assert refused(module, _source(module).read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("module", "line", "found"),
    [
        ("directory_service.ldap.handler", "import sqlalchemy", ["sqlalchemy"]),
        ("directory_service.ldap.handler", "from asyncio import sleep", ["asyncio.sleep"]),
        ("directory_service.ldap.server", "from asyncio import sleep", []),
        ("directory_service.ldap.handler", "import directory_service.ldap.server", ["directory_service.ldap.server"]),
        ("directory_service.index.writer", "import directory_service.index.plan", []),
        ("directory_service.web.api", "from directory_service.ldap import ber", ["directory_service.ldap.ber"]),
        ("importers.load", "from directory_service.index import writer", ["directory_service.index.writer"]),
        ("importers.rpps.parse", "import pandas", ["pandas"]),
        ("directory_service.entries.person", "from directory_service.ldap import ber", []),
        ("directory_service.model.names", "def f():\n    import os", ["os"]),
        ("directory_service.registry.read", "import importers.load", ["importers.load"]),
    ],
)
def test_the_table_is_read_as_written(module: str, line: str, found: list[str]) -> None:
    assert refused(module, line) == found


def test_pure_rooms_are_typed_strictly() -> None:
    """``mypy``'s patterns: a star stands for any parts, and ``a.*`` for ``a`` too."""
    read = configparser.ConfigParser()
    read.read(ROOT / "setup.cfg")
    strict = [name.removeprefix("mypy-") for name in read.sections() if read.get(name, "strict", fallback="")]
    patterns = [re.escape(p).replace(r"\.\*", r"(?:\..*)?") for names in strict for p in names.split(",")]
    pure = [module for module in _modules() if ROOMS[room_of(module)].pure]
    assert [module for module in pure if not any(re.fullmatch(p, module) for p in patterns)] == []


def test_who_only_reads_the_index_starts_without_the_registrys_libraries() -> None:
    """They take longer to load than a question takes to answer, and each worker would hold them in memory."""
    doors = "directory_service.index.directory, directory_service.ldap.server, directory_service.policy.server"
    program = f"import sys, {doors}; print(*sys.modules)"
    said = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert {"directory_service.index.directory"} <= set(said.split())
    assert not {"sqlalchemy", "alembic"} & set(said.split())


def test_the_command_that_verifies_starts_without_what_serves_http_or_opens_registries() -> None:
    program = "import sys, directory_service.web.asking, directory_service.trust.keys; print(*sys.modules)"
    said = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "directory_service.web.asking" in said.split()
    assert not {"flask", "werkzeug", "sqlalchemy"} & set(said.split())


def test_a_registry_on_sqlite_is_opened_without_what_is_known_of_postgresql() -> None:
    program = "import sys, directory_service.registry.tables, directory_service.registry.engine; print(*sys.modules)"
    said = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "sqlalchemy.engine" in said.split() and "sqlalchemy.dialects.postgresql" not in said.split()


LONGEST_FILE = 400
LONGEST_FUNCTION = 60


@pytest.mark.parametrize("module", _modules())
def test_files_stay_under_400_lines(module: str) -> None:
    assert len(_source(module).read_text(encoding="utf-8").splitlines()) <= LONGEST_FILE


@pytest.mark.parametrize("module", _modules())
def test_modules_say_what_they_do(module: str) -> None:
    tree = ast.parse(_source(module).read_text(encoding="utf-8"))
    assert not tree.body or ast.get_docstring(tree)


def test_functions_are_short() -> None:
    """A migration is a list of what a table was that day: long, straight, and never changed."""
    lengths = [
        (node.end_lineno - node.lineno + 1, f"{module}.{node.name}")
        for module in _modules()
        if not _within(module, "directory_service.registry.migrations")
        for node in ast.walk(ast.parse(_source(module).read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno
    ]
    assert [f for f in lengths if f[0] > LONGEST_FUNCTION] == []
    assert sum(length <= 30 for length, _ in lengths) >= 0.9 * len(lengths)
