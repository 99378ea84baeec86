"""The door: records by number, what each view sees, criteria and their pages, limits."""

from __future__ import annotations

import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
import search_world
import web_world as world
from index_world import make_entry, write_index
from record_factories import SUFFIX

from directory_service.entries.entry import BAL as BOXES
from directory_service.entries.entry import PEOPLE
from directory_service.entries.naming import joined_tokens, pair_tokens
from directory_service.errors import InvalidInput, NotFound
from directory_service.index import ranges, reader
from directory_service.index.criteria import typed_filter
from directory_service.index.directory import Criteria, Directory, Result
from directory_service.index.query import (
    TRUE,
    And,
    Approx,
    Equal,
    Extensible,
    Filter,
    GreaterOrEqual,
    InText,
    Not,
    Or,
    Query,
    Scope,
    SortKey,
    Substrings,
    Undefined,
    View,
)

BAL, PERSONS = f"ou=bal,{SUFFIX}", f"ou=personnes,{SUFFIX}"
ANYONE, STAFF = View.ANONYMOUS, View.STAFF


def crowd(folder: Path, count: int, branch: int = PEOPLE) -> Directory:
    people = [
        make_entry(branch, n, cn=[f"DUPONT JEAN{n:03d}"], sn=["DUPONT"], l=["LYON"], asProfessionCode=["10"])
        for n in range(1, count + 1)
    ]
    return Directory(write_index(folder, people), SUFFIX)


@pytest.mark.parametrize("typed", [world.ZOE, world.ZOE[1:], "RPPS : " + world.ZOE[1:]])
def test_a_number_in_force_finds_its_holder(directory: Directory, typed: str) -> None:
    hit, former = directory.practitioner(typed, ANYONE)
    assert hit.dn == f"uid={world.ZOE},{PERSONS}" and former is None


def test_a_former_number_says_so(directory: Directory) -> None:
    hit, former = directory.practitioner(world.ZOE_ADELI, ANYONE)
    assert hit.dn == f"uid={world.ZOE},{PERSONS}" and former == "0" + world.ZOE_ADELI


@pytest.mark.parametrize("typed", ["", "dupont", "10999999999", "*", "' OR 1=1 --"])
def test_what_is_no_number_of_anybody_is_not_found(directory: Directory, typed: str) -> None:
    with pytest.raises(NotFound):
        directory.practitioner(typed, STAFF)
    with pytest.raises(NotFound):
        directory.organization(typed, STAFF)


@pytest.mark.parametrize("typed", [world.HOSPITAL_FINESS, "1" + world.HOSPITAL_FINESS, "266 900 000 00017"])
def test_a_structure_is_found_by_each_of_its_numbers(directory: Directory, typed: str) -> None:
    assert directory.organization(typed, ANYONE).dn.startswith("uid=1" + world.HOSPITAL_FINESS)


def test_an_unlisted_mailbox_exists_for_the_staff_alone(directory: Directory) -> None:
    address = "cachee@medecin.mssante.fr"
    query = Query(BAL, Scope.ONE, Equal("mail", address.encode()), 10)
    for view in (View.ANONYMOUS, View.OPERATOR):
        assert directory.search(query, view).hits == []
        with pytest.raises(NotFound):
            directory.mailbox(address, view)
    (hit,) = directory.search(query, STAFF).hits
    assert directory.mailbox(address.upper(), STAFF)["address"] == address
    hidden = Query(hit.dn.casefold(), Scope.BASE, TRUE, 1)
    assert directory.search(hidden, STAFF).hits == [hit]
    with pytest.raises(NotFound):
        directory.search(hidden, ANYONE)


def test_an_unlisted_mailbox_is_read_by_whoever_is_entitled_to_it_and_searched_by_nobody(directory: Directory) -> None:
    address = "cachee@medecin.mssante.fr"
    assert directory.mailbox(address, View.OPERATOR, unlisted=True)["unlisted"]
    asked = Query(BAL, Scope.ONE, Equal("mail", address.encode()), 5)
    assert directory.search(asked, View.OPERATOR).hits == []


