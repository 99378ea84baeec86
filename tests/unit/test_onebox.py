"""What is understood of the box: words, what they may be, what shapes tell, what may be left out."""

from __future__ import annotations

import pytest

from directory_service.entries.finding import Kind, domain_words, name_words, structure_words, town_words
from directory_service.errors import InvalidInput
from directory_service.index.onebox import MOST_WORDS, Field, Keys, understand
from directory_service.index.onebox.readings import Reading, Word
from directory_service.index.onebox.score import match
from directory_service.index.onebox.tiers import TIERS, Near, everyone, expressions, tier_of
from directory_service.model.likeness import Likeness


def word(text: str, typed: str = "") -> Word:
    words = understand(text).words
    return next(w for w in words if w.typed == typed) if typed else words[0]


def fields(found: Word, most: Likeness = Likeness.EXACT) -> set[Field]:
    return {r.field for r in found.up_to(most) if not r.starts}


def tokens(found: Word, field: Field, most: Likeness = Likeness.EXACT) -> set[str]:
    return {r.token for r in found.up_to(most) if r.field is field}


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        ("dupont cardio lyon", ["dupont", "cardio", "lyon"]),
        ("St-Étienne", ["saint", "etienne"]),
        ("  Dupont   DUPONT ", ["dupont"]),
        ("Lefèvre/Lebœuf", ["lefevre", "leboeuf"]),
        ("10 10045 6789", ["10100456789"]),
        ("10.10.045.6789", ["10100456789"]),
        ("69003 10100456789", ["69003", "10100456789"]),
        ("10100456789 69003", ["10100456789", "69003"]),
        ("RPPS: 10100456789", ["10100456789"]),
        ("n° rpps 10100456789", ["10100456789"]),
        ("FINESS 69 000 0005 dupont", ["dupont", "690000005"]),
        ("266 900 000 00017", ["26690000000017"]),
        ("2A1234567", ["2a1234567"]),
        ("0 9F6064594 dupont", ["dupont", "09f6064594"]),
        ("12, 12bis rue Ter", ["rue", "ter", "12"]),
        ("12 T, r. Ter", ["rue", "ter", "12"]),
        ("8 mai 1945 25330", ["mai", "8", "1945", "25330"]),
        ("62 pas de calais", ["pas", "de", "calais", "62"]),
        ("Zoe@Medecin.MSSANTE.fr", ["zoe@medecin.mssante.fr"]),
        ("Zoé <zoe.d'essai@medecin.mssante.fr>;", ["zoe", "zoe.d'essai@medecin.mssante.fr"]),
        ("mailto:a=b#c@m.fr", ["a=b#c@m.fr"]),
        ("@", ["@"]),
        ("medecin.mssante.fr", ["medecin.mssante.fr"]),
        ("jean.dupont", ["jean", "dupont"]),
        ("", []),
        ("- ' !", []),
    ],
)
def test_words_of_a_text(text: str, typed: list[str]) -> None:
    assert [w.typed for w in understand(text).words] == typed


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Dr Zoé d'Essai", ["zoe", "essai"]),
        ("infirmière à Lyon", ["infirmiere", "lyon"]),
        ("de la Tour", ["tour"]),
        ("M. Martin", ["martin"]),
        ("m martin", ["m", "martin"]),
        ("d dupont", ["d", "dupont"]),
        ("le", ["le"]),
        ("de la", ["de", "la"]),
    ],
)
def test_titles_articles_and_particles_need_not_be_found(text: str, left: list[str]) -> None:
    assert [w.typed for w in understand(text).needed] == left


@pytest.mark.parametrize(("typed", "start"), [("dupont ste", "ste"), ("Dupont Sté", "ste"), ("St", "st")])
def test_a_saint_in_short_at_the_end_is_the_beginning_of_a_name_too(typed: str, start: str) -> None:
    (found,) = [w for w in understand(typed).words if w.typed.startswith("saint")]
    assert {(r.token, r.likeness) for r in found.readings if r.starts} >= {
        ("1" + start, Likeness.PREFIX),
        ("2" + start, Likeness.PREFIX),
    }


@pytest.mark.parametrize("typed", ["sainte", "ste foy", "kine st etienne"])
def test_a_saint_in_full_or_with_its_name_is_none(typed: str) -> None:
    (found,) = [w for w in understand(typed).words if w.typed.startswith("saint")]
    assert not [r for r in found.readings if r.starts and r.token[1:] in ("st", "ste")]


