"""``GET /v1/search``: one box, any order (issue 6, point 1), sentence by sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import search_world as world
from flask.testing import FlaskClient
from record_factories import SUFFIX, make_binding, make_practitioner, make_role, rpps

from directory_service.entries.mailboxes import mailbox_entries
from directory_service.entries.people import practitioner_entry
from directory_service.index import finder
from directory_service.model.mailboxes import MailboxType
from directory_service.web.app import create_app

IDS = world.people()
DUPONT, DUPONT_ROUEN, DUPONTEL, DUPONT_GONE, MARTIN, LE_GOFF, LYON, DE_LA_TOUR, LEFEBVRE, ESSAI = IDS.values()
NUMBER = rpps(1)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlaskClient]:
    with closing(world.build(tmp_path_factory.mktemp("search"))) as directory:
        yield create_app(directory).test_client()


@pytest.fixture
def tiered(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if many matched: read tier by tier."""
    monkeypatch.setattr(finder, "SCORED", 0)
    monkeypatch.setattr(finder, "LITTLE", 0)


def ask(client: FlaskClient, q: str, **more: Any) -> dict[str, Any]:
    answer = client.get("/v1/search", query_string={"q": q, **more})
    assert answer.status_code == 200, answer.json
    return dict(answer.json)


def found(client: FlaskClient, q: str, **more: Any) -> list[str]:
    return [item["id"] for item in ask(client, q, **more)["items"]]


@pytest.mark.parametrize(
    ("q", "first"),
    [
        ("dupont cardio lyon", DUPONT),
        ("lyon cardio dupont", DUPONT),
        ("st etienne kine", MARTIN),
        ("kiné saint-étienne", MARTIN),
        ("saintetienne martin", MARTIN),
        ("stetienne martin", MARTIN),
        ("CHU Rouen", DE_LA_TOUR),
        ("CHU Rouen cardiologue", DUPONT_ROUEN),
        ("centre hospitalier universitaire de Rouen", DE_LA_TOUR),
        ("centre hospitalier rouen", DE_LA_TOUR),
        ("chu rouen generaliste", DE_LA_TOUR),
        (NUMBER, DUPONT),
        (f"{NUMBER[:2]} {NUMBER[2:5]} {NUMBER[5:8]} {NUMBER[8:]}", DUPONT),
        (f"8{NUMBER}", DUPONT),
        (f"RPPS : {NUMBER}", DUPONT),
        (f"dupont {NUMBER}", DUPONT),
        (NUMBER[:8], DUPONT),
        (world.ADELI, DUPONT),
        ("69 12 34563", DUPONT),
        (NUMBER.replace("0", "O"), DUPONT),
        (f"n° RPPS {NUMBER.replace('1', 'l')}", DUPONT),
        (f"dupont {NUMBER[:-1].replace('0', 'o')}{NUMBER[-1]}", DUPONT),
        (NUMBER + NUMBER[-1], DUPONT),
        (NUMBER[1:], DUPONT),
        ("760000158 infirmière", LEFEBVRE),
        ("76 000 0158 lefebvre", LEFEBVRE),
        ("jean.dupont@medecin.mssante.fr", DUPONT),
        ("jean.dupont@", DUPONT),
        ("@kine.mssante.fr", MARTIN),
        ("@kine", MARTIN),
        ("kine.mssante.fr", MARTIN),
        ("69003 zoé", ESSAI),
        ("42 kine", MARTIN),
        ("loire kiné", MARTIN),
        ("2A pharmacien", LYON),
        ("ajaccio pharmacienne", LYON),
        ("seine-maritime infirmier", LEFEBVRE),
        ("dentiste paris 16e", LE_GOFF),
        ("dentiste paris 16", LE_GOFF),
        ("médecin généraliste à Lyon", ESSAI),
        ("tilleuls essai", ESSAI),
        ("Dr Zoé D'ESSAI", ESSAI),
        ("dessai", ESSAI),
        ("d essai", ESSAI),
        ("legoff", LE_GOFF),
        ("le goff benedicte", LE_GOFF),
        ("LE-GOFF", LE_GOFF),
        ("jeanpierre martin", MARTIN),
        ("jean pierre martin", MARTIN),
        ("jp martin", MARTIN),
        ("martin j", MARTIN),
        ("delatour", DE_LA_TOUR),
        ("de la tour", DE_LA_TOUR),
        ("latour robert", DE_LA_TOUR),
        ("lefevre", LEFEBVRE),
        ("lefebrve", LEFEBVRE),
        ("cardiolgue lyon", DUPONT),
        ("lyn pierre", LYON),
        ("yon pierre", LYON),
        ("ssai", ESSAI),
        ("rue des lilas zoe", ESSAI),
    ],
)
def test_the_box_takes_anything_in_any_order(client: FlaskClient, q: str, first: str) -> None:
    assert found(client, q)[:1] == [first]


