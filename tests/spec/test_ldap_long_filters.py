"""A filter as long as a message: it keeps no worker busy, and nothing of it stays in memory."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from ldap_support import BAL, Client, Reply, Serving, dns, mails, replies, search, served
from ldap_town import build_town
from record_factories import SUFFIX

from directory_service.entries.entry import BAL as BAL_BRANCH
from directory_service.index.plan import make_plan
from directory_service.index.plan.pieces import _fours, _short_pattern, _terms
from directory_service.index.plan.simple import simplify
from directory_service.index.query import Approx, Equal, Filter, Or, Query, Scope, Substrings, View
from directory_service.ldap.filters import LABORIOUS
from directory_service.ldap.handler import Handler
from directory_service.ldap.limits import LdapSettings, Limits
from directory_service.ldap.messages import SearchRequest, decode_request, frame
from directory_service.ldap.searching import Work
from directory_service.ldap.selection import select
from directory_service.ldap.session import ANONYMOUS
from directory_service.model.names import fold
from directory_service.model.phonetics import is_heard
from ldap_schema.schema import load

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


def handler_of(town: Serving) -> Handler:
    return Handler(town.directory, load(), LdapSettings(suffix=SUFFIX), cookie_key=b"k")


def answer(handler: Handler, names: list[str]) -> list[Reply]:
    work = handler.search(decoded(search(f"(mail={JEAN})", attributes=names)), ANONYMOUS)
    assert isinstance(work, Work)
    return replies(handler.run(work, 0.0, None))


@pytest.mark.parametrize("word", ["la ", "saint ", "a", "qwertyuiopasdfghjklzxcvbnm", "dupond "])
def test_a_long_name_is_not_looked_for_by_its_sound(town: Serving, word: str) -> None:
    """All that one error makes of a word grows as its square, particles glued to what follows as its cube: one of 500
    letters took 7 s, a message of them more memory than there is."""
    value = (word * (LONG // len(word))).encode()
    with Client(town.port) as client:
        for asked in (Approx("cn", value), Approx("sn", value), Or((Approx("cn", value[:6000]),) * 10)):
            replies = client.ask(search(asked))
            assert (dns(replies), replies[-1].code) == ([], 0)


def test_a_few_characters_that_are_many_letters_are_not_looked_for_by_their_sound() -> None:
    """127 octets of U+FDFA are 760 letters: each such filter took a tenth of a second, and 256 of them a gigabyte that
    stayed."""
    for value in ("\ufdfa" * 42, "dupont " + "\ufdfa" * 30):
        assert not is_heard(value.encode())
        assert not isinstance(simplify(Approx("cn", value.encode()), BAL_BRANCH), Approx)
    assert is_heard(("é" * 64).encode()) and is_heard("œ".encode() * 64)


def test_many_names_are_not_all_looked_for_by_their_sound() -> None:
    """Sixty of ninety letters took three seconds of a thread, which nothing ends before."""
    asked = decoded(search(Or(tuple(Approx("cn", b"%02d" % n + b"a" * 88) for n in range(60))))).filter
    assert isinstance(asked, Or)
    kinds = [type(item) for item in asked.items]
    assert kinds == [Approx] * 10 + [Equal] * 50


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


@pytest.mark.parametrize("name", ["cn", "description", "uid"])
@pytest.mark.parametrize("kind", [Equal, Approx, lambda name, value: Substrings(name, b"", (value,), b"")])
def test_nothing_of_a_long_filter_is_remembered(town: Serving, kind: type[Equal], name: str) -> None:
    known = list[int]()
    remembered = (make_plan, _short_pattern, _terms, _fours, fold)
    short = Substrings("cn", b"", (b"dupont",), b"")
    with Client(town.port) as client:
        for n in range(21):
            long: Filter = kind(name, b"%d" % n * 5000)
            assert client.ask(search(Or((long, short))))[-1].code == 0
            sizes = [cache.cache_info().currsize for cache in remembered]
            sizes.append(len(town.directory._answers.of(town.directory.build().id)))
            known = known or sizes  # what the short one leaves
            assert sizes == known


def test_nothing_of_a_long_list_of_attributes_is_remembered(town: Serving) -> None:
    """Whoever asks for the same entry by ever other lists would fill the memory with them."""
    handler = handler_of(town)
    for names in ([f"{'x' * 300}{n}" for n in range(100)], ["cn", "x" * 2000], ["cn", *(f"x{n}" for n in range(40))]):
        assert dns(answer(handler, names)) and not handler.searcher._kept
    assert dns(answer(handler, ["cn", "mail"])) and len(handler.searcher._kept) == 1


def test_what_was_rendered_of_a_build_is_of_that_build(town: Serving) -> None:
    """A thread that still answers from the build before must not put its entries among those of the new one."""
    searcher, selection = handler_of(town).searcher, select(("cn",), lambda name: name)
    [before] = town.directory.search(Query(BAL, Scope.ONE, Equal("mail", JEAN.encode()), 1), View.ANONYMOUS).hits
    after = before._replace(ber=before.ber.replace(b"DUPONT", b"DURAND"))
    old = searcher._rendered("old", selection, [before])
    kept = searcher._kept
    assert searcher._rendered("new", selection, [after]) != old
    kept[before.id, selection] = old[0]  # what the slow thread does now
    assert searcher._rendered("new", selection, [after]) != old
