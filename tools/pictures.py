"""Takes the pictures of ``docs/images`` anew: the portal over a sample.  ``make pictures``, when its pages change."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from bench.service import serving

FOLDER = Path(__file__).parent.parent / "docs" / "images"
ANNUAIRE = str(Path(sys.executable).with_name("annuaire"))
LDAP, HTTP = 2389, 8081
URL = f"http://127.0.0.1:{HTTP}"


TRADES = {"10": "Médecin", "60": "Infirmier"}
Row = dict[str, str]


def main() -> None:
    with tempfile.TemporaryDirectory() as data, served(Path(data)), sync_playwright() as player:
        browser = player.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        with (Path(data) / "sample" / "truth.csv").open(encoding="utf-8", newline="") as truth:
            people = [*csv.DictReader(truth, delimiter=";")]
        search(browser, family_of_many(people))
        clean_up(browser, book_of(people))
        browser.close()


@contextmanager
def served(data: Path) -> Iterator[None]:
    """The default sample, imported and served."""
    env = {**os.environ, "ANNUAIRE_DATA": str(data)}
    for command in (["sample", data / "sample"], ["init"], ["import", data / "sample"], ["index"]):
        subprocess.run([ANNUAIRE, *command], env=env, check=True, stdout=subprocess.DEVNULL)
    with serving([ANNUAIRE], data, LDAP, HTTP):
        yield


def family_of_many(people: list[Row]) -> str:
    """The family name that most people with a mailbox have."""
    (name, _), *_ = Counter(person["family"] for person in people if person["addresses"]).most_common(1)
    return name.lower()


def book_of(people: list[Row]) -> str:
    """A book with a line of each kind: right, mistyped, without an address, of homonyms, of nobody."""
    same = Counter((person["family"], person["given"].upper()) for person in people)
    alone = [p for p in people if same[p["family"], p["given"].upper()] == 1 and p["profession"] in TRADES]
    known = [p for p in alone if p["addresses"].count("@") == 1]
    right, wrong, without = known[:3]
    twins = next(name for name, count in same.items() if count > 1)
    lines = [
        (*_named(right), right["addresses"]),
        (*_named(wrong), wrong["addresses"].replace(".", "-", 1)),
        (*_named(without), ""),
        (*twins, "", ""),
        ("PERSONNE", "INCONNUE", "Médecin", ""),
    ]
    return "\n".join(";".join(line) for line in [("Nom", "Prénom", "Profession", "Courriel"), *lines])


def _named(person: Row) -> tuple[str, str, str]:
    return person["family"], person["given"], TRADES[person["profession"]]


def search(browser: Browser, name: str) -> None:
    page = browser.new_page(viewport={"width": 1000, "height": 640})
    page.goto(URL)
    page.get_by_role("combobox").press_sequentially(name)
    page.get_by_role("option").first.wait_for()
    page.keyboard.press("ArrowDown")
    page.screenshot(path=FOLDER / "portal-search.png")


def clean_up(browser: Browser, book: str) -> None:
    page = browser.new_page(viewport={"width": 1100, "height": 900})
    page.goto(f"{URL}/nettoyage")
    page.get_by_label("Lignes collées").fill(book)
    page.get_by_role("button", name="Vérifier le carnet").click()
    page.get_by_role("heading", name="Bilan").wait_for()
    page.screenshot(path=FOLDER / "portal-cleanup.png")


if __name__ == "__main__":
    main()
