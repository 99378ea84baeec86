"""``Directory.search`` and ``find`` give what a plain matcher gives over all entries (house.md §3, hot path 3)."""

from __future__ import annotations

import sqlite3
import tempfile
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from index_world import all_entries, make_entry, write_index
from record_factories import SUFFIX
from twin_matcher import matches, twin_search

from directory_service.entries.attributes import ATTRIBUTES
from directory_service.entries.entry import BAL, CONTAINER, PEOPLE, STRUCTURES, UNLISTED
from directory_service.errors import NotFound
from directory_service.index.directory import Directory
from directory_service.index.plan.merging import merged
from directory_service.index.plan.sieve import sieve_of
from directory_service.index.plan.simple import simplify
from directory_service.index.plan.values import value_tests
from directory_service.index.query import (
    And,
    Approx,
    Equal,
    Extensible,
    GreaterOrEqual,
    HasTag,
    InText,
    LessOrEqual,
    Not,
    Or,
    Present,
    Query,
    Scope,
    Substrings,
    Undefined,
    View,
)
from directory_service.index.render import batch_of
from directory_service.index.schema import INSERT_ENTRY, TABLES
from directory_service.ldap.dn import entry_uuid, normalise
from ldap_schema import matching

# Few letters, so that pieces are shared; the ones that texts, FTS5 and BER give a meaning to; one of another script.
LETTERS = st.sampled_from(list("aabbcdé-' ^$\"*%_.@0\0œЖ1"))
# Some that many entries have, so that what is asked is found in one and not in the next.
COMMON = [
    "ab",
    "abba",
    "bab cab",
    "c-ab",
    "d'abc",
    "éa b",
    "a.b@c.d",
    "1ab",
    "Жab",
    "a^b$c",
    "_a*b",
    "st ab",
    "saint-ab a",
]
PIECES = sorted({text[i:j] for text in COMMON for i in range(len(text)) for j in range(i + 1, len(text) + 1)})
VALUES = st.one_of(st.text(LETTERS, min_size=1, max_size=8), st.sampled_from(COMMON))
BRANCHES = st.sampled_from([BAL, PEOPLE, STRUCTURES])
PLAIN = ("cn", "sn", "givenName", "mail", "o", "ou", "l", "st", "street", "postalCode", "title", "displayName",
         "telephoneNumber", "asNationalId", "asRpps", "asProfessionCode", "asStatus", "asMailboxType",
         "asSpecialty")  # fmt: skip
ODD = ("name", "cn;lang-fr", "jpegPhoto", "initials", "entryDN", "entryUUID", "hasSubordinates", "nosuch",
       "structuralObjectClass", "subschemaSubentry", "objectClass", "uid", "HcIdentifier", "HcProfession", "asSince",
       "createTimestamp", "modifyTimestamp", "c", "asPaperless")  # fmt: skip
STAMPS = st.sampled_from(["20260105034500Z", "20260601034500Z", "2026", "20260601054500+0200"])
CLASS_NAMES = st.sampled_from(["top", "inetOrgPerson", "organization", "asMailbox", "nosuch"])


# Family names that sound alike or differ by a letter or two, and what people make of them.
HEARD = st.sampled_from(["lefebvre", "lefevre", "lefaivre", "lefebrve", "le fevre", "lefèvre jean", "jean", "jehan",
                         "de la tour", "delatour", "latour", "christophe", "cristofe", "chrsitophel", "thibault",
                         "tibo", "dupnt", "dupont", "d'aubigné", "daubigney", "abcdefgh", "abcdxxgh", "st germain",
                         "saint-germain"])  # fmt: skip

# Where and what people are and numbers, which others write differently.
SPELT = {
    "l": st.sampled_from(["PARIS", "Paris 10e Arrondissement", "Paris 1er Arrondissement", "LYON 03", "LYON CEDEX 03",
                          "lyon 3", "Lyon 3ème", "Marseille 20", "ST ETIENNE CEDEX 2", "Saint-Étienne", "saint",
                          "paris cedex", "cedex", "PARIS 01 CEDEX", "lyon 3 4", "METZ", "metz cedex 01", "St Étienne"]),
    "street": st.sampled_from(["12 B Rue DE L'EGLISE", "12 bis rue de l'église", "12bis r de l'eglise", "bd St Ab",
                               "Boulevard SAINT AB", "12 T Boulevard", "ter", "dr", "4 Rue DU DOCTEUR ROUX", "za ab",
                               "4 r du dr roux", "12b rue de l'eglise", "Zone artisanale AB"]),
    "st": st.sampled_from(["Rhône", "69", "2a", "CORSE DU SUD", "rhone", "Ain", "1", "01"]),
    "title": st.sampled_from(["Infirmier", "INFIRMIÈRE", "ide", "Masseur-Kinésithérapeute", "kiné", "kine", "as",
                              "Aide-soignant", "medecin", "psy"]),
    "asSpecialty": st.sampled_from(["Cardiologie et Maladies vasculaires", "cardiologue", "cardio", "Pédiatrie",
                                    "Pédiatrie option néonatologie", "generaliste", "Médecine générale", "psy"]),
    "asRpps": st.sampled_from(["10900000018", "810900000018", "8 10900000018", "10900000019", "810900000019"]),
}  # fmt: skip


