"""A source is a folder: found by itself, or by the entry point of another package; a header that moves is a table's
affair."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import factories as f
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from import_world import World

import importers
from directory_service.errors import AnnuaireError, ImportRefused
from importers import sources as registry_of_sources
from importers.extract import recognise
from importers.layouts import find_layout
from importers.load import run_import
from importers.quality.rules import RULES
from importers.rows import Layout
from importers.rpps.layout import ACTIVITY
from importers.source import Kind, Source
from importers.sources import sources, vouching

ALL = sources()
FOLDERS = sorted(path.parent for path in Path(importers.__path__[0]).glob("*/source.py"))

TOY = {
    "toy/__init__.py": "",
    "toy/README.md": "# Toy\n",
    "toy/layout.py": """
from importers.rows import Field, Layout
PEOPLE = Layout("toy.people", "annuaire d'essai", (
    Field("id_type", ("Genre",), True), Field("id", ("Matricule",), True),
    Field("family_name", ("Patronyme",), True), Field("given_names", ("Prénoms",), True),
    Field("profession_code", ("Métier",)), Field("technical_id", ("Lieu",)), Field("name", ("Nom du lieu",)),
), ("id_type", "id"))
BOXES = Layout("toy.boxes", "boîtes d'essai", (
    Field("address", ("Courriel",), True), Field("person", ("RPPS du titulaire",), True), Field("who", ("Qui",)),
), ("address",))
DIPLOMAS = Layout("toy.diplomas", "diplômes d'essai", (
    *PEOPLE.fields[:4], Field("diploma_code", ("Diplôme",), True),
), ("id_type", "id"))
""",
    "toy/parse.py": """
from importers.rows import Holding
class BoxParser:
    systems = ()
    def __init__(self, match, problems):
        self.match, self.problems = match, problems
        self.at = [match.index(name) for name in ("address", "person", "who")]
    def parse(self, line):
        address, person, who = (line.values[at] for at in self.at)
        if "@" not in address:
            return self.problems.reject(line, self.match.caption("address"), "toy_address", "courriel sans arobase")
        return Holding("PER", address, "8" + person, who, "", "", "", "", "", None, None)
    def labels(self, line):
        return []
    def tell(self, line, faults):
        pass
""",
    "toy/source.py": """
from importers.rpps.parse import DetailParser, PersonParser
from importers.source import Kind, Source
from toy.layout import BOXES, DIPLOMAS, PEOPLE
from toy.parse import BoxParser
SOURCES = (
    Source(PEOPLE, Kind.PEOPLE, PersonParser, order=25, people={"8": "toy.people"}),
    Source(DIPLOMAS, Kind.DETAILS, DetailParser, order=45),
    Source(BOXES, Kind.MAILBOXES, BoxParser, order=55),
)
""",
    "toy-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: toy\nVersion: 1.0\n",
    "toy-1.0.dist-info/entry_points.txt": "[annuaire.sources]\ntoy = toy.source:SOURCES\n",
}
# The command, and the same with a process beside that reads, however small the file.
COMMAND = ["-m", "directory_service.cli"]
BESIDE = ["-c", "import sys; from importers import assistant; assistant.WORTH = 0\n"
                "from directory_service.cli import run; sys.exit(run(sys.argv[1:]))"]  # fmt: skip


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an installed package that brings three sources, and a file of each."""
    folder = tmp_path_factory.mktemp("toy")
    for name, text in TOY.items():
        path = folder / "packages" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (folder / "people.csv").write_text(
        "Matricule;Genre;Patronyme;Prénoms;Métier;Lieu;Nom du lieu\n"
        f"{f.rpps(1)};8;ESSAI;Zoé;60;F{f.finess(1)};HOPITAL\n{f.rpps(2)};8;TIERS;Ada;60;F{f.finess(1)};HOPITAL\n",
        encoding="utf-8",
    )
    (folder / "diplomas.csv").write_text(
        f"Matricule;Genre;Patronyme;Prénoms;Diplôme\n{f.rpps(1)};8;ESSAI;Zoé;DE09\n", encoding="utf-8"
    )
    (folder / "boxes.txt").write_text(
        f"Courriel|RPPS du titulaire|Qui\nzoe@essai.mssante.fr|{f.rpps(1)}|ESSAI\nrien|{f.rpps(2)}|TIERS\n",
        encoding="utf-8",
    )
    return folder