def test_ranges_hold_every_listed_address_by_its_hash(directory: Directory) -> None:
    start = ranges.hash_of("zoe.d-essai@medecin.mssante.fr")[: ranges.DIGITS]
    assert "zoe.d-essai@medecin.mssante.fr" in directory.addresses_in(start)
    everything = [a for n in range(16**ranges.DIGITS) for a in directory.addresses_in(f"{n:0{ranges.DIGITS}x}")]
    assert sorted(everything) == sorted(box[1] for box in world._BOXES if not box[3])


def test_what_is_held_stays_of_one_build(tmp_path: Path) -> None:
    with closing(crowd(tmp_path, 3)) as opened:
        with opened.held() as before:
            write_index(tmp_path, [])
            with opened.held() as inner:
                assert inner == before == opened.build()
            assert len(opened.search(Query(PERSONS, Scope.ONE, TRUE, 9), ANYONE).hits) == 3
        assert opened.build().id != before.id
        assert opened.search(Query(PERSONS, Scope.ONE, TRUE, 9), ANYONE).hits == []


def test_one_key_is_not_another_attributes_value(tmp_path: Path) -> None:
    """Attributes share keys: who has the value elsewhere is not found."""
    box = make_entry(pk=1, mail=["a@b.fr"], asNationalId=["810000000001"])
    preferred = {"hpdMedicalRecordsDeliveryEmailAddress": ["a@b.fr"]}
    person = make_entry(PEOPLE, 2, mail=["a@b.fr"], asRpps=["10000000001"], **preferred)
    with closing(Directory(write_index(tmp_path, [box, person]), SUFFIX)) as opened:
        for name, value, held in (
            ("mail", b"A@b.fr", [box, person]),
            ("hpdMedicalRecordsDeliveryEmailAddress", b"A@b.fr", [person]),
            ("asRpps", b"10000000001", [person]),
            ("asNationalId", b"810000000001", [box]),
        ):
            hits = opened.search(Query(SUFFIX, Scope.SUBTREE, Equal(name, value), 5), ANYONE).hits
            assert [hit.id for hit in hits] == [entry.id for entry in held], name


def test_what_cannot_be_told_is_not_true_of_an_entry_that_is_looked_at(tmp_path: Path) -> None:
    """RFC 4511 4.5.1.7, where no look-up has left the entry out before: by its own name, and where all are read."""
    folder = write_index(tmp_path, [make_entry(pk=1, uid=["a"], cn=["DUPONT"], sn=["DUPONT"])])
    held, unheld, unknown = Equal("sn", b"dupont"), Equal("cn", b"martin"), Undefined()
    told = {
        And((held, unknown)): 0, And((unknown, held)): 0, Not(And((held, unknown))): 0, Or((unheld, unknown)): 0,
        Not(And((unheld, unknown))): 1, Not(And((unknown, unheld))): 1, Or((held, unknown)): 1,
        Not(Or((unknown, unheld))): 0, Or((And((unknown, held)), Not(held))): 0,
        And((Not(unheld), Or((unknown, held)))): 1,
    }  # fmt: skip
    with closing(Directory(folder, SUFFIX)) as opened:
        for asked, count in told.items():
            for base, scope in ((f"uid=a,{BAL}", Scope.BASE), (BAL, Scope.ONE)):
                assert len(opened.search(Query(base, scope, asked, 5), ANYONE).hits) == count, asked


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (Substrings("l", b"", (b"lyon",), b""), {2}),  # a text is of several attributes
        (Substrings("mail", b"", (b"^a",), b""), {3}),  # an address may hold what marks its beginning in a text
        (Extensible("caseExactMatch", "cn", b"DUPONT JEAN"), {1}),
        (Extensible("caseExactSubstringsMatch", "cn", b"*DUPONT*"), {1}),
        (Or((Substrings("cn", b"jean", (b"dupont",), b""), Equal("cn", b"x"))), {3}),
        (Or((Substrings("cn", b"", (b"jean",), b"dupont"), Equal("cn", b"x"))), {3}),
        (InText(("name", "place"), "lyon"), {1, 2}),  # the lists of names know of no town
    ],
)
def test_what_texts_do_not_settle_is_looked_at_entry_by_entry(asked: Filter, found: set[int], tmp_path: Path) -> None:
    entries = [
        make_entry(BOXES, 1, cn=["DUPONT JEAN"], l=["PARIS"], street=["RUE DE LYON"], mail=["ab@x.fr"]),
        make_entry(BOXES, 2, cn=["dupont jean"], l=["LYON"]),
        make_entry(BOXES, 3, cn=["x"], mail=["b^a@x.fr"]),
    ]
    with closing(Directory(write_index(tmp_path, entries), SUFFIX)) as opened:
        hits = opened.search(Query(BAL, Scope.ONE, asked, 10), ANYONE).hits
        assert {hit.id & 0xFFFF for hit in hits} == found


