"""Who operators are to the LDAP face, over real sockets: secrets, how often they may be tried, and when what a secret
or a certificate opened is closed again."""

from __future__ import annotations

import select
import socket
import ssl
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import timedelta
from pathlib import Path

import pytest
from certificates import Authority
from identities_world import JEAN, STRONGER_AUTH, World, code, dn, is_refused, serving_world, whoami
from ldap_support import (
    Client,
    bind,
    bind_sasl,
    cookie_of,
    limits_met,
    listed,
    paged,
    search,
    sorting,
    window,
)
from sqlalchemy import Connection

from directory_service.ldap.server.identities import Operators
from directory_service.registry import operators
from directory_service.registry.engine import writing
from directory_service.siblings import Siblings
from directory_service.trust.certificates import read_certificate


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("identities")
    with serving_world(folder, Authority(folder, "Identites")) as found:
        yield found


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


@pytest.mark.parametrize("given_on", [False, True])
def test_a_session_ends_when_its_certificate_leaves_the_table(world: World, given_on: bool) -> None:
    """Or is another operator's from then on."""
    name, other = world.new_operator(), world.new_operator()
    certificate = world.authority.client("retire")
    world.entitle(name, certificate)
    rule = read_certificate(certificate.read_bytes()).rule("pin")

    def change(connection: Connection) -> None:
        operators.remove_certificate(connection, name, rule, actor="test")
        if given_on:
            operators.add_certificate(connection, other, rule, actor="test")

    with world.client(certificate) as client:
        assert code(client, bind_sasl("EXTERNAL")) == 0
        world.change(change)
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


def test_while_two_secrets_open_a_session_ends_with_the_former(world: World) -> None:
    """Nobody says which of the two opened it."""
    name = world.new_operator()
    world.secret(name)
    former = found.secret_hash if (found := world.directory.operator(name)) else ""
    world.change(lambda c: operators.set_secret(c, name, actor="test", used=former))
    assert Operators(world.directory).proof(name, b"").mark == former


def test_a_suspended_operator_is_out_within_a_second(world: World) -> None:
    """By secret, remembered or not, and by certificate; with the follower at its own pace.  The best of three, since
    other work may hold the machine."""
    assert min(seconds_until_out(world, f"suspendu{n}") for n in range(3)) < 1.0


def seconds_until_out(world: World, common_name: str) -> float:
    name = world.new_operator()
    secret, certificate = world.secret(name), world.authority.client(common_name)
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
            asked = since = time.monotonic()
            while not is_out(world, name, secret, certificate):
                asked = time.monotonic()
                assert asked < since + 60
                time.sleep(0.02)
            assert notice(by_secret) == (0, STRONGER_AUTH)
            assert notice(by_certificate) == (0, STRONGER_AUTH)
            return asked - since  # not what it took to be refused: a secret is slow to verify
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
    with serving_world(tmp_path, authority, bind_failures=2, bind_pause=60.0) as world:
        names = [world.new_operator() for _ in range(4)]
        secrets = [world.secret(name) for name in names]
        for n in (0, 2):
            with Client(world.plain) as gone, Client(world.plain) as waiting:
                gone.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                assert (
                    code(gone, search(JEAN) + bind(dn(names[n]), secrets[n], 2)) == 0
                )  # of the search: the bind began
                gone.socket.close()
                # Verified after the other, but not made to wait for a minute: it would be told busy.
                assert code(waiting, bind(dn(names[n + 1]), secrets[n + 1])) == 0


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
    known, unknown = world.new_operator(), "op0"
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
            got = [stack.enter_context(found) for found, _ in other.received()]
            handed += got
            quiet = 0 if got or len(handed) < len(blank) else quiet + 1
        assert {h.getpeername() for h in handed} == {c.socket.getsockname() for c in blank}
        assert whoami(bound) == f"dn:{dn(name)}"
        assert code(halfway, asked[9:]) == 0
        assert code(secure, search(JEAN)) == 0
        assert code(paging, search("(cn=*)", 2, paged(1, cookie))) == 0
        assert code(listing, search("(cn=*)", 2, sorting("cn"), window(0, 0, 2, context=context))) == 0