def annuaire(toy: Path, data: Path, *arguments: str, python: list[str] = COMMAND) -> str:
    env = {name: value for name, value in os.environ.items() if not name.startswith("ANNUAIRE_")}
    env |= {"PYTHONPATH": str(toy / "packages"), "ANNUAIRE_DATA": str(data), "ANNUAIRE_WORKERS": "2"}
    done = subprocess.run([sys.executable, *python, *arguments], cwd=toy, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("python", [COMMAND, BESIDE], ids=["one process", "two"])
def test_another_package_brings_a_source_and_the_command_imports_its_files(
    toy: Path, tmp_path: Path, sqlite_template: Path, python: list[str]
) -> None:
    shutil.copy(sqlite_template, tmp_path / "registry.sqlite")
    files = "people.csv", "diplomas.csv", "boxes.txt"
    report = json.loads(annuaire(toy, tmp_path, "import", *files, "--json", python=python))
    assert [(file["layout"], file["rows"], file["rejected"]) for file in report["files"]] == [
        ("toy.people", 2, 0), ("toy.diplomas", 1, 0), ("toy.boxes", 2, 1),
    ]  # fmt: skip
    assert report["counts"] == {"practitioner": {"created": 2}, "organization": {"created": 1},
                                "qualification": {"created": 1}, "mailbox": {"created": 1}}  # fmt: skip
    if python is BESIDE:
        return
    (line,) = json.loads(annuaire(toy, tmp_path, "runs", "rejects", "1", "--json"))["lines"]
    assert (line["règle"], line["message"], line["effet"]) == ("toy_address", "courriel sans arobase", "rejet")


# What the folders hold


def test_every_folder_of_a_source_says_what_its_files_are() -> None:
    told = {folder: (folder / "README.md").read_text(encoding="utf-8") for folder in FOLDERS}
    for source in ALL:
        (text,) = [text for text in told.values() if f"`{source.layout.id}`" in text]
        for name in {*source.people.values(), *filter(None, [source.mailboxes])}:
            assert f"`{name}`" in text
    for text in told.values():
        for heading in ("## The file", "## Columns", "## Known defects", "## Official document"):
            assert heading in text


def test_sources_are_imported_and_believed_in_their_order() -> None:
    assert [source.layout.id for source in ALL] == [
        "links.adeli_rpps", "rpps.activity", "rpps.expertise", "rpps.diploma", "mssante.mailboxes", "cat18.activity",
    ]  # fmt: skip
    assert list(vouching()) == ["rpps.activity", "adeli.activity", "cat18.activity"]
    assert registry_of_sources.box_sources() == ("mssante.mailboxes", "cat18.mailboxes")


SOUND = ALL[1]


@pytest.mark.parametrize(
    ("added", "why"),
    [
        (SOUND, "porte ce nom"),
        (replace(SOUND, layout=replace(ACTIVITY, id="Sans point")), "deux mots"),
        (replace(SOUND, layout=replace(ACTIVITY, id="a.b"), people={}), "people"),
        (replace(SOUND, layout=replace(ACTIVITY, id="a.b", key=("nulle_part",))), "nulle_part"),
        (replace(SOUND, layout=replace(ACTIVITY, id="a.b"), people={str(n): f"a.n{n}" for n in range(9)}), "au plus"),
    ],
)
def test_a_source_that_does_not_hold_together_is_refused_by_its_name(added: Source, why: str) -> None:
    with pytest.raises(AnnuaireError, match=why):
        registry_of_sources._check([*ALL, added])


@pytest.mark.parametrize(("text", "why"), [("raise OSError", "OSError"), ("SOURCES = [1]", "suite de Source")])
def test_a_package_that_fails_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, why: str) -> None:
    (tmp_path / "broken_source.py").write_text(text)
    (tmp_path / "broken-1.0.dist-info").mkdir()
    (tmp_path / "broken-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    points = "[annuaire.sources]\nbroken = broken_source:SOURCES\n"
    (tmp_path / "broken-1.0.dist-info" / "entry_points.txt").write_text(points)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "broken_source", raising=False)
    with pytest.raises(AnnuaireError, match=why) as caught:
        list(registry_of_sources._of_others())
    assert caught.value.where == "broken_source:SOURCES"


