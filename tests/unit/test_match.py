"""Who is meant, and what has become of an address: the core of the clean-up page, over the small world."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from web_world import HOSPITAL_FINESS, JEAN, JEAN_BIS, MARIE, PAUL, ZOE, ZOE_ADELI, build_world

from directory_service.errors import InvalidInput
from directory_service.index.directory import Directory
from directory_service.matching import (
    AddressState,
    Kind,
    LineResult,
    Outcome,
    candidates,
    check_line,
    check_lines,
    describe,
    field_of,
    fields_of,
)
from directory_service.matching.agreement import agree_person
from directory_service.matching.terms import names_trade, overlap, same_trade
from directory_service.matching.weights import Feature, Field, Way
from directory_service.model.nicknames import nicknames
from directory_service.model.vocabulary import System, terms


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Directory]:
    directory, _ = build_world(tmp_path_factory.mktemp("match"))
    yield directory
    directory.close()


def ids(world: Directory, **said: str) -> tuple[Outcome, list[str]]:
    found = candidates(world, describe(said))
    return found.outcome, [c.id for c in found.candidates]


# --- who -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "said",
    [
        {"identifier": ZOE[1:]},
        {"identifier": ZOE_ADELI},
        {"identifier": ZOE[1:], "family": "Essai", "given": "Zoé"},
        {"family": "d'Essai", "given": "Zoe", "town": "Lyon"},
        {"family": "DESSAI", "given": "Zoé", "postcode": "69003"},
        {"name": "Dr Zoé D'ESSAI", "specialty": "cardiologue"},
        {"text": "Docteur D'Essai Zoé, cardiologue à Lyon"},
        {"text": f"essai {ZOE[1:4]} {ZOE[4:]}"},
        {"address": "zoe.d-essai@medecin.mssante.fr"},
        {"family": "Dr D'Essai", "given": "Zoé", "phone": "+33 4 72 00 00 00"},
        {"family": "D'ESSAI-DURAND", "given": "Zoé", "town": "Lyon"},
        {"family": "Zoé", "given": "D'ESSAI", "town": "Lyon"},
        {"name": "D'Essai Zoé", "structure": "Centre hospitalier d'Essai"},
    ],
)
def test_who_is_surely_meant(world: Directory, said: dict[str, str]) -> None:
    outcome, found = ids(world, **said)
    assert (outcome, found[:1]) == (Outcome.SURE, [ZOE])


@pytest.mark.parametrize(
    "said",
    [
        {"family": "DUPONT", "given": "Jean", "town": "Lyon"},
        {"text": "dupont jean lyon"},
        {"address": "partage@cabinet.mssante.fr"},
    ],
)
def test_homonyms_are_never_told_apart_by_chance(world: Directory, said: dict[str, str]) -> None:
    found = candidates(world, describe(said))
    assert found.outcome is Outcome.AMBIGUOUS
    assert {c.id for c in found.candidates} == {JEAN, JEAN_BIS}
    assert all(c.confidence < 50 and not c.match for c in found.candidates)
    assert found.match is None


@pytest.mark.parametrize(
    "said",
    [
        {"family": "D'ESSAI", "given": "Zoé"},  # nothing beside the name
        {"family": "DESAI", "given": "Zoé", "town": "Lyon"},  # a letter is missing
        {"family": "D'ESSAI", "given": "Zoé", "town": "Brest"},  # she may have moved
        {"family": "D'ESSAI", "given": "Chloé", "town": "Lyon"},
        {"identifier": ZOE[1:], "family": "DURAND", "given": "Luc"},  # a number that is another's
    ],
)
def test_a_doubt_is_told_and_never_a_match(world: Directory, said: dict[str, str]) -> None:
    outcome, found = ids(world, **said)
    assert outcome in (Outcome.DOUBTFUL, Outcome.AMBIGUOUS, Outcome.NONE)
    if "family" in said and said["family"].startswith("D'"):
        assert found[:1] == [ZOE]


def test_nobody_fits(world: Directory) -> None:
    assert ids(world, family="WOJCIECHOWSKI", given="Ewa", town="Lyon") == (Outcome.NONE, [])
    assert ids(world) == (Outcome.NONE, [])


def test_a_number_with_one_wrong_digit_is_found_by_the_name(world: Directory) -> None:
    wrong = ZOE[1:-1] + str((int(ZOE[-1]) + 1) % 10)
    found = candidates(world, describe({"identifier": wrong, "family": "D'ESSAI", "given": "Zoé"}))
    assert found.best is not None
    assert found.best.id == ZOE
    assert "numéro à un chiffre près" in found.best.reasons


def test_structures_are_matched_by_number_and_name(world: Directory) -> None:
    by_number = candidates(world, describe({"structure_id": HOSPITAL_FINESS}), kind=Kind.STRUCTURE)
    by_name = candidates(world, describe({"structure": "CH Essai", "town": "Lyon"}), kind=Kind.STRUCTURE)
    text = candidates(world, describe("centre hospitalier d'essai lyon"), kind=Kind.STRUCTURE)
    assert [found.best.id for found in (by_number, by_name, text) if found.best] == ["1" + HOSPITAL_FINESS] * 3
    assert by_number.outcome is text.outcome is Outcome.SURE


def test_unknown_fields_are_refused_without_being_repeated() -> None:
    with pytest.raises(InvalidInput) as caught:
        describe({"secret": "x"})
    assert "secret" not in str(caught.value)


# --- lines -----------------------------------------------------------------------------------------------------------


def line(world: Directory, **said: str) -> LineResult:
    return check_line(world, said)


def test_a_line_that_is_right(world: Directory) -> None:
    found = line(world, name="Zoé D'ESSAI", address="Zoé D'ESSAI <ZOE.D-ESSAI@medecin.mssante.fr>")
    assert found.keep
    assert (found.outcome, found.mailbox) == (Outcome.SURE, "zoe.d-essai@medecin.mssante.fr")


@pytest.mark.parametrize(
    ("address", "state"),
    [
        ("zoe.d-essai@medecin.mssante.fr", AddressState.CURRENT),
        ("cardiologie@ch-essai.mssante.fr", AddressState.CURRENT),
        ("ancienne@medecin.mssante.fr", AddressState.CLOSED),
        ("marie.lefevre@medecin.mssante.fr", AddressState.INACTIVE),
        ("ailleurs@nulle-part.fr", AddressState.UNTRUSTED),
        ("personne.du-tout@medecin.mssante.fr", AddressState.UNKNOWN),
        ("cachee@medecin.mssante.fr", AddressState.UNKNOWN),
        ("pas une adresse", AddressState.MALFORMED),
        ("", AddressState.NONE),
    ],
)
def test_what_has_become_of_an_address(world: Directory, address: str, state: AddressState) -> None:
    assert line(world, address=address).state is state


@pytest.mark.parametrize(
    ("address", "meant", "how"),
    [
        ("jean.dupnt@medecin.mssante.fr", "jean.dupont@medecin.mssante.fr", "letter"),
        ("dupont.jean@medecin.mssante.fr", "jean.dupont@medecin.mssante.fr", "reordered"),
        ("jean-dupont@medecin.mssante.fr", "jean.dupont@medecin.mssante.fr", "characters"),
        ("jeandupont@medecin-mssante.fr", "jean.dupont@medecin.mssante.fr", "characters"),
        ("jean.dup0nt@medecin.mssante.fr", "jean.dupont@medecin.mssante.fr", "characters"),
        ("jean.dupont@medecin.mssanté.fr", "jean.dupont@medecin.mssante.fr", "characters"),
        ("jean.dupоnt@medecin.mssante.fr", "jean.dupont@medecin.mssante.fr", "characters"),
        ("jean.dupont@medecin.mſsante.fr", "jean.dupont@medecin.mssante.fr", "characters"),
        ("jean.dupont@medecin.msssante.fr", "jean.dupont@medecin.mssante.fr", "domain"),
        ("rnarie.lefevre@medecin.mssante.fr", "marie.lefevre@medecin.mssante.fr", "characters"),
    ],
)
def test_look_alikes_of_known_addresses(world: Directory, address: str, meant: str, how: str) -> None:
    found = line(world, address=address)
    assert found.state is AddressState.LOOKALIKE
    assert [(x.address, x.how.value) for x in found.lookalikes[:1]] == [(meant, how)]


def test_the_line_names_another_than_the_holder(world: Directory) -> None:
    found = line(world, family="D'ESSAI", given="Zoé", town="Lyon", address="jean.dupont@medecin.mssante.fr")
    assert found.state is AddressState.OTHER_HOLDER
    assert found.holders == ("Dr Jean DUPONT",)
    assert set(found.mailboxes) == {"zoe.d-essai@medecin.mssante.fr", "reprise@cabinet.mssante.fr"}


@pytest.mark.parametrize(
    ("said", "outcome", "told"),
    [({"profession": "médecin"}, Outcome.NONE, []), ({"town": "Lyon"}, Outcome.DOUBTFUL, [ZOE])],
)
def test_no_box_is_given_of_who_is_hardly_meant(
    world: Directory, said: dict[str, str], outcome: Outcome, told: list[str]
) -> None:
    """Zoé is of that name and trade, or town.  People copy what they are shown, programs take what they are given."""
    line = check_line(world, {"family": "D'ESSAI", "given": "Marguerite"} | said)
    assert (line.outcome, [c.id for c in line.candidates], line.mailbox) == (outcome, told, "")


@pytest.mark.parametrize(
    "family",
    ["Zoé D'ESSAI", "D'ESSAI Zoé", "Dr Zoé D'ESSAI", "D'Essai, Zoé", "D'ESSAI (Zoé)", "DESSAI Z.", "d essai zoe"],
)
def test_a_column_of_surnames_may_hold_whole_names(world: Directory, family: str) -> None:
    found = candidates(world, describe({"family": family, "town": "Lyon"}))
    assert [c.id for c in found.candidates][:1] == [ZOE]
    other = line(world, family=family, town="Lyon", address="jean.dupont@medecin.mssante.fr")
    assert (other.state, other.candidates[0].id) == (AddressState.OTHER_HOLDER, ZOE)


@pytest.mark.parametrize(
    ("given", "state"),
    [("Jean", "current"), ("Dr Jean", "current"), ("J.", "current"), ("Paul", "other_holder"), ("Dr", "other_holder")],
)
def test_a_given_name_alone_contradicts_no_holder_of_that_name(world: Directory, given: str, state: str) -> None:
    assert line(world, given=given, address="jean.dupont@medecin.mssante.fr").state.value == state


def test_a_closed_address_leads_to_the_present_ones(world: Directory) -> None:
    """She has two personal boxes, and nothing says which of them is the right one: none is guessed."""
    found = line(world, name="Zoé D'ESSAI", address="ancienne@medecin.mssante.fr")
    assert (found.state, found.until[:10]) == (AddressState.CLOSED, "2026-06-01")
    assert (found.outcome, found.mailbox) == (Outcome.SURE, "")
    assert found.usable == found.mailboxes == ("reprise@cabinet.mssante.fr", "zoe.d-essai@medecin.mssante.fr")


def test_nicknames_are_likely_and_never_sure(world: Directory) -> None:
    (nickname, names) = next((n, g) for n, g in nicknames().items() if "jean" in g)
    assert names
    found = candidates(world, describe({"family": "DUPONT", "given": nickname, "town": "Lyon"}))
    assert {c.id for c in found.candidates} == {JEAN, JEAN_BIS}
    assert found.match is None
    assert "nom identique, diminutif du prénom" in found.candidates[0].reasons


def test_a_misspelt_name_in_a_free_text_is_found_as_the_one_box_finds_it(world: Directory) -> None:
    found = candidates(world, describe("lefevbre marie"))
    assert [c.id for c in found.candidates[:1]] == [MARIE]
    assert found.match is None


def test_lists_take_nobodys_place_among_kept_answers(world: Directory) -> None:
    world.forget_answers()
    list(check_lines(world, [{"family": "DUPONT", "given": "Jean"}, {"text": "essai lyon"}, {"address": "a@b.fr"}]))
    assert len(world._answers.of(world.build().id)) == 0


def test_a_name_is_read_in_an_address_that_nobody_holds(world: Directory) -> None:
    found = line(world, address="paul.martin@wanadoo.fr")
    assert [c.id for c in found.candidates] == [PAUL]
    assert found.outcome is Outcome.DOUBTFUL


def test_unlisted_mailboxes_leave_no_trace(world: Directory) -> None:
    """The address of a person on the red list, whoever asks and however: as unknown as one that does not exist."""
    by_person = line(world, family="MARTIN", given="Paul", identifier=PAUL[1:])
    assert (by_person.outcome, by_person.mailbox, by_person.mailboxes) == (Outcome.SURE, "", ())
    hidden = line(world, address="cachee@medecin.mssante.fr")
    missing = line(world, address="cachex@medecin.mssante.fr")
    near = line(world, address="cache@medecin.mssante.fr")
    for found in (hidden, missing, near):
        assert (found.state, found.candidates, found.lookalikes) == (AddressState.UNKNOWN, (), ())
    named = line(world, family="MARTIN", given="Paul", address="cachee@medecin.mssante.fr")
    other = line(world, family="MARTIN", given="Paul", address="cachex@medecin.mssante.fr")
    assert named.as_dict() | {"address": ""} == other.as_dict() | {"address": ""}


OPEN, DEAD, NOWHERE = "zoe.d-essai@medecin.mssante.fr", "ancienne@medecin.mssante.fr", "ailleurs@nulle-part.fr"
COLLEAGUES = "jean.dupont@medecin.mssante.fr"


@pytest.mark.parametrize(
    ("addresses", "first", "others"),
    [
        ((NOWHERE, OPEN), OPEN, {NOWHERE: "untrusted_domain"}),
        ((NOWHERE, DEAD, OPEN), OPEN, {DEAD: "closed", NOWHERE: "untrusted_domain"}),
        ((NOWHERE, DEAD), DEAD, {NOWHERE: "untrusted_domain"}),
        (("zoe.d-esai@medecin.mssante.fr", OPEN), OPEN, {"zoe.d-esai@medecin.mssante.fr": "lookalike"}),
        ((COLLEAGUES, OPEN), OPEN, {COLLEAGUES: "other_holder"}),
        ((OPEN, COLLEAGUES), OPEN, {COLLEAGUES: "other_holder"}),
        ((OPEN.upper(), OPEN), OPEN, {}),
        ((NOWHERE, "a@nulle-part.fr", "b@nulle-part.fr", OPEN), NOWHERE, None),  # the first three
    ],
)
@pytest.mark.parametrize("field", ["address", "text"])
def test_of_several_addresses_the_one_to_write_to_counts_and_the_others_are_told_of(
    world: Directory, field: str, addresses: tuple[str, ...], first: str, others: dict[str, str] | None
) -> None:
    said = {"name": "Zoé D'ESSAI"} if field == "address" else {"family": "D'ESSAI", "given": "Zoé"}
    found = line(world, **said, **{field: "; ".join(addresses)})
    assert (found.address, found.candidates[0].id) == (first, ZOE)
    assert others is None or {o.address: o.state.value for o in found.others} == others
    assert len(found.others) <= 2


def test_what_another_address_is_nearly_counts_as_told(world: Directory) -> None:
    """Against the budget of who collects the directory."""
    found = line(world, address=f"{OPEN}, jean.dupnt@medecin.mssante.fr")
    assert [x.address for o in found.others for x in o.lookalikes] == [COLLEAGUES]
    assert COLLEAGUES in found.told


def test_an_unlisted_address_beside_another_leaves_no_trace(world: Directory) -> None:
    hidden, missing = (line(world, address=f"{OPEN}, {name}@medecin.mssante.fr") for name in ("cachee", "cachex"))
    assert [replace(o, address="", verdict=None) for o in hidden.others] == [
        replace(o, address="", verdict=None) for o in missing.others
    ]
    assert replace(hidden, others=()) == replace(missing, others=())


def test_whose_domain_is_the_patients_is_said(world: Directory) -> None:
    shared = {"address": "partage@cabinet.mssante.fr"}
    assert check_line(world, shared).state is AddressState.CURRENT
    assert check_line(world, shared, "cabinet.mssante.fr").state is AddressState.UNKNOWN  # no INS
    patient = {"address": "255081416802538@patient.mssante.fr"}
    assert check_line(world, patient).state is AddressState.CURRENT
    assert check_line(world, patient, "").state is not AddressState.CURRENT


def test_former_holders_still_count(world: Directory) -> None:
    found = line(world, address="marie.lefevre@medecin.mssante.fr")
    assert [c.id for c in found.candidates] == [MARIE]


def test_a_list_is_answered_in_order(world: Directory) -> None:
    lines = [{"identifier": n[1:]} for n in (ZOE, PAUL, MARIE)] * 70
    found = [r.candidates[0].id for r in check_lines(world, lines)]
    assert found == [ZOE, PAUL, MARIE] * 70


# --- words -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("heading", "field"),
    [
        ("Nom", "family"), ("NOM DE FAMILLE", "family"), ("Prénom(s)", "given"), ("Prénoms", "given"),
        ("Adresse e-mail", "address"), ("BAL_MSSANTE", "address"), ("N° RPPS", "identifier"), ("CP", "postcode"),
        ("email 1", "address"), ("Mail pro", "address"), ("E-mail perso.", "address"), ("Adresse 2", None),
        ("E-mail 2 - Value", "address"), ("Secondary Email", "address"), ("Ville 2", None),
        ("E-mail Address", "address"), ("Last Name", "family"), ("postcode", "postcode"), ("Remarques", None),
    ],
)  # fmt: skip
def test_columns_are_known_by_their_headings(heading: str, field: str | None) -> None:
    assert field_of(heading) == field


@pytest.mark.parametrize(
    "headings",
    [
        "First Name,Last Name,Organization Name,Organization Title,E-mail 1 - Value,Phone 1 - Value,Address 1 - City,"
        "Address 1 - Postal Code",  # Google
        "Prénom,Nom,Société,Fonction,Adresse électronique principale,Tél. professionnel,Ville professionnelle,"
        "Code postal professionnel",  # Thunderbird
        "First Name,Last Name,Organization,Job Title,Primary Email,Work Phone,Work City,Work ZipCode",
        "Prénom,Nom,Société,Fonction,Adresse de messagerie,Téléphone (bureau),Ville (bureau),"
        "Code postal (bureau)",  # Outlook
        "First Name,Last Name,Company,Job Title,E-mail Address,Business Phone,Business City,Business Postal Code",
    ],
)
def test_what_mail_clients_export_is_known_whole(headings: str) -> None:
    known = ["given", "family", "structure", "profession", "address", "phone", "town", "postcode"]
    assert [*fields_of(headings.split(",")).values()] == known


def test_of_two_columns_of_one_field_the_first_counts() -> None:
    assert fields_of(["Nom", "Prénom", "Ville", "Commune", "?"]) == {0: "family", 1: "given", 2: "town"}


def test_every_column_of_addresses_counts() -> None:
    assert fields_of(["E-mail", "Nom", "Courriel"]) == {0: "address", 1: "family", 2: "address"}


@pytest.mark.parametrize(
    ("said", "same"),
    [
        ("Infirmière libérale", {"nurse"}),
        ("Infirmière D.E.", {"nurse"}),
        ("infirmier(ère)", {"nurse"}),
        ("Kiné libéral", {"physio"}),
        ("Masseur-kinésithérapeute ostéopathe", {"physio"}),
        ("Médecin cardiologue", {"cardiologist"}),
        ("cardiologue hospitalier", {"cardiologist"}),
        ("Cardiologue / angiologue", {"cardiologist"}),
        ("médecin généraliste remplaçante", {"generalist"}),
        ("Chirurgien-dentiste libéral", {"dentist"}),
        ("sage-femme", set()),
    ],
)
def test_a_trade_is_known_among_other_words(said: str, same: set[str]) -> None:
    trades = {
        "nurse": ("60", ()), "physio": ("70", ()), "dentist": ("40", ("SCD01",)),
        "generalist": ("10", ("SM54",)), "cardiologist": ("10", ("SM04",)),
    }  # fmt: skip
    told = {name: names_trade(said, *trade) for name, trade in trades.items()}
    assert {name for name, way in told.items() if way} == same
    assert all(way is False for name, way in told.items() if name not in same)


def test_words_that_are_no_trade_say_nothing() -> None:
    assert names_trade("praticien hospitalier, chef de service", "10", ("SM04",)) is None


def test_of_two_surnames_the_one_that_people_practise_under_counts() -> None:
    assert fields_of(["Nom de famille", "Nom d'usage", "Prénom"]) == {1: "family", 2: "given"}
    assert fields_of(["Nom d’exercice", "Nom", "Prénom"]) == {0: "family", 2: "given"}


@pytest.mark.parametrize(
    ("said", "label"),
    [
        ("cardiologue", "Cardiologie et Maladies vasculaires"), ("Kiné", "Masseur-Kinésithérapeute"),
        ("infirmière", "Infirmier"), ("IDE", "Infirmier"), ("ORL", "Oto-rhino-laryngologie"),
        ("médecin généraliste", "Médecin généraliste"), ("chirurgien dentiste", "Chirurgien-Dentiste"),
        ("urgentiste", "Médecine d'urgence"),
    ],
)  # fmt: skip
def test_trades_by_any_of_their_words(said: str, label: str) -> None:
    assert same_trade(said, [label])


@pytest.mark.parametrize(
    ("said", "label"), [("psychologue", "Psychiatrie"), ("Sage-femme", "Aide-soignant"), ("", "X")]
)
def test_other_trades(said: str, label: str) -> None:
    assert not same_trade(said, [label])


def test_trades_by_what_people_say_instead() -> None:
    """The words of the one box (``model.vocabulary``) count as the codes that they stand for."""
    term = next(t for t in terms() if t.whole and t.system is System.SPECIALTY and len(t.said) == 1)
    assert same_trade(next(iter(term.said)), ["une étiquette sans rapport"], [term.codes[0]])
    assert not same_trade("zzz", ["une étiquette sans rapport"], [term.codes[0]])


@pytest.mark.parametrize(
    ("said", "held"),
    [
        ("ST ETIENNE CEDEX 2", "Saint-Étienne"),
        ("Lyon 3e arrondissement", "LYON"),
        ("Paris 10e arrondissement (75010)", "PARIS"),
        ("69003 Lyon", "LYON 03"),  # the postcode in the column of towns
        ("Luxembourg", "L-1025 LUXEMBOURG"),
        ("Doubs", "25300 DOUBS"),  # the line of the post office, of old ADELI rows
        ("Courbevoie", "COURBEVOIE CEDEX LA DEFENSE"),
        ("Stes Maries de la Mer", "SAINTES-MARIES-DE-LA-MER"),
    ],
)
def test_towns_by_their_plain_names(world: Directory, said: str, held: str) -> None:
    place = {"city": held, "cedex": None, "postcode": None, "department": None}
    zoe = candidates(world, describe({"identifier": ZOE})).best
    assert zoe
    record = zoe.record | {"activities": [a | {"address": place} for a in zoe.record["activities"]]}
    assert Feature(Field.TOWN, Way.EQUAL) in agree_person(describe({"town": said}), record)


@pytest.mark.parametrize("code", ["", None])
def test_a_postcode_of_nowhere_is_not_that_of_a_place_without_departement(world: Directory, code: str | None) -> None:
    place = {"city": "GENÈVE", "cedex": None, "postcode": None, "department": {"code": code, "label": "Étranger"}}
    zoe = candidates(world, describe({"identifier": ZOE})).best
    assert zoe
    record = zoe.record | {"activities": [a | {"address": place} for a in zoe.record["activities"]]}
    assert Feature(Field.POSTCODE, Way.DIFFERS) in agree_person(describe({"postcode": "00000"}), record)


def test_structures_by_their_plain_names() -> None:
    assert overlap("CHU de Rouen", ["CENTRE HOSPITALIER UNIVERSITAIRE ROUEN"]) > overlap(
        "CHU de Rouen", ["CLINIQUE ROUEN"]
    )
