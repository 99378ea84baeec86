"""Mailboxes as entries of ``ou=bal`` and as records: every kind of holder, and who may see what."""

from __future__ import annotations

from datetime import timedelta

import orjson
import pytest

from directory_service.entries import mailbox_entries, mailbox_entry, mailbox_record
from directory_service.entries.entry import BAL, UNLISTED, branch_of, entry_id
from directory_service.entries.wire import decode_attributes
from directory_service.index.query import View
from directory_service.model.mailboxes import MailboxType
from directory_service.model.people import Status
from tests.record_factories import (
    CARDIOLOGY,
    EPOCH,
    NURSE,
    SUFFIX,
    make_binding,
    make_organization,
    make_practitioner,
    rpps,
)

ADDRESS = "zoe.d-essai@medecin.mssante.fr"


def _service(**given: object) -> object:
    given = {"type": MailboxType.ORGANIZATIONAL, "organization": make_organization(), "service": "Cardiologie", **given}
    return make_binding(5, "cardio@ch.mssante.fr", **given)  # type: ignore[arg-type]


def test_a_known_persons_box() -> None:
    entry = mailbox_entry([make_binding(practitioner=make_practitioner(adelis=["691234567"]))], SUFFIX)
    held = decode_attributes(entry.ber)
    assert entry.dn == f"uid=810900000018:{ADDRESS},ou=bal,{SUFFIX}"
    assert held["uid"] == [f"810900000018:{ADDRESS}".encode(), b"810900000018"]
    assert held["displayName"] == ["Dr Zoé D'ESSAI, Cardiologue, LYON".encode()]
    assert (held["asRpps"], held["asAdeli"]) == ([b"10900000018"], [b"691234567"])
    assert {f"m{ADDRESS}", "u810900000018", "i0691234567"} <= set(entry.keys)
    assert entry.view == View.ANONYMOUS


def test_a_suggestion_says_who_and_what_tells_her_apart() -> None:
    item = orjson.loads(mailbox_entry([make_binding(practitioner=make_practitioner())], SUFFIX).json)
    assert item["label"] == "Dr Zoé D'ESSAI"
    assert item["hint"] == "Cardiologue, LYON"
    assert item["person"]["specialty"] == {"code": "SM04", "label": "Cardiologie et maladies vasculaires"}
    assert (item["town"], item["place"]) == ("LYON", "CENTRE HOSPITALIER D'ESSAI")
    assert item.keys() == {"label", "address", "type", "person", "hint", "town", "place"}


def test_a_box_used_in_one_structure_is_placed_there() -> None:
    elsewhere = make_organization(9, name="CLINIQUE DU PORT", finess="")
    entry = mailbox_entry([make_binding(practitioner=make_practitioner(), organization=elsewhere)], SUFFIX)
    assert decode_attributes(entry.ber)["o"] == [b"CLINIQUE DU PORT"]
    assert orjson.loads(entry.json)["hint"] == "Cardiologue, CLINIQUE DU PORT, LYON"


def test_the_profession_of_the_box_comes_before_the_others() -> None:
    bound = make_binding(practitioner=make_practitioner(expertises=[]), profession=NURSE, specialty=CARDIOLOGY)
    held = decode_attributes(mailbox_entry([bound], SUFFIX).ber)
    assert held["title"] == [b"Infirmier", "Médecin".encode()]
    assert held["asSpecialtyCode"] == [b"SM04"]


def test_a_person_whom_no_registry_knows_is_shown_as_written() -> None:
    entry = mailbox_entry([make_binding(family_name="MARTIN", given_names="ANNE", national_id=f"8{rpps(9)}")], SUFFIX)
    held = decode_attributes(entry.ber)
    assert held["cn"] == [b"MARTIN ANNE", b"ANNE MARTIN"]
    assert held["asNationalId"] == [f"10{ADDRESS}".encode(), f"8{rpps(9)}".encode()]
    assert held["asRpps"] == [rpps(9).encode()]
    assert orjson.loads(entry.json)["person"]["rpps"] is None


def test_an_address_alone_still_makes_an_entry() -> None:
    held = decode_attributes(mailbox_entry([make_binding()], SUFFIX).ber)
    assert held["sn"] == held["cn"] == held["displayName"] == [b"zoe.d-essai"]


def test_a_services_box() -> None:
    """contract.md §2: ``sn`` is the structure's name and ``cn`` the service and structure."""
    entry = mailbox_entry([_service()], SUFFIX)  # type: ignore[list-item]
    held = decode_attributes(entry.ber)
    assert held["sn"] == [b"CENTRE HOSPITALIER D'ESSAI"]
    assert held["cn"] == [b"Cardiologie CENTRE HOSPITALIER D'ESSAI", b"CENTRE HOSPITALIER D'ESSAI Cardiologie"]
    assert held["ou"] == [b"Cardiologie"]
    assert held["uid"][0] == b"1690000005:cardio@ch.mssante.fr"
    item = orjson.loads(entry.json)
    assert item["structure"] == {"id": "1690000005", "name": "CENTRE HOSPITALIER D'ESSAI"}
    assert (item["label"], item["hint"]) == ("Cardiologie", "CENTRE HOSPITALIER D'ESSAI, LYON")


