"""The server under clients that are slow, many, silent or gone (ldap-clients.md §1.3, §1.12, §4), over real sockets."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import ExitStack, closing, nullcontext
from pathlib import Path

import pytest
from ldap_support import (
    BAL,
    Client,
    Serving,
    abandon,
    bind,
    bind_sasl,
    codes,
    compare,
    dns,
    extended,
    gated,
    search,
    served,
    unbind,
)
from ldap_town import Gate
from record_factories import SUFFIX

from directory_service.index.directory import Directory, Result
from directory_service.index.query import Query, View
from directory_service.ldap.limits import LdapSettings
from directory_service.ldap.server import Operators

JEAN = "(mail=jean.dupont@medecin.mssante.fr)"
SLOW = "(cn=*martin*)"  # not a key look-up: runs in a thread
WHOAMI = "1.3.6.1.4.1.4203.1.11.3"
OPERATOR = f"cn=essai,ou=operateurs,{SUFFIX}"


def test_a_slow_search_delays_neither_other_clients_nor_its_own(serving: Serving) -> None:
    with gated(serving) as (port, gate), Client(port) as one, Client(port) as other:
        one.send(search(SLOW, 1))
        assert codes(other.ask(search(JEAN, 2))) == [(2, 0)]
        assert codes(one.ask(search(JEAN, 3) + extended(WHOAMI, 4), 2)) == [(3, 0), (4, 0)]
        gate.open.set()
        assert codes(one.read()) == [(1, 0)]


def test_abandon_stops_the_answer(serving: Serving) -> None:
    with gated(serving) as (port, gate), Client(port) as client:
        client.send(search(SLOW, 1) + search(SLOW, 2) + abandon(1, 3))
        assert codes(client.ask(extended(WHOAMI, 4))) == [(4, 0)]
        gate.open.set()
        assert codes(client.read()) == [(2, 0)]
        assert codes(client.ask(extended(WHOAMI, 5))) == [(5, 0)]


def test_searches_that_wait_are_not_run_for_a_client_that_left(serving: Serving) -> None:
    with gated(serving) as (port, gate), Client(port) as witness:
        with Client(port) as client:
            client.send(b"".join(search(SLOW, n) for n in range(1, 13)))
            assert codes(client.ask(extended(WHOAMI, 90))) == [(90, 0)]
            client.send(unbind())
            assert client.closed()
        gate.open.set()
        assert codes(witness.ask(search(SLOW))) == [(1, 0)]
        assert gate.asked <= LdapSettings().workers + 1


def test_a_client_that_sends_no_more_has_its_answers(serving: Serving) -> None:
    """``shutdown(SHUT_WR)``: what it asked is answered, from the loop, a thread or behind a bind; then it is closed."""
    with gated(serving) as (port, gate), Client(port) as client:
        client.send(search(SLOW, 1) + search(JEAN, 2))
        client.socket.shutdown(socket.SHUT_WR)
        assert codes(client.read()) == [(2, 0)]
        time.sleep(0.1)
        gate.open.set()
        assert codes(client.read()) == [(1, 0)]
        assert client.closed()
    with Client(serving.port) as client:
        client.send(bind(OPERATOR, serving.secret) + search(SLOW, 2))
        client.socket.shutdown(socket.SHUT_WR)
        assert codes(client.read(2)) == [(1, 0), (2, 0)]
        assert client.closed()


def test_a_bind_abandons_what_is_under_way(serving: Serving) -> None:
    with gated(serving) as (port, gate), Client(port) as client:
        client.send(search(SLOW, 1))
        assert codes(client.ask(bind(message_id=2))) == [(2, 0)]
        gate.open.set()
        assert codes(client.ask(search(SLOW, 3))) == [(3, 0)]  # which takes as long


def test_the_seventeenth_outstanding_search_is_told_busy_but_key_look_ups_never_are(serving: Serving) -> None:
    with gated(serving) as (port, gate), Client(port) as client:
        client.send(b"".join(search(SLOW, n) for n in range(1, 18)))
        assert codes(client.read()) == [(17, 51)]
        assert codes(client.ask(search(JEAN, 18))) == [(18, 0)]
        gate.open.set()
        assert sorted(codes(client.read(16))) == [(n, 0) for n in range(1, 17)]


def test_a_message_id_in_use_is_refused(serving: Serving) -> None:
    with gated(serving) as (port, gate), Client(port) as client:
        assert codes(client.ask(search(SLOW, 1) + search(SLOW, 1))) == [(1, 2)]
        gate.open.set()
        assert codes(client.read()) == [(1, 0)]


def test_requests_sent_behind_a_bind_wait_for_its_outcome(serving: Serving) -> None:
    with Client(serving.port) as client:
        found = client.ask(bind(OPERATOR, serving.secret) + search("(mail=*)", 2) + extended(WHOAMI, 3), 3)
        assert sorted(codes(found)) == [(1, 0), (2, 0), (3, 0)]
        assert len(dns(found)) > 300  # the operator's limit, not the stranger's


def test_a_client_that_does_not_read_is_not_worked_for(serving: Serving) -> None:
    """Twenty megabytes of questions, their answers not read: the server stops reading, and goes on once it can."""
    block = b"".join(search(JEAN, n) for n in range(1, 501))
    with Client(serving.port) as client, Client(serving.port) as other:
        client.socket.settimeout(1)
        with pytest.raises(TimeoutError):
            for _ in range(20_000_000 // len(block)):
                client.send(block)
        assert codes(other.ask(search(JEAN))) == [(1, 0)]
        client.socket.settimeout(10)
        assert len(client.read(500)) >= 500


@pytest.mark.parametrize(
    ("settings", "sent", "said"),
    [
        pytest.param({"idle_anonymous": 0.5}, b"", 3, id="idle"),
        pytest.param({"idle_anonymous": 0.5}, search(JEAN), 3, id="idle after an answer"),
        pytest.param({"receive_time": 0.5}, search(JEAN)[:20], 3, id="half a message"),
    ],
)
def test_silent_clients_are_told_before_they_are_closed(
    serving: Serving, settings: dict[str, float], sent: bytes, said: int
) -> None:
    with served(serving.directory, LdapSettings(suffix=SUFFIX, **settings)) as port, Client(port) as client:
        client.send(sent)
        found = client.read(2 if len(sent) > 20 else 1)
        assert (found[-1].message_id, found[-1].code) == (0, said)
        assert client.closed()


@pytest.mark.parametrize(("searches", "reset"), [(0, False), (1, True), (2, True)])
def test_a_connection_that_may_be_used_again_is_reset(serving: Serving, searches: int, reset: bool) -> None:
    """Evolution, seen in November 2026: what it asks after an end that it has not read is lost, and never ends;
    Postfix takes the notice for the answer."""
    with served(serving.directory, LdapSettings(suffix=SUFFIX, idle_anonymous=0.5)) as port, Client(port) as client:
        for n in range(searches):
            client.ask(search(JEAN, n + 1))
        assert codes(client.read()) == [(0, 3)]
        with pytest.raises(ConnectionResetError) if reset else nullcontext():
            assert client.socket.recv(1) == b""


def test_a_message_that_never_ends_is_closed_though_octets_keep_coming(serving: Serving) -> None:
    with served(serving.directory, LdapSettings(suffix=SUFFIX, receive_time=0.5)) as port, Client(port) as client:
        client.socket.settimeout(0.1)
        client.send(b"\x30\x82\x10\x00")
        for _ in range(80):
            try:
                client.send(b"\x00")
                if client.socket.recv(100):
                    break
            except TimeoutError:
                continue
        else:
            pytest.fail("never closed")


def test_connections_are_counted_in_all_and_by_address(serving: Serving) -> None:
    for settings in ({"connections": 3}, {"connections_per_address": 3}):
        with served(serving.directory, LdapSettings(suffix=SUFFIX, **settings)) as port, ExitStack() as stack:
            clients = [stack.enter_context(Client(port)) for _ in range(3)]
            for client in clients:
                assert codes(client.ask(search(JEAN))) == [(1, 0)]
            with Client(port) as extra:
                assert codes(extra.read()) == [(0, 51)]
                assert extra.closed()
            clients[0].send(unbind())
            assert clients[0].closed()
            with Client(port) as later:
                assert codes(later.ask(search(JEAN))) == [(1, 0)]


def test_secrets_are_verified_so_many_times_on_one_connection(serving: Serving) -> None:
    with Client(serving.port) as client:
        found = client.ask(b"".join(bind(OPERATOR, "wrong", n) for n in range(1, 22)), 21)
        assert codes(found) == [(n, 49) for n in range(1, 21)] + [(0, 51)]


def test_so_are_certificates(serving: Serving) -> None:
    with Client(serving.port) as client:
        found = codes(client.ask(b"".join(bind_sasl("EXTERNAL", n) for n in range(1, 22)), 21))
        assert {code for _, code in found[:20]} == {found[0][1]} and found[20] == (0, 51)


def test_closed_anonymous_access_lets_everybody_bind_and_answers_50(serving: Serving) -> None:
    """§1.2: Thunderbird binds for ever when a bind fails."""
    settings = LdapSettings(suffix=SUFFIX, allow_anonymous=False)
    with served(serving.directory, settings, Operators(serving.directory)) as port, Client(port) as client:
        assert codes(client.ask(bind() + search(JEAN, 2), 2)) == [(1, 0), (2, 50)]
        assert codes(client.ask(search(base="", scope=0))) == [(1, 0)]
        assert codes(client.ask(bind(OPERATOR, serving.secret) + search(JEAN, 2), 2)) == [(1, 0), (2, 0)]


def test_stopping_ends_what_is_under_way_and_tells_the_others(serving: Serving) -> None:
    gate = Gate(serving.directory)
    with ExitStack() as stack:
        with served(gate) as port:
            idle, busy = stack.enter_context(Client(port)), stack.enter_context(Client(port))
            assert codes(idle.ask(search(JEAN))) == [(1, 0)]
            busy.send(search(SLOW, 1) + extended(WHOAMI, 2))
            assert codes(busy.read()) == [(2, 0)]
            threading.Timer(0.5, gate.open.set).start()  # it is told to stop before
        assert codes(busy.read(2)) == [(1, 0), (0, 52)]
        assert codes(idle.read()) == [(0, 52)]
        assert idle.closed()


def test_time_in_the_queue_counts(serving: Serving) -> None:
    gate = Gate(serving.directory)
    settings = LdapSettings(suffix=SUFFIX, search_time=0.4, workers=1)
    with served(gate, settings) as port, Client(port) as client:
        client.send(search(SLOW, 1) + search(SLOW, 2))
        assert codes(client.ask(extended(WHOAMI, 3))) == [(3, 0)]  # from here on the searches wait
        threading.Timer(0.8, gate.open.set).start()
        assert (2, 3) in codes(client.read(2))
        assert gate.asked == 1


def test_the_base_of_everything_is_found_by_its_name(serving: Serving) -> None:
    with Client(serving.port) as client:
        assert dns(client.ask(search(base=SUFFIX.upper(), scope=0)))[0] == SUFFIX
        assert sorted(dns(client.ask(search(base=SUFFIX, scope=1)))) == sorted(
            f"ou={name},{SUFFIX}" for name in ("bal", "personnes", "structures")
        )
        assert client.ask(search(base=f"uid=x,{BAL}"))[-1].matched == BAL


def test_without_an_index_searches_and_operators_are_answered_52_and_the_root_dse_still_is(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        closing(Directory(tmp_path, SUFFIX)) as empty,
        served(empty, check=Operators(empty)) as port,
        Client(port) as client,
    ):
        assert codes(client.ask(search(JEAN, 1) + search(SLOW, 2), 2)) == [(1, 52), (2, 52)]
        assert codes(client.ask(bind(OPERATOR, "secret") + bind(message_id=2), 2)) == [(1, 52), (2, 0)]
        assert codes(client.ask(search(base="", scope=0))) == [(1, 0)]
    assert "internal fault" not in caplog.text


class Broken(Gate):
    """A directory with a fault of ours."""

    def search(self, query: Query, view: View) -> Result:
        raise ZeroDivisionError(repr(query))


def test_a_fault_of_ours_is_answered_80_and_its_log_holds_no_query(
    serving: Serving, caplog: pytest.LogCaptureFixture
) -> None:
    with served(Broken(serving.directory)) as port, Client(port) as client:
        said = codes(client.ask(search(JEAN, 1) + search(SLOW, 2) + compare(BAL, "ou", "bal", 3), 3))
        assert sorted(said) == [(1, 80), (2, 80), (3, 80)]  # whichever thread comes first
        assert codes(client.ask(extended(WHOAMI))) == [(1, 0)]
    assert "ZeroDivisionError" in caplog.text
    assert "dupont" not in caplog.text and "martin" not in caplog.text


def test_a_client_that_reads_nothing_of_its_answers_is_cut_off(serving: Serving) -> None:
    settings = LdapSettings(suffix=SUFFIX, unread_time=0.5, output_buffer=1024)
    with served(serving.directory, settings) as port, Client(port) as client:
        client.socket.settimeout(10)
        block = b"".join(search(JEAN, n) for n in range(1, 501))
        with pytest.raises(ConnectionError):
            for _ in range(20_000_000 // len(block)):
                client.send(block)
