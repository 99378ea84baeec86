"""Who operators are to the LDAP face, over real sockets: certificates (SASL EXTERNAL, RFC 4513 5.2.3) and secrets, how
often they may be tried, and when what they open is closed again."""

from __future__ import annotations

import itertools
import os
import select
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from certificates import Authority, make_key
from cryptography.x509.oid import ExtendedKeyUsageOID
from ldap_support import (
    BAL,
    Client,
    bind,
    bind_sasl,
    build_town,
    cookie_of,
    dns,
    extended,
    limits_met,
    listed,
    paged,
    search,
    served_both,
    sorting,
    window,
)
from record_factories import SUFFIX
from sqlalchemy import Engine

from directory_service.index.directory import Directory
from directory_service.index.follower import Follower
from directory_service.ldap.limits import LdapSettings
from directory_service.ldap.server import Tls, TlsFiles, operator_check
from directory_service.registry import operators
from directory_service.registry.engine import open_registry, writing
from directory_service.siblings import Siblings
from directory_service.trust.certificates import read_certificate

JEAN = "(mail=jean.dupont@medecin.mssante.fr)"
WHOAMI = "1.3.6.1.4.1.4203.1.11.3"
STRONGER_AUTH = 8
_COUNTER = itertools.count(1)


def dn(name: str) -> str:
    return f"cn={name},ou=operateurs,{SUFFIX}"


class World(NamedTuple):
    """A served town whose operators can be changed, its authority and its revocation list."""

    authority: Authority
    engine: Engine
    follower: Follower
    directory: Directory
    crl: Path
    plain: int
    ldaps: int

    def new_operator(self) -> str:
        name = f"op{next(_COUNTER)}"
        self.change(lambda c: operators.add_operator(c, name, actor="test"))
        return name

    def secret(self, name: str) -> str:
        made: list[str] = []
        self.change(lambda c: made.append(operators.set_secret(c, name, actor="test")))
        return made[0]

    def entitle(self, name: str, certificate: Path, method: str = "pin", value: str = "") -> None:
        rule = read_certificate(certificate.read_bytes()).rule(method, value)
        self.change(lambda c: operators.add_certificate(c, name, rule, actor="test"))

    def change(self, what: Callable[..., object]) -> None:
        """In the registry, and at once in the index."""
        with writing(self.engine) as connection:
            what(connection)
        self.follower.catch_up()

    def context(self, certificate: Path | None = None, version: ssl.TLSVersion | None = None) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.authority.path))
        if certificate:
            context.load_cert_chain(certificate)
        if version:
            context.minimum_version = context.maximum_version = version
        return context

    def client(self, certificate: Path | None = None) -> Client:
        return Client(self.ldaps, self.context(certificate))


@contextmanager
def serving_world(
    folder: Path, authority: Authority, siblings: Siblings | None = None, **limits: float
) -> Iterator[World]:
    directory, _ = build_town(folder, 5)
    engine = open_registry(f"sqlite:///{folder / 'registry.sqlite'}")
    crl = authority.revoke(path=folder / "crl.pem")
    tls = Tls(TlsFiles(str(authority.server()), "", str(authority.path), str(crl)))
    settings = LdapSettings(suffix=SUFFIX, certificate_check=0.05, **limits)
    with served_both(directory, settings, operator_check(directory), tls, siblings) as (plain, ldaps):
        follower = Follower(engine, folder / "index", SUFFIX)
        yield World(authority, engine, follower, directory, crl, plain, ldaps)
    engine.dispose()
    directory.close()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("identities")
    with serving_world(folder, Authority(folder, "Identites")) as found:
        yield found


def code(client: Client, data: bytes) -> int | None:
    return client.ask(data)[-1].code


def whoami(client: Client) -> str:
    [reply] = client.ask(extended(WHOAMI, 99))
    return reply.rest[2:].decode()