# What made other directories stumble (formats.md §8).
NAMES = ("ST. 42", "FRANZ-WALLRAFF", "D'AUBIGNÉ", "L'HERMITE", "DE LA TOUR DU PIN", "O'BRIEN", "SMITH, JR",
         "A/B DURAND", 'LE "PETIT"', "MÜLLER", "ŒUVRARD", "GARCÍA Y LÓPEZ", "BEN ALI", "N'GUYEN")  # fmt: skip


PARTS = [
    ("DA COSTA", "SOPHIE"),
    ("COSTA", "SOPHIE-ANNE"),
    ("COSTA", "SOPHIE"),
    ("FROUX", "LAURENT"),
    ("ROUX", "FABIEN"),
    ("DES GRAVIERS", "STÉPHANIE"),
    ("GRAVIER", "STÉPHANIE"),
    ("N'DIAYE", "AWA"),
    ("DUPONTIQUE", "JEAN MICHEL ROBERT"),
]


@pytest.fixture(scope="module")
def parted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlaskClient]:
    """The age of a record, which decides among equals, is that of the list."""
    people = [make_practitioner(n, family_name=f, given_names=g) for n, (f, g) in enumerate(PARTS, 200)]
    entries = [practitioner_entry(p, [], SUFFIX) for p in people]
    with closing(world.build(tmp_path_factory.mktemp("parts"), entries)) as directory:
        yield create_app(directory).test_client()


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("costa sophie", ("COSTA", "SOPHIE")),
        ("sophie costa", ("COSTA", "SOPHIE")),
        ("costa", ("COSTA", "SOPHIE-ANNE")),
        ("da costa sophie", ("DA COSTA", "SOPHIE")),
        ("f roux", ("ROUX", "FABIEN")),
        ("roux f", ("ROUX", "FABIEN")),
        ("gravi stephanie", ("GRAVIER", "STÉPHANIE")),
        ("n diaye awa", ("N'DIAYE", "AWA")),
    ],
)
def test_whose_name_it_is_comes_before_whose_name_only_holds_it(
    parted: FlaskClient, typed: str, meant: tuple[str, str]
) -> None:
    assert found(parted, typed)[0] == make_practitioner(200 + PARTS.index(meant)).national_id


@pytest.mark.parametrize("initials", ["j", "m", "jm", "jmr"])
def test_initials_are_told_of_the_given_names(parted: FlaskClient, initials: str) -> None:
    (item,) = ask(parted, f"dupontique {initials}", explain="true")["items"]
    assert [word["field"] for word in item["match"]["words"]] == ["family_name", "given_names"]


@pytest.fixture(scope="module")
def awkward(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlaskClient]:
    people = [make_practitioner(n, family_name=name, given_names="ANNE") for n, name in enumerate(NAMES, 100)]
    boxes = [make_binding(p.pk, f"a{p.pk}@x.fr", practitioner=p, type=MailboxType.PERSONAL) for p in people]
    more = [practitioner_entry(p, [b], SUFFIX) for p, b in zip(people, boxes, strict=True)]
    more += [entry for b in boxes for entry in mailbox_entries([b], SUFFIX)]
    with closing(world.build(tmp_path_factory.mktemp("names"), more)) as directory:
        yield create_app(directory).test_client()


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_found_as_it_is_written_whatever_signs_are_in_it(awkward: FlaskClient, name: str) -> None:
    wanted = make_practitioner(100 + NAMES.index(name)).national_id
    for typed in (name, name.lower(), f"anne {name}", f"{name} ANNE", name.replace("'", "’"), name.replace("-", " ")):
        assert wanted in found(awkward, typed), typed
        suggested = awkward.get("/v1/suggest", query_string={"q": typed}).json["items"]
        assert wanted in [item["person"]["id"] for item in suggested], typed
    assert wanted in found(awkward, "", family=name)