def test_a_word_is_whatever_it_may_be() -> None:
    assert fields(word("lyon")) == {Field.FAMILY, Field.GIVEN, Field.CITY, Field.STRUCTURE}
    assert Field.PROFESSION in fields(word("kine")) and Field.FAMILY in fields(word("kine"))
    assert tokens(word("kiné"), Field.PROFESSION) == {"p70"}
    assert tokens(word("cardio"), Field.SPECIALTY) >= {"ssm04", "ssm73"}
    assert tokens(word("cardiol"), Field.SPECIALTY) == set()
    assert tokens(word("cardiol"), Field.SPECIALTY, Likeness.PREFIX) >= {"ssm04", "ssm73"}
    assert tokens(word("psy"), Field.PROFESSION) == {"p72", "p93"} and Field.SPECIALTY in fields(word("psy"))


def test_words_that_belong_together_whatever_stands_between_and_in_any_order() -> None:
    for text in ("medecin generaliste lyon", "generaliste lyon medecin"):
        assert "ssm54" in tokens(word(text, "medecin"), Field.SPECIALTY)
    assert tokens(word("maritime seine", "seine"), Field.DEPARTMENT) == {"g76"}
    assert "1jeanpierre" in tokens(word("pierre martin jean", "pierre"), Field.FAMILY)
    assert "3saintetienne" in tokens(word("st etienne kine"), Field.CITY)


def test_a_kind_of_structure_is_any_of_the_ways_to_write_it() -> None:
    chu = [r for r in word("chu").up_to(Likeness.EXACT) if r.field is Field.STRUCTURE]
    assert Reading("6centre", Field.STRUCTURE, others=("6hospitalier", "6universitaire")) in chu
    assert any(r.token == "6chu" and not r.others for r in chu)


@pytest.mark.parametrize(
    ("text", "field", "token"),
    [
        ("69", Field.DEPARTMENT, "g69"),
        ("1", Field.DEPARTMENT, "g01"),
        ("2a", Field.DEPARTMENT, "g2a"),
        ("974", Field.DEPARTMENT, "g974"),
        ("69003", Field.POSTCODE, "z69003"),
        ("690000005", Field.STRUCTURE, "f690000005"),
        ("26690000000017", Field.STRUCTURE, "n26690000000017"),
        ("R00000000000012", Field.STRUCTURE, "or00000000000012"),
        ("F2A0000113", Field.STRUCTURE, "of2a0000113"),
        ("12A0000113", Field.STRUCTURE, "o12a0000113"),
        ("C9F606459401", Field.STRUCTURE, "oc9f606459401"),
    ],
)
def test_numbers_are_told_by_their_shape(text: str, field: Field, token: str) -> None:
    assert token in tokens(word(text), field)


@pytest.mark.parametrize("adeli", ["09F6064594", "02a1234567", "09a7654321"])
def test_an_adeli_number_of_a_lettered_departement_may_have_its_type_digit(adeli: str) -> None:
    assert Keys(f"i{adeli.upper()}", f"i{adeli.upper()}\0", Field.IDENTIFIER) in word(adeli).keys


def test_districts_of_the_three_towns() -> None:
    assert tokens(word("paris 16e", "16e"), Field.POSTCODE) == {"z75016"}
    assert "z69003" in tokens(word("3 lyon", "3"), Field.POSTCODE)
    assert tokens(word("rouen 3", "3"), Field.POSTCODE) == set()


def test_identifiers_are_keys_whole_or_as_they_begin() -> None:
    whole, begun = [k for k in word("10100456789").keys if k.low == "i810100456789"]
    assert (whole.likeness, begun.likeness) == (Likeness.EXACT, Likeness.PREFIX)
    assert word("10100").keys == ()
    assert [k.low for k in word("Zoe@m.fr").keys] == ["mzoe@m.fr"] * 2


def test_groups_make_a_number_and_postcodes_do_not() -> None:
    assert [w.typed for w in understand("10 100 456 789").words] == ["10100456789"]
    assert [w.typed for w in understand("69003 690000005").words] == ["69003", "690000005"]
    assert [w.typed for w in understand("69003 42000").words] == ["69003", "42000"]


def test_a_mistyped_number_is_near_the_right_ones() -> None:
    near = understand("10900000017").loosened(lambda _word: ()).words[0].keys
    assert any(k.low == "i810900000018" and k.likeness is Likeness.TYPO for k in near)


def near_structures(text: str) -> set[str]:
    loose = understand(text).loosened(lambda _word: ()).words[0].loose
    return {r.token for r in loose if r.field is Field.STRUCTURE}


def test_a_mistaken_number_is_near_those_of_structures() -> None:
    assert near_structures("76OOOO158") == {"f760000158"}, "what letters read as digits give is meant"
    assert {"f750000119", "f750000911"} <= near_structures("750000191")
    assert "n30965420000083" in near_structures("30965420000081")
    assert len(near_structures("3096542000008l")) < 20
    for other in ("991023763", "7600001588", "76000015"):  # an ADELI number; of another length
        assert near_structures(other) == set()


