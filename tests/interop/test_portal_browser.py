"""The portal in a real browser (Chromium): by keyboard, by mouse, on a telephone, in the dark, without scripts, and as
assistive technology finds it (axe-core)."""

from __future__ import annotations

import csv
import io
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import web_world as world
from axe_playwright_python.sync_playwright import Axe
from openpyxl import Workbook, load_workbook
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from spec.test_http_server import start

ZOE_BOX = "zoe.d-essai@medecin.mssante.fr"
PAGES = (
    "/",
    "/?q=dupont",
    "/?q=zzzzzz",
    "/?q=cardiologie%40ch-essai.mssante.fr",
    "/?q=690000005",
    "/?type=PER",
    f"/professionnels/{world.ZOE}",
    f"/professionnels/{world.ZOE_ADELI}",
    f"/professionnels/{world.MARIE}",
    "/organisations/690000005",
    "/boites/reprise@cabinet.mssante.fr",
    "/boites/ancienne@medecin.mssante.fr",
    "/boites/inconnu@exemple.fr",
    "/verification",
    "/nettoyage",
    "/aide",
    "/accessibilite",
    "/mentions-legales",
    "/rien",
)
FIRST_LOAD = 100_000  # octets, as transferred
BOOK = "Nom;Prénom;Mail\nD'Essai;Zoé;ancienne@medecin.mssante.fr\nDupont;Jean;\nZorglub;Inconnu;zorglub@exemple.org\n"
LOOKS: dict[str, dict[str, Any]] = {
    "desktop": {"viewport": {"width": 1280, "height": 900}},
    "dark": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"},
    "telephone": {"viewport": {"width": 320, "height": 640}, "has_touch": True},
}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a service of its own process, as it runs."""
    folder = tmp_path_factory.mktemp("portal")
    directory, _ = world.build_world(folder)
    directory.close()
    process, port = start(folder, folder / "http.log")
    yield f"http://127.0.0.1:{port}"
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0


@pytest.fixture(scope="module")
def browser(program: Callable[[str], str]) -> Iterator[Browser]:
    """For this module only: its event loop would be in the way of others' in this process."""
    path = program("chromium")
    # Chromium has no sandbox for root, nor where a container may make no namespaces; the pages are ours.
    with sync_playwright() as peers:
        opened = peers.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield opened
        opened.close()


Opener = Callable[..., Page]


@pytest.fixture
def opening(browser: Browser, base: str) -> Iterator[Opener]:
    """Opens a path in a window that nobody used before; at the end no page may have met an error or another site."""
    contexts: list[BrowserContext] = []
    faults: list[str] = []

    def open_page(path: str, **options: Any) -> Page:
        context = browser.new_context(base_url=base, locale="fr-FR", **(LOOKS["desktop"] | options))
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda said: faults.append(said.text) if "status of" not in said.text else None)
        page.on(
            "request",
            lambda asked: None if asked.url.startswith((base, "data:", "blob:")) else faults.append(asked.url),
        )
        page.goto(path)
        return page

    yield open_page
    for context in contexts:
        assert context.cookies() == []
        context.close()
    assert faults == []


def expect_no_fault(page: Page) -> None:
    """By day, in the dark, and on a telephone."""
    for look in LOOKS.values():
        page.emulate_media(color_scheme=look.get("color_scheme", "light"))
        page.set_viewport_size(look["viewport"])
        assert violations(page) == []


