"""Takes the pictures of ``docs/images`` anew: the portal over a sample.  ``make pictures``, when its pages change."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from bench.service import serving

FOLDER = Path(__file__).parent.parent / "docs" / "images"
ANNUAIRE = str(Path(sys.executable).with_name("annuaire"))
LDAP, HTTP = 2389, 8081
URL = f"http://127.0.0.1:{HTTP}"
BOOK = """\
Nom;Prénom;Profession;Courriel
MARTIN;ÉDOUARD;Médecin;edouard.martin@medecin.mssante.fr
BERNARD;SYLVIE;Infirmier;sylvie-bernard@infirmier.mssante.fr
DURAND;RENÉ;Médecin;
ROLLAND;CHRISTIAN;;
PERSONNE;INCONNUE;Médecin;
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as data, served(Path(data)), sync_playwright() as player:
        browser = player.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        search(browser)
        clean_up(browser)
        browser.close()


@contextmanager
def served(data: Path) -> Iterator[None]:
    """The default sample, imported and served."""
    env = {**os.environ, "ANNUAIRE_DATA": str(data)}
    for command in (["sample", data / "sample"], ["init"], ["import", data / "sample"], ["index"]):
        subprocess.run([ANNUAIRE, *command], env=env, check=True, stdout=subprocess.DEVNULL)
    with serving([ANNUAIRE], data, LDAP, HTTP):
        yield


def search(browser: Browser) -> None:
    page = browser.new_page(viewport={"width": 1000, "height": 640})
    page.goto(URL)
    page.get_by_role("combobox").press_sequentially("petit ma")
    page.get_by_role("option").first.wait_for()
    page.keyboard.press("ArrowDown")
    page.screenshot(path=FOLDER / "portal-search.png")


def clean_up(browser: Browser) -> None:
    page = browser.new_page(viewport={"width": 1100, "height": 900})
    page.goto(f"{URL}/nettoyage")
    page.get_by_label("Lignes collées").fill(BOOK)
    page.get_by_role("button", name="Vérifier le carnet").click()
    page.get_by_role("heading", name="Bilan").wait_for()
    page.screenshot(path=FOLDER / "portal-cleanup.png")


if __name__ == "__main__":
    main()
