"""What a question costs: which look-ups a plan makes, and what it leaves to check."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from directory_service.entries.entry import BAL, PEOPLE, STRUCTURES
from directory_service.index.criteria import typed_filter
from directory_service.index.plan import make_plan
from directory_service.index.plan.fours import INDEXED, term, terms, terms_in, writings
from directory_service.index.plan.pieces import MOST_TERMS, Lexicon
from directory_service.index.plan.predicate import Layout, compile_filter
from directory_service.index.plan.sieve import sieve_of
from directory_service.index.plan.simple import simplify
from directory_service.index.query import (
    FALSE,
    TRUE,
    And,
    Equal,
    GreaterOrEqual,
    HasTag,
    InText,
    Not,
    Or,
    Present,
    Substrings,
    Undefined,
)


def has(name: str, *words: bytes) -> Substrings:
    return Substrings(name, b"", words, b"")


def thunderbird(word: bytes) -> Or:
    return Or(tuple(has(name, word) for name in ("cn", "mail", "givenName", "sn")))


@pytest.mark.parametrize(
    ("asked", "branch", "left"),
    [
        (Present("objectClass"), BAL, TRUE),
        (Equal("objectClass", b"inetOrgPerson"), BAL, TRUE),
        (Equal("objectClass", b"2.5.6.6"), PEOPLE, TRUE),  # person, by its OID
        (Equal("objectClass", b"inetOrgPerson"), STRUCTURES, FALSE),
        (Equal("objectClass", b"nosuch"), BAL, Undefined()),
        (Present("mail"), BAL, TRUE),
        (Present("mail"), PEOPLE, Present("mail")),
        (Present("nosuch"), BAL, Undefined()),
        (Equal("asMailboxType", b"PER"), PEOPLE, FALSE),
        (Equal("cn", b"-"), BAL, Undefined()),
        (GreaterOrEqual("telephoneNumber", b"1"), BAL, Undefined()),
        (Not(Present("mail")), BAL, FALSE),
        (Not(Not(Present("ou"))), BAL, Present("ou")),
        (Not(Undefined()), BAL, Undefined()),
        (Or((Undefined(), Present("mail"))), BAL, TRUE),
        (And((Present("mail"), thunderbird(b"dup"))), BAL, thunderbird(b"dup")),
        # KDE: persons, groups or anything with mail, and a name
        (And((Or((Equal("objectClass", b"person"), Present("mail"))), Present("ou"))), BAL, Present("ou")),
    ],
)  # fmt: skip
def test_what_is_the_same_for_a_whole_branch_is_folded_away(asked, branch, left) -> None:
    assert simplify(asked, branch) == left


def test_the_four_way_filter_of_thunderbird_is_one_look_up() -> None:
    (path,) = make_plan(thunderbird(b"dup"), PEOPLE).paths
    assert path.text == '{sn name given mail}:("dup")'
    (path,) = make_plan(thunderbird(b"dup"), BAL).paths
    assert path.whole and path.names.count('"') == 4


@pytest.mark.parametrize("name", ["mail", "uid", "asNationalId", "asRpps", "asAdeli"])
def test_an_equality_on_an_identifier_is_a_look_up_by_key(name: str) -> None:
    plan = make_plan(Equal(name, b"810000000001"), BAL)
    assert plan.is_point and len(plan.paths) == 1


@pytest.mark.parametrize(
    ("name", "typed", "begins", "tag"),
    [
        ("uid", b"81007", ("u81007",), ""),
        ("asRpps", b"1007", ("i81007",), ""),
        ("asRpps", b"8 1007", ("i881007", "i81007"), ""),
        ("asAdeli", b"2a1", ("i02a1", "i02A1"), ""),
        ("asFiness", b"75 0", (), '("f750"* OR "fx373530"*)'),
    ],
)
def test_a_number_is_looked_up_by_how_it_begins(name: str, typed: bytes, begins: tuple[str, ...], tag: str) -> None:
    (path,) = make_plan(Substrings(name, typed, (), b""), BAL).paths
    assert (path.begins, path.tag) == (begins, tag)


@pytest.mark.parametrize(
    ("name", "typed"),
    [("asRpps", "8\ud7ff"), ("uid", "8\U0010ffff"), ("HcProfession", "1.2"), ("HcIdentifier", "1.2"), ("mail", "a")],
)
def test_where_no_key_or_token_begins_as_the_value_none_is_looked_up_so(name: str, typed: str) -> None:
    """Behind the last letters of all no range ends; of some values a part is the key."""
    for path in make_plan(Substrings(name, typed.encode(), (), b""), PEOPLE).paths or ():
        assert path.text and not path.begins and not path.tag


def test_of_two_beginnings_the_longer_is_looked_up() -> None:
    short, long = Substrings("asRpps", b"1", (), b""), Substrings("asNationalId", b"81007", (), b"")
    for asked in (And((short, long)), And((long, short))):
        assert [path.begins for path in make_plan(asked, PEOPLE).paths] == [("i81007",)]


def test_beside_what_few_have_a_number_is_checked_and_need_not_be_looked_up() -> None:
    number = Substrings("asRpps", b"1007", (), b"")
    (path,) = make_plan(And((number, Equal("asStatus", b"active"))), BAL).paths
    assert path.begins and path.tag and path.is_other  # the reader takes the shorter list
    (path,) = make_plan(And((number, Equal("mail", b"a@b"))), BAL).paths
    assert path.keys and not path.begins
    paths = make_plan(Or((number, Equal("mail", b"a@b"), has("sn", b"dup"))), PEOPLE).paths
    assert [bool(p.keys) + 2 * bool(p.begins) + 4 * bool(p.text) for p in paths] == [1, 2, 4]


@pytest.mark.parametrize(
    "asked",
    [
        And((Equal("mail", b"a@b"), thunderbird(b"dup"))),
        Or((Equal("mail", b"a@b"), Equal("mail", b"c@d"))),
        And((Equal("mail", b"a@b"), Undefined())),
        FALSE,
    ],
)
def test_keys_win_over_texts_and_nothing_is_a_point(asked) -> None:
    assert make_plan(asked, BAL).is_point


def test_a_long_word_takes_no_more_look_ups_than_a_short_one() -> None:
    lexicon = Lexicon(counts={"sch": 1, "wei": 2, "itz": 3})
    (path,) = make_plan(has("sn", b"schweitzer"), PEOPLE, lexicon).paths
    assert path.text.count('"') == 2 * MOST_TERMS and '"sch"' not in path.text  # letters never met are rarer yet


@pytest.mark.parametrize(
    ("asked", "term"),
    [
        (has("sn", b"du"), '"dup"'),  # any third letter
        (Substrings("sn", b"d", (), b""), '"^du"'),
        (Substrings("sn", b"du", (), b""), '"^du"'),
        (Substrings("sn", b"", (), b"t"), '"nt$"'),
    ],
)
def test_one_and_two_letters_are_looked_up_too(asked, term) -> None:
    (path,) = make_plan(asked, PEOPLE).paths
    assert term in path.text


@pytest.mark.parametrize("typed", [b"dupont", b"dup", b"du"])
def test_mailboxes_are_looked_up_by_their_own_lists(typed: bytes) -> None:
    (path,) = make_plan(thunderbird(typed), BAL).paths
    assert path.whole and path.names
    assert not make_plan(has("sn", b"dupont"), PEOPLE).paths[0].names  # the lists hold mailboxes only


def test_the_rarest_letters_are_looked_up_and_others_as_long_as_their_lists_are_short() -> None:
    def asked(**counts: int) -> str:
        lexicon = Lexicon(fours={term(letters, "name"): count for letters, count in counts.items()})
        (path,) = make_plan(has("cn", b"martin", b"phi"), BAL, lexicon).paths
        return path.names

    words = {"mart": 20_000, "arti": 20_000, "rtin": 20_000}
    assert asked(**words) == f'"{term("phi", "name")}"'  # few have it: no other list is worth reading
    assert asked(**words, phi=1_000).count(" AND ") == 2
    assert asked(**words, phi=5_000).count(" AND ") == 3  # candidates take longer than a list more
    assert f'"{term("phi", "name")}"' not in asked(mart=300, arti=400, rtin=500, phi=100_000)


def test_a_common_word_is_looked_for_among_the_candidates_of_a_rare_one() -> None:
    counts = {"gros": 700, "alex": 5_000, "le": 150_000}
    lexicon = Lexicon(
        fours={term(letters, column): count for letters, count in counts.items() for column in ("name", "mail")},
        mailboxes=500_000,
    )
    (path,) = make_plan(typed_filter("le gros alex"), BAL, lexicon).paths
    assert all(f'"{term(letters, "name")}"' in path.names for letters in ("gros", "alex"))
    assert f'"{term("le", "name")}"' not in path.names
    (path,) = make_plan(typed_filter("le alex"), BAL, lexicon).paths
    assert f'"{term("le", "name")}"' in path.names  # five thousand candidates take longer than its list


def test_four_letters_beside_a_town_find_all_that_is_meant() -> None:
    (path,) = make_plan(And((has("cn", b"dupont"), has("l", b"lyon"))), BAL).paths
    assert path.names and path.text and not path.whole


@pytest.mark.parametrize("column", INDEXED)
@pytest.mark.parametrize("text", ["dupont", "a", "", "œuvre", "Ж1Ж1", "^dupont$", "a^b"])
def test_letters_are_found_in_the_text_that_is_indexed(text: str, column: str) -> None:
    indexed = terms_in([f"^avant{text}apres$" if c == column else "" for c in INDEXED]).split()
    pieces = {text[i : i + size] for size in (2, 3, 4) for i in range(len(text) - size + 1)}
    assert {term(piece, column) for piece in pieces} <= set(indexed)


@pytest.mark.parametrize(
    "texts",
    [
        ("^dupont$", "^jeandupont$^dupontjean$", "^jean$", "^jean.dupont@medecin.mssante.fr$", ""),
        ("^li$^wu$", "^jo$", "", "^j@a$^k@b$", ""),
        ("^li$", "^lijo$^joli$", "^jo$", "^@a$", "^medecinlyon$"),
        ("", "", "", "^secretariat$", "^nantes$"),
    ],
)
def test_every_two_to_four_letters_are_indexed_and_nothing_else(texts: tuple[str, ...]) -> None:
    cut = {
        term(text[i : i + size], column)
        for text, column in zip(texts, INDEXED, strict=True)
        for size in (2, 3, 4)
        for i in range(len(text) - size + 1)
    }
    assert set(terms_in(texts).split()) == cut


NAME = st.text(st.sampled_from("abc"), min_size=1, max_size=5)
BESIDE = st.text(st.sampled_from("abcd"), max_size=8)


@given(NAME, NAME, BESIDE, BESIDE)
def test_a_display_name_is_found_by_any_letters_of_it(family: str, own: str, before: str, after: str) -> None:
    """Those of the name in it are written once, as a name."""
    shown, name = f"^{before}{own}{family}{after}$", f"^{family}{own}$^{own}{family}$"
    indexed = set(terms_in([f"^{family}$", name, f"^{own}$", "", shown]).split())
    for size in (2, 3, 4):
        for i in range(len(shown) - size + 1):
            assert not indexed.isdisjoint(terms(shown[i : i + size], "shown"))
    assert len(indexed) <= len(set(terms_in([f"^{family}$", name, f"^{own}$", "", ""]).split())) + 3 * (
        len(before) + len(after) + 10
    )


def test_what_holds_the_text_anywhere_is_not_asked_whether_it_begins_so() -> None:
    starts = [Substrings(name, b"dup", (), b"") for name in ("sn", "mail")]
    beside = make_plan(Or((*starts, has("mail", b"dup"))), BAL).filter
    assert beside == Or((InText(("sn",), "^dup"), InText(("mail",), "dup")))
    assert make_plan(Or((*starts, has("cn", b"dup"))), BAL).filter == Or((
        InText(("sn", "mail"), "^dup"), InText(("name",), "dup"),
    ))  # fmt: skip


def test_a_start_is_looked_up_in_each_text_that_is_asked() -> None:
    """Letters within a displayName are looked for among names too, its start is not."""
    starts = Or(tuple([Substrings(name, b"dup", (), b"") for name in ("sn", "displayName")]))
    (path,) = make_plan(starts, BAL).paths
    assert all(term("^dup", column) in path.names for column in ("sn", "shown"))


def test_a_start_is_of_one_text() -> None:
    assert len({term("^dup", column) for column in INDEXED}) == len(INDEXED)
    assert term("dup", "sn") == term("dup", "name")
    assert len({term("dup", column) for column in ("name", "given", "mail")}) == 3
    assert writings(("sn", "name", "mail", "shown")) == ("mail", "shown")  # which looks among names, too


@pytest.mark.parametrize(
    ("asked", "quick"),
    [
        (thunderbird(b"dupont"), True),
        (thunderbird(b"du"), True),
        (has("l", b"lyon"), False),  # two terms that each find much
        (Not(Present("ou")), False),
        (Equal("mail", b"a@b"), True),
    ],
)
def test_what_is_quick(asked, quick: bool) -> None:
    assert make_plan(asked, BAL).is_quick is quick


def test_names_that_start_as_typed_come_first() -> None:
    whole, family, any_name, any_word = make_plan(thunderbird(b"dup"), BAL).first
    assert whole.paths[0].start == "^dup$"
    assert f'"{term("^dup", "sn")}"' in family.paths[0].names and term("^dup", "name") in any_name.paths[0].names
    assert any_word.paths[0].tag == '"0wdup"'
    assert next(iter(make_plan(thunderbird(b"dupont"), BAL).first)).paths[0].start == "^dupont"


def test_of_two_words_both_come_first() -> None:
    both = Or((has("cn", b"jean", b"dup"), has("mail", b"jean dup"), has("givenName", b"jean"), has("sn", b"jean dup")))
    pair, starts, *_ = make_plan(both, BAL).first
    assert pair.paths[0].tag == '"qjdeuap"*'
    assert "dup" in repr(starts.filter) and "^jean" in repr(starts.filter)
    assert not isinstance(starts.filter, Or)  # nobody of whom one word alone is right


def test_every_word_counts_wherever_the_first_of_them_stands() -> None:
    for tier in make_plan(has("cn", b"jean", b"dup"), PEOPLE).first:
        assert "dup" in repr(tier.filter)


def test_given_names_that_start_as_typed_come_first_where_given_names_are_asked_for() -> None:
    starts, *_ = make_plan(InText(("given",), "jean"), PEOPLE).first
    assert starts.filter == InText(("given",), "^jean")


def test_one_word_and_a_town_are_not_two_words() -> None:
    asked = And((thunderbird(b"dupont"), Equal("l", b"lyon")))
    family, *_ = make_plan(asked, BAL).first
    assert "^dupont" in repr(family.filter)


def test_the_first_word_alone_is_looked_for_among_given_names_only() -> None:
    whole = has("mail", b"dupont je"), has("sn", b"dupont je")
    both = Or((has("cn", b"dupont", b"je"), has("givenName", b"dupont"), *whole))
    several, alone = make_plan(both, BAL).halves
    assert term("dupo", "given") in alone.paths[0].names and term("dupo", "name") not in alone.paths[0].names
    assert term("dupo", "name") in several.paths[0].names
    assert term("nt j", "mail") not in several.paths[0].names  # no address holds a space


@pytest.mark.parametrize("word", [b'a"b"c', b"a^b$c", b"{sn}:x", b"NEAR(a b)", b"a\0bcd", b"*)(x"])
def test_operators_of_fts5_are_letters_like_others(word: bytes) -> None:
    for path in make_plan(has("mail", word), BAL).paths or ():
        assert path.text.count('"') % 2 == 0 and "\0" not in path.text


@pytest.mark.parametrize(("tags", "whole", "start"), [("h1 wmar p2", True, True), ("wmartin", False, True),
                                                      ("y8awmar 1wmar", False, False), ("", False, False)])  # fmt: skip
def test_a_token_is_told_from_one_that_holds_it(tags: str, whole: bool, start: bool) -> None:
    for starts, expected in ((False, whole), (True, start)):
        asked, layout = HasTag("wmar", starts), Layout()
        test = compile_filter(asked, layout)
        assert layout.columns == ("id", "tags") and test((1, tags)) == expected
        sieve = sieve_of(asked, tags=True)
        assert sieve is not None
        with closing(sqlite3.connect(":memory:")) as db:
            sql = f"SELECT count(*) FROM (SELECT ? AS tags) e WHERE {sieve.sql}"
            assert db.execute(sql, (tags, *sieve.values)).fetchone() == (expected,)
