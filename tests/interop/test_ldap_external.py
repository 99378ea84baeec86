"""Operators by their certificates, over real sockets: SASL EXTERNAL (RFC 4513 5.2.3), and what ends a handshake."""

from __future__ import annotations

import os
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from certificates import Authority, make_key
from cryptography.x509.oid import ExtendedKeyUsageOID
from identities_world import JEAN, World, code, dn, is_refused, serving_world, whoami
from ldap_support import (
    BAL,
    Client,
    bind,
    bind_sasl,
    dns,
    search,
    served_both,
)
from record_factories import SUFFIX

from directory_service.ldap.limits import LdapSettings
from directory_service.ldap.server import Operators, Tls, TlsFiles
from directory_service.registry import operators
from directory_service.trust.certificates import read_certificate


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("external")
    with serving_world(folder, Authority(folder, "Identites")) as found:
        yield found


@pytest.mark.parametrize(
    ("method", "value"), [("pin", ""), ("subject", ""), ("san", "dns:passerelle.example"), ("san", "uri:urn:x:y")]
)
def test_a_certificate_of_the_table_binds_as_its_operator(world: World, method: str, value: str) -> None:
    name = world.new_operator()
    names = (f"dns:{name}.example", value or "dns:autre.example") if method == "san" else ()
    certificate = world.authority.client(f"CN {name}", names=names)
    world.entitle(name, certificate, method, value)
    with world.client(certificate) as client:
        assert whoami(client) == ""  # a certificate alone binds nobody
        assert code(client, bind_sasl("EXTERNAL")) == 0
        assert whoami(client) == f"dn:{dn(name)}"
        assert len(dns(client.ask(search("(objectClass=*)", 2)))) > 10
        assert code(client, bind(message_id=3)) == 0
        assert whoami(client) == ""
    world.change(
        lambda c: operators.remove_certificate(
            c, name, read_certificate(certificate.read_bytes()).rule(method, value), actor="test"
        )
    )
    with world.client(certificate) as client:
        assert code(client, bind_sasl("EXTERNAL")) == 49


def test_a_renewed_certificate_keeps_its_subject_and_a_new_key_breaks_its_pin(world: World) -> None:
    by_pin, by_subject = world.new_operator(), world.new_operator()
    key = make_key()
    pinned = world.authority.client("epingle", key=key)
    world.entitle(by_pin, pinned)
    world.entitle(by_subject, world.authority.client("sujet"), "subject")
    for certificate, found in (
        (world.authority.client("epingle, autre nom", key=key), by_pin),
        (world.authority.client("epingle"), ""),
        (world.authority.client("sujet"), by_subject),
    ):
        with world.client(certificate) as client:
            assert code(client, bind_sasl("EXTERNAL")) == (0 if found else 49)
            assert whoami(client) == (f"dn:{dn(found)}" if found else "")


def test_the_same_subject_from_another_authority_is_not_the_operator(world: World, tmp_path: Path) -> None:
    name = world.new_operator()
    world.entitle(name, world.authority.client("jumeau"), "subject")
    other = Authority(tmp_path, "Autre")
    both = tmp_path / "both.pem"
    both.write_bytes(world.authority.path.read_bytes() + other.path.read_bytes())
    tls = Tls(TlsFiles(str(world.authority.server()), client_ca=str(both)))
    check = Operators(world.directory)
    with served_both(world.directory, LdapSettings(suffix=SUFFIX), check, tls) as (_, ldaps):
        with Client(ldaps, world.context(other.client("jumeau"))) as client:
            assert code(client, bind_sasl("EXTERNAL")) == 49
        with Client(ldaps, world.context(world.authority.client("jumeau"))) as client:
            assert code(client, bind_sasl("EXTERNAL")) == 0


def test_external_is_offered_to_those_who_showed_a_certificate_only(world: World) -> None:
    asked = search(base="", scope=0, attributes=["supportedSASLMechanisms"])
    certificate = world.authority.client("inconnu")
    for client, offered in (
        (Client(world.plain), None), (world.client(), None), (world.client(certificate), ["EXTERNAL"])
    ):  # fmt: skip
        with client:
            [root] = [r for r in client.ask(asked) if r.tag == 0x64]
            assert root.attributes.get("supportedSASLMechanisms") == offered
    with Client(world.plain) as client:
        client.start_tls(world.context(certificate))
        [root] = [r for r in client.ask(asked) if r.tag == 0x64]
        assert root.attributes["supportedSASLMechanisms"] == ["EXTERNAL"]


