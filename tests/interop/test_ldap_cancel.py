"""Cancel (RFC 3909) and Abandon (RFC 4511 4.11): what is answered, and that the work stops."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import closing
from pathlib import Path

import ldap
import pytest
from ldap_support import (
    BAL,
    Client,
    Serving,
    abandon,
    bind,
    cancel,
    codes,
    compare,
    extended,
    gated,
    search,
    served,
    unbind,
)
from ldap_town import Gate
from record_factories import SUFFIX

from directory_service.index.beginnings import Beginnings
from directory_service.index.directory import Directory, Result
from directory_service.index.lookups import Lookups
from directory_service.index.plan.predicate import Row
from directory_service.index.query import Query, View
from directory_service.index.reader import Reader
from directory_service.ldap.ber import integer, octets, sequence
from directory_service.ldap.limits import LdapSettings
from directory_service.ldap.searching import Work
from directory_service.ldap.server.connection import Connection
from directory_service.ldap.server.operations import Operation

JEAN = "(mail=jean.dupont@medecin.mssante.fr)"
SLOW = "(cn=*martin*)"  # not a key look-up: runs in a thread
WHOAMI = "1.3.6.1.4.1.4203.1.11.3"
CANCEL = "1.3.6.1.1.8"


def test_a_cancelled_search_answers_118_and_the_cancel_0(serving: Serving) -> None:
    with gated(serving) as (port, gate), Client(port) as client:
        client.send(search(SLOW, 1) + search(SLOW, 2))
        found = client.ask(cancel(1, 3), 2)
        assert [(r.message_id, r.tag, r.code) for r in found] == [(1, 0x65, 118), (3, 0x78, 0)]
        gate.open.set()
        assert codes(client.read()) == [(2, 0)]
        assert codes(client.ask(extended(WHOAMI, 4))) == [(4, 0)]


def test_a_cancelled_compare_answers_118_in_a_compare_response(serving: Serving) -> None:
    """It waits for the threads that searches hold."""
    with gated(serving) as (port, gate), Client(port) as client:
        client.send(b"".join(search(SLOW, n) for n in range(1, LdapSettings().workers + 1)))
        found = client.ask(compare(BAL, "ou", "bal", 50) + cancel(50, 51), 2)
        assert [(r.message_id, r.tag, r.code) for r in found] == [(50, 0x6F, 118), (51, 0x78, 0)]
        gate.open.set()


@pytest.mark.parametrize("target", [0, 9, 2**31 - 1])
def test_cancel_of_an_unknown_operation_is_119(serving: Serving, target: int) -> None:
    with Client(serving.port) as client:
        assert codes(client.ask(search(JEAN, 1) + cancel(target, 2), 2)) == [(1, 0), (2, 119)]


def test_cancel_of_an_operation_of_another_connection_is_119(serving: Serving) -> None:
    with gated(serving) as (port, gate), Client(port) as one, Client(port) as other:
        assert codes(one.ask(search(SLOW, 1) + extended(WHOAMI, 2))) == [(2, 0)]
        assert codes(other.ask(cancel(1, 3))) == [(3, 119)]
        gate.open.set()
        assert codes(one.read()) == [(1, 0)]


def test_cancel_of_itself_is_121_and_comes_back(serving: Serving) -> None:
    """OpenLDAP CVE-2020-36227: a Cancel of its own number looped for ever."""
    with Client(serving.port) as client:
        for number in range(1, 50):
            assert codes(client.ask(cancel(number, number))) == [(number, 121)]
        assert codes(client.ask(cancel(1, 1) + cancel(1, 2) + cancel(2, 1), 3)) == [(1, 121), (2, 119), (1, 119)]


def test_binds_are_not_cancelled(serving: Serving) -> None:
    """RFC 3909 2: they end first, and there is then nothing of that number."""
    operator = f"cn=essai,ou=operateurs,{SUFFIX}"
    with Client(serving.port) as client:
        assert codes(client.ask(bind(operator, serving.secret, 1) + cancel(1, 2) + extended(WHOAMI, 3), 3)) == [
            (1, 0), (2, 119), (3, 0)
        ]  # fmt: skip


class Finishing(Gate):
    """A directory whose searches end, and their answers wait: the loop is kept busy by a key look-up."""

    def __init__(self, directory: Directory) -> None:
        super().__init__(directory)
        self.ended = threading.Event()

    def search(self, query: Query, view: View) -> Result:
        if self.is_point(query):
            assert self.ended.wait(60)
            time.sleep(0.5)  # from the end of ``search`` to the end of the thread's work, on a machine that others use
            return self.directory.search(query, view)
        found = self.directory.search(query, view)
        self.ended.set()
        return found


def test_cancel_of_what_has_just_ended_is_120(serving: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer is there and goes out; the Cancel came too late.  All three requests are of one turn."""
    monkeypatch.setattr("directory_service.ldap.server.connection._TURN", 60.0)
    with served(Finishing(serving.directory)) as port, Client(port) as client:
        found = codes(client.ask(search(SLOW, 1) + search(JEAN, 2) + cancel(1, 3), 3))
        assert sorted(found) == [(1, 0), (2, 0), (3, 120)]


