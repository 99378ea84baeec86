"""The official white list by the door of every import: what it says is done, on both databases, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
import whitelist_world as world
from sqlalchemy import Engine, select
from undo_world import contents
from whitelist_world import MIPIH, MIPIH_2, OVA, Lists, at, entry, many

from directory_service.errors import CircuitBreaker, ImportRefused, InvalidInput
from directory_service.model.mailboxes import Operator
from directory_service.registry import operators
from directory_service.registry.engine import reading, writing
from directory_service.registry.journal import decode, read_after
from directory_service.registry.rollback import roll_back
from directory_service.registry.runs import get_run, read_runs
from directory_service.registry.tables import domain, operator
from directory_service.registry.trusted import get_operator, read_operators

A, B, C = "a.mssante.fr", "b.mssante.fr", "c.mssante.fr"


@pytest.fixture
def lists(registry: Engine, tmp_path: Path) -> Lists:
    return Lists(registry, tmp_path)


def known(lists: Lists) -> dict[str, Operator]:
    with reading(lists.engine) as connection:
        return {o.name: o for o in read_operators(connection)}


def stretches(lists: Lists, name: str) -> list[tuple[str, str, str | None]]:
    return [(s.name, s.since, s.until) for s in known(lists)[name].stretches]


def add(lists: Lists, name: str, *domains: str) -> None:
    with writing(lists.engine) as connection:
        operators.add_operator(connection, name, domains, actor="tests", at=at(1))


def test_an_operator_is_an_organization_whatever_the_number_of_its_certificates(lists: Lists) -> None:
    report = lists.day(1, entry(A, MIPIH), entry(A, MIPIH_2), entry(A, OVA), entry(B, OVA))
    assert (report.status, report.files[0].layout) == ("done", "mssante.whitelist")
    assert report.counts == {"operator": {"created": 2}, "domain": {"created": 4}}
    found = known(lists)
    assert {n: (o.label, o.identity, o.domains, o.status) for n, o in found.items()} == {
        "gip-essai": ("GIP ESSAI", "318310021300028", (A,), "active"),
        "essai-sante": ("ESSAI SANTE", "344368557300034", (A, B), "active"),
    }
    assert found["gip-essai"].subjects == (MIPIH, MIPIH_2)
    assert found["gip-essai"].source == "whitelist"


def test_contacts_description_and_dates_are_kept_and_follow_the_list(lists: Lists) -> None:
    first = entry(A, description="Essai", responsible="Zoé Essai, zoe@essai.example", support="0100000000")
    lists.day(1, first)
    (stretch,) = known(lists)["gip-essai"].stretches
    assert (stretch.description, stretch.responsible, stretch.support) == ("Essai", first.responsible, "0100000000")
    assert stretch.updated == "2026-01-02T03:04:05Z"
    report = lists.day(2, entry(A, support="0200000000", updated="2026-11-01T00:00:00+01:00"))
    assert report.counts["domain"] == {"updated": 1}
    (stretch,) = known(lists)["gip-essai"].stretches
    assert (stretch.since, stretch.support, stretch.updated) == (at(1), "0200000000", "2026-10-31T23:00:00Z")


def test_domains_and_operators_that_leave_are_closed_with_their_date_and_come_back_with_their_history(
    lists: Lists,
) -> None:
    lists.day(1, entry(A), entry(B, OVA))
    report = lists.day(2, entry(A))
    assert report.counts == {"operator": {"closed": 1}, "domain": {"closed": 1, "unchanged": 1}}
    gone = known(lists)["essai-sante"]
    assert (gone.status, gone.since, gone.domains) == ("withdrawn", at(2), ())
    report = lists.day(3, entry(A), entry(B, OVA))
    assert report.counts == {"operator": {"reopened": 1}, "domain": {"reopened": 1, "unchanged": 1}}
    assert known(lists)["essai-sante"].status == "active"
    assert stretches(lists, "essai-sante") == [(B, at(1), at(2)), (B, at(3), None)]


def test_another_spelling_of_a_certificate_name_is_the_same_operator(lists: Lists) -> None:
    lists.day(1, entry(A, MIPIH))
    report = lists.day(2, entry(A, MIPIH.replace(",", ", ").replace("GIP ESSAI", '"GIP  Essai"')))
    assert (report.counts["domain"], "operator" in report.counts) == ({"updated": 1}, False)


def test_two_organizations_of_one_name_are_two_operators(lists: Lists) -> None:
    names = [f"CN=mss{n}.example,OU=169078125{n},O=CENTRE HOSPITALIER,C=FR" for n in (1, 2)]
    lists.day(1, *(entry(f"{n}.mssante.fr", name) for n, name in zip("ab", names, strict=True)))
    assert known(lists).keys() == {"centre-hospitalier-1690781251", "centre-hospitalier-1690781252"}


def test_the_same_file_again_is_skipped_and_the_same_content_changes_nothing(lists: Lists) -> None:
    path = lists.write(1, entry(A))
    lists.load(path, 1)
    before = contents(lists.engine)
    again = lists.load(path, 2)
    assert (again.status, again.files[0].status) == ("unchanged", "skipped")
    later = lists.day(3, entry(A))
    assert (later.status, later.counts) == ("unchanged", {"domain": {"unchanged": 1}})
    assert contents(lists.engine) == before


def test_a_dry_run_says_what_would_move_and_writes_nothing(lists: Lists) -> None:
    before = contents(lists.engine)
    report = lists.day(1, entry(A), dry_run=True)
    assert (report.run, report.impact["trust"]["opened"]["domains"]) == (None, 1)
    assert contents(lists.engine) == before


# --- what was given by hand ------------------------------------------------------------------------------------------


def test_what_was_given_by_hand_is_not_touched(lists: Lists) -> None:
    add(lists, "main", "main.mssante.fr", A)
    lists.day(2, entry(A), entry(B))
    lists.day(3, entry(B))
    mine = known(lists)["main"]
    assert (mine.domains, mine.status, mine.source) == ((A, "main.mssante.fr"), "active", "manual")
    assert known(lists)["gip-essai"].domains == (B,)


def test_an_operator_made_by_hand_is_found_by_its_certificate_name(lists: Lists) -> None:
    add(lists, "main", "main.mssante.fr")
    with writing(lists.engine) as connection:
        assert operators.add_subject(connection, "main", MIPIH.lower(), actor="tests")
    lists.day(2, entry(A, MIPIH_2), entry(B, MIPIH))
    found = known(lists)
    assert {n: o.domains for n, o in found.items()} == {"main": (A, B, "main.mssante.fr")}
    assert found["main"].subjects[1:] == (MIPIH_2,)  # of the same organization
    report = lists.day(3, entry(B, OVA))
    assert known(lists)["main"].status == "active"
    assert report.impact["trust"]["moved"]["domains"] == 1


def test_a_certificate_name_means_one_operator_until_it_is_taken_from_it(lists: Lists) -> None:
    add(lists, "main", "main.mssante.fr")
    add(lists, "autre", "autre.mssante.fr")
    with writing(lists.engine) as connection:
        assert operators.add_subject(connection, "main", MIPIH, actor="tests")
        assert not operators.add_subject(connection, "main", MIPIH.lower(), actor="tests")
        with pytest.raises(InvalidInput, match="autre opérateur"):
            operators.add_subject(connection, "autre", MIPIH, actor="tests")
        assert not operators.remove_subject(connection, "autre", MIPIH, actor="tests")
        assert operators.remove_subject(connection, "main", MIPIH.lower(), actor="tests")
        assert not operators.remove_subject(connection, "main", MIPIH, actor="tests")
        assert operators.add_subject(connection, "autre", MIPIH, actor="tests")
    lists.day(2, entry(A, MIPIH))
    assert {n: o.domains for n, o in known(lists).items()} == {
        "main": ("main.mssante.fr",), "autre": (A, "autre.mssante.fr"),
    }  # fmt: skip


def test_a_pair_held_by_hand_stays_by_hand_when_a_list_has_it_too(lists: Lists) -> None:
    add(lists, "main", A)
    with writing(lists.engine) as connection:
        operators.add_subject(connection, "main", MIPIH, actor="tests")
    assert lists.day(2, entry(A)).counts == {"domain": {"unchanged": 1}}
    lists.day(3, entry(B))
    assert known(lists)["main"].domains == (A, B)


def test_a_suspended_operator_stays_so_whatever_the_list_says(lists: Lists) -> None:
    lists.day(1, entry(A), entry(B, OVA))
    with writing(lists.engine) as connection:
        operators.suspend(connection, "gip-essai", actor="tests", at=at(2))
    lists.day(3, entry(B, OVA))
    lists.day(4, entry(A), entry(B, OVA))
    assert known(lists)["gip-essai"].status == "suspended"
    lists.day(5, entry(B, OVA))
    with writing(lists.engine) as connection:
        assert operators.resume(connection, "gip-essai", actor="tests", at=at(6))
        assert get_operator(connection, "gip-essai").status == "withdrawn"  # nothing is left to it


def test_a_domain_given_by_hand_brings_a_withdrawn_operator_back_and_its_last_one_taken_withdraws_it(
    lists: Lists,
) -> None:
    """At once, and not with the next list."""
    lists.day(1, entry(A), entry(B, OVA))
    lists.day(2, entry(B, OVA))
    for n, change, status in ((3, operators.add_domain, "active"), (4, operators.remove_domain, "withdrawn")):
        with writing(lists.engine) as connection:
            assert change(connection, "gip-essai", C, actor="tests", at=at(n))
            found = get_operator(connection, "gip-essai")
        assert (found.status, found.since) == (status, at(n))
    with writing(lists.engine) as connection:
        assert not operators.resume(connection, "gip-essai", actor="tests")  # nobody suspended it
        told = [(e.kind, decode(e.after)) for e in read_after(connection, 0, 99) if e.actor == "tests"]
    assert told[-4:] == [
        ("domain", {"opened": C}),
        ("return", {"status": "active"}),
        ("domain", {"closed": C}),
        ("withdraw", {"status": "withdrawn"}),
    ]


def test_an_operator_made_by_hand_stays_active_without_a_domain(lists: Lists) -> None:
    with writing(lists.engine) as connection:
        operators.add_operator(connection, "essai", [C], actor="tests")
        for change in (operators.remove_domain, operators.add_domain, operators.remove_domain):
            assert change(connection, "essai", C, actor="tests")
            assert get_operator(connection, "essai").status == "active"


def test_a_domain_given_or_taken_by_hand_leaves_a_suspended_operator_suspended(lists: Lists) -> None:
    lists.day(1, entry(A), entry(B, OVA))
    lists.day(2, entry(B, OVA))
    with writing(lists.engine) as connection:
        operators.suspend(connection, "gip-essai", actor="tests", at=at(3))
        for change in (operators.add_domain, operators.remove_domain):
            assert change(connection, "gip-essai", C, actor="tests", at=at(4))
            assert get_operator(connection, "gip-essai").status == "suspended"


# --- mass moves ------------------------------------------------------------------------------------------------------


def test_moves_are_reported_with_the_mailboxes_that_they_carry_the_biggest_first(lists: Lists, tmp_path: Path) -> None:
    import factories as f
    from import_world import World

    boxes = [f.mailbox(f"x{n}@{A}", f.rpps(n)) for n in range(3)] + [f.mailbox(f"y@{B}", f.rpps(9))]
    boxes.append(f.mailbox("z@ailleurs.mssante.fr", f.rpps(10)))
    World(lists.engine, tmp_path).day(1, mailboxes=boxes)
    lists.day(1, entry(A), entry(B), entry(C))
    trust = lists.day(2, entry(A, OVA), entry(C)).impact["trust"]
    assert trust["before"] == 3 and trust["outside"] == {"domains": 2, "mailboxes": 2}
    assert trust["movers"] == [
        {"domain": A, "act": "moved", "from": ["gip-essai"], "to": ["essai-sante"], "mailboxes": 3},
        {"domain": B, "act": "closed", "from": ["gip-essai"], "to": [], "mailboxes": 1},
    ]


def test_a_mass_move_stops_until_somebody_accepts_it_by_name(lists: Lists) -> None:
    lists.day(1, *many(200))
    before = contents(lists.engine)
    moved = [*many(200)[:180], *world.under(many(200)[180:], OVA)]
    with pytest.raises(CircuitBreaker) as stop:
        lists.day(2, *moved)
    assert {b.rule for b in stop.value.report.breaches} == {"domain_moved"}
    assert "20 domaines sur 200 changent d'opérateur (10 %, seuil 5 %)" in stop.value.message
    assert contents(lists.engine) == before
    report = lists.day(2, *moved, accept="reprise annoncée")
    with reading(lists.engine) as connection:
        kept = get_run(connection, report.run)
    assert kept.accepted["reason"] == "reprise annoncée"
    assert kept.impact["trust"]["moved"]["domains"] == 20


def test_a_list_cut_short_stops(lists: Lists) -> None:
    lists.day(1, *many(150))
    with pytest.raises(CircuitBreaker) as stop:
        lists.day(2, *many(60))
    assert {b.rule for b in stop.value.report.breaches} == {"rows_fell", "domain_closed", "operator_domains"}


# --- taken back ------------------------------------------------------------------------------------------------------


def test_a_rollback_gives_back_the_trusted_space_of_before(lists: Lists) -> None:
    add(lists, "main", "main.mssante.fr")
    lists.day(1, entry(A), entry(B, OVA))
    before = contents(lists.engine)
    report = lists.day(2, entry(A, OVA), entry(C))
    assert contents(lists.engine) != before
    roll_back(lists.engine, report.run, actor="tests")
    assert contents(lists.engine) == before
    roll_back(lists.engine, report.run - 1, actor="tests")
    assert known(lists).keys() == {"main"}
    assert lists.day(1, entry(A)).counts["operator"] == {"created": 1}  # the refused list is no longer the last


def test_a_rollback_is_refused_once_a_person_changed_what_the_list_brought(lists: Lists) -> None:
    from directory_service.errors import UndoRefused

    report = lists.day(1, entry(A))
    with writing(lists.engine) as connection:
        operators.set_contacts(connection, "gip-essai", support="0100000000", actor="tests")
    with pytest.raises(UndoRefused, match="l'opérateur de clé"):
        roll_back(lists.engine, report.run, actor="tests")
    with writing(lists.engine) as connection:
        operators.suspend(connection, "gip-essai", actor="tests")
    with pytest.raises(UndoRefused):
        roll_back(lists.engine, report.run, actor="tests")


def test_each_operator_has_its_entry_of_the_journal_without_contacts(lists: Lists) -> None:
    lists.day(1, entry(A), entry(B, responsible="Zoé Essai"))
    lists.day(2, entry(A), entry(C), entry(B, OVA))
    with reading(lists.engine) as connection:
        found = [(e.kind, e.subject, decode(e.after)) for e in read_after(connection, 0, 99)]
    assert found == [
        ("create", "operator", {"name": "gip-essai", "domains": [A, B]}),
        ("domain", "operator", {"opened": [C], "closed": [B]}),
        ("create", "operator", {"name": "essai-sante", "domains": [B]}),
    ]


def test_ten_thousand_entries_are_read(lists: Lists) -> None:
    """Seconds are told in docs/decisions/0022; here only that it all arrives."""
    report = lists.day(1, *many(9_999), entry("dernier.mssante.fr", OVA))
    assert report.counts["domain"] == {"created": 10_000}
    with reading(lists.engine) as connection:
        assert len(connection.execute(select(domain.c.id)).all()) == 10_000
        assert len(connection.execute(select(operator.c.id)).all()) == 2
        assert next(r.counts for r in read_runs(connection)) == report.counts


def test_a_list_in_a_folder_with_extracts_is_one_run_with_them(lists: Lists, tmp_path: Path) -> None:
    import factories as f

    from importers.load import run_import

    folder = tmp_path / "jour"
    folder.mkdir()
    f.write_mailboxes(folder / "bal.txt", [f.mailbox(f"x@{A}", f.rpps(1))])
    lists.write(1, entry(A)).rename(folder / "liste.xml")
    (folder / "autre.xml").write_text("<autre/>")
    report = run_import(lists.engine, [folder], actor="tests", anchors=lists.anchors)
    assert [file.layout for file in report.files] == ["mssante.mailboxes", "mssante.whitelist"]
    assert report.ignored == ("autre.xml",)
    assert report.impact["trust"]["movers"][0]["mailboxes"] == 1
    with pytest.raises(ImportRefused, match=r"une liste blanche .* est attendue"):
        run_import(lists.engine, [folder / "autre.xml"], actor="tests", anchors=lists.anchors)
