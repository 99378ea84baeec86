"""The homonym shield against slow and obvious twins: what collides, which facts tell apart, which addresses are taken
for one another."""

from __future__ import annotations

from itertools import chain, combinations

from hypothesis import given
from hypothesis import strategies as st
from twin_confusable import differ_by

from directory_service.model.confusable import How, Mistaken, looks, mistaken
from directory_service.model.homonyms import FACTS, Grade, Item, apart, chosen_facts, name_keys, shields
from directory_service.model.names import squash, words

NAMES = st.sampled_from(
    [
        "DUPONT Jean",
        "Jean Dupont",
        "DUPÔNT JEAN",
        "DUPOND Jean",
        "LEFEVRE Anne",
        "LEFÈBVRE Anne",
        "MARTIN Paul",
        "",
        "  ",
    ]
)
FACT = st.sampled_from(["", "Lyon", "LYON", "Nice", "Médecin", "medecin"])
LOCALS = st.text("abl1o0rnm.-", min_size=1, max_size=12)
ADDRESSES = st.builds("{}@{}".format, LOCALS, st.sampled_from(["a.fr", "b.fr"]))
ITEMS = st.builds(
    Item,
    st.text("01", min_size=1, max_size=6),
    NAMES,
    st.tuples(FACT, FACT, FACT, FACT),
    st.lists(ADDRESSES, max_size=2, unique=True).map(tuple),
)
LISTS = st.lists(ITEMS, max_size=8)


def told_apart(item: Item, rival: Item, facts: tuple[int, ...]) -> bool:
    """By a person who reads these facts of both."""
    if len(FACTS) - 1 in facts:
        return item.id != rival.id
    both = [(squash(item.facts[n]), squash(rival.facts[n])) for n in facts]
    return any(mine and other and mine != other for mine, other in both)


@given(ITEMS, LISTS)
def test_the_facts_shown_tell_apart_and_no_fewer_or_earlier_ones_do(item: Item, others: list[Item]) -> None:
    rivals = [o for o in others if o.id != item.id]
    if not rivals:
        return
    chosen, _ = chosen_facts(item, rivals)
    assert all(told_apart(item, rival, chosen) for rival in rivals)
    numbers = range(len(FACTS))
    sets = list(chain.from_iterable(combinations(numbers, size) for size in range(1, len(FACTS) + 1)))
    # The number is the last resort: any set without it comes before.
    sets.sort(key=lambda s: (len(FACTS) - 1 in s, len(s), s))
    for earlier in sets[: sets.index(chosen)]:
        assert not all(told_apart(item, rival, earlier) for rival in rivals)


@given(ITEMS, LISTS)
def test_what_is_written_of_a_number_is_the_end_of_no_rival(item: Item, others: list[Item]) -> None:
    rivals = [o._replace(facts=item.facts) for o in others if o.id != item.id]
    if rivals:
        said = apart(item, rivals)
        assert said.startswith("n° ")
        if "…" in said:
            assert not any(rival.id.endswith(said[4:]) for rival in rivals)


@given(LISTS, LISTS)
def test_grades_are_those_of_comparing_everybody_with_everybody(items: list[Item], others: list[Item]) -> None:
    for item, shield in zip(items, shields(items, others), strict=True):
        rivals = [o for o in (*items, *others) if o.id != item.id]
        same = [o for o in rivals if words(item.name) and sorted(words(o.name)) == sorted(words(item.name))]
        alike = [o for o in rivals if name_keys(o.name).sound and name_keys(o.name).sound == name_keys(item.name).sound]
        near = {(b, how) for a in item.addresses for o in items for b in o.addresses if (how := differ_by(a, b))}
        strange = any(differ_by(a, b) for a in item.addresses for o in items if o.id != item.id for b in o.addresses)
        wanted = Grade.HOMONYM if same else Grade.LOOKALIKE if alike or strange else Grade.DISTINCT
        assert shield.grade is wanted
        assert {(m.address, m.how) for m in shield.mistaken} == near
        assert bool(shield.apart) == bool(same or alike)


def edits(one: str, other: str) -> int:
    """Levenshtein's distance, by his recurrence."""
    rows = [list(range(len(other) + 1))]
    for n, a in enumerate(one, 1):
        row = [n]
        for m, b in enumerate(other, 1):
            row.append(min(rows[-1][m] + 1, row[-1] + 1, rows[-1][m - 1] + (a != b)))
        rows.append(row)
    return rows[-1][-1]


def slowly(one: str, other: str) -> How | None:
    (local, domain), (local2, domain2) = one.split("@"), other.split("@")
    if one == other:
        return None
    if domain != domain2:
        return How.DOMAIN if local == local2 else None
    if looks(local) == looks(local2):
        return How.CHARACTERS
    return How.LETTER if edits(local, local2) == 1 else None


@given(st.lists(st.tuples(ADDRESSES, st.sampled_from("12")), max_size=10))
def test_addresses_taken_for_one_another_are_those_of_the_definition(held: list[tuple[str, str]]) -> None:
    found = mistaken(held)
    for address, holder in held:
        near = {
            Mistaken(other, how, (other, holder) in held and all(h == holder for o, h in held if o == other))
            for other, _ in held
            if (how := slowly(address, other))
        }
        assert set(found.get((address, holder), [])) == near
