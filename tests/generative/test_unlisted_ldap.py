"""Liste rouge over LDAP: whatever is asked, with whatever controls, the octets of the answers are those of a country in
which the unlisted mailboxes never were, or in which others are unlisted.  Cookies are followed to the end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ldap_support import PAGED, compare, encode_filter, matched, paged, replies, search, sorting, window
from record_factories import SUFFIX
from unlisted_world import SOUTH, Countries, Country, countries, pieces_of

from directory_service.entries.attributes import ATTRIBUTES
from directory_service.index.directory import Directory
from directory_service.index.query import (
    And,
    Approx,
    Equal,
    Extensible,
    Filter,
    GreaterOrEqual,
    LessOrEqual,
    Not,
    Or,
    Present,
    Substrings,
    View,
)
from directory_service.ldap.ber import Reader
from directory_service.ldap.dn import entry_uuid, normalise
from directory_service.ldap.handler import Handler, canonical_names
from directory_service.ldap.limits import LdapSettings
from directory_service.ldap.messages import CompareRequest, Control, SearchRequest
from directory_service.ldap.session import ANONYMOUS, Identity, Refusal, Session
from ldap_schema.schema import load

OPERATOR = Identity(f"cn={SOUTH},ou=operateurs,{SUFFIX}", SOUTH, View.OPERATOR)
_FEW = 25  # candidates that one search may look at, where that is to be few


class Face:
    """One country as LDAP shows it, to whom; without a socket."""

    def __init__(self, directory: Directory) -> None:
        self.settings = LdapSettings(suffix=SUFFIX)
        self.handler = Handler(directory, load(), self.settings, cookie_key=b"one")

    def answer(self, asked: bytes, who: Identity) -> bytes:
        session = Session(canonical_names(load()), self.settings.limits)
        session.bound_as(who)
        [event] = session.receive(asked)
        if isinstance(event, Refusal):
            return event.reply
        assert isinstance(event, SearchRequest | CompareRequest)
        if refused := self.handler.refuse_controls(event):
            return refused
        if isinstance(event, CompareRequest):
            return self.handler.compare(event, who)
        work = self.handler.search(event, who)
        return work if isinstance(work, bytes) else self.handler.run(work, 0.0, None)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Countries]:
    with closing(countries(tmp_path_factory.mktemp("unlisted"))) as made:
        yield made


@pytest.fixture(scope="module")
def faces(world: Countries) -> Iterator[list[list[Face]]]:
    """The country without them, then the others; with what a search may cost, and with next to nothing."""
    opened = [world.absent, world.hidden, world.other, world.followed]
    short = [Directory(c.folder / "index", SUFFIX, candidates=_FEW) for c in opened]
    yield [[Face(c.directory) for c in opened], [Face(d) for d in short]]
    for directory in short:
        directory.close()


# --- what is asked ---------------------------------------------------------------------------------------------------

KNOWN = ["Zèbre", "quagga", "labyrinthe", "10", "60", "PER", "ORG", "APP", "TRUE", "active", "20260902120000Z", "SM54",
         "75", "mar", "an", "e", "paris", "inetOrgPerson"]  # fmt: skip
NAMES = st.sampled_from([a.name for a in ATTRIBUTES.values()] + ["mail", "cn", "sn", "givenName", "uid"] * 4 + ["name"])
KEYS = ["cn", "-sn", "mail", "givenName", "l", "asSince", "modifyTimestamp", "o", "-mail"]
ORDERS = st.lists(st.sampled_from(KEYS), min_size=1, max_size=2, unique_by=lambda key: key.lstrip("-"))
SELECTIONS = st.sampled_from([(), ("*", "+"), ("mail",), ("1.1",), ("cn", "mail", "userCertificate;binary"),
                              ("hasSubordinates", "modifyTimestamp", "entryUUID")])  # fmt: skip
STAFF = Identity("cn=x", "", View.STAFF)


class Asked:
    """What there is to ask of one world: texts and names of what is hidden, of what is not, of what is nowhere."""

    def __init__(self, world: Countries, faces: Sequence[Face]) -> None:
        person, place = world.people[0].national, world.places[0]
        self.hidden = [name for country, face in zip((world.hidden, world.other), faces, strict=True)
                       for name in _hidden(country, face)]  # fmt: skip
        self.entries = [*self.hidden, f"uid={person},ou=personnes,{SUFFIX}", f"uid={place},ou=structures,{SUFFIX}",
                        f"uid=x,ou=bal,{SUFFIX}", f"ou=bal,{SUFFIX}", SUFFIX]  # fmt: skip
        pieces = [piece for address in world.unlisted[::3] for piece in pieces_of(address)]
        people = [t for p in world.people[:20] for t in (p.national, p.national[1:], p.family, p.given, p.family[:3])]
        self.texts = [*pieces, *people, *world.places[:4], *world.listed[::30], *KNOWN]
        named = [*self.entries, *(entry_uuid(normalise(name)) for name in self.entries)]
        self.text, self.entry = _one_of(self.texts), _one_of(self.entries)
        part = st.tuples(self.text, st.integers(0, 12)).map(lambda cut: cut[0][cut[1] :][:4] or "a")
        short = st.text(st.sampled_from("abelmnrst.@-e"), min_size=1, max_size=3)
        self.value = st.one_of(self.text, part, short, _one_of(named)).map(str.encode)
        self.base = st.sampled_from(["", SUFFIX, *[f"ou=bal,{SUFFIX}"] * 3, f"ou=personnes,{SUFFIX}"]) | self.entry
        self.filter = st.recursive(self._leaves(), _joined, max_leaves=5)
        self.controls = self._controls()

    def _leaves(self) -> st.SearchStrategy[Filter]:
        value = self.value
        parts = st.one_of(st.just(b""), value)
        rules = st.sampled_from(["", "caseIgnoreMatch", "caseExactMatch"])
        return st.one_of(
            st.builds(Equal, NAMES, value),
            st.builds(Present, NAMES),
            st.builds(GreaterOrEqual, NAMES, value),
            st.builds(LessOrEqual, NAMES, value),
            st.builds(Approx, st.sampled_from(["cn", "sn", "givenName", "mail"]), value),
            st.builds(Substrings, NAMES, parts, st.lists(value, max_size=2).map(tuple), parts).filter(
                lambda s: bool(s.initial or s.any or s.final)
            ),
            st.builds(Extensible, rules, NAMES, value, st.booleans()),
            value.map(_typed),
        )

    def _controls(self) -> st.SearchStrategy[tuple[Control, ...]]:
        order, page = ORDERS.map(lambda some: sorting(*some)), st.integers(1, 30).map(paged)
        near, far, place = st.integers(0, 3), st.integers(0, 9), st.integers(1, 40)
        at = st.builds(window, near, far, place, st.integers(0, 40))
        of = st.builds(lambda before, after, text: window(before, after, value=text), near, far, self.text)
        values = st.lists(st.builds(Equal, NAMES, self.value), min_size=1, max_size=3).map(
            lambda some: matched(*map(encode_filter, some))
        )
        some = (page,), (order,), (order, page), (order, at | of), (values,), (values, page)
        return st.one_of(st.just(()), *(st.tuples(*together) for together in some))


def _one_of(some: Sequence[str]) -> st.SearchStrategy[str]:
    """Without the values in its text, which Hypothesis would repeat by the page."""

    def chosen(n: int) -> str:
        return some[n]

    return st.integers(0, len(some) - 1).map(chosen)


def _hidden(country: Country, face: Face) -> list[str]:
    found = replies(face.answer(search("(mail=*)", base=f"ou=bal,{SUFFIX}", scope=1), STAFF))
    names = [reply.dn for reply in found if reply.code is None and reply.attributes["mail"][0] in country.hidden]
    assert len(names) > len(country.hidden) // 2  # else nothing of this is tested: some were closed in the meantime
    return names[:8]


def _typed(word: bytes) -> Filter:
    """As Thunderbird asks."""
    return Or(tuple(Substrings(n, b"", (word,), b"") for n in ("cn", "mail", "givenName", "sn")))


def _joined(inner: st.SearchStrategy[Filter]) -> st.SearchStrategy[Filter]:
    some = st.lists(inner, min_size=1, max_size=3).map(tuple)
    return st.one_of(some.map(And), some.map(Or), inner.map(Not))


# --- and answered ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def asked(world: Countries, faces: list[list[Face]]) -> Asked:
    return Asked(world, faces[0][1:3])


def pages(face: Face, who: Identity, filtered: Filter, some: tuple[Control, ...], more: dict[str, Any]) -> list[bytes]:
    """The answer and, while it has a cookie, what comes after."""
    found = [face.answer(search(filtered, 1, *some, **more), who)]
    others = tuple(control for control in some if control.oid != PAGED)
    while cookie := cookie_of(found[-1]):
        found.append(face.answer(search(filtered, 1, *others, paged(7, cookie), **more), who))
    return found


def cookie_of(answer: bytes) -> bytes:
    done = replies(answer)[-1]
    if PAGED not in done.controls:
        return b""
    reader = Reader(done.controls[PAGED]).enter()
    reader.integer()
    return reader.octets()


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(st.data(), st.sampled_from([ANONYMOUS, OPERATOR]), st.booleans(), st.sampled_from([0, 0, 1, 5]))
def test_no_search_tells_what_is_unlisted(
    asked, faces, data: st.DataObject, who: Identity, few: bool, size: int
) -> None:
    filtered = data.draw(asked.filter, label="filter")
    some = data.draw(asked.controls, label="controls")
    more = {
        "base": data.draw(asked.base, label="base"),
        "scope": data.draw(st.sampled_from([2, 2, 1, 0]), label="scope"),
        "attributes": data.draw(SELECTIONS, label="attributes"),
        "size": size,
        "types_only": data.draw(st.booleans(), label="types only"),
    }
    absent, *others = [pages(face, who, filtered, some, more) for face in faces[few]]
    assert others == [absent] * len(others)


@settings(max_examples=150)
@given(st.data(), st.sampled_from([ANONYMOUS, OPERATOR]))
def test_no_comparison_tells_what_is_unlisted(asked, faces, data: st.DataObject, who: Identity) -> None:
    name, attribute, value = (data.draw(drawn) for drawn in (asked.entry, NAMES, asked.text))
    absent, *others = [face.answer(compare(name, attribute, value), who) for face in faces[0]]
    assert others == [absent] * len(others)
