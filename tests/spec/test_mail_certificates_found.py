"""S/MIME certificates of mailboxes as clients find them, over LDAP and HTTP, and as they go when they expire or are
revoked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import index_world
import ldap
import pytest
import web_world
from certificates import Authority
from certificates_world import HIDDEN, JEAN, ORG, ZOE, World, der
from ldap_support import BAL, served
from record_factories import SUFFIX
from sqlalchemy import Engine

from directory_service.index.files import current_name, open_writer
from directory_service.index.writer import build_index
from directory_service.ldap.server import Operators
from directory_service.registry import certificates
from directory_service.registry.engine import reading, writing
from directory_service.trust.smime import MailTrust

# What is about the index or the face alone.
on_sqlite = pytest.mark.parametrize("registry_url", ["sqlite"], indirect=True)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"), "Courrier")


@pytest.fixture
def world(registry: Engine, authority: Authority, tmp_path: Path) -> Iterator[World]:
    with closing(World.made_in(tmp_path, registry, authority)) as made:
        yield made


# --- being found -----------------------------------------------------------------------------------------------------


def found(port: int, asked: str, *attributes: str, base: str = BAL, size: int = 0) -> dict[str, list[bytes]]:
    """What an anonymous LDAP client is given, by attribute, of all entries together."""
    client, told = ldap.initialize(f"ldap://127.0.0.1:{port}"), dict[str, list[bytes]]()
    try:
        number = client.search_ext(base, ldap.SCOPE_SUBTREE, asked, list(attributes) or None, sizelimit=size)
        for _, held in client.result(number)[1]:
            for name, values in held.items():
                told.setdefault(name, []).extend(values)
    finally:
        client.unbind_s()
    return told


@on_sqlite
def test_thunderbird_finds_them_and_nobody_gets_them_unasked(world: World) -> None:
    zoe, jean = world.authority.mail(ZOE), world.authority.mail(JEAN)
    world.publish(ZOE, zoe)
    world.publish(JEAN, jean)
    world.publish(HIDDEN, world.authority.mail(HIDDEN))
    wanted = f"(|(mail={ZOE})(mail={JEAN})(mail={HIDDEN}))"
    with served(world.directory, check=Operators(world.directory)) as port:
        asked = found(port, wanted, "usercertificate;binary", size=6)
        assert asked == {"userCertificate;binary": asked["userCertificate;binary"]}
        assert set(asked["userCertificate;binary"]) == {der(zoe), der(jean)}  # and not the unlisted one's
        for names in (["userCertificate"], ["2.5.4.36"], ["2.5.4.36;binary"], ["*", "userCertificate;binary"]):
            assert set(found(port, wanted, *names)["userCertificate;binary"]) == {der(zoe), der(jean)}, names
        for names in ([], ["*"], ["+"], ["*", "+"], ["1.1"], ["mail"], ["userCertificate;lang-fr"]):
            assert not [name for name in found(port, wanted, *names) if name.startswith("userCert")], names
        # Where there are none, and where more are found than they are of.
        assert "userCertificate;binary" not in found(port, "(mail=partage@cabinet.mssante.fr)", "userCertificate")
        assert set(found(port, "(sn=*d*)", "userCertificate")["userCertificate;binary"]) == {der(zoe), der(jean)}
        # Whoever searches the whole tree finds them on the person too.
        assert set(found(port, f"(mail={ZOE})", "userCertificate", base=SUFFIX)["userCertificate;binary"]) == {der(zoe)}


@on_sqlite
def test_those_of_an_unlisted_mailbox_are_as_if_there_were_none(world: World) -> None:
    world.publish(HIDDEN, world.authority.mail(HIDDEN))
    hidden, absent = (
        world.client.get(f"/v1/mailboxes/{address}/certificates") for address in (HIDDEN, "absent@medecin.mssante.fr")
    )
    assert hidden.status_code == absent.status_code == 404 and hidden.data == absent.data


@on_sqlite
def test_a_build_and_the_follower_make_the_same_index(world: World) -> None:
    world.publish(ZOE, world.authority.mail(ZOE), world.authority.mail(ZOE))
    world.publish(ORG, world.authority.mail(ORG))
    world.publish(HIDDEN, world.authority.mail(HIDDEN))
    followed = index_world.fingerprint(world.folder / "index")
    build_index(world.engine, world.folder / "index", SUFFIX)
    assert index_world.fingerprint(world.folder / "index") == followed


# --- being gone ------------------------------------------------------------------------------------------------------


@on_sqlite
def test_one_that_expires_while_the_index_lives_is_no_longer_served(world: World) -> None:
    """Nothing is written to the registry, and no build is made: the clock alone."""
    old, new = world.authority.mail(ZOE), world.authority.mail(ZOE)
    world.publish(ZOE, old, new)
    url = f"/v1/mailboxes/{ZOE}"
    before = world.client.get(url)
    db = open_writer(world.folder / "index" / current_name(world.folder / "index"))
    db.execute("UPDATE smime SET ends = strftime('%s', 'now') WHERE der = ?", (der(old),))
    db.close()
    assert world.shown(ZOE) == [der(new)]
    after = world.client.get(url, headers={"If-None-Match": before.headers["ETag"]})
    assert after.status_code == 200 and len(after.get_json()["certificates"]) == 1
    with served(world.directory, check=Operators(world.directory)) as port:
        assert found(port, f"(mail={ZOE})", "userCertificate;binary")["userCertificate;binary"] == [der(new)]


@on_sqlite
def test_an_answer_that_spoke_of_one_that_has_expired_is_held_by_nobody(world: World) -> None:
    made = world.authority.mail(ZOE)
    world.publish(ZOE, made)
    choice, page = f"/v1/practitioners/{web_world.ZOE}/mailboxes", f"/professionnels/{web_world.ZOE}"
    before = {url: world.client.get(url) for url in (choice, page)}
    assert {i["address"]: i["certificate"] for i in before[choice].get_json()["items"]}[ZOE] is True
    held = {url: {"If-None-Match": answer.headers["ETag"]} for url, answer in before.items()}
    assert all(world.client.get(url, headers=held[url]).status_code == 304 for url in held)
    db = open_writer(world.folder / "index" / current_name(world.folder / "index"))
    db.execute("UPDATE smime SET ends = strftime('%s', 'now') WHERE der = ?", (der(made),))
    db.close()
    after = {url: world.client.get(url, headers=held[url]) for url in held}
    assert not any(i["certificate"] for i in after[choice].get_json()["items"])
    assert [text.count("un certificat S/MIME valable") for text in (before[page].text, after[page].text)] == [1, 0]


def test_one_that_a_list_names_is_no_longer_served(world: World, tmp_path: Path) -> None:
    bad, good = world.authority.mail(ZOE), world.authority.mail(JEAN)
    world.publish(ZOE, bad)
    world.publish(JEAN, good)
    crl = world.authority.revoke(bad, path=tmp_path / "crl.pem")
    revoked = MailTrust.read(str(world.authority.path), str(crl)).revoked()
    for touched in ([ZOE], []):
        with writing(world.engine) as connection:
            assert certificates.mark_revoked(connection, revoked, actor="test") == touched
    world.follow()
    assert world.shown(ZOE) == [] and world.shown(JEAN) == [der(good)]
    with reading(world.engine) as connection:
        [kept] = certificates.read_certificates(connection, ZOE)
    assert kept.revoked and not kept.removed