def test_a_services_box_in_no_known_structure() -> None:
    entry = mailbox_entry([_service(organization=None)], SUFFIX)  # type: ignore[list-item]
    assert decode_attributes(entry.ber)["sn"] == [b"Cardiologie"]
    assert orjson.loads(entry.json)["structure"]["id"] == "10cardio@ch.mssante.fr"


@pytest.mark.parametrize(
    ("given", "rank"),
    [
        ({"practitioner": make_practitioner()}, 0),
        ({}, 1),
        ({"type": MailboxType.OFFICE, "practitioner": make_practitioner()}, 2),
        ({"type": MailboxType.ORGANIZATIONAL, "organization": make_organization()}, 3),
        ({"type": MailboxType.APPLICATION, "organization": make_organization()}, 4),
        ({"practitioner": make_practitioner(status=Status.INACTIVE)}, 8),
    ],
)
def test_ranks(given: dict[str, object], rank: int) -> None:
    assert mailbox_entry([make_binding(3, **given)], SUFFIX).id == entry_id(BAL, rank, 3)  # type: ignore[arg-type]


def test_an_unlisted_box_is_for_staff_only() -> None:
    entry = mailbox_entry([make_binding(practitioner=make_practitioner(), unlisted=True)], SUFFIX)
    assert entry.view == View.STAFF
    assert entry.id >> 36 == UNLISTED  # where no look-up of the others comes near it
    assert branch_of(entry.id) == BAL


def test_one_entry_a_holder_and_none_for_what_is_closed() -> None:
    """169 addresses of the real extract stand on several lines."""
    one, other = make_practitioner(1), make_practitioner(2, family_name="AUTRE")
    bound = [
        make_binding(1, practitioner=one, organization=make_organization(1)),
        make_binding(2, practitioner=one, organization=make_organization(2, name="CLINIQUE", finess="")),
        make_binding(3, practitioner=other),
        make_binding(4, practitioner=make_practitioner(3), until=EPOCH),
    ]
    first, second = mailbox_entries(bound, SUFFIX)
    assert decode_attributes(first.ber)["o"] == [b"CENTRE HOSPITALIER D'ESSAI", b"CLINIQUE"]
    assert decode_attributes(second.ber)["sn"] == [b"AUTRE"]
    assert mailbox_entries(bound[3:], SUFFIX) == []


def test_odd_addresses_are_escaped_in_the_name() -> None:
    entry = mailbox_entry([make_binding(address='a,b+c"@x.mssante.fr', family_name="X")], SUFFIX)
    assert entry.dn.startswith('uid=10a\\,b\\+c\\"@x.mssante.fr:a\\,b\\+c\\"@x.mssante.fr,ou=bal,')


def test_the_record_of_an_open_box() -> None:
    record = mailbox_record(ADDRESS, [make_binding(practitioner=make_practitioner(), operator="essai")])
    assert (record["status"], record["since"], record["until"]) == ("open", "2026-11-02T03:45:00Z", None)
    assert (record["type"], record["operator"], record["unlisted"]) == ("PER", "essai", False)
    (holder,) = record["holders"]  # type: ignore[misc]
    assert (holder["id"], holder["label"], holder["kind"]) == ("810900000018", "Dr Zoé D'ESSAI", "person")
    assert (holder["family_name"], holder["given_names"], holder["listed"]) == ("D'ESSAI", "ZOÉ", True)


def test_the_record_of_a_closed_box_keeps_its_last_holder_and_those_before() -> None:
    day = timedelta(days=1)
    bound = [
        make_binding(1, practitioner=make_practitioner(1), until=EPOCH + day),
        make_binding(2, practitioner=make_practitioner(2), since=EPOCH + day, until=EPOCH + 2 * day, unlisted=True),
    ]
    record = mailbox_record(ADDRESS, bound)
    assert (record["status"], record["until"], record["unlisted"]) == ("closed", "2026-11-04T03:45:00Z", True)
    assert [h["listed"] for h in record["holders"]] == [True, False]  # type: ignore[attr-defined]


def test_what_one_holder_held_at_two_times_is_told_apart() -> None:
    day, person = timedelta(days=1), make_practitioner()
    bound = [
        make_binding(1, practitioner=person, until=EPOCH + day),
        make_binding(2, practitioner=person, since=EPOCH + 9 * day, organization=make_organization(1)),
        make_binding(3, practitioner=person, since=EPOCH + 8 * day, organization=make_organization(2, finess="")),
    ]
    present, past = mailbox_record(ADDRESS, bound)["holders"]  # type: ignore[misc]
    assert (present["since"], present["until"]) == ("2026-11-10T03:45:00Z", None)
    assert len(present["structures"]) == 2
    assert past["until"] == "2026-11-03T03:45:00Z"


def test_the_record_of_a_service_lists_its_names() -> None:
    (holder,) = mailbox_record("cardio@ch.mssante.fr", [_service()])["holders"]  # type: ignore[misc,list-item]
    assert holder["kind"] == "structure"
    assert "Cardiologie CENTRE HOSPITALIER D'ESSAI" in holder["names"]
    assert holder["family_name"] is None