@st.composite
def entries(draw):
    """One entry, with the attributes that its branch may hold; always-attributes are there, as promised, given names of
    mailboxes among the names, and no space in an address."""
    branch = draw(BRANCHES)
    allowed = [n for n in PLAIN if branch in ATTRIBUTES[n.lower()].branches]
    always = [a.name for a in ATTRIBUTES.values() if branch in a.always and a.name in PLAIN]
    chosen = {*always, *draw(st.lists(st.sampled_from(allowed), max_size=6))}
    values = {n: st.one_of(VALUES, HEARD, HEARD.map(str.upper)) if n in ("cn", "sn", "givenName") else VALUES
              for n in chosen} | {n: st.one_of(VALUES, SPELT[n]) for n in chosen & SPELT.keys()}  # fmt: skip
    held = {n: draw(st.lists(values[n], min_size=1, max_size=2, unique=True)) for n in sorted(chosen)}
    held["mail"] = list(dict.fromkeys(value.replace(" ", "") or "@" for value in held.get("mail", ())))
    if branch == BAL:
        held["cn"] = list(dict.fromkeys([*held["cn"], *held.get("givenName", ())]))
    return branch, draw(st.integers(0, 2)), draw(st.sampled_from([0, 0, 0, 2])), draw(STAMPS), held


@st.composite
def worlds(draw):
    drawn = draw(st.lists(entries(), min_size=draw(st.sampled_from([0, 8, 8])), max_size=12))
    stamp = "20260601034500Z"
    return [
        make_entry(branch, pk, rank=rank, view=view, changed=changed if len(changed) == 15 else stamp, **held)
        for pk, (branch, rank, view, changed, held) in enumerate(drawn, 1)
    ]


RAW = st.one_of(VALUES.map(str.encode), VALUES.map(str.encode), st.just(b"\xff"), STAMPS.map(str.encode),
                CLASS_NAMES.map(str.encode), st.just(b"x:RPPS:a:b"))  # fmt: skip
PARTS = st.one_of(st.just(""), st.text(LETTERS, max_size=4), st.sampled_from(PIECES)).map(str.encode)
NAMES = st.sampled_from(PLAIN + PLAIN + ODD)
RULES = st.sampled_from([r.name for r in matching.RULES] * 2 + [""] * 4 + ["nosuchMatch"])
DNS = st.sampled_from([f"uid=10001,ou=bal,{SUFFIX}", f"UID=20002,OU=personnes, {SUFFIX}", f"ou=bal,{SUFFIX}", "x"])
UUIDS = DNS.map(lambda dn: entry_uuid(normalise(dn)) if "=" in dn else dn)
IN_NAMES = st.sampled_from(["bal", "Personnes", "annuaire-sante", "ANNUAIRE SANTE", "fr", "10001", "20002", "bäl"])
STARRED = st.lists(st.text(LETTERS, max_size=4), min_size=1, max_size=4).map("*".join)
ANY_VALUE = st.one_of(RAW, STARRED.map(str.encode), IN_NAMES.map(str.encode), DNS.map(str.encode),
                      HEARD.map(str.encode))  # fmt: skip
EXTENSIBLES = st.builds(Extensible, RULES, st.one_of(NAMES, st.sampled_from(["ou", "o", "c", "uid", "cn", ""])),
                        ANY_VALUE, st.booleans()).filter(lambda f: f.rule or f.attribute)  # fmt: skip