# Headers that change


@pytest.mark.parametrize("source", ALL, ids=lambda s: s.layout.id)
@settings(max_examples=25)
@given(data=st.data())
def test_columns_are_found_under_any_of_their_captions_in_any_order(source: Source, data: st.DataObject) -> None:
    layout = source.layout
    order = data.draw(st.permutations(layout.fields))
    captions = [data.draw(st.sampled_from(field.captions)) for field in order]
    separator = "|" if layout.id.startswith(("rpps", "mssante")) else ";"
    match = find_layout(separator.join(captions))
    assert match is not None
    assert match.layout == layout
    assert match.columns == {field.name: n for n, field in enumerate(order)}


@pytest.mark.parametrize("registry_url", ["sqlite"], indirect=True)  # what is read, not what is written
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_file_whose_columns_have_moved_says_the_same(world: World, tmp_path: Path, end: str) -> None:
    """Its key in the last ones."""
    rows = [f.activity(f.rpps(n), street_name="DES LILAS") for n in range(3)]
    before = world.day(1, activity=rows)
    path = f.write_activity(tmp_path / "a.txt", rows)
    moved = [line.split("|")[::-1] for line in path.read_text().splitlines()]
    renamed = {"Raison sociale site": "Raison sociale", "Prénom d'exercice": "Prénoms d'exercice"}
    moved[0] = [renamed.get(caption, caption) for caption in moved[0]]
    path.write_bytes((end.join(map("|".join, moved)) + end).encode())
    report = run_import(world.engine, [path], actor="tests")
    assert before.counts["practitioner"] == {"created": 3}
    assert (report.status, report.files[0].warnings) == ("unchanged", {})
    assert report.counts["practitioner"] == {"unchanged": 3}


def test_a_renamed_column_is_one_more_caption_of_the_table(tmp_path: Path) -> None:
    path = f.write_activity(tmp_path / "a.txt", [f.activity(f.rpps(1))])
    header = path.read_text().splitlines()[0].replace("Nom d'exercice", "Nom exercé")
    with pytest.raises(ImportRefused, match="Nom d'exercice"):
        find_layout(header)
    assert _also(ACTIVITY, "family_name", "Nom exercé").match(header.split("|")).missing == ()


def _also(layout: Layout, name: str, caption: str) -> Layout:
    fields = (replace(x, captions=(*x.captions, caption)) if x.name == name else x for x in layout.fields)
    return replace(layout, fields=tuple(fields))


def test_a_monotable_is_known_by_its_captions_whatever_its_name_and_without_its_last_column(
    world: World, tmp_path: Path
) -> None:
    """CAT18, CAT19…: what a file without addresses does not say closes no mailbox."""
    world.day(1, cat18=[f.cat18(f.rpps(1), "zoe@essai.mssante.fr")])
    path = f.write_cat18(tmp_path / "ExtractionMonoTable_CAT19.csv", [f.cat18(f.rpps(1)), f.cat18(f.rpps(2))])
    path.write_text("\n".join(line.rpartition(";")[0] for line in path.read_text().splitlines()) + "\n")
    (found,), _ = recognise(path)
    assert (found.match.layout.id, found.match.width) == ("cat18.activity", 40)
    report = run_import(world.engine, [path], actor="tests")
    assert report.counts["practitioner"] == {"created": 1, "unchanged": 1}
    assert world.holders("zoe@essai.mssante.fr") == ["8" + f.rpps(1)]


def test_a_source_of_others_may_use_the_rules_of_the_table() -> None:
    assert {source.kind for source in ALL} == set(Kind)
    assert "toy_address" not in RULES