@pytest.mark.parametrize("typed", ["76OOOO158", "760000518", "760000758", "7600OO1S8 infirmiere", "lefebvre 760000185"])
def test_a_mistaken_number_of_a_structure_finds_who_works_there(client: FlaskClient, typed: str) -> None:
    """760000158: letters read for digits, neighbours exchanged, a digit mistyped."""
    answer = ask(client, typed, explain="true")
    assert LEFEBVRE in [item["id"] for item in answer["items"]] and answer["relaxed"]
    told = [word for item in answer["items"] for word in item["match"]["words"] if word["word"][0] == "7"]
    assert {(word["field"], word["match"], word["text"]) for word in told} == {("structure", "typo", "760000158")}


def test_every_word_must_be_found(client: FlaskClient) -> None:
    assert found(client, "dupont kine") == [] and found(client, "jean lyon martin") == []


def test_exact_before_beginnings_surname_before_given_mailbox_before_none_active_before_inactive(
    client: FlaskClient,
) -> None:
    assert found(client, "dupont") == [DUPONT, DUPONT_ROUEN, DUPONT_GONE, DUPONTEL]
    assert found(client, "pierre") == [MARTIN, LYON]
    assert found(client, "lyon")[0] == LYON, "a family name before a town"


def test_tier_by_tier_gives_the_same_order(client: FlaskClient, tiered: None) -> None:
    assert found(client, "dupont") == [DUPONT, DUPONT_ROUEN, DUPONT_GONE, DUPONTEL]
    assert found(client, "dup lyo") == [DUPONT, DUPONTEL, DUPONT_GONE]


@pytest.mark.parametrize("near", ["76", "76000", "760000158", "76 000", "1760000158", "760 000 158"])
def test_the_near_come_first_among_equals(client: FlaskClient, near: str) -> None:
    assert found(client, "dupont", near=near) == [DUPONT_ROUEN, DUPONT, DUPONT_GONE, DUPONTEL]
    assert found(client, "", profession="10", family="dupont", near=near)[0] == DUPONT_ROUEN


def test_the_near_come_first_tier_by_tier_too(client: FlaskClient, tiered: None) -> None:
    assert found(client, "dupont", near="76") == [DUPONT_ROUEN, DUPONT, DUPONT_GONE, DUPONTEL]


@pytest.mark.parametrize("scored", [0, finder.SCORED])
def test_a_title_brings_those_who_bear_it_first_and_hides_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scored: int
) -> None:
    monkeypatch.setattr(finder, "SCORED", scored)
    trades = ((901, world.NURSE), (902, world.PHYSICIAN), (903, world.DENTIST))
    made = [make_practitioner(n, family_name="ZOLA", profession=trade, roles=[]) for n, trade in trades]
    nurse, physician, dentist = (person.national_id for person in made)
    with closing(world.build(tmp_path, [practitioner_entry(person, [], SUFFIX) for person in made])) as directory:
        client = create_app(directory).test_client()
        assert found(client, "zola") == [nurse, physician, dentist]
        assert found(client, "Docteur ZOLA") == found(client, "zola pr.") == [physician, dentist, nurse]


@pytest.mark.parametrize("scored", [3, finder.SCORED])
def test_who_bears_the_name_and_no_other_is_first_however_many_begin_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scored: int
) -> None:
    monkeypatch.setattr(finder, "SCORED", scored)
    names = (("SAINT ZOLA", "Anne"), ("ZOLA-PETIT", "Anne"), ("ZOLA", "Anne"), ("ZOLANDO", "Anne"), ("ZOLA", "Annette"))
    made = [make_practitioner(n, family_name=f, given_names=g, roles=[]) for n, (f, g) in enumerate(names, 901)]
    saint, petit, zola, zolando, annette = (person.national_id for person in made)
    with closing(world.build(tmp_path, [practitioner_entry(person, [], SUFFIX) for person in made])) as directory:
        client = create_app(directory).test_client()
        ordered = [zola, saint, petit, annette, zolando]
        assert found(client, "zola anne") == ordered
        page, ids = ask(client, "zola anne", limit=1), []
        while page["next"]:
            ids += [item["id"] for item in page["items"]]
            page = ask(client, "zola anne", limit=1, cursor=page["next"])
        assert [*ids, *(item["id"] for item in page["items"])] == ordered


def test_what_only_sounds_so_says_so(client: FlaskClient) -> None:
    assert ask(client, "lefevre")["relaxed"] and not ask(client, "lefebvre")["relaxed"]
    assert ask(client, "dupond")["relaxed"], "four sound so"
    assert not ask(client, "xqzw")["relaxed"]


