"""Takes the pictures of ``docs/images`` anew: the portal over a sample.  ``make pictures``, when its pages change."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

from playwright.sync_api import Browser, sync_playwright

FOLDER = Path(__file__).parent.parent / "docs" / "images"
ANNUAIRE = str(Path(sys.executable).with_name("annuaire"))
LDAP, HTTP = 2389, 8081
URL = f"http://127.0.0.1:{HTTP}"
START_DEADLINE = 60
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
    env = {**os.environ, "ANNUAIRE_DATA": str(data), "ANNUAIRE_LDAP_PORT": str(LDAP), "ANNUAIRE_HTTP_PORT": str(HTTP)}
    for command in (["sample", data / "sample"], ["init"], ["import", data / "sample"], ["index"]):
        subprocess.run([ANNUAIRE, *command], env=env, check=True, stdout=subprocess.DEVNULL)
    process = subprocess.Popen([ANNUAIRE, "serve"], env=env, stdout=subprocess.DEVNULL)
    try:
        _wait()
        yield
    finally:
        process.terminate()
        process.wait(30)


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


def _wait() -> None:
    deadline = time.monotonic() + START_DEADLINE
    while True:
        try:
            urlopen(f"{URL}/v1/status", timeout=5).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


if __name__ == "__main__":
    main()
