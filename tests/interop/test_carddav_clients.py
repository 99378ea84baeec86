"""CardDAV to the clients people have: vdirsyncer, set up as docs/howto/clients/carddav.md says, fetches an address book
over a real socket, and khard reads it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from functools import reduce
from pathlib import Path

import pytest
import vobject
import web_world as world
from http_support import get, start
from pages import DOCS, blocks

BOOK = f"/carddav/livres/{world.HOSPITAL_FINESS}/"
_KHARD = """
[addressbooks]
[[carnet]]
path = {folder}/carnet/contacts
[general]
debug = no
[contact table]
display = formatted_name
show_uids = no
"""


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    folder = tmp_path_factory.mktemp("carddav")
    directory, _ = world.build_world(folder)
    directory.close()
    process, port = start(folder, folder / "http.log")
    yield port
    process.terminate()
    assert process.wait(60) == 0


def run(command: list[str], folder: Path, said: str = "") -> str:
    env = os.environ | {"HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "LC_ALL": "C.UTF-8"}
    done = subprocess.run(command, input=said, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def fetch(port: int, tmp_path: Path, program: Callable[[str], str]) -> Callable[[str], Path]:
    """Discovers a book from an address and fetches it into a folder."""

    def fetched(book: str) -> Path:
        told = {"https://annuaire.example.org": f"http://127.0.0.1:{port}", BOOK: book, "~/.vdirsyncer": f"{tmp_path}",
                "~/.contacts/": f"{tmp_path}/carnet/"}  # fmt: skip
        (page,) = [b.text for b in blocks(DOCS / "howto/clients/carddav.md") if b.file == "vdirsyncer"]
        (tmp_path / "config").write_text(reduce(lambda text, pair: text.replace(*pair), told.items(), page))
        command = [program("vdirsyncer"), "-c", str(tmp_path / "config")]
        run([*command, "discover"], tmp_path, "y\n" * 9)
        run([*command, "sync"], tmp_path)
        return tmp_path / "carnet" / "contacts"

    return fetched


def test_vdirsyncer_fetches_a_structure_and_khard_reads_it(
    fetch: Callable[[str], Path], tmp_path: Path, program: Callable[[str], str]
) -> None:
    folder = fetch(BOOK)
    cards = [vobject.readOne(path.read_text(encoding="utf-8")) for path in folder.glob("*.vcf")]
    assert {c.fn.value for c in cards} == {
        "CENTRE HOSPITALIER D'ESSAI", "Dr Zoé D'ESSAI", "Dr Jean DUPONT", "Dr Paul MARTIN",
    }  # fmt: skip
    zoe = next(c for c in cards if c.fn.value == "Dr Zoé D'ESSAI")
    assert [e.value for e in zoe.email_list] == ["zoe.d-essai@medecin.mssante.fr", "reprise@cabinet.mssante.fr"]
    (tmp_path / "khard.conf").write_text(_KHARD.format(folder=tmp_path))
    told = run([program("khard"), "-c", str(tmp_path / "khard.conf"), "email", "--parsable", "zoe.d-essai"], tmp_path)
    assert "zoe.d-essai@medecin.mssante.fr\tDr Zoé D'ESSAI" in told


def test_vdirsyncer_fetches_a_profession_in_a_departement(fetch: Callable[[str], Path]) -> None:
    names = {
        vobject.readOne(p.read_text(encoding="utf-8")).fn.value for p in fetch("/carddav/livres/69-SM04/").glob("*")
    }
    assert names == {"Dr Zoé D'ESSAI"}


def test_a_second_fetch_changes_nothing(
    fetch: Callable[[str], Path], tmp_path: Path, program: Callable[[str], str]
) -> None:
    folder = fetch(BOOK)
    before = {p.name: p.stat().st_mtime_ns for p in folder.iterdir()}
    run([program("vdirsyncer"), "-c", str(tmp_path / "config"), "sync"], tmp_path)
    assert {p.name: p.stat().st_mtime_ns for p in folder.iterdir()} == before


def test_a_card_by_itself_is_found_again(port: int) -> None:
    status, headers, body = get(port, f"/v1/practitioners/{world.ZOE}.vcf")
    assert (status, headers["Content-Type"]) == (200, "text/vcard; charset=utf-8; version=4.0")
    assert b"VERSION:4.0\r\n" in body
