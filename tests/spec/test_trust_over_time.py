"""Who may be trusted for a domain, today and at a past instant, as every face sees it through the index."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import web_world as world
import whitelist_world as wl
from record_factories import SUFFIX
from sqlalchemy import Connection, Engine
from whitelist_world import OVA, Lists, at, entry

from directory_service.index.directory import Directory
from directory_service.index.follower import Follower
from directory_service.index.query import View
from directory_service.registry import operators
from directory_service.registry.clock import parse_instant
from directory_service.registry.engine import open_registry, writing
from directory_service.registry.rollback import roll_back
from directory_service.settings import Settings
from directory_service.trust.domains import untrusted
from directory_service.trust.verify import verify
from directory_service.web.app import create_app
from importers.whitelist.document import parse_list
from importers.whitelist.export import listed, signed_list

BOX, DOMAIN = "zoe.d-essai@medecin.mssante.fr", "medecin.mssante.fr"
JUNE, JULY, AUGUST = (f"2026-0{month}-15T00:00:00Z" for month in (6, 7, 8))


class Space(Lists):
    """``web_world`` with a follower that is run after each change."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        super().__init__(engine, folder)
        self.follower = Follower(engine, folder / "index", SUFFIX)
        self.directory = Directory(folder / "index", SUFFIX)

    def change(self, act: Callable[[Connection], object]) -> None:
        with writing(self.engine) as connection:
            act(connection)
        self.follower.catch_up()

    def verdict(self, instant: str | None = None, address: str = BOX) -> tuple[str, set[str]]:
        moment = parse_instant(instant) if instant else None
        found = verify(self.directory, address, at=moment, view=View.ANONYMOUS)
        return str(found.verdict), {r.code for r in found.reasons if "domain" in r.code or "list" in r.code}

    def operator_of(self, address: str = BOX) -> str | None:
        return self.directory.mailbox(address, View.ANONYMOUS)["operator"]


@pytest.fixture
def space(tmp_path: Path) -> Iterator[Space]:
    opened, _ = world.build_world(tmp_path)
    opened.close()
    engine = open_registry(f"sqlite:///{tmp_path / 'registry.sqlite'}")
    found = Space(engine, tmp_path)
    with closing(found.directory):
        yield found
    engine.dispose()


def test_a_suspended_operator_is_out_of_trust_at_once_and_was_not_before(space: Space) -> None:
    assert space.verdict() == ("verified", {"domain_trusted"})
    space.change(lambda c: operators.suspend(c, world.OPERATOR, actor="tests", at=JULY))
    assert space.verdict() == ("untrusted_domain", {"domain_left", "domain_untrusted"})
    assert space.verdict(JUNE) == ("verified", {"domain_trusted"})
    assert space.verdict(JULY) == ("untrusted_domain", {"domain_left", "domain_untrusted"})
    space.change(lambda c: operators.resume(c, world.OPERATOR, actor="tests", at=AUGUST))
    assert space.verdict()[0] == "verified"
    assert [space.verdict(i)[0] for i in (JUNE, JULY, AUGUST)] == ["verified", "untrusted_domain", "verified"]


def test_what_a_suspended_operator_takes_on_was_never_in_trust_and_did_not_leave_it(space: Space) -> None:
    space.change(lambda c: operators.suspend(c, world.OPERATOR, actor="tests", at=JUNE))
    space.change(lambda c: operators.add_domain(c, world.OPERATOR, "neuf.mssante.fr", actor="tests", at=JULY))
    assert space.verdict(address="x@neuf.mssante.fr") == ("untrusted_domain", {"domain_untrusted"})
    space.change(lambda c: operators.resume(c, world.OPERATOR, actor="tests", at=AUGUST))
    assert space.directory.domain_record("neuf.mssante.fr")["trusted"]


def test_before_any_list_was_known_every_domain_was_trusted_and_this_is_said(space: Space) -> None:
    assert space.verdict(world.BEFORE)[1] == {"no_white_list_then"}
    assert space.verdict(address="ailleurs@nulle-part.fr") == ("untrusted_domain", {"domain_untrusted"})


