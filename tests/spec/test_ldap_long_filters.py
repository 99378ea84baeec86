"""A filter as long as a message: it keeps no worker busy, and nothing of it stays in memory."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from ldap_support import BAL, Client, Serving, build_town, dns, mails, search, served

from directory_service.index.plan import make_plan
from directory_service.index.plan.pieces import _known_fours, _known_pattern, _known_terms
from directory_service.index.query import Approx, Equal, Filter, Or, Query, Scope, Substrings
from directory_service.ldap.filters import LABORIOUS
from directory_service.ldap.limits import Limits
from directory_service.ldap.messages import SearchRequest, decode_request, frame

JEAN = "jean.dupont@medecin.mssante.fr"
LONG = Limits().pdu_anonymous - 500


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    directory, secret = build_town(tmp_path_factory.mktemp("town"), people=50)
    with served(directory) as number:
        yield Serving(number, secret, directory)
    directory.close()


def decoded(message: bytes) -> SearchRequest:
    found = frame(message, 0, len(message))
    assert found
    asked = decode_request(message, *found, lambda name: name, Limits())
    assert isinstance(asked, SearchRequest)
    return asked


@pytest.mark.parametrize("word", ["la ", "saint ", "a", "qwertyuiopasdfghjklzxcvbnm", "dupond "])
def test_a_long_name_is_not_looked_for_by_its_sound(town: Serving, word: str) -> None:
    """All that one error makes of a word grows as its square, particles glued to what follows as its cube: one of 500
    letters took 7 s, a message of them more memory than there is."""
    value = (word * (LONG // len(word))).encode()
    started = time.process_time()
    with Client(town.port) as client:
        for asked in (Approx("cn", value), Approx("sn", value), Or((Approx("cn", value[:6000]),) * 10)):
            replies = client.ask(search(asked))
            assert (dns(replies), replies[-1].code) == ([], 0)
    assert time.process_time() - started < 5


def test_a_long_name_may_still_be_the_same(town: Serving) -> None:
    with Client(town.port) as client:
        for gap in (1, 20, 2000):
            assert JEAN in mails(client.ask(search(Approx("cn", b"jean" + b" " * gap + b"dupont"))))


def test_what_takes_long_to_plan_is_known_when_it_is_read() -> None:
    word = b"a" * (LABORIOUS + 1)
    assert decoded(search(Substrings("cn", b"", (word,), b""))).laborious
    assert decoded(search(Or(tuple(Approx("cn", b"dupont%d" % n) for n in range(9))))).laborious
    assert not decoded(search(Approx("cn", b"jean-baptiste dupont"))).laborious
    assert not decoded(search(Or((Substrings("cn", b"", (b"dupont",), b""),) * 60))).laborious


def test_what_takes_long_to_plan_is_no_work_for_the_loop(town: Serving) -> None:
    """Whether it is quick is asked in the event loop, and only its plan could tell."""
    asked = Query(BAL, Scope.ONE, Substrings("cn", b"", (b"dupont",), b""), 10)
    assert town.directory.is_quick(asked)
    asked.kept = False
    assert not town.directory.is_quick(asked) and not town.directory.is_point(asked)


@pytest.mark.parametrize("kind", [Equal, Approx, lambda name, value: Substrings(name, b"", (value,), b"")])
def test_nothing_of_a_long_filter_is_remembered(town: Serving, kind: type[Equal]) -> None:
    remembered = (make_plan, _known_pattern, _known_terms, _known_fours)
    with Client(town.port) as client:
        client.ask(search("(cn=*dupont*)"))
        known = [cache.cache_info().currsize for cache in remembered]
        answers = len(town.directory._answers.of(town.directory.build().id))
        for n in range(20):
            long: Filter = kind("cn", b"%d" % n * 5000)
            assert client.ask(search(Or((long, Substrings("cn", b"", (b"dupont",), b"")))))[-1].code == 0
        assert len(town.directory._answers.of(town.directory.build().id)) == answers
        after = [cache.cache_info().currsize for cache in remembered]
        assert [b - a for a, b in zip(known, after, strict=True)] == [0, 0, 0, 0]