def test_exact_takes_words_as_they_are(client: FlaskClient) -> None:
    assert found(client, "dupont", exact="true") == [DUPONT, DUPONT_ROUEN, DUPONT_GONE]
    assert found(client, "lefevre", exact="true") == [] and found(client, "dupon", exact="true") == []
    assert found(client, "st etienne kine", exact="true") == [MARTIN]


def test_criteria_hold_besides(client: FlaskClient) -> None:
    assert found(client, "dupont", city="lyon") == [DUPONT, DUPONT_GONE, DUPONTEL]
    assert found(client, "goff", structure="clinique st martin") == [LE_GOFF]
    assert found(client, "dupont", department="76") == [DUPONT_ROUEN]
    assert found(client, "dupont", status="inactive") == [DUPONT_GONE]
    assert found(client, "dupont", type="PER") == [DUPONT, DUPONTEL]
    assert found(client, "lefevre", family="dupont") == []
    assert found(client, NUMBER, city="rouen") == []


@pytest.mark.parametrize(
    ("criteria", "who"),
    [
        ({"city": "lilas"}, set()),  # the street of all of them
        ({"street": "lyon"}, set()),
        ({"city": "rhone"}, set()),  # a department
        ({"city": "Saint-Étienne"}, {MARTIN}),  # ST ETIENNE
        ({"city": "st etienne"}, {MARTIN}),
        ({"street": "des lilas", "city": "rouen"}, {DUPONT_ROUEN, DE_LA_TOUR, LEFEBVRE}),
        ({"profession": "lyon"}, set()),  # a name, and a town
        ({"specialty": "dupont"}, set()),
        ({"specialty": "chirurgien"}, set()),  # the profession of dentists
        ({"profession": "infirmière"}, {DUPONT_GONE, LEFEBVRE}),
        ({"profession": "kiné"}, {MARTIN}),
        ({"profession": "cardiologue"}, {DUPONT, DUPONT_ROUEN, DUPONTEL}),
        ({"specialty": "cardiologue"}, {DUPONT, DUPONT_ROUEN, DUPONTEL}),
        ({"specialty": "cardio"}, {DUPONT, DUPONT_ROUEN, DUPONTEL}),
        ({"specialty": "généraliste", "city": "lyon"}, {ESSAI}),
    ],
)
def test_a_criterion_looks_in_what_it_is_about_and_nowhere_else(
    client: FlaskClient, criteria: dict[str, str], who: set[str]
) -> None:
    page = client.get("/v1/search", query_string=criteria).json
    assert {item["id"] for item in page["items"]} == who and page["total"] == len(who)


def counts(page: dict[str, Any], name: str) -> dict[str, int]:
    return {v["value"]: v["count"] for v in page["facets"][name]}


@pytest.mark.parametrize("scored", [500, 0])
def test_facets_count_what_each_criterion_would_leave(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, scored: int
) -> None:
    monkeypatch.setattr(finder, "SCORED", scored)
    page = ask(client, "dupont", facets="true", limit=1)
    assert page["facets_exact"] and page["facets"].keys() == {"profession", "specialty", "department", "type"}
    assert counts(page, "profession") == {"10": 3, "60": 1}
    assert counts(page, "specialty") == {"SM04": 3}
    assert counts(page, "department") == {"69": 3, "76": 1}
    assert counts(page, "type") == {"PER": 2}
    assert page["facets"]["department"][0] == {"value": "69", "label": "Rhône", "count": 3}
    for name in page["facets"]:
        for value, number in counts(page, name).items():
            assert ask(client, "dupont", **{name: value})["total"] == number


def test_a_criterion_that_facets_count_leaves_those_counted_and_widens_when_it_leaves_nobody(tmp_path: Path) -> None:
    """*Dupond* sounds so, and *dupont* finds ten without: chosen in Rouen he is nobody that was counted."""
    bordeaux = world.place(901, "BORDEAUX", "33000", ("33", "Gironde"), "CABINET")
    known = [("DUPONT", n, world.LYON) for n in range(901, 911)]
    others = [("DUPOND", 911, world.ROUEN), ("DUPOND", 912, bordeaux)]
    made = [make_practitioner(n, family_name=name, roles=[make_role(at)]) for name, n, at in (*known, *others)]
    with closing(world.build(tmp_path, [practitioner_entry(person, [], SUFFIX) for person in made])) as directory:
        client = create_app(directory).test_client()
        assert counts(ask(client, "dupont", facets="true"), "department") == {"69": 13, "76": 1}
        assert found(client, "dupont", department="76") == [DUPONT_ROUEN]
        page = ask(client, "dupont", department="33")
    assert [item["family_name"] for item in page["items"]] == ["DUPOND"] and page["relaxed"]