def test_an_operator_made_by_hand_makes_no_other_domain_untrusted(tmp_path: Path) -> None:
    """Contract §4: only a white list says who is not of the trusted space.  A suspension says it of what was held."""
    world.build_world(tmp_path, white_list=False)[0].close()
    engine = open_registry(f"sqlite:///{tmp_path / 'registry.sqlite'}")
    space, other = Space(engine, tmp_path), "ailleurs@nulle-part.fr"
    with closing(space.directory):
        assert (space.verdict(), space.verdict(address=other)[1]) == (
            ("verified", {"no_white_list"}),
            {"no_white_list"},
        )
        space.change(lambda c: operators.add_operator(c, "main", ["main.mssante.fr"], actor="tests", at=JUNE))
        assert (space.verdict(), space.verdict(address=other)[1]) == (
            ("verified", {"no_white_list"}),
            {"no_white_list"},
        )
        assert space.verdict(address="x@main.mssante.fr")[1] == {"domain_trusted"}
        assert untrusted(space.directory, [BOX, "x@main.mssante.fr"]) == frozenset()
        space.change(lambda c: operators.suspend(c, "main", actor="tests", at=JULY))
        assert space.verdict(address="x@main.mssante.fr")[0] == "untrusted_domain"
        assert untrusted(space.directory, [BOX, "x@main.mssante.fr"]) == {"x@main.mssante.fr"}
        assert space.verdict(JUNE, "x@main.mssante.fr")[1] == {"domain_trusted"}
        assert space.verdict(world.BETWEEN, "x@main.mssante.fr")[1] == {"no_white_list"}
    engine.dispose()


def test_a_domain_that_comes_back_was_out_of_trust_in_between(space: Space) -> None:
    for act, instant in ((operators.remove_domain, JUNE), (operators.add_domain, AUGUST)):
        space.change(lambda c, act=act, instant=instant: act(c, world.OPERATOR, DOMAIN, actor="tests", at=instant))
    told = [space.verdict(i)[0] for i in (world.BETWEEN, JUNE, JULY, AUGUST)]
    assert told == ["verified", "untrusted_domain", "untrusted_domain", "verified"]
    record = space.directory.domain_record(DOMAIN)
    assert record["trusted"] and [(o["since"], o["until"]) for o in record["operators"]] == [
        (AUGUST, None), (world.START, JUNE)]  # fmt: skip


def test_of_a_past_instant_is_told_when_trust_had_ended_by_then(space: Space) -> None:
    close, open_ = operators.remove_domain, operators.add_domain
    for act, instant in ((close, JUNE), (open_, JULY), (close, AUGUST)):
        space.change(lambda c, act=act, instant=instant: act(c, world.OPERATOR, DOMAIN, actor="tests", at=instant))
    found = verify(space.directory, BOX, at=parse_instant(world.AFTER), view=View.ANONYMOUS)
    assert any("15/06/2026" in r.text for r in found.reasons)


def test_who_holds_a_domain_today_comes_before_who_held_it_since(space: Space) -> None:
    space.change(lambda c: operators.add_operator(c, "autre", actor="tests", at=JUNE))
    for act, instant in ((operators.add_domain, JUNE), (operators.remove_domain, JULY)):
        space.change(lambda c, act=act, instant=instant: act(c, "autre", DOMAIN, actor="tests", at=instant))
    record = space.directory.domain_record(DOMAIN)
    assert record["trusted"] and [(o["name"], o["since"], o["until"]) for o in record["operators"]] == [
        (world.OPERATOR, world.START, None), ("autre", JUNE, JULY)]  # fmt: skip


def test_a_list_moves_a_domain_and_the_mailboxes_under_it_show_it(space: Space) -> None:
    space.change(lambda c: operators.remove_domain(c, world.OPERATOR, DOMAIN, actor="tests", at=JUNE))
    space.day(1, entry(DOMAIN), entry("autre.mssante.fr", OVA))
    space.follower.catch_up()
    assert (space.operator_of(), space.verdict()[0]) == ("gip-essai", "verified")
    report = space.day(2, entry(DOMAIN, OVA))
    space.follower.catch_up()
    assert (space.operator_of(), space.directory.operators_of(DOMAIN)) == ("essai-sante", ["essai-sante"])
    assert space.directory.operators_of(DOMAIN, at(1)) == ["gip-essai"]
    roll_back(space.engine, report.run, actor="tests")
    space.follower.catch_up()
    assert (space.operator_of(), space.directory.operators_of(DOMAIN)) == ("gip-essai", ["gip-essai"])


def test_several_operators_of_one_domain_are_all_trusted(space: Space) -> None:
    space.day(1, entry(DOMAIN), entry(DOMAIN, wl.MIPIH_2), entry(DOMAIN, OVA))
    space.follower.catch_up()
    assert set(space.directory.operators_of(DOMAIN)) == {world.OPERATOR, "essai-sante", "gip-essai"}
    space.change(lambda c: operators.suspend(c, world.OPERATOR, actor="tests"))
    assert space.verdict()[0] == "verified"