def violations(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [f"{v['id']}: {node['html'][:120]}" for v in found for node in v["nodes"]]


# -- for everybody ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PAGES)
def test_no_page_has_a_fault_that_axe_knows(opening: Opener, path: str) -> None:
    page = opening(path)
    page.evaluate("for (const part of document.querySelectorAll('details')) part.open = true")
    expect_no_fault(page)


def test_no_state_of_a_page_has_one(opening: Opener) -> None:
    """Suggestions open, verdicts, a form refused, a book cleaned, columns asked for, a file refused."""
    page = opening("/")
    page.locator("#q").press_sequentially("dup")
    page.wait_for_selector("[role=option]")
    page.keyboard.press("ArrowDown")
    expect_no_fault(page)
    for person in ("Zoé D'Essai", "Dupont"):
        page.goto(f"/boites/{ZOE_BOX}")
        page.fill("#person", person)
        page.click("main button[type=submit]")
        expect_no_fault(page)
    page.fill("#address", "zoe")
    page.click("main button[type=submit]")
    expect_no_fault(page)
    for book in (BOOK, "Blip;Blop\n123;45", " "):
        page.goto("/nettoyage")
        page.fill("#texte", book)
        page.click("main button[type=submit]")
        expect_no_fault(page)


def test_axe_would_know_a_fault(opening: Opener) -> None:
    page = opening("/aide")
    page.evaluate("document.querySelector('main').innerHTML = '<img src=\"/portail/x\"><input>'")
    assert {fault.partition(":")[0] for fault in violations(page)} >= {"image-alt", "label"}


@pytest.mark.parametrize("path", PAGES)
def test_nothing_is_wider_than_the_smallest_screen(opening: Opener, path: str) -> None:
    """WCAG 1.4.10: 320 pixels, without scrolling sideways."""
    page = opening(path, **LOOKS["telephone"])
    assert page.evaluate("document.scrollingElement.scrollWidth") <= 320


@pytest.mark.parametrize("path", ["/", "/?q=dupont", f"/professionnels/{world.ZOE}", "/nettoyage"])
def test_the_first_load_is_light(browser: Browser, base: str, path: str) -> None:
    context = browser.new_context(base_url=base)
    page = context.new_page()
    session = context.new_cdp_session(page)
    received: list[int] = []
    session.on("Network.loadingFinished", lambda event: received.append(event["encodedDataLength"]))
    session.send("Network.enable")
    page.goto(path, wait_until="networkidle")
    context.close()
    assert 3 <= len(received) <= 5 and 2_000 < sum(received) < FIRST_LOAD


@pytest.mark.parametrize("path", ["/?q=essai", f"/professionnels/{world.ZOE}", f"/boites/{ZOE_BOX}"])
def test_no_part_of_an_address_is_an_item_of_a_row(opening: Opener, path: str) -> None:
    """Firefox makes one of where it may break, and leaves a gap before the @."""
    page = opening(path)
    rows = page.locator("wbr").evaluate_all("all => all.map(one => getComputedStyle(one.parentElement).display)")
    assert rows and "flex" not in rows


def test_the_suggestion_that_is_chosen_is_seen_in_forced_colours(opening: Opener) -> None:
    """Where backgrounds and transparent borders are not ours to choose (Windows' contrast themes)."""
    page = opening("/", forced_colors="active")
    page.locator("#q").press_sequentially("dup")
    page.wait_for_selector("[role=option]")
    page.keyboard.press("ArrowDown")
    edges = page.get_by_role("option").evaluate_all("all => all.map(one => getComputedStyle(one).borderColor)")
    assert len(edges) > 1 and edges[0] not in edges[1:]


# -- searching --------------------------------------------------------------------------------------------------------


def test_a_person_is_found_with_the_keyboard_alone(opening: Opener) -> None:
    page = opening("/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Aller au contenu")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    box = page.get_by_role("combobox", name="Nom, profession")
    expect(box).to_be_focused()
    box.press_sequentially("essai")
    options = page.get_by_role("option")
    expect(options.first).to_contain_text("Dr Zoé D'ESSAI")
    expect(options.first).to_contain_text("Cardiologue")
    expect(box).to_have_attribute("aria-expanded", "true")
    expect(page.locator("#annonce")).to_contain_text("suggestions, flèche bas pour les parcourir")
    page.keyboard.press("ArrowDown")
    chosen = box.get_attribute("aria-activedescendant")
    expect(page.locator(f"#{chosen}")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Dr Zoé D'ESSAI")


def test_the_list_is_closed_by_escape_and_left_by_both_ends(opening: Opener) -> None:
    page = opening("/")
    box = page.get_by_role("combobox")
    box.press_sequentially("dup")
    page.wait_for_selector("[role=option]")
    count = page.get_by_role("option").count()
    page.keyboard.press("ArrowUp")
    expect(page.get_by_role("option").nth(count - 1)).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowDown")
    assert box.get_attribute("aria-activedescendant") is None
    page.keyboard.press("Escape")
    expect(page.get_by_role("listbox")).to_be_hidden()
    expect(box).to_have_value("dup")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=2)).to_have_text("2 résultats")


def test_a_suggestion_is_chosen_with_the_mouse_and_a_ward_leads_to_its_mailbox(opening: Opener) -> None:
    page = opening("/")
    page.get_by_role("combobox").press_sequentially("cardiologie@")
    page.get_by_role("option").first.click()
    expect(page).to_have_url("/boites/cardiologie%40ch-essai.mssante.fr")