def test_only_the_facets_asked_for(client: FlaskClient) -> None:
    assert ask(client, "dupont", facets="type,profession")["facets"].keys() == {"profession", "type"}
    assert "facets" not in ask(client, "dupont")
    assert counts(ask(client, "", department="69", facets="profession"), "profession") == {"10": 3, "60": 1}


def test_facets_that_were_not_counted_to_the_end_say_so(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finder, "SCORED", 0)
    monkeypatch.setattr(finder, "EXAMINED", 2)
    page = ask(client, "dupont", facets="department")
    assert not page["facets_exact"] and not page["total_exact"] and page["total"] == 2
    assert counts(page, "department") == {"69": 2}


def test_an_unlisted_mailbox_is_in_no_result_and_no_count(client: FlaskClient) -> None:
    for q in (world.HIDDEN, "@secret.mssante.fr", "cachee", "cachee@", "secret.mssante.fr"):
        page = ask(client, q)
        assert (page["items"], page["total"], page["total_exact"]) == ([], 0, True)
    assert counts(ask(client, "essai", facets="true"), "type") == {}


def test_fields_are_those_asked_for(client: FlaskClient) -> None:
    items = ask(client, "dupont", fields="family_name,id", limit=1)["items"]
    assert items == [{"id": DUPONT, "family_name": "DUPONT"}]
    assert ask(client, "dupont", fields="id", explain="true", limit=1)["items"][0].keys() == {"id", "match"}


@pytest.mark.parametrize("scored", [500, 0])
def test_sorted_by_name_or_town(client: FlaskClient, monkeypatch: pytest.MonkeyPatch, scored: int) -> None:
    monkeypatch.setattr(finder, "SCORED", scored)
    assert found(client, "dupont", sort="name") == [DUPONT, DUPONT_ROUEN, DUPONT_GONE, DUPONTEL]
    assert found(client, "medecin", sort="city")[-1] in (DUPONT_ROUEN, DE_LA_TOUR)
    assert found(client, "", profession="10", sort="name")[0] == DE_LA_TOUR


def test_more_than_can_be_sorted_is_refused(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finder, "SORTED", 1)
    answer = client.get("/v1/search?q=dupont&sort=name")
    assert (answer.status_code, answer.json["type"]) == (422, "/problems/limit-exceeded")


@pytest.mark.parametrize("scored", [500, 0])
@pytest.mark.parametrize("more", [{}, {"near": "76"}, {"sort": "name"}, {"facets": "true"}])
@pytest.mark.parametrize("q", ["dupont", "medecin", "lyon"])
def test_pages_show_everybody_once_in_the_order_of_one_page(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, q: str, more: dict[str, str], scored: int
) -> None:
    monkeypatch.setattr(finder, "SCORED", scored)
    whole = ask(client, q, **more)
    seen: list[str] = []
    page = ask(client, q, limit=1, **more)
    while True:
        seen += [item["id"] for item in page["items"]]
        assert page["total"] == whole["total"] and page.get("facets") == whole.get("facets")
        if not page["next"]:
            break
        page = ask(client, q, limit=1, cursor=page["next"], **more)
    assert seen == [item["id"] for item in whole["items"]] and len(seen) == whole["total"]


def test_a_cursor_is_of_its_question(client: FlaskClient) -> None:
    cursor = ask(client, "dupont", limit=1)["next"]
    for other in ({"q": "lyon"}, {"q": "dupont", "sort": "name"}, {"q": "dupont", "near": "76"}):
        answer = client.get("/v1/search", query_string={**other, "cursor": cursor})
        assert (answer.status_code, answer.json["where"]) == (400, "paramètre cursor")
    assert client.get("/v1/search", query_string={"q": "dupont", "cursor": cursor, "limit": 5}).status_code == 200