def test_a_list_that_touches_more_mailboxes_than_a_patch_is_worth_makes_a_build_and_trust_is_true_at_once(
    space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = space.directory.build()
    monkeypatch.setattr("directory_service.index.follower._MOST", 3)
    space.day(1, entry(DOMAIN, OVA))
    assert space.follower.catch_up() > 0
    assert space.directory.build().built_at >= before.built_at
    assert "essai-sante" in space.directory.operators_of(DOMAIN)
    assert space.follower.catch_up() == 0


# --- our own list ----------------------------------------------------------------------------------------------------


def test_our_export_imports_back_with_our_certificate_as_anchor_and_changes_nothing(space: Space) -> None:
    space.day(1, entry(DOMAIN, responsible="Zoé Essai", support="01"), entry("deux.mssante.fr", OVA, updated=""))
    space.change(lambda c: operators.add_subject(c, world.OPERATOR, "CN=mss.essai.example,C=FR", actor="tests"))
    space.change(lambda c: operators.set_contacts(c, world.OPERATOR, support="0100000000", actor="tests"))
    entries, without = listed(space.directory.operator_records(View.STAFF))
    assert without == []
    assert len(entries) == 2 + len(world.DOMAINS)
    assert {e.support for e in entries if "essai.example" in e.subject} == {"0100000000"}
    path = space.folder / "la-notre.xml"
    path.write_bytes(signed_list(entries, wl.seal(2)))
    assert space.anchors is not None
    space.anchors.write_bytes(wl.pem(*wl.seal(2).chain))  # the certificate itself, not who issued it
    report = space.load(path, 3)
    assert (report.status, report.counts["domain"]) == ("unchanged", {"unchanged": len(entries)})
    assert parse_list(wl.tree(path.read_bytes())).entries == tuple(entries)


def test_who_is_suspended_or_has_no_certificate_name_is_not_exported(space: Space) -> None:
    space.day(1, entry("un.mssante.fr"), entry("deux.mssante.fr", OVA))
    space.change(lambda c: operators.suspend(c, "essai-sante", actor="tests"))
    entries, without = listed(space.directory.operator_records(View.STAFF))
    assert ([e.domain for e in entries], without) == (["un.mssante.fr"], [world.OPERATOR])


# --- over HTTP -------------------------------------------------------------------------------------------------------


def test_the_trusted_space_is_public_but_for_its_contacts(space: Space) -> None:
    space.day(1, entry(DOMAIN, responsible="Zoé Essai"), entry("autre.mssante.fr", OVA))
    secrets: list[str] = []
    space.change(lambda c: secrets.append(operators.set_secret(c, world.OPERATOR, actor="tests")))
    client = create_app(space.directory, Settings()).test_client()
    as_operator = {"Authorization": f"Bearer {secrets[0]}"}

    brief = client.get("/v1/operators").json
    assert [(o["name"], o["status"], o["domains"]) for o in brief["items"]] == [
        (world.OPERATOR, "active", 3), ("essai-sante", "active", 1), ("gip-essai", "active", 1)]  # fmt: skip
    found = client.get("/v1/operators/gip-essai")
    assert found.json["domains"] == [
        {"name": DOMAIN, "since": at(1), "until": None, "source": "whitelist", "subject": wl.MIPIH,
         "description": f"Domaine {DOMAIN}", "updated": "2026-01-02T03:04:05Z"}
    ]  # fmt: skip
    assert "contacts" not in found.json and "Zoé" not in json.dumps(found.json, ensure_ascii=False)
    told = client.get("/v1/operators/gip-essai", headers=as_operator).json
    assert told["contacts"]["domains"][0]["responsible"] == "Zoé Essai"
    assert told["build"] == brief["build"] == space.directory.build().id

    held = client.get(f"/v1/domains/{DOMAIN.upper()}").json
    assert held["trusted"] and {o["name"] for o in held["operators"]} == {world.OPERATOR, "gip-essai"}
    for absent in ("/v1/operators/personne", "/v1/domains/inconnu.fr"):
        assert client.get(absent).status_code == 404
    assert client.get("/v1/operators?q=x").status_code == 400
    etag = found.headers["ETag"]
    assert client.get("/v1/operators/gip-essai", headers={"If-None-Match": etag}).status_code == 304
