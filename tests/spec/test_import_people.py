"""What an activity extract does to practitioners: created, updated, closed, reopened; one record per person."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import factories as f
import pytest
from import_world import World
from sqlalchemy import select

from directory_service.model.people import Status
from directory_service.registry.engine import reading
from directory_service.registry.journal import decode
from directory_service.registry.tables import mailbox
from importers.load import run_import

ONE, TWO = f.rpps(1), f.rpps(2)


def test_a_person_is_created_with_her_activities_and_specialty(world: World) -> None:
    rows = [
        f.activity(ONE, expertise_type_code="S", expertise_code="SM04", expertise="Cardiologie"),
        f.activity(ONE, expertise_type_code="S", expertise_code="SM26", expertise="Qualifié en MG"),
        f.activity(ONE, technical_id="C" + f.siret(1), siret=f.siret(1), finess="", name="CABINET"),
    ]
    report = world.day(1, activity=rows)
    person = world.person(ONE)
    assert report.counts["practitioner"] == {"created": 1}
    assert (person.national_id, person.family_name, person.status) == ("8" + ONE, "ESSAI", Status.ACTIVE)
    assert sorted(r.organization.name for r in person.roles if r.organization) == ["CABINET", "HOPITAL D'ESSAI"]
    assert sorted(e.expertise.code for e in person.expertises) == ["SM04", "SM26"]
    assert person.profession.label == "Infirmier"


def test_a_person_without_activity_has_no_role_and_keeps_her_profession(world: World) -> None:
    empty = dict.fromkeys(("mode_code", "mode", "technical_id", "finess", "name", "postcode", "city"), "")
    world.day(1, activity=[f.activity(ONE, **empty)])
    assert world.person(ONE).roles == ()
    assert world.person(ONE).profession.code == "60"


def test_the_order_of_the_rows_does_not_matter(world: World) -> None:
    rows = [f.activity(n, technical_id="R" + i) for i in ("1" * 14, "2" * 14) for n in (ONE, TWO)]
    world.day(1, activity=rows)
    assert [len(world.person(n).roles) for n in (ONE, TWO)] == [2, 2]
    report = world.day(2, activity=rows[::-1])
    assert report.status == "unchanged"
    assert report.counts == {"practitioner": {"unchanged": 2}}


def test_the_rows_of_a_record_are_one_however_each_is_quoted(world: World) -> None:
    elsewhere = {"technical_id": "F" + f.finess(2), "finess": f.finess(2), "name": "AUTRE"}
    rows = [f.cat18(ONE), f.cat18(TWO), f.cat18(ONE, **elsewhere), f.cat18(TWO, title_code="DR;PR", **elsewhere)]
    path = f.write_cat18(world.folder / "cat18.csv", rows)
    lines = path.read_text(encoding="utf-8").split("\n")
    path.write_text("\n".join([*lines[:3], lines[3].replace('"', ""), *lines[4:]]), encoding="utf-8")
    assert run_import(world.engine, [path], actor="tests").counts["practitioner"] == {"created": 2}
    assert [len(world.person(n).roles) for n in (ONE, TWO)] == [2, 2]


def test_a_change_is_journalled_both_ways_and_the_rest_is_not_touched(world: World) -> None:
    world.day(1, activity=[f.activity(ONE), f.activity(TWO)])
    seq = world.journal()[-1].seq
    report = world.day(2, activity=[f.activity(ONE, family_name="DURAND", mode_code="L"), f.activity(TWO)])
    assert report.counts["practitioner"] == {"updated": 1, "unchanged": 1}
    (entry,) = [e for e in world.journal() if e.seq > seq]
    assert (entry.kind, entry.subject, entry.run_id) == ("update", "practitioner", report.run)
    assert b'"family_name":"ESSAI"' in (entry.before or b"")
    assert b'"family_name":"DURAND"' in (entry.after or b"")
    assert [r.mode.code for r in world.person(ONE).roles] == ["L"]


def test_a_person_has_changed_when_something_goes_and_not_when_she_is_said_otherwise(world: World) -> None:
    """By ``modifyTimestamp``, and for the circuit breaker."""
    two = [f.activity(ONE), f.activity(ONE, mode_code="L", mode="Libéral")]
    world.day(1, activity=two)
    report = world.day(2, activity=[row | {"civility": "Mme"} for row in two])
    assert report.counts["practitioner"] == {"unchanged": 1} and world.person(ONE).changed_at.day == 1
    assert report.impact["people"]["changed"] == 0
    report = world.day(3, activity=two[:1])
    assert report.counts["practitioner"] == {"updated": 1} and world.person(ONE).changed_at.day == 3
    assert report.impact["people"]["changed"] == 1


def test_who_vanishes_becomes_inactive_at_that_date_and_is_reopened_when_back(world: World) -> None:
    world.day(1, activity=[f.activity(ONE), f.activity(TWO)])
    assert world.day(2, activity=[f.activity(TWO)]).counts["practitioner"]["closed"] == 1
    gone = world.person(ONE)
    assert (gone.status, gone.status_since) == (Status.INACTIVE, datetime(2026, 11, 2, tzinfo=UTC))
    assert len(gone.roles) == 1  # the last word of her source
    assert world.day(3, activity=[f.activity(ONE), f.activity(TWO)]).counts["practitioner"]["reopened"] == 1
    back = world.person(ONE)
    assert (back.status, back.status_since) == (Status.ACTIVE, datetime(2026, 11, 3, tzinfo=UTC))
    assert [e.kind for e in world.journal() if e.subject_id == back.pk and e.subject == "practitioner"] == [
        "create",
        "close",
        "reopen",
    ]


def test_a_file_of_one_source_says_nothing_of_the_other(world: World) -> None:
    world.day(1, activity=[f.activity(ONE), f.activity(f.adeli(1), family_name="TIERS")])
    report = world.day(2, activity=[f.activity(TWO)])
    assert world.person(ONE).status is Status.INACTIVE
    assert world.person(f.adeli(1)).status is Status.ACTIVE
    assert report.files[0].layout == "rpps.activity"
    assert world.day(3, activity=[f.activity(f.adeli(2))]).files[0].layout == "adeli.activity"
    assert world.person(TWO).status is Status.ACTIVE


def test_a_structure_is_shared_and_updated_when_its_columns_change(world: World) -> None:
    world.day(1, activity=[f.activity(ONE), f.activity(TWO)])
    assert len({r.organization.pk for n in (ONE, TWO) for r in world.person(n).roles if r.organization}) == 1
    changed = [f.activity(n, name="HOPITAL NEUF") for n in (ONE, TWO)]
    report = world.day(2, activity=changed)
    assert report.counts["organization"] == {"updated": 1}
    assert report.counts["practitioner"] == {"unchanged": 2}  # her own record has not changed
    assert {r.organization.name for r in world.person(ONE).roles if r.organization} == {"HOPITAL NEUF"}


def test_a_structure_without_technical_id_gets_a_stable_one(world: World) -> None:
    rows = [
        f.activity(ONE, technical_id=""),
        f.activity(ONE, technical_id="", finess="", siret=f.siret(1)),
        f.activity(ONE, technical_id="", finess="", name="CABINET DE LA GARE", city="Lyon"),
    ]
    world.day(1, activity=rows)
    found = sorted(r.organization.technical_id for r in world.person(ONE).roles if r.organization)
    assert found[1:] == ["C" + f.siret(1), "F" + f.finess(1)]
    assert found[0].startswith("A")
    assert world.day(2, activity=[*rows, f.activity(TWO)]).counts["practitioner"]["unchanged"] == 1


def test_codes_unknown_to_the_nomenclatures_are_kept(world: World) -> None:
    world.day(1, activity=[f.activity(ONE, profession_code="ZZ9", profession="Métier de demain", country_code="GL")])
    assert (world.person(ONE).profession.code, world.person(ONE).profession.label) == ("ZZ9", "Métier de demain")


def test_diplomas_and_expertise_hang_on_the_person(world: World) -> None:
    world.day(1, activity=[f.activity(ONE)], expertise=[f.expertise(ONE)], diplomas=[f.diploma(ONE)])
    assert [e.expertise.code for e in world.person(ONE).expertises] == ["SM04"]
    report = world.day(2, expertise=[f.expertise(ONE, expertise_code="SM26")])
    assert report.counts["expertise"] == {"updated": 1}
    assert [e.expertise.code for e in world.person(ONE).expertises] == ["SM26"]
    world.day(3, expertise=[f.expertise(TWO)])
    assert world.person(ONE).expertises == ()


def test_a_person_known_by_her_diplomas_only_is_inactive_until_an_activity_extract_names_her(world: World) -> None:
    world.day(1, diplomas=[f.diploma(ONE)])
    assert world.person(ONE).status is Status.INACTIVE
    world.day(2, activity=[f.activity(ONE)])
    assert world.person(ONE).status is Status.ACTIVE
    assert len(world.people()) == 1


@pytest.mark.parametrize("first", [True, False])
def test_a_row_that_contradicts_itself_is_set_aside_and_her_others_stay(world: World, first: bool) -> None:
    """Whichever comes first: one wrong national identification took all rows of a person, or was taken for right."""
    wrong = f.activity(ONE, national_id="8" + TWO, technical_id="C" + f.siret(1), finess="", name="AUTRE")
    rows = [wrong, f.activity(ONE)] if first else [f.activity(ONE), wrong]
    (report,) = world.day(1, activity=[*rows, *(f.activity(f.rpps(n)) for n in range(3, 40))]).files
    assert report.reasons == {"id_mismatch": 1}
    assert [r.organization.name for r in world.person(ONE).roles if r.organization] == ["HOPITAL D'ESSAI"]


def test_the_older_monotable_fills_in_and_never_overrides_a_better_source(world: World) -> None:
    old = [f.cat18(ONE, family_name="ANCIEN"), f.cat18(TWO, "deux@ville.mssante.fr", family_name="SEULE")]
    world.day(1, activity=[f.activity(ONE)], cat18=old)
    assert world.person(ONE).family_name == "ESSAI"
    assert world.person(TWO).family_name == "SEULE"
    assert world.holders("deux@ville.mssante.fr") == ["8" + TWO]


@pytest.mark.parametrize(("more", "wide"), [(";", ""), ("", '"";')], ids=["header ends so alone", "column more"])
def test_the_monotable_s_addresses_are_in_their_column(world: World, tmp_path: Path, more: str, wide: str) -> None:
    """Of a row with a column more, which is rejected, an ordinary e-mail stands there."""
    old = [f.cat18(f.rpps(n), f"boite{n}@ville.mssante.fr", email=f"accueil{n}@ville.fr") for n in range(40)]
    header, first, *rows = f.write_cat18(tmp_path / "a.csv", old).read_text().splitlines()
    (tmp_path / "b.csv").write_text("\n".join([header + more, wide + first, *rows]) + "\n")
    (report,) = run_import(world.engine, [tmp_path / "b.csv"], actor="tests").files
    assert report.reasons == ({"columns": 1} if wide else {})
    with reading(world.engine) as connection:
        addresses = set(connection.execute(select(mailbox.c.address)).scalars())
    assert addresses == {f"boite{n}@ville.mssante.fr" for n in range(bool(wide), 40)}


def test_two_technical_ids_of_one_siret_keep_different_national_ids(world: World) -> None:
    """The national id names an entry over LDAP: no two structures may bear the same (RPPS and ADELI offices do)."""
    same = {"finess": "", "siret": f.siret(1)}
    first = f.activity(f.rpps(1), technical_id="R10000000000001", **same)
    world.day(1, activity=[first, f.activity(f.rpps(2), technical_id="R10000000000002", **same)])
    names = {r.organization.national_id for p in world.people() for r in p.roles if r.organization}
    assert names == {"3" + f.siret(1), "R10000000000002"}


def test_the_journal_says_under_which_national_id_a_structure_went(world: World) -> None:
    row = f.activity(ONE, finess="", siret=f.siret(1), technical_id="R10000000000001")
    world.day(1, activity=[row])
    world.day(2, activity=[{**row, "siret": f.siret(2)}])
    (entry,) = [e for e in world.journal() if (e.subject, e.kind) == ("organization", "update")]
    told = [(decode(state) or {})["national_id"] for state in (entry.before, entry.after)]
    assert told == ["3" + f.siret(1), "3" + f.siret(2)]