IN_TEXTS = st.builds(
    InText,
    st.sampled_from([("sn",), ("sn", "name"), ("mail", "shown"), ("sn", "name", "mail", "org", "work", "place")]),
    st.one_of(
        st.text(st.sampled_from("abc^$"), min_size=1, max_size=4), st.sampled_from(["abba", "1ab", "ab", "^dab"])
    ),
)
LEAVES = st.one_of(
    st.builds(Equal, NAMES, RAW),
    st.builds(Substrings, NAMES, PARTS, st.lists(PARTS.filter(bool), max_size=2).map(tuple), PARTS).filter(
        lambda s: bool(s.initial or s.any or s.final)
    ),
    st.builds(Present, NAMES),
    st.builds(GreaterOrEqual, NAMES, RAW),
    st.builds(LessOrEqual, NAMES, RAW),
    st.builds(Approx, NAMES, RAW),
    st.builds(Approx, st.sampled_from(["cn", "sn", "givenName", "name"]), HEARD.map(str.encode)),
    EXTENSIBLES,
    *(st.builds(Equal, st.just(name), values.map(str.encode)) for name, values in SPELT.items()),
    *(
        st.builds(Substrings, st.just(name), st.just(b""), values.map(lambda said: (said.encode(),)), st.just(b""))
        for name, values in SPELT.items()
    ),
    st.builds(lambda start: Substrings("l", start.encode(), (), b""), SPELT["l"]),
    st.builds(Equal, st.just("entryDN"), DNS.map(str.encode)),
    st.builds(Equal, st.just("entryUUID"), UUIDS.map(str.encode)),
    st.builds(Undefined),
    IN_TEXTS,
    st.builds(HasTag, st.sampled_from(["pa", "pb", "aa", "tb", "z0"])),
)  # fmt: skip


def _word_in_names(word: bytes) -> Or:
    return Or(tuple(Substrings(n, b"", (word,), b"") for n in ("cn", "mail", "givenName", "sn")))


WORDS = PARTS.filter(bool).map(_word_in_names)
NESTED = st.recursive(
    st.one_of(LEAVES, WORDS),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: And(tuple(items))),
        st.lists(inner, max_size=3).map(lambda items: Or(tuple(items))),
        inner.map(Not),
    ),
    max_leaves=6,
)
# What people ask: a word, and something else of those who have it.
KINDS = (
    LEAVES,
    NESTED,
    WORDS,
    IN_TEXTS,
    EXTENSIBLES,
    st.builds(lambda word, other: And((word, other)), WORDS, NESTED),
    st.builds(lambda word, other: And((word, Not(other))), WORDS, LEAVES),
    st.builds(lambda word, other: Or((word, other)), WORDS, LEAVES),
)
FILTERS = st.sampled_from(KINDS).flatmap(lambda kind: kind)
BASES = st.sampled_from(["", *[SUFFIX, f"ou=bal,{SUFFIX}", f"ou=personnes,{SUFFIX}"] * 6, f"uid=10001,ou=bal,{SUFFIX}",
                         f"uid=20002,ou=personnes,{SUFFIX}", f"ou=none,{SUFFIX}",
                         f"uid=a,ou=bal,{SUFFIX}"])  # fmt: skip
SCOPES = st.sampled_from([Scope.SUBTREE, Scope.SUBTREE, Scope.ONE, Scope.BASE])
QUERIES = st.builds(Query, BASES, SCOPES, FILTERS, st.just(100))
VIEWS = st.sampled_from([View.ANONYMOUS, View.STAFF])


def _found(directory, query, view):
    try:
        return directory.search(query, view)
    except NotFound:
        return None


def _expected(world, query, view):
    try:
        return twin_search(world, SUFFIX, query, view)
    except NotFound:
        return None


@settings(max_examples=40, deadline=None)
@given(worlds(), st.lists(st.tuples(QUERIES, VIEWS), min_size=8, max_size=12))
def test_a_search_gives_what_a_plain_matcher_gives(world, asked) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = write_index(Path(name), world)
        with closing(Directory(folder, SUFFIX)) as directory:
            for query, view in asked:
                _check(directory, all_entries(world), query, view)


def _check(directory, world, query, view) -> None:
    expected, found = _expected(world, query, view), _found(directory, query, view)
    assert (found is None) == (expected is None)
    if found is None or expected is None:
        return
    assert sorted(hit.id for hit in found.hits) == expected
    assert not found.truncated and not found.timed_out
    ranked = _found(directory, replace(query, after=0), view)
    assert [hit.id for hit in ranked.hits] == expected
    _check_limited(directory, query, view, expected)


def _check_limited(directory, query, view, expected) -> None:
    """Fewer than all: some of them, and it is said; then the rest after the last."""
    few = _found(directory, replace(query, limit=2), view)
    assert {hit.id for hit in few.hits} <= set(expected) and len(few.hits) == min(2, len(expected))
    assert few.truncated == (len(expected) > 2)
    first = _found(directory, replace(query, limit=2, after=0), view)
    assert [hit.id for hit in first.hits] == expected[:2]
    if first.hits:
        rest = _found(directory, replace(query, after=first.hits[-1].id), view)
        assert [hit.id for hit in rest.hits] == expected[2:]


