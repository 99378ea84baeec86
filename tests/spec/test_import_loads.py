"""What an import does to the registry, on SQLite and PostgreSQL: one person one record, nothing twice, nothing lost."""

from __future__ import annotations

from pathlib import Path

import factories as make
from sqlalchemy import Engine, func, select

from directory_service.registry.engine import reading
from directory_service.registry.journal import last_seq
from directory_service.registry.read import read_bindings, read_organizations, read_practitioners, resolve
from directory_service.registry.tables import practitioner, rejection, run
from importers.load import run_import

RPPS, OTHER, ADELI = make.rpps(1), make.rpps(2), make.adeli(1)


def load(registry: Engine, *paths: Path, **options: object):
    return run_import(registry, paths, actor="test", **options)


def people(registry: Engine) -> list:
    with reading(registry) as connection:
        return list(read_practitioners(connection))


def pk_of(registry: Engine, scheme: str, value: str) -> int | None:
    with reading(registry) as connection:
        return resolve(connection, scheme, value)


def count(registry: Engine, table) -> int:
    with reading(registry) as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def test_the_same_file_twice_changes_nothing_and_says_so(registry: Engine, tmp_path: Path) -> None:
    path = make.write_activity(tmp_path / "a.txt", [make.activity(RPPS), make.activity(OTHER)])
    assert load(registry, path).changed
    with reading(registry) as connection:
        before = last_seq(connection)
    again = load(registry, path)
    assert (again.status, again.changed, again.files[0].status) == ("unchanged", False, "skipped")
    with reading(registry) as connection:
        assert last_seq(connection) == before


def test_a_dry_run_says_what_would_change_and_writes_nothing(registry: Engine, tmp_path: Path) -> None:
    path = make.write_activity(tmp_path / "a.txt", [make.activity(RPPS)])
    report = load(registry, path, dry_run=True)
    assert report.run is None
    assert report.counts["practitioner"]["created"] == 1
    assert (count(registry, practitioner), count(registry, run)) == (0, 0)


def test_a_bad_row_is_kept_aside_with_its_line_and_the_others_go_in(registry: Engine, tmp_path: Path) -> None:
    wrong = RPPS[:-1] + str((int(RPPS[-1]) + 1) % 10)
    path = make.write_activity(tmp_path / "a.txt", [make.activity(wrong), make.activity(OTHER)])
    assert load(registry, path).files[0].rejected == 1
    with reading(registry) as connection:
        line, reason, raw = connection.execute(select(rejection.c.line, rejection.c.reason, rejection.c.raw)).one()
    assert (line, reason) == (2, "identifier")
    assert wrong in raw
    assert [p.rpps for p in people(registry)] == [OTHER]


def test_an_adeli_number_resolves_to_the_rpps_record_whatever_came_first(registry: Engine, tmp_path: Path) -> None:
    old = make.write_activity(tmp_path / "adeli.txt", [make.activity(ADELI)])
    new = make.write_activity(tmp_path / "rpps.txt", [make.activity(RPPS)])
    links = tmp_path / "links.csv"
    links.write_text(f"{make.LINK_HEADER}\n{ADELI};{RPPS}\n", encoding="utf-8")
    for path in (old, new, links):
        load(registry, path)
    (person,) = people(registry)
    assert (person.national_id, person.rpps, person.adelis) == ("8" + RPPS, RPPS, (ADELI,))
    assert pk_of(registry, "0", ADELI) == pk_of(registry, "8", RPPS) == person.pk


def test_a_name_and_a_place_merge_nobody(registry: Engine, tmp_path: Path) -> None:
    far = {"technical_id": "F" + make.finess(9), "finess": make.finess(9)}
    old = make.write_activity(tmp_path / "adeli.txt", [make.activity(ADELI, **far)])
    new = make.write_activity(tmp_path / "rpps.txt", [make.activity(RPPS)])
    load(registry, old, new)
    assert len(people(registry)) == 2


def test_who_vanishes_becomes_inactive_and_comes_back(registry: Engine, tmp_path: Path) -> None:
    both = [make.activity(RPPS), make.activity(OTHER, family_name="AUTRE")]
    load(registry, make.write_activity(tmp_path / "1.txt", both))
    load(registry, make.write_activity(tmp_path / "2.txt", both[:1]))
    assert {p.rpps: str(p.status) for p in people(registry)} == {RPPS: "active", OTHER: "inactive"}
    load(registry, make.write_activity(tmp_path / "3.txt", [*both, make.activity(make.rpps(3))]))
    assert {str(p.status) for p in people(registry)} == {"active"}


def test_a_mailbox_that_vanishes_is_closed_with_its_history(registry: Engine, tmp_path: Path) -> None:
    load(registry, make.write_activity(tmp_path / "a.txt", [make.activity(RPPS)]))
    boxes = [make.mailbox("zoe@medecin.mssante.fr", RPPS), make.mailbox("accueil@ch-essai.mssante.fr")]
    load(registry, make.write_mailboxes(tmp_path / "1.txt", boxes))
    load(registry, make.write_mailboxes(tmp_path / "2.txt", boxes[1:]))
    with reading(registry) as connection:
        found = dict(read_bindings(connection))
    (closed,) = found["zoe@medecin.mssante.fr"]
    assert closed.until is not None
    assert closed.practitioner is not None
    assert closed.practitioner.rpps == RPPS
    assert found["accueil@ch-essai.mssante.fr"][0].until is None


def test_two_technical_ids_of_one_siret_keep_different_national_ids(registry: Engine, tmp_path: Path) -> None:
    """The national id names an entry over LDAP: no two structures may bear the same (seen: RPPS and ADELI offices)."""
    same = {"finess": "", "siret": make.siret(1)}
    rows = [
        make.activity(RPPS, technical_id="R10000000000001", **same),
        make.activity(OTHER, technical_id="R10000000000002", **same),
    ]
    load(registry, make.write_activity(tmp_path / "a.txt", rows))
    with reading(registry) as connection:
        names = [o.national_id for o in read_organizations(connection)]
    assert sorted(names) == ["3" + make.siret(1), "R10000000000002"]