@pytest.mark.parametrize(
    ("name", "names", "first"),
    [  # family and given name of each, the best rank first
        ("sn", [("MARY", "ZOÉ"), ("MARIE", "ZOÉ")], ("MARIE", "ZOÉ")),
        ("givenName", [("MARIE", "MARY"), ("DURAND", "MARIE")], ("DURAND", "MARIE")),
        ("givenName", [("DURAND", "MARY"), ("MARIE", "MARY")], ("DURAND", "MARY")),
        ("cn", [("MARY", "ZOÉ"), ("DURAND", "MARIE")], ("DURAND", "MARIE")),
    ],
)
def test_of_those_who_sound_so_whoever_is_written_so_where_it_is_asked_comes_first(
    name: str, names: list[tuple[str, str]], first: tuple[str, str], tmp_path: Path
) -> None:
    boxes = [
        make_entry(BOXES, n, rank=n, sn=[family], givenName=[given], cn=[f"{family} {given}"], mail=[f"{n}@b.fr"])
        for n, (family, given) in enumerate(names)
    ]
    with closing(Directory(write_index(tmp_path, boxes), SUFFIX)) as opened:
        hits = opened.search(Query(BAL, Scope.ONE, Approx(name, b"marie"), 1), ANYONE).hits
    assert [names[hit.id & 0xFFFF] for hit in hits] == [first]


@pytest.mark.parametrize(
    ("typed", "names", "others"),
    [
        ("annemarie", ["ANNE MARIE", "ANNE-MARIE"], ["ANNE ZOÉ"]),
        ("stjean", ["ST JEAN"], ["ST PAUL"]),
        ("zmartin", ["Z MARTIN"], []),
        ("zlo", ["Z LO"], []),
        ("loz", ["LO Z"], []),
        ("abdupont", ["AB DUPONT"], []),
        ("cathy", ["CATHERINE"], ["CAROLE"]),
        ("abcdupont", ["AB C DUPONT"], ["AB DUPONT"]),
        ("marie marine", ["MARINE MARIE", "MARNE MARILE", "MARISE MARNE", "MARBIE MARBINE", "MARNE MARYNE"], ["MARIE"]),
        ("zoé anne paule", ["PAULE ANNE ZOÉ"], ["ZOÉ ANNE"]),
    ],
)
def test_words_typed_as_one_or_each_like_the_other_are_found_and_looked_up(
    typed: str, names: list[str], others: list[str], tmp_path: Path
) -> None:
    boxes = [make_entry(BOXES, n, sn=[name], cn=[name]) for n, name in enumerate([*names, *others])]
    with closing(Directory(write_index(tmp_path, boxes), SUFFIX)) as opened:
        for name in ("sn", "cn"):
            hits = opened.search(Query(BAL, Scope.ONE, Approx(name, typed.encode()), 10), ANYONE).hits
            assert sorted(hit.id & 0xFFFF for hit in hits) == list(range(len(names)))


@pytest.mark.parametrize(
    "asked", [Approx("givenName", b"berhte"), Approx("cn", b"crdiologie"), Approx("sn", b"dupnot")]
)
def test_any_word_of_a_name_is_found_by_who_mistypes_it(directory: Directory, asked: Filter) -> None:
    """Second given names and services included; not in a condition that must not hold."""
    hits = directory.search(Query(BAL, Scope.ONE, asked, 10), ANYONE).hits
    assert hits
    for other in (Or((asked, Equal("cn", b"x"))), And((asked, Not(Not(asked))))):
        assert directory.search(Query(BAL, Scope.ONE, other, 10), ANYONE).hits == hits