@pytest.mark.parametrize(
    ("q", "words"),
    [
        ("dupont jea", [("family_name", "exact", "DUPONT"), ("given_names", "prefix", "JEAN")]),
        ("cardio lyon", [("specialty", "exact", "Cardiologie et maladies vasculaires"), ("city", "exact", "LYON")]),
        ("kine loire", [("profession", "exact", "Masseur-Kinésithérapeute"), ("department", "exact", "Loire")]),
        ("jp martin", [("given_names", "initial", "JEAN-PIERRE"), ("family_name", "exact", "MARTIN")]),
        ("lefevre", [("family_name", "sound", "LEFEBVRE")]),
        ("lefebrve", [("family_name", "typo", "LEFEBVRE")]),
        ("bob tour", [("given_names", "nickname", "ROBERT"), ("family_name", "exact", "DE LA TOUR")]),
        ("tilleuls zoe", [("structure", "exact", "CABINET MEDICAL DES TILLEULS"), ("given_names", "exact", "ZOÉ")]),
        (NUMBER, [("identifier", "exact", NUMBER)]),
        (NUMBER[:9], [("identifier", "prefix", NUMBER)]),
        (world.ADELI, [("identifier", "exact", world.ADELI)]),
        ("jean.dupont@", [("mailbox", "prefix", "jean.dupont@medecin.mssante.fr")]),
        ("@kine.mssante.fr", [("mailbox", "exact", "jp.martin@kine.mssante.fr")]),
        ("lilas ssa", [("other", "inside", "12 Rue DES LILAS"), ("family_name", "inside", "D'ESSAI")]),
        ("zoe 69003", [("given_names", "exact", "ZOÉ"), ("postcode", "exact", "69003")]),
    ],
)  # fmt: skip
def test_each_answer_says_why(client: FlaskClient, q: str, words: list[tuple[str, str, str]]) -> None:
    match = ask(client, q, explain="true")["items"][0]["match"]
    assert [(w["field"], w["match"], w["text"]) for w in match["words"]] == words
    assert " ".join(w["word"] for w in match["words"]) and match["tier"]


@pytest.mark.parametrize("scored", [500, 0])
def test_reasons_are_given_tier_by_tier_too(client: FlaskClient, monkeypatch: pytest.MonkeyPatch, scored: int) -> None:
    monkeypatch.setattr(finder, "SCORED", scored)
    tiers = [item["match"]["tier"] for item in ask(client, "dupont", explain="true")["items"]]
    assert tiers == ["exact_surname", "exact_surname", "exact_surname", "prefix_surname"]


@pytest.mark.parametrize(
    ("query", "where"),
    [
        ({"q": " ".join("abcdefghijklm")}, "paramètre q"),
        ({"q": "dupont", "near": "nowhere"}, "paramètre near"),
        ({"q": "dupont", "near": "00"}, "paramètre near"),
        ({"q": "dupont", "facets": "town"}, "paramètre facets"),
        ({"q": "dupont", "fields": "id,secret"}, "paramètre fields"),
        ({"q": "dupont", "sort": "age"}, "paramètre sort"),
        ({"q": "dupont", "exact": "yes"}, "paramètre exact"),
        ({"q": "dupont", "cursor": "x"}, "paramètre cursor"),
        ({"near": "69"}, "requête"),
    ],
)
def test_what_does_not_read_is_refused_by_name(client: FlaskClient, query: dict[str, str], where: str) -> None:
    answer = client.get("/v1/search", query_string=query)
    assert (answer.status_code, answer.json["where"]) == (400, where)
    assert "nowhere" not in answer.text


@pytest.mark.parametrize("q", ["-", "'", "@", "...", "𝕏", "\u200b", '"', "*", "NOT", "a OR b", "1" * 60, "é" * 60])
def test_nothing_typed_breaks_it(client: FlaskClient, q: str) -> None:
    assert ask(client, q)["items"] == ask(client, q, exact="true")["items"] == []


def test_a_box_of_particles_alone_is_searched(client: FlaskClient) -> None:
    assert DE_LA_TOUR in found(client, "de la")


def test_an_empty_index_answers_nobody(tmp_path: Path) -> None:
    from index_world import write_index
    from record_factories import SUFFIX

    from directory_service.index.directory import Criteria, Directory
    from directory_service.index.query import View

    with closing(Directory(write_index(tmp_path, []), SUFFIX)) as directory:
        page = directory.find(Criteria(q="dupont cardio lyon"), View.ANONYMOUS, 10, None)
    assert (page.hits, page.total, page.total_exact, page.relaxed) == ([], 0, True, False)
