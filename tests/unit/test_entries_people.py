"""Practitioners and structures as entries: what is shown, what finds them, what is never there."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import orjson
import pytest

from directory_service.entries import organization_entry, practitioner_entry
from directory_service.entries.attributes import column
from directory_service.entries.entry import PEOPLE, entry_id
from directory_service.entries.wire import decode_attributes
from directory_service.model.mailboxes import MailboxType
from directory_service.model.people import Coded, Expertise, Identifier, Status
from tests.record_factories import (
    EPOCH,
    NONE,
    NURSE,
    ORDINAL,
    SUFFIX,
    make_address,
    make_binding,
    make_organization,
    make_practitioner,
    make_role,
)

CONTRACT_PRACTITIONER = {
    "id", "rpps", "adeli", "status", "title", "family_name", "given_names", "profession", "category", "specialties",
    "activities", "mailboxes", "sources",
}  # fmt: skip
CONTRACT_ORGANIZATION = {
    "id", "technical_id", "name", "trade_name", "finess", "finess_legal", "siret", "siren", "former_id", "status",
    "sector", "address", "phones", "fax", "email", "mailboxes",
}  # fmt: skip


def _shown(person: object) -> str:
    entry = practitioner_entry(person, [], SUFFIX)  # type: ignore[arg-type]
    return decode_attributes(entry.ber)["displayName"][0].decode()


def test_the_display_name_of_the_contract() -> None:
    assert _shown(make_practitioner()) == "Dr Zoé D'ESSAI, Cardiologue, LYON"


def test_a_nurse_has_no_title_and_her_profession_as_a_fact() -> None:
    nurse = make_practitioner(
        family_name="MARTIN", given_names="Anne-Lise", title=Coded("", ""), profession=NURSE, expertises=[]
    )
    assert _shown(nurse) == "Anne-Lise MARTIN, Infirmier, LYON"


def test_an_ordinal_specialty_names_her_before_a_capacity() -> None:
    capacity = Expertise("10", Coded("CAPA", "Capacité"), Coded("CAPA03", "Gérontologie"))
    general = Expertise("10", ORDINAL, Coded("SM54", "Médecine générale"))
    person = make_practitioner(expertises=[capacity, general])
    assert "Médecin généraliste" in _shown(person)
    specialties = orjson.loads(practitioner_entry(person, [], SUFFIX).json)["specialties"]
    assert [s["code"] for s in specialties] == ["SM54", "CAPA03"]


def test_names_are_kept_as_the_source_wrote_them() -> None:
    """RG_EXP_031."""
    held = decode_attributes(practitioner_entry(make_practitioner(), [], SUFFIX).ber)
    assert held["sn"] == [b"D'ESSAI"]
    assert held["givenName"] == ["ZOÉ".encode()]
    assert held["cn"] == ["D'ESSAI ZOÉ".encode(), "ZOÉ D'ESSAI".encode()]


def test_names_are_searched_in_both_orders_without_accents_or_punctuation() -> None:
    entry = practitioner_entry(make_practitioner(family_name="D'AUBIGNÉ", given_names="Jean-Pierre"), [], SUFFIX)
    assert entry.sn == "^daubigne$"
    assert entry.given == "^jeanpierre$"
    assert entry.name == "^daubignejeanpierre$^jeanpierredaubigne$"


@pytest.mark.parametrize(("family", "given"), [("MARTIN", ""), ("", "ANNE"), ("", ""), ("MARTIN", "martin")])
def test_a_name_that_lacks_a_part_still_makes_an_entry(family: str, given: str) -> None:
    held = decode_attributes(
        practitioner_entry(make_practitioner(family_name=family, given_names=given), [], SUFFIX).ber
    )
    assert len(held["sn"]) == len(held["cn"]) == 1


def test_every_number_ever_held_finds_her() -> None:
    """contract.md §2, and formats.md §3: a number is never deleted."""
    person = make_practitioner(adelis=["691234567", "2A1234567"])
    former = replace(person, identifiers=(*person.identifiers, Identifier("8", "10000000001", False, "review")))
    entry = practitioner_entry(former, [], SUFFIX)
    assert {"i810900000018", "i0691234567", "i02A1234567", "i810000000001", "u810900000018"} <= set(entry.keys)
    held = decode_attributes(entry.ber)
    assert held["asRpps"] == [b"10900000018", b"10000000001"]
    assert held["asAdeli"] == [b"2A1234567", b"691234567"]
    assert held["HcIdentifier"][0] == b"ANS:RPPS:10900000018:Active"
    assert b"ANS:RPPS:10000000001:Inactive" in held["HcIdentifier"]


def test_a_person_with_an_adeli_number_only() -> None:
    entry = practitioner_entry(make_practitioner(number="", adelis=["691234567"]), [], SUFFIX)
    assert entry.dn == f"uid=0691234567,ou=personnes,{SUFFIX}"
    answer = orjson.loads(entry.json)
    assert (answer["rpps"], answer["adeli"]) == (None, ["691234567"])


def test_her_mailboxes_say_where_they_are_used() -> None:
    """One address in two structures is one mailbox, in both."""
    zoe = make_practitioner()
    wards = [make_organization(pk, national_id=f"1{pk}", name=f"HOPITAL {pk}") for pk in (1, 2)]
    held = [make_binding(1, practitioner=zoe, organization=wards[0]),
            make_binding(2, practitioner=zoe, organization=wards[1], service="CARDIOLOGIE"),
            make_binding(3, "zoe@ailleurs.mssante.fr", practitioner=zoe)]  # fmt: skip
    one, other = orjson.loads(practitioner_entry(zoe, held, SUFFIX).json)["mailboxes"]
    assert (one["service"], [s["name"] for s in one["structures"]]) == ("CARDIOLOGIE", ["HOPITAL 1", "HOPITAL 2"])
    assert (other["service"], other["structures"]) == (None, [])


@pytest.mark.parametrize(
    ("status", "boxes", "rank"), [(Status.ACTIVE, 1, 0), (Status.ACTIVE, 0, 1), (Status.INACTIVE, 1, 8)]
)
def test_ranks(status: Status, boxes: int, rank: int) -> None:
    entry = practitioner_entry(make_practitioner(7, status=status), [make_binding()] * boxes, SUFFIX)
    assert entry.id == entry_id(PEOPLE, rank, 7)


def test_the_json_has_the_fields_of_the_contract() -> None:
    answer = orjson.loads(practitioner_entry(make_practitioner(), [make_binding()], SUFFIX).json)
    assert CONTRACT_PRACTITIONER | {"status_since"} == answer.keys()
    assert [*answer["activities"][0]] == [
        "profession", "category", "structure", "address", "mode", "sector", "role", "phones",
    ]  # fmt: skip
    assert answer["activities"][0]["structure"].keys() == {"id", "name", "finess", "siret"}
    of_a_box = {"address", "type", "paperless", "preferred", "since", "operator"}
    assert answer["mailboxes"][0].keys() == of_a_box | {"service", "structures"}
    assert answer["sources"] == [{"name": "rpps.activity", "run": 1, "seen": "2026-11-02T03:45:00Z"}]
    assert answer["profession"] == {"code": "10", "label": "Médecin"}


def test_each_activity_says_as_what_it_is_practised() -> None:
    place, midwife = make_organization(), Coded("50", "Sage-Femme")
    roles = [make_role(place, profession=NURSE), make_role(place, profession=midwife), make_role(None, profession=NONE)]
    answer = orjson.loads(practitioner_entry(make_practitioner(profession=NURSE, roles=roles), [], SUFFIX).json)
    assert answer["profession"]["label"] == "Infirmier"
    assert [a["profession"] and a["profession"]["label"] for a in answer["activities"]] == [
        "Infirmier",
        "Sage-Femme",
        None,
    ]
    assert {a["category"]["label"] for a in answer["activities"]} == {"Civil"}


def test_unlisted_and_closed_boxes_leave_no_trace() -> None:
    """Red-listed boxes (*liste rouge*) and what is no longer hers."""
    hidden = make_binding(2, "cachee@medecin.mssante.fr", unlisted=True)
    closed = make_binding(3, "fermee@medecin.mssante.fr", until=EPOCH)
    alone = practitioner_entry(make_practitioner(), [], SUFFIX)
    assert practitioner_entry(make_practitioner(), [hidden, closed], SUFFIX) == alone


def test_the_preferred_box_comes_first_then_the_oldest() -> None:
    young = make_binding(1, "b@x.mssante.fr", since=EPOCH + timedelta(days=2))
    old = make_binding(2, "c@x.mssante.fr", since=EPOCH)
    preferred = make_binding(3, "d@x.mssante.fr", since=EPOCH + timedelta(days=9), preferred=True)
    entry = practitioner_entry(make_practitioner(), [young, old, preferred], SUFFIX)
    addresses = [m["address"] for m in orjson.loads(entry.json)["mailboxes"]]
    assert addresses == ["d@x.mssante.fr", "c@x.mssante.fr", "b@x.mssante.fr"]
    assert [v.decode() for v in decode_attributes(entry.ber)["mail"]] == addresses


def test_an_address_bound_twice_is_shown_once() -> None:
    twice = [make_binding(1), make_binding(2, preferred=True)]
    entry = practitioner_entry(make_practitioner(), twice, SUFFIX)
    assert [m["preferred"] for m in orjson.loads(entry.json)["mailboxes"]] == [True]


def test_two_workplaces_give_their_attributes_together_each_once() -> None:
    lyon = make_organization(1)
    nice = make_organization(
        2, name="CABINET", finess="", siret="", phone="", address=make_address(city="NICE", postcode="06000")
    )
    entry = practitioner_entry(make_practitioner(roles=[make_role(nice), make_role(lyon), make_role(nice)]), [], SUFFIX)
    held = decode_attributes(entry.ber)
    assert held["o"] == [b"CABINET", b"CENTRE HOSPITALIER D'ESSAI"]
    assert held["l"] == [b"NICE", b"LYON"]
    assert held["st"] == ["Rhône".encode()]
    assert held["asFiness"] == [b"690000005"]
    assert entry.org == column(["cabinet", "centre hospitalier d essai"])
    assert {"z06000", "z69003"} <= set(entry.tags.split())
    assert held["displayName"][0].endswith(b", NICE")


def test_the_modification_time_is_that_of_the_latest_part() -> None:
    later = replace(make_organization(), changed_at=EPOCH + timedelta(days=1))
    entry = practitioner_entry(make_practitioner(roles=[make_role(later)]), [], SUFFIX)
    assert (entry.created, entry.changed) == ("20261102034500Z", "20261103034500Z")


def test_a_structure_is_found_by_each_of_its_numbers() -> None:
    place = replace(make_organization(), former_id="0691234567", finess_legal="690000013")
    entry = organization_entry(place, [], SUFFIX)
    assert {"o1690000005", "o326690000000017", "o2266900000", "oF690000005", "o0691234567"} <= set(entry.keys)
    assert orjson.loads(entry.json).keys() == CONTRACT_ORGANIZATION


def test_a_structure_goes_by_both_its_names() -> None:
    entry = organization_entry(make_organization(name="SELARL X", trade_name="PHARMACIE DU PORT"), [], SUFFIX)
    held = decode_attributes(entry.ber)
    assert held["cn"] == held["o"] == [b"PHARMACIE DU PORT", b"SELARL X"]
    assert held["displayName"] == [b"PHARMACIE DU PORT, LYON"]


def test_the_ordinary_address_of_a_structure_is_never_its_mail() -> None:
    """``mail`` is a secure mailbox, everywhere: a client writes to it without a second look."""
    entry = organization_entry(make_organization(email="contact@example.org"), [], SUFFIX)
    assert "mail" not in decode_attributes(entry.ber)
    assert b"contact@example.org" not in entry.ber
    assert orjson.loads(entry.json)["email"] == "contact@example.org"


def test_a_structure_shows_its_own_boxes_and_not_those_of_people_who_work_there() -> None:
    """Known or not: a person's box is hers, and in ``ou=bal``."""
    place = make_organization()
    held = [
        make_binding(1, "accueil@ch.mssante.fr", type=MailboxType.ORGANIZATIONAL, organization=place),
        make_binding(2, "zoe@ch.mssante.fr", practitioner=make_practitioner(), organization=place),
        make_binding(3, "inconnue@ch.mssante.fr", organization=place, family_name="INCONNUE"),
    ]
    entry = organization_entry(place, held, SUFFIX)
    assert decode_attributes(entry.ber)["mail"] == [b"accueil@ch.mssante.fr"]
    assert entry.mail == "^accueil@ch.mssante.fr$"