@pytest.mark.parametrize(
    "value",
    [None, b"", b"\x30", sequence(), sequence(octets("1")), sequence(integer(-1)), sequence(integer(1), integer(2)),
     sequence(integer(1)) + b"\x00", sequence(b"\x02\x05\x00\x00\x00\x00\x01")],
)  # fmt: skip
def test_a_malformed_cancel_is_2_and_the_connection_goes_on(serving: Serving, value: bytes | None) -> None:
    with Client(serving.port) as client:
        assert codes(client.ask(extended(CANCEL, 1, value))) == [(1, 2)]
        assert codes(client.ask(search(JEAN, 2))) == [(2, 0)]


def test_python_ldap_cancels(serving: Serving) -> None:
    with gated(serving) as (port, _):
        connection = ldap.initialize(f"ldap://127.0.0.1:{port}")
        number = connection.search(BAL, ldap.SCOPE_SUBTREE, SLOW)
        connection.cancel_s(number)
        with pytest.raises(ldap.CANCELLED):
            connection.result(number)
        with pytest.raises(ldap.NO_SUCH_OPERATION):
            connection.cancel_s(999)
        connection.unbind_s()


# --- the work stops ---------------------------------------------------------------------------------------------------

ENDLESS = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x) FROM n"
SOON = 20.0  # seconds, on a machine that others use; a search lasts 60 here


class EndlessLookups(Lookups):
    """What finds candidates is a SQLite statement that never ends by itself."""

    began, ended = threading.Semaphore(0), threading.Semaphore(0)

    def candidates(self, *_: object, **__: object) -> Iterator[Row]:  # type: ignore[override]
        self.began.release()
        try:
            yield from self.connection.execute(ENDLESS)
        finally:
            self.ended.release()


def _endless(folder: Path, name: str) -> Reader:
    """Every search that is not a key look-up is endless."""
    reader = Reader(folder, name)
    reader.lookups = EndlessLookups(reader.connection, Beginnings(reader.connection, reader.build.id))
    return reader


@pytest.fixture
def endless(serving: Serving, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The port of a server with one thread for searches."""
    monkeypatch.setattr("directory_service.index.reader._MOST_STEPS", 1 << 40)
    settings = LdapSettings(suffix=SUFFIX, workers=1, search_time=60.0)
    with closing(Directory(serving.directory.folder, SUFFIX)) as directory:
        directory._connections.make = _endless
        with served(directory, settings) as port:
            yield port


@pytest.mark.parametrize(
    ("sent", "answered"),
    [
        pytest.param(abandon(1, 2), [(3, 0)], id="abandon"),
        pytest.param(cancel(1, 2), [(1, 118), (2, 0), (3, 0)], id="cancel"),
        pytest.param(bind(message_id=2), [(2, 0), (3, 0)], id="bind"),
    ],
)
def test_what_is_called_off_leaves_its_thread(endless: int, sent: bytes, answered: list[tuple[int, int]]) -> None:
    """The statement under way is interrupted, or the next search would wait for a minute."""
    with Client(endless) as client:
        client.send(search(SLOW, 1) + search(SLOW, 9))
        assert EndlessLookups.began.acquire(timeout=SOON)
        assert codes(client.ask(sent + extended(WHOAMI, 3), len(answered))) == answered
        assert EndlessLookups.ended.acquire(timeout=SOON)
        client.send(search(SLOW, 10))
        assert EndlessLookups.began.acquire(timeout=SOON)
        client.send(abandon(9, 11) + abandon(10, 12))
        assert EndlessLookups.ended.acquire(timeout=SOON)
        assert codes(client.ask(extended(WHOAMI, 13))) == [(13, 0)]


@pytest.mark.parametrize("goodbye", [unbind(), b"\x30\x80", b""], ids=["unbind", "fault", "disconnection"])
def test_a_client_that_leaves_takes_its_searches_with_it(endless: int, goodbye: bytes) -> None:
    with Client(endless) as client:
        client.send(search(SLOW, 1))
        assert EndlessLookups.began.acquire(timeout=SOON)
        client.send(goodbye)
    assert EndlessLookups.ended.acquire(timeout=SOON)


def test_what_is_over_leaves_no_cycles(serving: Serving) -> None:
    """The collector looks little at a time (``heap``): what a connection and its searches were goes by itself."""
    ours = (Connection, Operation, Future, Work)
    gc.collect()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        with gated(serving) as (port, gate):
            with Client(port) as client:
                client.send(search(SLOW, 1) + search(SLOW, 2) + search(SLOW, 3))
                client.ask(cancel(1, 4), 2)
                client.send(abandon(2, 5))
                gate.open.set()
                assert codes(client.read()) == [(3, 0)]
                client.ask(search("(cn=*dupont*)", 6) + search(JEAN, 7))
            with Client(port) as client:
                client.send(b"".join(search(SLOW, n) for n in range(1, 9)))  # and goes away
        gc.collect()
        assert [found for found in gc.garbage if isinstance(found, ours)] == []
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