def test_an_order_is_no_way_round_the_candidates_of_a_search(tmp_path: Path) -> None:
    """By an order of the build's own or by another, what is looked at is what the setting says."""
    boxes = [make_entry(pk=n, cn=[f"DUPONT {n:03d}"], sn=["DUPONT"], title=["x"]) for n in range(1, 41)]
    folder = write_index(tmp_path, boxes)
    for candidates, expected in ((150, 10), (900, 40)):  # a fifteenth: nothing is looked up
        with closing(Directory(folder, SUFFIX, candidates=candidates)) as opened:
            for key in ((), (SortKey("title"),), (SortKey("cn"),), (SortKey("cn", exact=True),)):
                asked = Query(BAL, Scope.ONE, GreaterOrEqual("title", b"x"), 100, sort=key)
                found = opened.search(asked, ANYONE)
                assert len(found.hits) <= expected and found.truncated == (expected < 40), key
                assert expected < 40 or len(found.hits) == 40


def test_a_sorted_page_goes_on_where_it_was_though_its_last_entry_is_gone(tmp_path: Path) -> None:
    folder = write_index(tmp_path, [make_entry(pk=n, cn=[f"DUPONT {n}"], sn=["DUPONT"]) for n in range(1, 8)])
    with closing(Directory(folder, SUFFIX)) as opened:
        whole = Query(BAL, Scope.ONE, Equal("sn", b"dupont"), 10, sort=(SortKey("cn"),))
        ids = [hit.id for hit in opened.search(whole, ANYONE).hits]
        for after, seen in ((ids[2], 3), (999, 3), (999, 7)):
            page = opened.search(replace(whole, limit=2, after=after, seen=seen), ANYONE)
            assert [hit.id for hit in page.hits] == ids[seen : seen + 2]


def test_what_shares_the_key_at_which_an_ordered_reading_stopped_is_not_given(tmp_path: Path) -> None:
    """Others that were not read may come before it, by the next key."""
    first = [make_entry(pk=n, cn=[f"A {n}"], sn=["A"], title=["x"]) for n in (1, 2, 3)]
    others = [make_entry(pk=10 + n, cn=[f"B {40 - n}"], sn=["B"], title=["x"]) for n in range(30)]
    with closing(Directory(write_index(tmp_path, first + others), SUFFIX, candidates=150)) as opened:  # a fifteenth
        sort = (SortKey("sn"), SortKey("cn"))
        found = opened.search(Query(BAL, Scope.ONE, GreaterOrEqual("title", b"x"), 20, sort=sort), ANYONE)
        assert found.order is not None and found.order.exact
        assert [hit.id for hit in found.hits] == [entry.id for entry in first] and found.truncated


def half_hidden(folder: Path, count: int) -> Path:
    """Every second box is the staff's, and stands among the others."""
    entries = []
    for n in range(1, count + 1):
        given, seen = f"jean{n}", STAFF if n % 2 else ANYONE
        named = {"mail": [f"p{n}@b.fr"], "title": ["x"], "asProfessionCode": ["10"], "givenName": [given]}
        entry = make_entry(pk=n, view=seen, sn=["dupont"], cn=[f"dupont {given}"], **named)
        tags = f"{entry.tags} {joined_tokens('dupont', given)} {pair_tokens('dupont', given)}"
        entries.append(entry._replace(tags=tags))
    return write_index(folder, entries)


@pytest.mark.parametrize(("count", "candidates"), [(8, 1_000), (400, 1_000), (400, 100)])
def test_whatever_finds_an_entry_leaves_out_what_the_view_does_not_see(
    tmp_path: Path, count: int, candidates: int
) -> None:
    """By keys, texts, tokens, beginnings and pairs of words, sorted or not, few or many."""
    keys = Or(tuple(Equal("mail", b"p%d@b.fr" % n) for n in (1, 2, 3, 4)))
    typed = map(typed_filter, ("dup", "jean dup", "dupon", "upo"))
    code = Equal("asProfessionCode", b"10")
    asked = (
        Equal("mail", b"p1@b.fr"), keys, And((keys, Equal("title", b"x"))), Equal("sn", b"dupont"), code,
        Substrings("sn", b"", (b"upon",), b""), GreaterOrEqual("title", b"x"), Equal("title", b"x"),
        And((code, Substrings("sn", b"d", (), b""))), Approx("sn", b"dupond"), *typed,
    )  # fmt: skip
    with closing(Directory(half_hidden(tmp_path, count), SUFFIX, candidates=candidates)) as opened:
        for found in asked:
            for query in (
                *(Query(BAL, Scope.ONE, found, limit, after=after) for limit in (5, 30) for after in (None, 0)),
                *(Query(BAL, Scope.ONE, found, 30, sort=(SortKey(name),)) for name in ("cn", "title")),
            ):
                for view in (ANYONE, View.OPERATOR):
                    hits = opened.search(query, view).hits
                    assert not any(hit.id & 1 for hit in hits), query
                    assert hits or found == asked[0] or candidates < count
                assert any(hit.id & 1 for hit in opened.search(query, STAFF).hits) or candidates < count, query