def test_a_trade_and_a_town_propose_people_while_typing(opening: Opener) -> None:
    page = opening("/")
    page.get_by_role("combobox").press_sequentially("cardio lyon")
    option = page.get_by_role("option")
    expect(option).to_have_count(1)  # *cardio* alone proposes more, until the next answer comes
    expect(option).to_contain_text("Dr Zoé D'ESSAI")
    option.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Dr Zoé D'ESSAI")


def test_her_other_box_is_not_one_that_hers_is_mistaken_for(opening: Opener) -> None:
    """Each of two boxes of one person told to beware of the other."""
    person, near = {"id": world.ZOE}, {"z@a.fr": ["z@b.fr"], "z@b.fr": ["z@a.fr", "z@c.fr"]}
    items = [
        {"label": "Dr Zoé D'ESSAI", "address": address, "person": person, "mistaken": [{"address": x} for x in others]}
        for address, others in near.items()
    ]
    page = opening("/")
    page.route("**/v1/suggest*", lambda route: route.fulfill(json={"items": items}))
    page.get_by_role("combobox").press_sequentially("z")
    options = page.get_by_role("option")
    expect(options.nth(0)).not_to_contain_text("confondre")
    expect(options.nth(1)).to_contain_text("À ne pas confondre avec z@c.fr")


def test_a_suggestion_says_where_though_it_is_mistaken_for_many(opening: Opener) -> None:
    """The addresses of others took the whole line, and left no letter of room for the place."""
    others = [{"address": f"urgences{n}@centre-hospitalier-d-essai.mssante.fr"} for n in range(5)]
    item = {"label": "URGENCES", "hint": "CENTRE HOSPITALIER, LYON", "address": "urgences@a.fr", "mistaken": others}
    page = opening("/")
    page.route("**/v1/suggest*", lambda route: route.fulfill(json={"items": [item]}))
    page.get_by_role("combobox").press_sequentially("u")
    where = page.get_by_role("option").locator(".why").bounding_box()
    assert where and where["width"] > 200 and where["height"] < 40


def test_what_a_record_holds_is_not_broken_by_letters_where_there_is_little_room(opening: Opener) -> None:
    """Two columns on a sheet of paper, or on half a screen."""
    page = opening(f"/professionnels/{world.ZOE}", viewport={"width": 794, "height": 1100})
    assert min(box["width"] for cell in page.locator("dd").all() if (box := cell.bounding_box())) > 110


def test_back_finds_the_box_as_it_was_left(opening: Opener) -> None:
    page = opening("/")
    box = page.get_by_role("combobox", name="Nom, profession")
    box.press_sequentially("cardiologie@")
    page.get_by_role("option").first.click()
    page.wait_for_url("**/boites/**")
    page.go_back()
    expect(box).to_have_value("cardiologie@")
    box.fill("dupo")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=2)).to_have_text("2 résultats")
    page.go_back()
    expect(box).to_have_value("dupo")
    page.go_forward()
    expect(box).to_have_value("dupo")


def test_typing_on_asks_for_what_is_typed_last(opening: Opener) -> None:
    page = opening("/")
    box = page.get_by_role("combobox")
    box.press_sequentially("dupont")
    expect(page.get_by_role("option").first).to_contain_text("DUPONT")
    box.fill("lefe")
    expect(page.get_by_role("option").first).to_contain_text("LEFÈVRE")
    box.fill("qqqq")
    expect(page.get_by_role("listbox")).to_be_hidden()
    expect(page.locator("#annonce")).to_contain_text("Aucune suggestion")


def test_filters_are_folded_on_a_telephone_until_one_is_used(opening: Opener) -> None:
    page = opening("/?q=dupont", **LOOKS["telephone"])
    expect(page.get_by_label("Département")).to_be_hidden()
    page.get_by_text("Filtres", exact=True).click()
    page.get_by_label("Département").select_option("69")
    page.get_by_role("button", name="Appliquer les filtres").click()
    expect(page.get_by_label("Département")).to_have_value("69")


# -- records ----------------------------------------------------------------------------------------------------------


def test_an_address_is_copied_and_that_is_said(opening: Opener) -> None:
    page = opening(f"/professionnels/{world.ZOE}", permissions=["clipboard-read", "clipboard-write"])
    button = page.get_by_role("button", name=f"Copier adresse {ZOE_BOX}")
    button.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name=f"Copié adresse {ZOE_BOX}")).to_be_focused()
    expect(page.locator("#annonce")).to_have_text("Adresse copiée")
    assert page.evaluate("navigator.clipboard.readText()") == ZOE_BOX