# --- SASL EXTERNAL --------------------------------------------------------------------------------------------------


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
    check = operator_check(world.directory)
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


def is_refused(world: World, certificate: Path, version: ssl.TLSVersion | None = None) -> bool:
    """In TLS 1.3 a client learns it when it reads."""
    try:
        with Client(world.ldaps, world.context(certificate, version)) as client:
            return client.ask(search(JEAN)) == []
    except (ssl.SSLError, ConnectionError):
        return True


def wait_refused(world: World, certificate: Path) -> None:
    deadline = time.monotonic() + 10
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
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=20, check=False)
        assert (done.returncode, done.stdout.count("mail: ")) == (0, 1), done.stderr
        who = subprocess.run(
            [program("ldapwhoami"), "-H", url, *options, "-Y", "EXTERNAL", "-Q"], env=env, capture_output=True,
            text=True, timeout=20, check=False,
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
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert done.stdout.strip() == f"dn:{dn(name)}", done.stderr


# --- the end of what was opened -------------------------------------------------------------------------------------


def notice(client: Client) -> tuple[int, int | None]:
    [reply] = client.read()
    assert client.closed()
    return reply.message_id, reply.code


def test_a_session_ends_with_its_certificate(world: World) -> None:
    name = world.new_operator()
    certificate = world.authority.client("bref", lasts=timedelta(seconds=3))
    world.entitle(name, certificate)
    with world.client(certificate) as client, world.client(certificate) as anonymous:
        assert code(client, bind_sasl("EXTERNAL")) == 0
        assert notice(client) == (0, STRONGER_AUTH)
        assert code(anonymous, bind_sasl("EXTERNAL")) == 49  # its handshake was in time, its bind is not
    assert is_refused(world, certificate)


def test_a_session_ends_when_its_certificate_is_revoked(world: World) -> None:
    name = world.new_operator()
    certificate = world.authority.client("bientot revoque")
    world.entitle(name, certificate)
    context = world.context(certificate)
    with Client(world.ldaps, context) as client, world.client() as other:
        assert code(client, bind_sasl("EXTERNAL")) == 0
        session = client.socket.session
        world.authority.revoke(certificate, path=world.crl)
        assert notice(client) == (0, STRONGER_AUTH)
        assert code(other, search(JEAN)) == 0
    with pytest.raises((ssl.SSLError, ConnectionError)), Client(world.ldaps, context, session) as client:
        assert client.ask(search(JEAN))  # resumption is no way round


def test_a_session_ends_when_its_certificate_leaves_the_table(world: World) -> None:
    name = world.new_operator()
    certificate = world.authority.client("retire")
    world.entitle(name, certificate)
    rule = read_certificate(certificate.read_bytes()).rule("pin")
    with world.client(certificate) as client:
        assert code(client, bind_sasl("EXTERNAL")) == 0
        world.change(lambda c: operators.remove_certificate(c, name, rule, actor="test"))
        assert notice(client) == (0, STRONGER_AUTH)


def test_a_session_ends_when_its_secret_is_replaced(world: World) -> None:
    name = world.new_operator()
    old = world.secret(name)
    with Client(world.plain) as client, Client(world.plain) as other:
        assert code(client, bind(dn(name), old)) == 0
        new = world.secret(name)
        assert notice(client) == (0, STRONGER_AUTH)
        assert code(other, bind(dn(name), old)) == 49
        assert code(other, bind(dn(name), new, 2)) == 0
        assert code(other, search(JEAN, 3)) == 0


def test_a_suspended_operator_is_out_within_a_second(world: World) -> None:
    """By secret, remembered or not, and by certificate; with the follower at its own pace."""
    name = world.new_operator()
    secret, certificate = world.secret(name), world.authority.client("suspendu")
    world.entitle(name, certificate)
    stop = threading.Event()
    follower = threading.Thread(target=world.follower.run, args=(stop,))
    with Client(world.plain) as by_secret, world.client(certificate) as by_certificate:
        assert code(by_secret, bind(dn(name), secret)) == 0
        assert code(by_certificate, bind_sasl("EXTERNAL")) == 0
        follower.start()
        try:
            with writing(world.engine) as connection:
                operators.suspend(connection, name, actor="test")
            since = time.monotonic()
            deadline = since + 1.0
            while time.monotonic() < deadline and not is_out(world, name, secret, certificate):
                time.sleep(0.02)
            assert is_out(world, name, secret, certificate)
            assert notice(by_secret) == (0, STRONGER_AUTH)
            assert notice(by_certificate) == (0, STRONGER_AUTH)
        finally:
            stop.set()
            follower.join()


def is_out(world: World, name: str, secret: str, certificate: Path) -> bool:
    with Client(world.plain) as plain, world.client(certificate) as secure:
        return code(plain, bind(dn(name), secret)) == code(secure, bind_sasl("EXTERNAL")) == 49


# --- secrets --------------------------------------------------------------------------------------------------------


def test_after_so_many_wrong_secrets_the_next_one_waits(tmp_path: Path, authority: Authority) -> None:
    """Ten by default.  Who is known already, and who repeats an old mistake, do not wait behind it."""
    before = limits_met("bind_delay")
    with serving_world(tmp_path, authority, bind_failures=3, bind_pause=6.0) as world:
        name = world.new_operator()
        secret = world.secret(name)
        with Client(world.plain) as known, Client(world.plain) as guesser:
            assert code(known, bind(dn(name), secret)) == 0
            for n in range(3):
                assert code(guesser, bind(dn(name), f"{name}.guess{n}")) == 49
            guesser.send(bind(dn(name), f"{name}.guess3"))
            assert code(known, bind(dn(name), secret, 2)) == 0
            assert code(known, bind(dn(name), f"{name}.guess0", 3)) == 49
            guesser.socket.settimeout(0.5)
            with pytest.raises(TimeoutError):
                guesser.read()
            guesser.socket.settimeout(10)
            assert guesser.read()[0].code == 49
    assert limits_met("bind_delay") == before + 1


def test_too_many_guesses_at_once_are_told_busy(tmp_path: Path, authority: Authority) -> None:
    with serving_world(tmp_path, authority, bind_failures=2, bind_pause=4.0) as world:
        name = world.new_operator()
        guessers = [Client(world.plain) for _ in range(8)]
        for n, guesser in enumerate(guessers):
            guesser.send(bind(dn(name), f"{name}.guess{n}"))
        answered = [guesser.read()[0].code for guesser in guessers[4:]]
        assert answered == [51] * 4  # two at once, two within the patience of 8 s
        assert code(guessers[-1], search(JEAN, 2)) == 0
        for guesser in guessers:
            guesser.socket.close()


def test_a_right_secret_does_not_count_though_its_client_is_gone(tmp_path: Path, authority: Authority) -> None:
    """A gateway that is stopped while its secret is verified, again and again, is no guesser."""
    with serving_world(tmp_path, authority, bind_failures=3, bind_pause=8.0) as world:
        names = [world.new_operator() for _ in range(6)]
        secrets = [world.secret(name) for name in names]
        for n in range(0, 6, 2):
            with Client(world.plain) as gone, Client(world.plain) as waiting:
                gone.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                assert (
                    code(gone, search(JEAN) + bind(dn(names[n]), secrets[n], 2)) == 0
                )  # of the search: the bind began
                gone.socket.close()
                waiting.socket.settimeout(4)
                assert code(waiting, bind(dn(names[n + 1]), secrets[n + 1])) == 0  # verified after the other


def test_a_remembered_secret_costs_no_computation(world: World) -> None:
    name = world.new_operator()
    secret = world.secret(name)
    with Client(world.plain) as client:
        before = time.process_time()
        assert code(client, bind(dn(name), secret)) == 0
        first = time.process_time() - before
        before = time.process_time()
        for n in range(2, 12):
            assert code(client, bind(dn(name), secret, n)) == 0
        assert (time.process_time() - before) / 10 < first / 5


def test_an_unknown_name_costs_what_a_known_one_does(world: World) -> None:
    known, unknown = world.new_operator(), f"op{next(_COUNTER)}"
    world.secret(known)

    def spent(name: str, secret: str) -> float:
        before = time.process_time()
        with Client(world.plain) as client:
            assert code(client, bind(dn(name), secret)) == 49
        return time.process_time() - before

    mine = min(spent(known, f"{known}.wrong{n}") for n in range(2))
    theirs = min(spent(unknown, f"{unknown}.wrong{n}") for n in range(2))
    without = min(spent(world.new_operator(), f"x.wrong{n}") for n in range(2))  # known, no secret yet
    assert 0.5 < theirs / mine < 2
    assert 0.5 < without / mine < 2


def test_binds_of_every_age(world: World) -> None:
    """LDAPv2 (Postfix) and v3 with a secret; v4; a name without a secret."""
    name = world.new_operator()
    secret = world.secret(name)
    with Client(world.plain) as client:
        assert code(client, bind(dn(name), secret, version=2)) == 0
        assert whoami(client) == f"dn:{dn(name)}"
        assert code(client, bind(dn(name), secret, 2, version=4)) == 2
        assert whoami(client) == ""
        assert code(client, bind(dn(name), "", 3)) == 53
        assert code(client, bind("", "", 4)) == 0
        assert code(client, bind("", "unexpected", 5)) == 0  # RFC 4513 5.1.2 leaves it to us; nobody, in any case
        assert whoami(client) == ""


# --- other workers ---------------------------------------------------------------------------------------------------


def test_only_connections_of_nobody_go_to_another_worker(tmp_path: Path) -> None:
    """That of an operator, of TLS, and one in the middle of a request, of a paged search or of a list stay where they
    are known."""
    other, mine = (Siblings(tmp_path, "ldap", name) for name in ("other", "mine"))
    with closing(other), serving_world(tmp_path, Authority(tmp_path, "Voisins"), mine) as world, ExitStack() as stack:
        name = world.new_operator()
        secret = world.secret(name)
        blank = [stack.enter_context(Client(world.plain)) for _ in range(6)]
        for client in blank:
            assert code(client, bind()) == 0 and code(client, search(JEAN)) == 0
        bound, halfway = (stack.enter_context(Client(world.plain)) for _ in range(2))
        assert code(bound, bind(dn(name), secret)) == 0
        asked = search(JEAN)
        halfway.send(asked[:9])
        secure = stack.enter_context(world.client())
        assert code(secure, search(JEAN)) == 0
        paging, listing = (stack.enter_context(Client(world.plain)) for _ in range(2))
        cookie = cookie_of(paging.ask(search("(cn=*)", 1, paged(1)))[-1])
        context = listed(listing.ask(search("(cn=*)", 1, sorting("cn"), window(0, 0)))[-1])[3]
        assert cookie and context
        handed: list[socket.socket] = []
        quiet = 0
        while quiet < 3:  # it tells how many it holds three times, and hands nothing any more
            other.even_out(0, lambda *_: None)
            assert select.select([other], [], [], 20)[0]
            got = [stack.enter_context(found) for found in other.received()]
            handed += got
            quiet = 0 if got or len(handed) < len(blank) else quiet + 1
        assert {h.getpeername() for h in handed} == {c.socket.getsockname() for c in blank}
        assert whoami(bound) == f"dn:{dn(name)}"
        assert code(halfway, asked[9:]) == 0
        assert code(secure, search(JEAN)) == 0
        assert code(paging, search("(cn=*)", 2, paged(1, cookie))) == 0
        assert code(listing, search("(cn=*)", 2, sorting("cn"), window(0, 0, 2, context=context))) == 0
