"""The readers: whole values, in order, for ranges and lists; what a change touches.  On SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from registry_factories import LATER, START, add, add_box, add_person, add_place
from sqlalchemy import Connection, Engine, delete

from directory_service.model.mailboxes import MailboxType
from directory_service.model.people import Coded, Expertise, Identifier, SourceMark, Status
from directory_service.registry import batches, journal, operators, overview, read
from directory_service.registry.changes import Touched, dependants
from directory_service.registry.engine import writing
from directory_service.registry.tables import activity

ZOE, PAUL, LOST = 1, 2, 3  # LOST was found to be ZOE and absorbed
CLINIC, OFFICE = 10, 11
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def world(registry: Engine) -> Iterator[Connection]:
    """Zoé (nurse at the office and the clinic, two numbers, one mailbox) and Paul, who retired; a ward's mailbox."""
    with writing(registry) as connection:
        add(connection, "run", id=1)
        add(connection, "nomenclature", system="profession", code="60", label="Infirmière de l'extrait")
        add_place(connection, CLINIC, name="CLINIQUE", finess="990781056", national_id="1990781056", city="LYON")
        add_place(connection, OFFICE, trade_name="CABINET", sector_code="SA07")
        add_person(
            connection, ZOE, "10000000017", family_name="D'ESSAI", given_names="Zoé", profession_code="60",
            title_code="", civility_code="MME", category_code="C",
        )  # fmt: skip
        add(
            connection,
            "identifier",
            practitioner_id=ZOE,
            scheme="0",
            value="991023763",
            current=False,
            how="link-table",
        )
        add_person(connection, PAUL, "10000000025", status="inactive", status_since=LATER)
        add(connection, "practitioner", id=LOST, national_id="0991084948", merged_into=ZOE)
        add(connection, "identifier", practitioner_id=LOST, scheme="0", value="991084948", current=False)
        add(connection, "activity", practitioner_id=ZOE, organization_id=OFFICE, profession_code="60", mode_code="L")
        add(connection, "activity", practitioner_id=ZOE, organization_id=CLINIC, profession_code="60", authority="ONI")
        add(connection, "activity", practitioner_id=PAUL)
        for source in ("rpps.activity", "rpps.expertise"):
            add(connection, "expertise", practitioner_id=ZOE, source=source, type_code="S", code="SI01")
        add(connection, "source_record", key="810000000017", subject_id=ZOE)
        add(connection, "source_record", source="adeli.activity", key="0991023763", subject_id=ZOE, gone_at=LATER)
        add(connection, "source_record", source="mssante.mailboxes", key="zoe@a.mssante.fr", subject_id=ZOE)
        operators.add_operator(connection, "essai", ["a.mssante.fr"], actor="test", at=START)
        add_box(
            connection, 1, "zoe@a.mssante.fr", practitioner_id=ZOE, organization_id=OFFICE, profession_code="60",
            paperless=True, preferred=True,
        )  # fmt: skip
        add_box(connection, 2, "ward@b.mssante.fr", type="ORG", organization_id=CLINIC, service="CARDIOLOGIE")
        add_box(connection, 3, "paul@a.mssante.fr", practitioner_id=PAUL, until=LATER)
        add_box(
            connection, 4, "inconnue@a.mssante.fr", national_id="810000000033", family_name="INCONNUE", unlisted=True
        )
        yield connection


def test_a_practitioner_is_read_whole(world: Connection) -> None:
    zoe = next(read.read_practitioners(world))
    assert (zoe.pk, zoe.national_id, zoe.family_name, zoe.given_names) == (ZOE, "810000000017", "D'ESSAI", "Zoé")
    assert (zoe.status, zoe.status_since, zoe.created_at) == (Status.ACTIVE, BEGAN, BEGAN)
    assert zoe.identifiers == (
        Identifier("8", "10000000017", True, "extract"),
        Identifier("0", "991023763", False, "link-table"),
    )
    assert (zoe.civility, zoe.title, zoe.category) == (Coded("MME", "Madame"), Coded("", ""), Coded("C", "Civil"))


def test_the_label_of_the_source_comes_before_the_national_one(world: Connection) -> None:
    zoe = next(read.read_practitioners(world))
    assert zoe.profession == Coded("60", "Infirmière de l'extrait")
    assert zoe.roles[0].mode == Coded("L", "Libéral, indépendant, artisan, commerçant")
    assert zoe.roles[0].profession is zoe.profession