def test_a_copy_that_the_browser_refuses_is_seen_to_be_refused(opening: Opener) -> None:
    """It was said to screen readers only; whoever sees the page pasted what was copied before."""
    page = opening(f"/boites/{ZOE_BOX}")
    page.evaluate(
        "navigator.clipboard.writeText = () => Promise.reject(new Error()); document.execCommand = () => false"
    )
    page.get_by_role("button", name=f"Copier adresse {ZOE_BOX}").click()
    expect(page.get_by_role("button", name="Copie refusée")).to_be_visible()
    expect(page.locator("#annonce")).to_contain_text("n’a pas permis la copie")


def test_the_code_is_drawn_when_it_is_opened(opening: Opener) -> None:
    page = opening(f"/professionnels/{world.ZOE}")
    page.get_by_text("Code QR").click()
    code = page.get_by_role("img", name="Code QR de la carte de visite de Dr Zoé D'ESSAI")
    code.scroll_into_view_if_needed()
    expect(code).to_have_js_property("complete", True)
    assert code.evaluate("image => image.naturalWidth") > 0


def test_is_this_address_hers(opening: Opener) -> None:
    page = opening(f"/boites/{ZOE_BOX}")
    page.get_by_label("Personne ou structure").fill(world.ZOE_ADELI)
    page.get_by_role("button", name="Vérifier").click()
    expect(page.get_by_role("region", name="Réponse")).to_contain_text("Oui, cette adresse est bien la sienne.")
    page.get_by_label("Personne ou structure").fill("Dupont")
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="Réponse")).to_contain_text("Non, cette adresse n’est pas la sienne.")


def test_back_from_a_mailbox_finds_the_question_that_was_asked(opening: Opener) -> None:
    """It found the browser's error page: answers to what is posted are kept nowhere."""
    page = opening("/verification")
    page.get_by_label("Adresse à vérifier").fill(ZOE_BOX)
    page.get_by_label("Personne ou structure").fill("Zoé D'Essai")
    page.get_by_role("button", name="Vérifier").click()
    page.get_by_role("link", name="Voir la boîte").click()
    page.get_by_role("heading", name="Historique").wait_for()
    page.go_back()
    expect(page.get_by_label("Adresse à vérifier")).to_have_value(ZOE_BOX)
    expect(page.get_by_label("Personne ou structure")).to_have_value("Zoé D'Essai")


def test_who_is_looked_at_from_a_book_leaves_the_book_open(opening: Opener) -> None:
    page = opening("/nettoyage")
    page.fill("#texte", BOOK)
    page.get_by_role("button", name="Vérifier le carnet").click()
    with page.context.expect_page() as opened:
        page.get_by_role("row").nth(1).get_by_role("link").click()
    expect(opened.value.get_by_role("heading", level=1)).to_have_text("Dr Zoé D'ESSAI")
    expect_cleaned(page)


# -- cleaning up ------------------------------------------------------------------------------------------------------


def a_workbook(rows: list[list[str]]) -> bytes:
    book = Workbook()
    for row in rows:
        book.active.append(row)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


XLSX = a_workbook([line.split(";") for line in BOOK.splitlines()])
FILES = {"carnet.csv": BOOK.encode("cp1252"), "carnet.xlsx": XLSX}


def expect_cleaned(page: Page) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text("Carnet vérifié")
    rows = page.get_by_role("row")
    expect(rows.nth(1)).to_contain_text("À confirmer")
    expect(rows.nth(1)).to_contain_text(ZOE_BOX)
    expect(rows.nth(2)).to_contain_text("Homonymes")
    expect(rows.nth(3)).to_contain_text("Introuvable")


def downloaded(page: Page, button: str) -> bytes:
    with page.expect_download() as waiting:
        page.get_by_role("button", name=button).click()
    return Path(waiting.value.path()).read_bytes()


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_a_book_goes_in_and_comes_out_cleaned(opening: Opener, name: str, scripts: bool) -> None:
    page = opening("/nettoyage", java_script_enabled=scripts)
    page.set_input_files("#fichier", {"name": name, "mimeType": "application/octet-stream", "buffer": FILES[name]})
    page.get_by_role("button", name="Vérifier le carnet").click()
    expect_cleaned(page)
    rows = [*csv.reader(io.StringIO(downloaded(page, "Télécharger en CSV").decode("utf-8-sig")), delimiter=";")]
    assert rows[1][:4] == [*BOOK.splitlines()[1].split(";"), "À confirmer"] and ZOE_BOX in rows[1][8]
    book = load_workbook(io.BytesIO(downloaded(page, "Télécharger en Excel")))
    assert ZOE_BOX in [cell or "" for cell in next(book.active.iter_rows(min_row=2, values_only=True))][8]


