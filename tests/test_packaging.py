"""The wheel is whole: built, installed in an empty environment, and put to work far from the sources."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
import zipfile
from contextlib import suppress
from importlib.metadata import distribution, distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
SOURCES = ("directory_service", "importers", "ldap_schema")
FILES = ("setup.cfg", "pyproject.toml", "README.md", "LICENSE", "NOTICE", "constraints.txt")


def run(*command: str | Path, cwd: Path, **env: str) -> str:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("ANNUAIRE_", "PYTHON"))}
    done = subprocess.run(command, cwd=cwd, env=clean | env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy: a build leaves folders behind."""
    copy = tmp_path_factory.mktemp("sources")
    for name in SOURCES:
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in FILES:
        shutil.copy(ROOT / name, copy / name)
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", copy / "dist", cwd=copy)
    (built,) = (copy / "dist").iterdir()
    return built


@pytest.fixture(scope="module")
def annuaire(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command, installed from the wheel, beside what the wheel asks for and nothing else."""
    folder = tmp_path_factory.mktemp("empty") / "venv"
    venv.create(folder, with_pip=True)
    pip = (folder / "bin" / "python", "-m", "pip")
    run(*pip, "install", "--quiet", "--no-compile", "--no-index", "--no-deps", wheel, cwd=folder)
    (site,) = folder.glob("lib/python*/site-packages")
    _add_dependencies(site)
    run(*pip, "check", cwd=folder)
    return folder / "bin" / "annuaire"


def _add_dependencies(site: Path) -> None:
    """Those of this environment, which has the pinned versions: no index of packages is asked while tests run."""
    (ours,) = distributions(name="annuaire", path=[str(site)])
    asked = [(text, "") for text in ours.requires or ()]
    for text, extra in asked:  # which grows
        wanted = Requirement(text)
        if wanted.marker is None or wanted.marker.evaluate({"extra": extra}):
            found = distribution(wanted.name)
            more = [(text, extra) for extra in ("", *wanted.extras) for text in found.requires or ()]
            asked += [pair for pair in more if pair not in asked]
            for name in {file.parts[0] for file in found.files or ()} - {"..", "__pycache__"}:
                with suppress(FileExistsError):
                    (site / name).symlink_to(found.locate_file(name))


@pytest.mark.timeout(600)
def test_the_installed_command_imports_a_sample(annuaire: Path, tmp_path: Path) -> None:
    env = {"ANNUAIRE_DATA": str(tmp_path / "var")}
    assert "import" in run(annuaire, "--help", cwd=tmp_path)
    run(annuaire, "sample", "sample", "--people", "200", cwd=tmp_path, **env)
    run(annuaire, "init", cwd=tmp_path, **env)
    run(annuaire, "import", "sample", cwd=tmp_path, **env)
    run(annuaire, "index", cwd=tmp_path, **env)
    assert run(annuaire, "export", "ndjson", cwd=tmp_path, **env).count("\n") > 150


def test_the_wheel_holds_the_pages_of_the_portal(wheel: Path) -> None:
    portal = "directory_service/web/portal"
    files = [f for kind in ("templates/portal", "static") for f in (ROOT / portal / kind).iterdir()]
    with zipfile.ZipFile(wheel) as archive:
        assert {str(f.relative_to(ROOT)) for f in files} <= set(archive.namelist())


def test_the_wheel_holds_its_licence_and_notice(wheel: Path) -> None:
    names = run(sys.executable, "-m", "zipfile", "-l", wheel, cwd=wheel.parent)
    assert "licenses/LICENSE" in names
    assert "licenses/NOTICE" in names
    assert "directory_service/web/templates/api.html" in names and "directory_service/web/static/api.css" in names
    assert "tests/" not in names