def test_roles_stand_in_their_order_with_their_structures(world: Connection) -> None:
    zoe, paul = read.read_practitioners(world)
    first, second = (r.organization for r in zoe.roles)
    assert first is not None and second is not None
    assert (first.display_name, first.sector.code, second.display_name, second.address.city) == (
        "CABINET", "SA07", "CLINIQUE", "LYON",
    )  # fmt: skip
    assert [r.authority for r in zoe.roles] == ["", "ONI"]
    assert [r.organization for r in paul.roles] == [None]


def test_an_expertise_that_two_sources_tell_is_told_once(world: Connection) -> None:
    zoe = next(read.read_practitioners(world))
    label = "Exercice infirmier en pratique avancée pathologies chroniques stabilisées"
    assert zoe.expertises == (Expertise("", Coded("S", "Spécialité ordinale"), Coded("SI01", label)),)


def test_only_sources_that_still_speak_of_a_person_are_shown(world: Connection) -> None:
    zoe, paul = read.read_practitioners(world)
    assert zoe.sources == (SourceMark("rpps.activity", 1, BEGAN),)
    assert paul.sources == ()


def test_an_absorbed_record_is_not_read_but_its_numbers_lead_on(world: Connection) -> None:
    assert [p.pk for p in read.read_practitioners(world)] == [ZOE, PAUL]
    assert overview.resolve(world, "0", "991084948") == ZOE
    assert overview.resolve(world, "8", "10000000025") == PAUL
    assert overview.resolve(world, "8", "10000000033") is None


@pytest.mark.parametrize("size", [1, 2, 4000])
def test_ranges_and_lists_give_the_same_whatever_the_batch(
    world: Connection, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "RANGE", size)
    everyone = list(read.read_practitioners(world))
    assert list(read.read_practitioners(world, [PAUL, 99, ZOE, PAUL, LOST])) == everyone
    assert list(read.read_practitioners(world, [])) == []
    parts = [read.read_organization_bindings(world, low=low, high=high) for low, high in ((0, OFFICE), (OFFICE, None))]
    assert {pk: held for part in parts for pk, held in part} == dict(read.read_organization_bindings(world))