def test_lines_fill_the_smallest_screen(opening: Opener) -> None:
    """The widths of columns held there too: a quarter of the screen each, a few letters a line."""
    page = opening("/nettoyage", **LOOKS["telephone"])
    page.fill("#texte", BOOK)
    page.get_by_role("button", name="Vérifier le carnet").click()
    expect_cleaned(page)
    cells = page.locator("tbody td, tbody th")
    assert cells.count() == 15 and min(box["width"] for cell in cells.all() if (box := cell.bounding_box())) > 200


def test_a_file_is_dropped_on_the_page(opening: Opener) -> None:
    page = opening("/nettoyage")
    carried = page.evaluate_handle(
        "text => { const t = new DataTransfer(); t.items.add(new File([text], 'c.csv')); return t; }", BOOK
    )
    page.dispatch_event("#zone", "drop", {"dataTransfer": carried})
    expect(page.locator("#annonce")).to_contain_text("Fichier déposé : c.csv")
    page.get_by_role("button", name="Vérifier le carnet").click()
    expect_cleaned(page)


def test_a_long_book_comes_some_lines_at_a_time(opening: Opener) -> None:
    page = opening("/nettoyage", permissions=["clipboard-read", "clipboard-write"])
    page.fill("#texte", "Nom;Prénom\n" + "D'Essai;Zoé\nDupont;Jean\n" * 60)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "lignes" in request.url else None)
    page.get_by_role("button", name="Vérifier le carnet").click()
    expect(page.locator("#annonce")).to_contain_text("Carnet vérifié : 120 lignes")
    expect(page.get_by_role("row")).to_have_count(121)
    expect(page.get_by_role("progressbar")).to_be_hidden()
    expect(page.locator("[data-advice=choose]")).to_have_text("Homonymes\N{NO-BREAK SPACE}: 60")
    assert len(asked) == 2
    page.get_by_role("button", name="Copier adresse").first.click()
    assert page.evaluate("navigator.clipboard.readText()") == "reprise@cabinet.mssante.fr"


def test_a_service_that_stops_answering_is_told_of(opening: Opener) -> None:
    page = opening("/nettoyage")
    page.route("**/nettoyage/lignes", lambda route: route.fulfill(status=500, body="{}"))
    page.fill("#texte", "Nom;Prénom\n" + "Dupont;Jean\n" * 60)
    page.get_by_role("button", name="Vérifier le carnet").click()
    expect(page.locator("#avance")).to_contain_text("La vérification s’est interrompue")


def test_what_is_no_book_is_said_where_it_was_given(opening: Opener) -> None:
    page = opening("/nettoyage")
    page.set_input_files("#fichier", {"name": "x.csv", "mimeType": "text/csv", "buffer": b"\x89PNG\0"})
    page.get_by_role("button", name="Vérifier le carnet").click()
    expect(page.get_by_role("alert")).to_contain_text("Ce n’est ni un fichier CSV ni un fichier XLSX")
    expect(page.get_by_label("Fichier CSV ou Excel")).to_have_attribute("aria-invalid", "true")


# -- without scripts --------------------------------------------------------------------------------------------------


def test_without_scripts_people_are_found_and_addresses_verified(opening: Opener) -> None:
    page = opening("/", java_script_enabled=False)
    page.get_by_label("Nom, profession, ville").fill("dupont")
    page.get_by_role("button", name="Rechercher").click()
    expect(page.get_by_role("heading", name="2 résultats")).to_be_visible()
    page.get_by_label("Département").select_option("69")
    page.get_by_role("button", name="Appliquer les filtres").click()
    expect(page.get_by_text("Filtres (1 actif)")).to_be_visible()
    page.get_by_role("link", name="Dr Jean DUPONT").first.click()
    expect(page.get_by_role("button", name="Copier")).to_have_count(0)
    page.get_by_role("link", name="jean.dupont@medecin.mssante.fr").click()
    page.get_by_label("Personne ou structure").fill("Dupont Jean")
    page.get_by_role("button", name="Vérifier").click()
    expect(page.get_by_role("heading", name="Oui, cette adresse est bien la sienne.")).to_be_visible()
