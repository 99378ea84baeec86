"""What a page warns of before anybody writes: mailboxes whose domain has left the trusted space."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
import web_world as world
from portal_support import HTML, ZOE_BOX, text

from directory_service import cli
from directory_service.entries.history import once_each
from directory_service.index.directory import Directory
from directory_service.index.writer import build_index
from directory_service.registry import operators
from directory_service.registry.engine import open_registry, writing
from directory_service.web.app import create_app

WARNED = "À ne pas utiliser aucun opérateur de l’espace de confiance ne tient ce domaine"
PATHS = (f"/boites/{ZOE_BOX}", "/?q=essai zoe", "/organisations/690000005")


def pages(folder: Path) -> list[str]:
    with closing(Directory(folder / "index", world.SUFFIX)) as directory:
        client = create_app(directory).test_client()
        answers = [client.get(path, headers=HTML) for path in (*PATHS, "/boites/ancienne@medecin.mssante.fr")]
    assert {answer.status_code for answer in answers} == {200}
    return [text(answer) for answer in answers]


@pytest.mark.parametrize("white_list", [True, False])
def test_boxes_of_an_operator_who_was_withdrawn_are_warned_of(
    tmp_path: Path, white_list: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """The page of the person said so; those of the box, of the structure and of the results said « Ouverte »."""
    directory, _ = world.build_world(tmp_path, white_list=white_list)
    directory.close()
    assert not any(WARNED in page for page in pages(tmp_path))
    assert cli.run(["--data", str(tmp_path), "show", ZOE_BOX]) == 0
    assert capsys.readouterr().err == ""
    if white_list:
        engine = open_registry(f"sqlite:///{tmp_path / 'registry.sqlite'}")
        with writing(engine) as connection:
            operators.suspend(connection, world.OPERATOR, actor="tests")
        build_index(engine, tmp_path / "index", world.SUFFIX, workers=1)
        engine.dispose()
        assert [WARNED in page for page in pages(tmp_path)] == [True, True, True, False]  # the last one is closed
        assert cli.run(["--data", str(tmp_path), "show", ZOE_BOX]) == 0
        assert "aucun opérateur de l'espace de confiance ne tient ce domaine" in capsys.readouterr().err


def test_what_was_held_in_several_structures_at_once_is_told_once() -> None:
    """The history had the same line for each of them."""
    spans = [("2026-01-01T00:00:00Z", None, place, "mssante.mailboxes", 1, None, None, None) for place in ("1a", "1b")]
    holder = {"id": "8x", "kind": "person", "label": "Zoé", "spans": spans}
    assert len(once_each({"holders": [holder]})) == 1
    spans[1] = ("2026-02-01T00:00:00Z", *spans[1][1:])
    assert [item["from"][:7] for item in once_each({"holders": [holder]})] == ["2026-01", "2026-02"]