def test_structures_outlive_the_cache_of_a_reading(world: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = list(read.read_practitioners(world))
    monkeypatch.setattr(batches, "KEPT", 0)
    monkeypatch.setattr(batches, "RANGE", 1)
    assert list(read.read_practitioners(world)) == expected


def test_an_organization_is_read_whole(world: Connection) -> None:
    clinic, office = read.read_organizations(world)
    assert (clinic.pk, clinic.national_id, clinic.technical_id, clinic.finess) == (
        CLINIC, "1990781056", "R00000000000010", "990781056",
    )  # fmt: skip
    assert (office.name, office.trade_name, office.changed_at) == ("", "CABINET", BEGAN)
    assert list(read.read_organizations(world, [OFFICE])) == [office]


def test_bindings_come_by_address_open_and_closed_with_their_holders(world: Connection) -> None:
    found = dict(read.read_bindings(world))
    assert list(found) == ["zoe@a.mssante.fr", "ward@b.mssante.fr", "paul@a.mssante.fr", "inconnue@a.mssante.fr"]
    (box,) = found["zoe@a.mssante.fr"]
    assert box.practitioner == next(read.read_practitioners(world))
    assert (box.type, box.holder_id, box.paperless, box.preferred) == (MailboxType.PERSONAL, "810000000017", True, True)
    assert (box.operator, box.since, box.until) == ("essai", BEGAN, None)
    (ward,) = found["ward@b.mssante.fr"]
    assert (ward.type, ward.holder_id, ward.service, ward.operator) == (
        MailboxType.ORGANIZATIONAL, "1990781056", "CARDIOLOGIE", "",
    )  # fmt: skip
    assert found["paul@a.mssante.fr"][0].until is not None


def test_a_holder_in_no_registry_stays_as_the_source_wrote_her(world: Connection) -> None:
    ((address, (box,)),) = read.read_bindings(world, [4])
    assert box.practitioner is None
    assert (box.family_name, box.national_id, box.unlisted, box.paperless) == ("INCONNUE", "810000000033", True, None)
    assert box.holder_id == "10" + address


def test_holders_have_their_open_mailboxes(world: Connection) -> None:
    found = dict(read.read_holder_bindings(world))
    assert {key: [b.address for b in boxes] for key, boxes in found.items()} == {ZOE: ["zoe@a.mssante.fr"]}
    assert dict(read.read_holder_bindings(world, [PAUL])) == {}
    ((key, (ward,)),) = read.read_organization_bindings(world)
    assert (key, ward.address) == (CLINIC, "ward@b.mssante.fr")


def test_a_domain_that_two_operators_hold_has_no_operator(world: Connection) -> None:
    operators.add_operator(world, "autre", ["a.mssante.fr"], actor="test")
    (_, (box,)), *_ = read.read_bindings(world)
    assert box.operator == ""


def test_counts_and_bounds(world: Connection) -> None:
    assert overview.bounds(world) == (LOST, OFFICE, 4)
    assert overview.counts(world) == {
        "practitioners": 2, "practitioners_active": 1, "organizations": 2, "activities": 3,
        "mailboxes": 2, "mailboxes_closed": 1, "operators": 1,  # one is unlisted
    }  # fmt: skip


def test_an_empty_registry_reads_as_nothing(registry: Engine) -> None:
    with writing(registry) as connection:
        assert list(read.read_practitioners(connection)) == []
        assert list(read.read_bindings(connection)) == []
        assert overview.bounds(connection) == (0, 0, 0)
        assert overview.read_sources(connection) == []


def _touched(
    connection: Connection, subject: str, key: int, kind: str = "update", after: journal.State | None = None
) -> Touched:
    before = journal.last_seq(connection)
    journal.append(connection, actor="test", kind=kind, subject=subject, subject_id=key, after=after)
    return dependants(connection, journal.read_after(connection, before, 99))


def test_a_structure_touches_its_people_and_their_mailboxes_and_its_own(world: Connection) -> None:
    assert _touched(world, "organization", CLINIC) == Touched({ZOE}, {CLINIC}, {1, 2})


def test_a_structure_that_only_shows_what_a_rollback_took_touches_nobody(world: Connection) -> None:
    said = {"runs": [1], "itself": False}
    assert _touched(world, "organization", CLINIC, "restore", said) == Touched(organizations={CLINIC})
    whole = Touched({ZOE}, {CLINIC}, {1, 2})
    assert _touched(world, "organization", CLINIC, "restore", {"runs": [1]}) == whole
    assert _touched(world, "organization", CLINIC, "restore") == whole, "the oldest journals say nothing"


def test_a_structure_touches_who_uses_a_mailbox_there(world: Connection) -> None:
    """Though she works elsewhere: her record names it."""
    world.execute(delete(activity).where(activity.c.organization_id == OFFICE))
    assert _touched(world, "organization", OFFICE) == Touched({ZOE}, {OFFICE}, {1})


def test_a_person_touches_her_mailboxes_and_the_closed_ones(world: Connection) -> None:
    assert _touched(world, "practitioner", ZOE) == Touched({ZOE}, set(), {1})
    assert _touched(world, "practitioner", PAUL) == Touched({PAUL}, set(), {3})


def test_a_mailbox_touches_its_holders_present_and_past(world: Connection) -> None:
    assert _touched(world, "mailbox", 1) == Touched({ZOE}, {OFFICE}, {1})
    assert _touched(world, "mailbox", 2) == Touched(set(), {CLINIC}, {2})
    assert _touched(world, "mailbox", 3) == Touched({PAUL}, set(), {3})


def test_an_absorbed_record_touches_the_one_that_absorbed_it(world: Connection) -> None:
    assert _touched(world, "practitioner", LOST, "merge") == Touched({LOST, ZOE}, set(), {1})


def test_an_operator_touches_the_mailboxes_of_its_domains_but_not_for_its_secret(world: Connection) -> None:
    moved = _touched(world, "operator", 1, "domain")
    assert (moved.mailboxes, moved.practitioners, moved.operators) == ({1, 3, 4}, {ZOE, PAUL}, {1})
    assert _touched(world, "operator", 1, "secret") == Touched(operators={1})
    assert _touched(world, "operator", 1, "right") == Touched(operators={1})