class Replaced(Directory):
    """Its build is replaced at each search, just before it."""

    def search(self, query: Query, view: View) -> Result:
        write_index(self.folder, search_world.entries())
        self.build()
        return super().search(query, view)


def test_suggestions_outlive_the_build_that_they_began_with(tmp_path: Path) -> None:
    """What tells homonyms apart is read where the items were found: the reader of before is closed by then."""
    write_index(tmp_path, search_world.entries())
    with closing(Replaced(tmp_path, SUFFIX)) as directory:
        found = directory.suggestions("dup", 10, ANYONE)
        assert found.items
        assert found.build == directory.build().id


def test_look_ups_never_use_up_what_a_search_may_cost(directory: Directory) -> None:
    """Mail servers may make a million of them before anybody searches."""
    held = directory._reader(0.0)
    connection = held.connection
    connection.set_progress_handler(held._stops, 1)
    held._steps_left = 0
    try:
        assert directory.mailbox("zoe.d-essai@medecin.mssante.fr", ANYONE)
    finally:
        connection.set_progress_handler(held._stops, reader._STEP)


@pytest.mark.parametrize("text", ["dupont jean", "jean dupont", "Jean DUPONT", "DUP", "jean.dupont@"])
def test_suggestions_do_not_mind_order_case_or_accents(directory: Directory, text: str) -> None:
    assert b"jean.dupont@medecin.mssante.fr" in b"".join(h.json for h in directory.suggest(text, 10, ANYONE).hits)


@pytest.mark.parametrize("text", ["Dr Jean DUPONT", "dr. dupont", "Docteur\N{NO-BREAK SPACE}Dupont", "monsieur dup"])
def test_a_title_before_a_name_suggests_whom_the_name_does(directory: Directory, text: str) -> None:
    assert any(b"jean.dupont@" in h.json for h in directory.suggest(text, 10, ANYONE).hits)
    alone = [h.id for h in directory.suggest("dupont", 10, ANYONE).hits]
    assert [h.id for h in directory.suggest("Pr dupont", 10, ANYONE).hits] == alone


@pytest.mark.parametrize("text", ["dessai", "d'essai", "D ESSAI", "zoe d'éssai", "d-essai"])
def test_apostrophe_hyphen_space_and_nothing_are_the_same(directory: Directory, text: str) -> None:
    assert any(b"zoe.d-essai" in h.json for h in directory.suggest(text, 10, ANYONE).hits)


@pytest.mark.parametrize(
    ("criteria", "found"),
    [
        (Criteria(family="dupont"), {world.JEAN, world.JEAN_BIS}),
        (Criteria(family="jean"), set()),  # a given name is no family name
        (Criteria(given="jean"), {world.JEAN, world.JEAN_BIS}),
        (Criteria(q="jean martin"), set()),  # neither all Jeans nor all Martins
        (Criteria(q="dupont"), {world.JEAN, world.JEAN_BIS}),
        (Criteria(q=world.ZOE_ADELI), {world.ZOE}),
        (Criteria(q="cardiologie lyon d'essai"), {world.ZOE}),
        (Criteria(specialty="SM04", city="lyon"), {world.ZOE}),
        (Criteria(specialty="cardiologie"), {world.ZOE}),
        (Criteria(profession="10", family="d'essai"), {world.ZOE}),
        (Criteria(profession="médecin", postcode="69003", family="d essai"), {world.ZOE}),
        (Criteria(department="rhone", given="zoé"), {world.ZOE}),
        (Criteria(department="69", given="zoé"), {world.ZOE}),
        (Criteria(street="des lilas", given="zoé"), {world.ZOE}),
        (Criteria(structure="hospitalier", given="zoé"), {world.ZOE}),
        (Criteria(structure=world.HOSPITAL_FINESS, given="zoé"), {world.ZOE}),
        (Criteria(address="zoe.d-essai@"), {world.ZOE}),
        (Criteria(family="lefevre", status="inactive"), {world.MARIE}),
        (Criteria(family="lefevre", status="active"), set()),
        (Criteria(given="zoe", type="PER"), {world.ZOE}),
        (Criteria(given="zoe", type="ORG"), set()),
        (Criteria(department="nowhere"), set()),
        (Criteria(city="-"), set()),
    ],
)
def test_criteria_alone_and_combined(directory: Directory, criteria: Criteria, found: set[str]) -> None:
    page = directory.find(criteria, ANYONE, 20, None)
    assert {hit.dn.partition(",")[0].removeprefix("uid=") for hit in page.hits} == found
    assert (page.total, page.total_exact, page.next) == (len(found), True, None)