def test_too_many_words_are_refused() -> None:
    understand(" ".join(f"mot{n}" for n in range(MOST_WORDS)))
    with pytest.raises(InvalidInput):
        understand(" ".join(f"mot{n}" for n in range(MOST_WORDS + 1)))


@pytest.mark.parametrize(
    ("family", "given", "found"),
    [
        ("LE GOFF", "BÉNÉDICTE", {"1goff", "1legoff", "2benedicte", "8l", "8g", "8b"}),
        ("D'ESSAI", "", {"1essai", "1dessai", "8d", "8e"}),
        (
            "",
            "ANNE MARIE ROSE LISE",
            {
                "2anne",
                "2marie",
                "2rose",
                "2lise",
                "2annemarie",
                "2marierose",
                "2roselise",
                "8a",
                "8m",
                "8r",
                "8l",
                "8am",
                "8amr",
            },
        ),
        ("MARTIN", "JEAN-PIERRE", {"1martin", "8m", "2jean", "2pierre", "2jeanpierre", "8j", "8p", "8jp"}),
        ("ST LÉGER", "", {"1saint", "1leger", "1saintleger", "8s", "8l"}),
        ("", "", set()),
    ],
)
def test_tokens_of_a_name(family: str, given: str, found: set[str]) -> None:
    assert set(name_words(family, given).split()) == found


@pytest.mark.parametrize(
    ("town", "found"),
    [
        ("LYON", {"3lyon"}),
        ("LYON CEDEX 03", {"3lyon"}),
        ("Paris 16e Arrondissement", {"3paris"}),
        ("MARSEILLE 11", {"3marseille"}),
        ("ST ETIENNE", {"3saintetienne", "4saint", "4etienne"}),
        ("AIX EN PROVENCE", {"3aixenprovence", "4aix", "4provence"}),
        ("", set()),
    ],
)
def test_tokens_of_a_town(town: str, found: set[str]) -> None:
    assert {token for token in town_words(town) if token[0] != "9"} == found


def test_tokens_of_structures_and_domains() -> None:
    assert structure_words(("CENTRE HOSPITALIER DE ROUEN",)) == ("6centre", "6hospitalier", "5rouen")
    assert domain_words(("a@med-x.fr", "b@med-x.fr")) == ("7med‧x·fr",)
    assert domain_words(("a@medx.fr",)) != domain_words(("a@med-x.fr",))


# --- tiers -----------------------------------------------------------------------------------------------------------


def test_the_tiers_are_in_order_and_cover_all_that_can_be_found() -> None:
    likenesses = (Likeness.EXACT, Likeness.PREFIX, Likeness.NICKNAME, Likeness.INITIAL, Likeness.SOUND, Likeness.TYPO)
    found = [tier_of(worst, Likeness.NONE) for worst in likenesses]
    assert found == sorted(found) and found[-1] < len(TIERS) - 1
    assert [tier_of(worst, Likeness.EXACT) for worst in likenesses] < found
    assert tier_of(Likeness.INSIDE, Likeness.NONE) == len(TIERS) - 1


def test_nothing_is_looked_up_for_a_word_that_nobody_has() -> None:
    assert everyone(understand("dupont 10100456789", exact=True), Likeness.EXACT) is not None  # a structure's number
    assert everyone(understand("jean@m.fr dupont"), Likeness.INITIAL) is None
    assert expressions(understand("jean@m.fr dupont"), Near()) == []


def test_exact_leaves_beginnings_out_of_what_is_looked_up() -> None:
    assert not any("*" in part.expression for part in expressions(understand("dupont lyon", exact=True), Near()))
    assert any("*" in part.expression for part in expressions(understand("dupont lyon"), Near()))


def test_a_name_one_error_away_comes_before_one_of_two() -> None:
    box = understand("christophe").loosened(lambda _: ("christophs", "chrystephe"))
    one, two = (match(box, f" {Kind.FAMILY}{name} ", ()) for name in ("christophs", "chrystephe"))
    assert one and two and (one.tier, one.fine) < (two.tier, two.fine)


def tier(q: str, tags: str) -> str | None:
    found = match(understand(q), f" {tags} ", ())
    return TIERS[found.tier].name if found else None


@pytest.mark.parametrize(
    ("q", "tier_name"),
    [
        ("dupont lyon", "exact_surname"),
        ("jean lyon", "exact"),
        ("dupont ly", None),  # two letters are no beginning of a town
        ("dupont lyo", "prefix_whole_surname"),
        ("dup lyon", "prefix_surname"),
        ("jean lyo", "prefix"),
        ("dupont j", "initial_surname"),
        ("j lyon", "initial"),
        ("dupont rouen", None),
    ],
)
def test_the_tier_of_one_person(q: str, tier_name: str | None) -> None:
    assert tier(q, f"p10 g69 {name_words('DUPONT', 'JEAN')} {' '.join(town_words('LYON'))}") == tier_name
