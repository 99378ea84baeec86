"""S/MIME certificates of mailboxes: published by the operator that holds the domain, found by those who look for them,
gone when they expire, are revoked or are taken out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import factories as f
import pytest
import web_world
from certificates import Authority, text_of
from certificates_world import CLOSED, JEAN, ORG, ZOE, World, der
from cryptography import x509
from cryptography.x509.oid import NameOID
from e2e.installation import Installation, installation
from import_world import World as ImportWorld
from record_factories import SUFFIX
from sqlalchemy import Engine, select

from directory_service.errors import RegistryUnavailable
from directory_service.index.directory import Directory
from directory_service.index.follower import Follower
from directory_service.index.writer import build_index
from directory_service.registry import certificates, operators
from directory_service.registry.engine import reading, writing
from directory_service.registry.rollback import roll_back
from directory_service.registry.tables import journal
from directory_service.trust.smime import Owner, owned
from directory_service.web.app import create_app
from directory_service.web.registry import write_registry

# What is about the index or the face alone.
on_sqlite = pytest.mark.parametrize("registry_url", ["sqlite"], indirect=True)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"), "Courrier")


@pytest.fixture
def world(registry: Engine, authority: Authority, tmp_path: Path) -> Iterator[World]:
    with closing(World.made_in(tmp_path, registry, authority)) as made:
        yield made


def test_certificates_stay_with_the_address_through_imports_and_rollbacks(
    registry: Engine, authority: Authority, tmp_path: Path
) -> None:
    """Served while the mailbox is open, whichever run opened it; never meanwhile."""
    imports, box = ImportWorld(registry, tmp_path), "b1@essai.mssante.fr"
    rows = [f.mailbox(f"b{n}@essai.mssante.fr", f.rpps(n)) for n in range(1, 40)]
    first = imports.day(1, mailboxes=rows)
    good = owned(authority.mail(box), Owner(box))
    with writing(registry) as connection:
        certificates.add_certificates(connection, certificates.get_box(connection, box), [good], actor="test")
    build_index(registry, tmp_path / "index", SUFFIX)
    with closing(Directory(tmp_path / "index", SUFFIX)) as directory:
        client, follower = create_app(directory).test_client(), Follower(registry, tmp_path / "index", SUFFIX)

        def served_now() -> bool:
            follower.catch_up()
            found = client.get(f"/v1/mailboxes/{box}/certificates")
            return found.status_code == 200 and [i["sha256"] for i in found.json["items"]] == [good.sha256]

        assert served_now()
        closed = imports.day(2, mailboxes=rows[1:])
        assert not served_now()
        roll_back(registry, closed.run or 0, actor="test")
        assert served_now()
        imports.day(3, mailboxes=rows[1:])
        assert not served_now()
        imports.day(4, mailboxes=rows)
        assert served_now()
        roll_back(registry, first.run or 0, actor="test", through=True)
        assert not served_now()
        imports.day(5, mailboxes=rows)
        assert served_now()


# --- publishing ------------------------------------------------------------------------------------------------------


def test_an_operator_adds_replaces_and_removes(world: World) -> None:
    one, two, three = (world.authority.mail(ZOE) for _ in range(3))
    first = world.ask("POST", ZOE, data=der(one))
    assert first.status_code == 201 and first.get_json()["changed"]
    assert world.shown(ZOE) == [der(one)]
    again = world.ask("POST", ZOE, data=text_of(one))
    assert again.status_code == 200 and not again.get_json()["changed"]
    world.ask("POST", ZOE, data=text_of(two))
    assert set(world.shown(ZOE)) == {der(one), der(two)}
    said = world.ask("PUT", ZOE, data=text_of(two, three)).get_json()
    assert (len(said["added"]), len(said["removed"]), len(said["published"])) == (1, 1, 2)
    assert set(world.shown(ZOE)) == {der(two), der(three)}
    [digest] = said["added"]
    assert world.ask("DELETE", ZOE, f"/{digest.upper()}").status_code == 200
    assert world.ask("DELETE", ZOE, f"/{digest}").status_code == 404
    assert world.shown(ZOE) == [der(two)]
    world.ask("PUT", ZOE)
    assert world.shown(ZOE) == []
    world.ask("POST", ZOE, data=text_of(one))  # one that was here before
    assert world.shown(ZOE) == [der(one)]


def test_each_change_is_journalled_and_a_change_of_nothing_is_not(world: World) -> None:
    made = text_of(world.authority.mail(ZOE))
    for _ in range(2):
        world.ask("PUT", ZOE, data=made)
    query = select(journal.c.actor, journal.c.subject).where(journal.c.kind == "certificate")
    with reading(world.engine) as connection:
        assert connection.execute(query).all() == [(web_world.OPERATOR, "mailbox")]


@on_sqlite
def test_only_the_operator_of_the_domain_may(world: World) -> None:
    made: list[str] = []
    with writing(world.engine) as connection:
        operators.add_operator(connection, "voisin", ["voisin.mssante.fr"], actor="test")
        made.append(operators.set_secret(connection, "voisin", actor="test"))
    world.follow()
    data = text_of(world.authority.mail(ZOE))
    for method, more in (("PUT", ""), ("POST", ""), ("DELETE", "/" + "0" * 64)):
        assert world.ask(method, ZOE, more, data, secret="").status_code == 401
        assert world.ask(method, ZOE, more, data, secret=made[0]).status_code == 403
    assert world.shown(ZOE) == []


@pytest.mark.parametrize("taken", ["right", "status", "domain"])
def test_who_may_publish_no_more_is_refused_at_once(world: World, taken: str) -> None:
    """As for mailboxes: by the registry, though the index does not know yet."""
    made = world.authority.mail(ZOE)
    with writing(world.engine) as connection:
        if taken == "right":
            operators.set_right(connection, web_world.OPERATOR, "publish", False, actor="test")
        elif taken == "status":
            operators.suspend(connection, web_world.OPERATOR, actor="test")
        else:
            operators.remove_domain(connection, web_world.OPERATOR, "medecin.mssante.fr", actor="test")
    bearer, url = {"Authorization": f"Bearer {world.secret}"}, f"/v1/mailboxes/{ZOE}/certificates"
    for method, more in (("POST", ""), ("PUT", ""), ("DELETE", "/" + "0" * 64)):
        answer = world.client.open(url + more, method=method, data=der(made), headers=bearer)
        assert (answer.status_code, answer.get_json()["type"]) == (403, "/problems/forbidden")
    with reading(world.engine) as connection:
        assert certificates.read_certificates(connection, ZOE) == []


@on_sqlite
@pytest.mark.parametrize(
    ("address", "data", "status", "slug"),
    [
        ("personne@medecin.mssante.fr", b"", 404, "not-found"),
        (CLOSED, b"", 404, "not-found"),
        (ZOE, b"not a certificate", 400, "invalid-input"),
        (ZOE, b"x" * 70_000, 413, "too-large"),
        ("ailleurs@nulle-part.fr", b"", 403, "forbidden"),
    ],
)
def test_what_cannot_be_published_is_refused(world: World, address: str, data: bytes, status: int, slug: str) -> None:
    answer = world.ask("PUT", address, data=data)
    assert (answer.status_code, answer.get_json()["type"]) == (status, f"/problems/{slug}")


@on_sqlite
def test_who_may_not_publish_mailboxes_may_not_publish_their_certificates(world: World) -> None:
    with writing(world.engine) as connection:
        operators.set_right(connection, web_world.OPERATOR, "publish", given=False, actor="test")
    world.follow()
    assert world.ask("PUT", ZOE, data=der(world.authority.mail(ZOE))).status_code == 403
    assert world.shown(ZOE) == []


def test_a_certificate_that_fails_a_check_is_refused_and_nothing_of_the_list_is_kept(world: World) -> None:
    good, bad = world.authority.mail(ZOE), world.authority.mail(JEAN)
    answer = world.ask("PUT", ZOE, data=text_of(good, bad))
    assert (answer.status_code, answer.get_json()["where"]) == (422, "titulaire")
    assert world.shown(ZOE) == []
    many = world.ask("POST", ZOE, data=text_of(*(world.authority.mail(ZOE) for _ in range(11))))
    assert (many.status_code, many.get_json()["type"]) == (422, "/problems/limit-exceeded")


@on_sqlite
def test_a_structure_s_certificate_is_for_its_own_mailboxes(world: World) -> None:
    unit = x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "1" + web_world.HOSPITAL_FINESS)
    made = world.authority.mail(ORG, names=(), subject=x509.Name([unit]))
    world.publish(ORG, made)
    assert world.shown(ORG) == [der(made)]
    assert world.ask("PUT", ZOE, data=text_of(made)).status_code == 422  # she works there


def test_while_another_writes_the_caller_is_told_when_to_try_again(
    world: World,
) -> None:
    data = text_of(world.authority.mail(ZOE))
    with writing(world.engine):
        answer = world.client.put(
            f"/v1/mailboxes/{ZOE}/certificates", data=data, headers={"Authorization": f"Bearer {world.secret}"}
        )
    assert (answer.status_code, answer.get_json()["type"]) == (503, "/problems/busy")
    assert answer.headers["Retry-After"]
    assert world.ask("PUT", ZOE, data=data).status_code == 200


def test_chains_are_verified_before_the_registry_is_held(world: World, tmp_path: Path) -> None:
    """What is refused for itself is refused at once, whoever writes meanwhile."""
    stranger = Authority(tmp_path, "Ailleurs").mail(ZOE)
    with writing(world.engine):
        answer = world.client.put(
            f"/v1/mailboxes/{ZOE}/certificates",
            data=text_of(stranger),
            headers={"Authorization": f"Bearer {world.secret}"},
        )
    assert (answer.status_code, answer.get_json()["where"]) == (422, "chaîne")


@on_sqlite
def test_a_face_without_a_registry_says_so(world: World) -> None:
    with pytest.raises(RegistryUnavailable), create_app(world.directory).app_context(), write_registry():
        raise AssertionError


# --- the staff -------------------------------------------------------------------------------------------------------


def test_the_staff_do_it_by_command(authority: Authority, tmp_path: Path) -> None:
    directory, _ = web_world.build_world(tmp_path)
    directory.close()
    one, two, crl = authority.mail(ZOE), authority.mail(ZOE), tmp_path / "crl.pem"
    (tmp_path / "one.der").write_bytes(der(one))
    (tmp_path / "two.pem").write_bytes(text_of(two))
    env = {"ANNUAIRE_DATA": str(tmp_path), "ANNUAIRE_SMIME_ANCHORS": str(authority.path)}
    here = Installation(tmp_path, installation(tmp_path).env | env)
    here.run("certificate", "add", ZOE, "one.der")
    assert here.run("certificate", "add", ZOE, "one.der").stdout == "Rien à changer.\n"
    refused = here.run("certificate", "add", JEAN, "two.pem", code=3)
    assert "titulaire" in refused.stderr and ZOE not in refused.stderr
    added = json.loads(here.run("certificate", "add", ZOE, "two.pem", "--json").stdout)["added"]
    authority.revoke(one, path=crl)
    checked = here.run("certificate", "check", "--json", ANNUAIRE_SMIME_CRL=str(crl)).stdout
    assert json.loads(checked)["mailboxes"] == 1
    here.run("certificate", "remove", ZOE, *added)
    listed = here.run("certificate", "list", ZOE).stdout.splitlines()
    assert sorted(line.split("\t")[1] for line in listed) == ["retiré", "révoqué"]