def test_external_without_a_certificate_is_7_and_with_an_unknown_one_49(world: World) -> None:
    with Client(world.plain) as client:
        assert code(client, bind_sasl("EXTERNAL")) == 7
    with world.client() as client:
        assert code(client, bind_sasl("EXTERNAL")) == 7
    with world.client(world.authority.client("inconnu")) as client:
        assert code(client, bind_sasl("EXTERNAL")) == 49
        assert code(client, bind(message_id=2)) == 0  # never 48 or 49 (Thunderbird)
        assert code(client, search(JEAN, 3)) == 0


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (None, 0), ("", 0), ("u:{name}", 0), ("dn:{dn}", 0), ("dn:CN={name}, OU=Operateurs,{suffix}", 0),
        ("u:autre", 50), ("dn:cn=autre,ou=operateurs,{suffix}", 50), ("dn:", 50), ("{name}", 50), ("dn:,", 50),
        ("u:", 50), ("x:{name}", 50),
    ],
)  # fmt: skip
def test_an_authorization_identity_is_empty_or_the_certificates(
    world: World, asked: str | None, expected: int, entitled: tuple[str, Path]
) -> None:
    name, certificate = entitled
    said = None if asked is None else asked.format(name=name, dn=dn(name), suffix=SUFFIX)
    with world.client(certificate) as client:
        assert code(client, bind_sasl("EXTERNAL", credentials=said)) == expected
        assert whoami(client) == ("" if expected else f"dn:{dn(name)}")


@pytest.fixture(scope="module")
def entitled(world: World) -> tuple[str, Path]:
    """An operator and its certificate."""
    name = world.new_operator()
    certificate = world.authority.client(f"titulaire {name}")
    world.entitle(name, certificate)
    return name, certificate


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("fault", ["another authority", "expired", "not yet", "a server's", "revoked"])
def test_a_bad_certificate_ends_the_handshake(
    world: World, fault: str, version: ssl.TLSVersion, tmp_path: Path
) -> None:
    make = world.authority.client
    if fault == "revoked":
        certificate = make("revoque")
        world.authority.revoke(certificate, path=world.crl)
        wait_refused(world, certificate)
    else:
        certificate = {
            "another authority": lambda: Authority(tmp_path, "Identites").client(),
            "expired": lambda: make(lasts=timedelta(hours=-1)),
            "not yet": lambda: make(since=timedelta(hours=1), lasts=timedelta(hours=2)),
            "a server's": lambda: make(usage=ExtendedKeyUsageOID.SERVER_AUTH),
        }[fault]()
    assert is_refused(world, certificate, version)
    with world.client() as client:  # without one, all is well
        assert code(client, search(JEAN)) == 0


def wait_refused(world: World, certificate: Path) -> None:
    deadline = time.monotonic() + 60
    while not is_refused(world, certificate):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_resumed_session_is_still_its_operators(world: World, entitled: tuple[str, Path]) -> None:
    name, certificate = entitled
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = world.context(certificate, version)
        with Client(world.ldaps, context) as client:
            assert code(client, bind_sasl("EXTERNAL")) == 0
            session = client.socket.session
        with Client(world.ldaps, context, session) as client:
            assert client.socket.session_reused
            assert code(client, bind_sasl("EXTERNAL")) == 0
            assert whoami(client) == f"dn:{dn(name)}"


def test_ldapsearch_binds_by_external(
    world: World, entitled: tuple[str, Path], program: Callable[[str], str], tmp_path: Path
) -> None:
    name, certificate = entitled
    env = {
        **os.environ,
        "LDAPTLS_CACERT": str(world.authority.path),
        "LDAPTLS_CERT": str(certificate),
        "LDAPTLS_KEY": str(certificate),
    }
    for url, options in ((f"ldaps://127.0.0.1:{world.ldaps}", ()), (f"ldap://127.0.0.1:{world.plain}", ("-ZZ",))):
        command = [program("ldapsearch"), "-H", url, *options, "-Y", "EXTERNAL", "-LLL", "-b", BAL, JEAN, "mail"]
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode, done.stdout.count("mail: ")) == (0, 1), done.stderr
        who = subprocess.run(
            [program("ldapwhoami"), "-H", url, *options, "-Y", "EXTERNAL", "-Q"], env=env, capture_output=True,
            text=True, timeout=60, check=False,
        )  # fmt: skip
        assert who.stdout.strip() == f"dn:{dn(name)}"


_PYTHON_LDAP = """
import sys, ldap
url, authority, certificate = sys.argv[1:]
connection = ldap.initialize(url)
connection.set_option(ldap.OPT_X_TLS_CACERTFILE, authority)
connection.set_option(ldap.OPT_X_TLS_CERTFILE, certificate)
connection.set_option(ldap.OPT_X_TLS_KEYFILE, certificate)
connection.set_option(ldap.OPT_X_TLS_NEWCTX, 0)
connection.sasl_external_bind_s()
print(connection.whoami_s())
"""


def test_python_ldap_binds_by_external(world: World, entitled: tuple[str, Path]) -> None:
    """In a process of its own: it keeps the interpreter while it waits for us."""
    name, certificate = entitled
    told = [f"ldaps://127.0.0.1:{world.ldaps}", str(world.authority.path), str(certificate)]
    command = [sys.executable, "-c", _PYTHON_LDAP, *told]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.strip() == f"dn:{dn(name)}", done.stderr