def test_pages_follow_one_another_and_keep_their_total(tmp_path: Path) -> None:
    with closing(crowd(tmp_path, 53)) as directory:
        for criteria in (Criteria(q="dupont"), Criteria(city="lyon"), Criteria(q="lyon dupont")):
            seen, cursor, totals = [], None, set()
            while cursor is not None or not seen:
                page = directory.find(criteria, ANYONE, 10, cursor)
                seen += [hit.id for hit in page.hits]
                totals.add(page.total)
                cursor = page.next
            assert len(seen) == len(set(seen)) == 53 and totals == {53}


@pytest.mark.parametrize("cursor", ["x", "!!!", "MS4yLjM", "LTEuMC4wLjA", "OS4wLjAuMA"])
def test_a_foreign_cursor_is_refused(directory: Directory, cursor: str) -> None:
    with pytest.raises(InvalidInput):
        directory.find(Criteria(q="dupont"), ANYONE, 10, cursor)


RARE = Or((Substrings("cn", b"", (b"5",), b""), Substrings("l", b"", (b"z",), b"")))  # one letter: reads them all


def test_the_budget_ends_a_search_with_what_it_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "_STEP", 1_000)
    monkeypatch.setattr(reader, "_MOST_STEPS", 5)
    with closing(crowd(tmp_path, 1500)) as directory:
        found = directory.search(Query(PERSONS, Scope.ONE, RARE, 1000), ANYONE)
    assert found.truncated and not found.timed_out and 0 < len(found.hits) < 300


def test_candidates_are_counted_too(tmp_path: Path) -> None:
    crowd(tmp_path, 1500).close()
    with closing(Directory(tmp_path, SUFFIX, candidates=512)) as directory:
        found = directory.search(Query(PERSONS, Scope.ONE, GreaterOrEqual("asSince", b"20300101000000Z"), 1000), ANYONE)
    assert found.truncated and found.hits == []


@pytest.mark.parametrize(("base", "branch"), [(PERSONS, PEOPLE), (BAL, BOXES)])
@pytest.mark.parametrize("sort", [(), (SortKey("sn"),)])
def test_time_ends_a_search(
    base: str, branch: int, sort: tuple[SortKey, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "_STEP", 1_000)
    with closing(crowd(tmp_path, 600, branch)) as directory:
        found = directory.search(Query(base, Scope.ONE, RARE, 1000, timeout=0.0, sort=sort), ANYONE)
    assert found.timed_out and not found.truncated


def test_threads_share_a_directory(directory: Directory) -> None:
    results: list[int] = []

    def ask() -> None:
        for _ in range(20):
            results.append(len(directory.suggest("dupont", 10, ANYONE).hits))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 80 and len(set(results)) == 1


def test_operators_and_their_domains(directory: Directory) -> None:
    operator = directory.operator(world.OPERATOR)
    assert operator is not None and set(operator.domains) == set(world.DOMAINS) and operator.secret_hash
    assert directory.operators_of("MEDECIN.mssante.fr") == [world.OPERATOR]
    assert directory.operators_of("nulle-part.fr") == [] and directory.operator("autre") is None
    assert directory.has_white_list()


@pytest.mark.parametrize("name", ["mail", "asRpps", "asNationalId", "uid"])
def test_a_look_up_by_key_is_a_point(directory: Directory, name: str) -> None:
    assert directory.is_point(Query(BAL, Scope.SUBTREE, Equal(name, b"10900000012"), 10))
    assert not directory.is_point(Query(BAL, Scope.SUBTREE, Substrings(name, b"a", (), b""), 10))