PIECE = st.sampled_from(PIECES).map(str.encode)
HELD = st.sampled_from(["cn", "sn", "givenName", "mail", "l", "street", "o", "title", "postalCode", "asRpps"])
_SIEVED = "SELECT id FROM entry e WHERE id > ? AND id < ? AND {}"
# What texts or tokens say something of.
SIEVED = st.recursive(
    st.one_of(
        st.builds(Equal, HELD, st.sampled_from(COMMON).map(str.encode)),
        st.builds(lambda name, parts: Substrings(name, b"", tuple(parts), b""), HELD,
                  st.lists(PIECE, min_size=1, max_size=2)),
        st.builds(Substrings, HELD, PIECE, st.just(()), st.one_of(st.just(b""), PIECE)),
        st.builds(Extensible, st.sampled_from(["", "caseExactMatch", "caseIgnoreMatch"]), HELD,
                  st.sampled_from([*COMMON, *map(str.upper, COMMON)]).map(str.encode)),
        st.builds(HasTag, st.sampled_from(["pa", "z", "z0", "fab", "f"]), st.booleans()),
        IN_TEXTS,
    ),
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).map(lambda items: And(tuple(items))),
        st.lists(inner, min_size=2, max_size=3).map(lambda items: Or(tuple(items))),
    ),
    max_leaves=4,
)  # fmt: skip


@settings(max_examples=30, deadline=None)
@given(worlds(), st.lists(st.tuples(SIEVED, st.booleans()), min_size=10, max_size=30))
def test_a_sieve_lets_through_all_that_matches_and_nothing_else_where_it_says_so(world, asked) -> None:
    with closing(sqlite3.connect(":memory:")) as db:
        db.execute(next(sql for sql in TABLES if sql.startswith("CREATE TABLE entry")))
        db.executemany(INSERT_ENTRY, batch_of(world, [], 0).entries)
        for item, tags in asked:
            for branch, (low, high) in ((b, (b << 36, (b + 1) << 36)) for b in (BAL, PEOPLE, STRUCTURES)):
                sieve = sieve_of(merged(simplify(item, branch, SUFFIX)), tags=tags)
                if sieve is None:
                    continue
                passed = {pk for (pk,) in db.execute(_SIEVED.format(sieve.sql), (low, high, *sieve.values))}
                fitting = {e.id for e in world if low < e.id < high and matches(e, item) is True}
                assert fitting <= passed and (passed == fitting or not sieve.exact)


LISTED = {n for n, a in ATTRIBUTES.items() if n in {p.lower() for p in PLAIN} and not a.operational}


@settings(max_examples=150, deadline=None)
@given(LEAVES, st.lists(st.one_of(VALUES, HEARD, *SPELT.values()), min_size=1, max_size=6))
def test_a_value_on_its_own_matches_as_in_an_entry_that_has_no_other(asked, values) -> None:
    """Matched values (RFC 3876) are told as filters are."""
    held = {name: test for name, test in value_tests(asked).items() if name in LISTED}
    for name, test in held.items():
        attribute = ATTRIBUTES[name]
        alone = replace(asked, attribute=attribute.name, **({"dn": False} if isinstance(asked, Extensible) else {}))
        for value in values:
            entry = make_entry(min(attribute.branches - {CONTAINER}), **{attribute.name: [value]})
            assert test(value.encode()) == (matches(entry, alone) is True), (name, value)


@pytest.mark.parametrize("letters", ["", "Ж"])
def test_letters_of_other_scripts_are_found_by_two(letters, tmp_path) -> None:
    world = [make_entry(sn=["Жa" + letters], cn=["b"]), make_entry(pk=2, sn=["aЖ"], cn=["b"])]
    with closing(Directory(write_index(tmp_path, world), SUFFIX)) as directory:
        query = Query(f"ou=bal,{SUFFIX}", Scope.ONE, Substrings("sn", b"", ("aЖ".encode(),), b""), 10)
        assert sorted(h.id for h in directory.search(query, View.ANONYMOUS).hits) == twin_search(
            all_entries(world), SUFFIX, query, 0
        )


def test_so_are_those_that_unlisted_mailboxes_alone_have(tmp_path) -> None:
    """By the staff: they are not among those that a build knows."""
    world = [make_entry(UNLISTED, view=View.STAFF, o=["aЖЩЪ"]), make_entry(pk=2, o=["aЖ"])]
    with closing(Directory(write_index(tmp_path, world), SUFFIX)) as directory:
        query = Query(f"ou=bal,{SUFFIX}", Scope.ONE, Substrings("o", b"", ("ЖЩ".encode(),), b""), 10)
        assert [[h.id for h in directory.search(query, view).hits] for view in (View.STAFF, View.OPERATOR)] == [
            [world[0].id], []
        ]  # fmt: skip
