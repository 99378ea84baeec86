"""model.phonetics: which French names sound alike, which do not, and which are a typing error away."""

from __future__ import annotations

import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twin_matcher import edits

from directory_service.model.names import fold
from directory_service.model.phonetics import (
    RULES,
    SILENT,
    Alike,
    code,
    heard,
    mistyped,
    one_edit,
    sounds,
    sounds_alike,
    spelt,
    units,
    within,
)

ALIKE = """
Lefèvre Lefebvre Lefeuvre Lefaivre|Renaud Renault Regnault Raynaud Reynaud|Thibaut Thiébaut Thibault Thiébaud
Faivre Fèvre Febvre|Boullay Boulet Boulay|Dupont Dupond Dupons|Gauthier Gautier Gaultier|Philippe Filipe
Lemaitre Lemaître Lemaistre|Leclerc Leclercq Leclair Leclère|Durand Durant Duran|Moreau Morot Maureau Moreaux
Meyer Mayer Maier|Schmitt Schmidt Schmit|Girard Girart|Prévost Prévot|Benoît Benoist|Genet Genest|Martin Martain
Lambert Lembert|Leroy Leroi|Lemoine Lemoyne|Chevalier Chevallier|Thomas Tomas|Mathieu Matthieu|Hervé Ervé
François Fransois|Guillaume Guilhaume|Christophe Cristophe|Jacques Jaques|Georges George Jorge|Lebœuf Lebeuf
Villars Vilar|Regnier Renier|Caillaud Cailleau|Leblanc Leblan|Denis Denys|Vincent Vinsan|Lebrun Lebrin|Andrée André
Picard Piquard|Roussel Rousselle|Wagner Vagner|Perrin Perrain|Lacroix Lacroit|Gilles Gil|Lucille Lucile
Deshayes Dehayes|Desfossés Desfosses Defosse|Pasquet Paquet|Després Desprez Deprez|Chastelain Châtelain|Crespin Crépin
Lopez Lopes|Martinez Martines|Besnard Bénard|Mesnard Ménard|Meslin Mélin|Duchesne Duchêne|Laetitia Létitia Laeticia
Grandjean Granjean|Jeannot Janot|Lecompte Lecomte Leconte|Pelletier Peltier|Hamelin Hamlin|Jacquemin Jacqmin
Delahaye Delahaie Delahay|Rouxel Roussel|Texier Tessier|Saulnier Saunier|Arnould Arnoux|Guillot Guyot
Vuillemin Villemin|Vergniaud Vergnaud|Michaël Mickaël|Schmied Schmidt|Thuilier Thuillier|Walter Walther|Laisné Laîné
Bourg Bour|Forestier Forêtier|Guérin Guerrin|Bouchet Boucher|Breuil Breuille|Rimbaud Rinbaud|Rozier Rosier
"""
GROUPS = [line.split() for line in ALIKE.strip().replace("\n", "|").split("|")]
# False friends: a letter or an accent apart on paper, other families.
APART = """
Martin Marin|Dupont Dumont|Dupont Dupin|Dubois Dubos|Moulin Meunier|Meunier Mounier|Leroux Leroy|Girard Gérard
Perrin Perron|Guérin Garin|Renard Renaud|Bonnet Bonneau|Michel Michaud|Dumas Dumont|Roux Roy|Brunet Bruneau
Lointier Lontier|Simon Simonet|Blanc Blanchard|Petit Petite|Mouton Montoux|Mignot Minot|Fabre Favre|Robin Robert
Masson Maçon|Lambert Imbert|Richard Ricard|Barbier Berbier|Julien Julie|Marchand Marchal
Gros Gras|Colin Collet|Besson Bessin|Rozier Rossier|Macé Mazé|Martinet Martinez|Ferrer Ferret|Mayer Mayet|Fischer Fichet
Diop Diot|Raoul Raoux|Muller Mulet|Villard Viard
"""
PAIRS = [pair.split() for pair in APART.strip().replace("\n", "|").split("|")]


@pytest.mark.parametrize("group", GROUPS, ids=lambda g: g[0])
def test_spellings_of_one_name_sound_alike(group: list[str]) -> None:
    assert len({code(fold(name)) for name in group}) == 1


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_false_friends_do_not(pair: list[str]) -> None:
    one, other = map(fold, pair)
    assert not sounds_alike(one, other)


@pytest.mark.parametrize("pair", ["carre carrey", "mace massey", "soulie soulier", "dupre duprez", "dore doret"])
def test_a_last_e_of_a_source_without_accents_may_be_an_accented_one(pair: str) -> None:
    one, other = pair.split()
    assert sounds_alike(one, other) and sounds_alike(other, one)
    assert not sounds_alike("roch", other)


WORD = st.text("abcdeilnorstuxy", min_size=1, max_size=8)


@given(WORD, WORD)
def test_what_sounds_alike_does_both_ways_and_has_a_code_that_is_looked_up(one: str, other: str) -> None:
    assert sounds_alike(one, other) == sounds_alike(other, one)
    assert sounds_alike(one, one)
    assert not sounds_alike(one, other) or code(other) in sounds(one)


@pytest.mark.parametrize("rule", RULES, ids=lambda r: r.aim.partition(",")[0])
def test_each_rule_starts_with_the_letters_it_says(rule) -> None:  # type: ignore[no-untyped-def]
    """``code`` looks a rule up by them: one forgotten would never be used."""
    tried = re.compile(rule.spelling)
    words = [w for group in GROUPS + PAIRS for name in group for w in fold(name).split()]
    found = {w[m.start()] for w in words for m in tried.finditer(w) if m[0]}
    assert found <= set(rule.starts)
    assert found, "no name of the tables shows what the rule is for"


@given(st.text(max_size=12))
def test_a_code_is_a_token_whatever_the_word(word: str) -> None:
    assert re.fullmatch(r"[a-z0-9]+", code(fold(word)))


def test_words_without_letters_sound_like_nothing() -> None:
    assert code("Ж") == code("12") == SILENT
    assert not sounds_alike("Ж", "12")


WORDS = st.text("abc", max_size=7)


@given(WORDS, WORDS, st.integers(0, 2))
def test_a_bounded_distance_is_that_of_the_whole_table(one: str, other: str, most: int) -> None:
    assert within(one, other, most) == (edits(one, other) <= most)


@given(st.text(string.ascii_lowercase, max_size=7), st.text(string.ascii_lowercase, max_size=7))
def test_one_edit_makes_every_word_within_one(one: str, other: str) -> None:
    assert within(one, other, 1) == (other in one_edit(one)) or one == other


@pytest.mark.parametrize(
    ("typed", "word", "meant"),
    [
        ("dupnt", "dupont", True),  # left out
        ("dupoont", "dupont", True),  # twice
        ("dupobt", "dupont", True),  # the neighbour on the keyboard
        ("duopnt", "dupont", True),  # exchanged
        ("dpnt", "dupont", False),  # two errors in a short word
        ("roy", "roux", False),  # three letters: anything is an edit away
        ("christohpel", "christophe", True),  # two in a long one
        ("boudetn", "boudevin", True),  # one of them left out
        ("morl", "morel", True),  # in a short one
        ("bxxdevin", "boudevin", True),  # both at the beginning
        ("boudevin", "boudxeviny", True),  # both left out
        ("martin", "martinez", False),
        ("shcweitzre", "schweitzer", True),  # one in each half
        ("xchweitzey", "schweitzer", True),  # at both ends
        ("shcwietzre", "schweitzer", False),  # three
        ("xartin", "martinez", False),
    ],
)
def test_typing_errors(typed: str, word: str, meant: bool) -> None:
    assert mistyped(typed, word) is meant


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("lefevre", "LEFEBVRE Marie"),
        ("marie lefeuvre", "LEFEBVRE Marie"),
        ("legof", "LE GOFF"),
        ("le goff", "LEGOFF Yann"),
        ("de la tour", "DELATOUR"),
        ("tour", "DE LA TOUR"),
        ("latour", "DE LA TOUR"),
        ("daubigne", "D'AUBIGNÉ"),
        ("d'aubignie", "D’AUBIGNÉ"),
        ("jeanpierre", "JEAN-PIERRE"),
        ("pierre", "JEAN-PIERRE"),
        ("jeanpiere", "JEAN-PIERRE"),
        ("jp martin", "MARTIN Jean-Pierre"),
        ("maité", "MARIE-THÉRÈSE"),
        ("jacky martin", "MARTIN Jacques"),
        ("jacques martin", "MARTIN Jacky"),
        ("steph", "STEF"),
        ("st martin", "SAINT-MARTIN"),
        ("sainte marie", "STE MARIE"),
        ("stmartin", "SAINT MARTIN"),
        ("de la tour", "TOUR"),
        ("van den berg", "VANDENBERG"),
        ("el khattabi", "ELKHATTABI"),
        ("mac mahon", "MACMAHON"),
    ],
)
def test_a_name_is_heard_word_by_word(typed: str, name: str) -> None:
    assert Alike(typed)(name)


def test_a_word_gives_way_to_another_that_has_no_other_choice() -> None:
    """*martin* may be either, *martinez* the first alone."""
    assert Alike("martin martinez")("MARTINE Martin")


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("marie", "LEFEBVRE"),
        ("martin lefevre", "LEFEBVRE Marie"),
        ("martin marie", "MARIN Zoé"),
        ("", "X"),
        ("-", "-"),
        ("de", "LA"),
    ],
)
def test_every_word_typed_must_be_heard(typed: str, name: str) -> None:
    assert not Alike(typed)(name)


def test_particles_go_with_what_follows() -> None:
    assert heard("DE LA TOUR") == ("de", "la", "tour", "dela", "delatour", "latour")
    assert units("Jean de la Tour") == (("jean",), ("delatour", "latour", "tour"))
    assert units("le") == (("le",),)
    assert units("st") == (("saint", "st"),)


def test_compounds_are_heard_in_one_word_and_by_initials() -> None:
    assert heard("MARTIN JEAN-PIERRE") == ("martin", "jean", "pierre", "jeanpierre", "jp")


@pytest.mark.parametrize("word", ["st", "ste", "sainte", "saint", "sts"])
def test_a_saint_is_a_saint(word: str) -> None:
    assert spelt(word) == "saint"


@pytest.mark.parametrize("word", ["stephane", "stan", "steve", "stoll", "saintonge", "sand"])
def test_not_every_st_is(word: str) -> None:
    assert spelt(word) == word


@pytest.mark.parametrize("particle", ["d", "de la", "st", "aït"])
def test_a_name_of_nothing_but_particles_is_no_work(particle: str) -> None:
    """What they are written as grows as their square: 500 of them in a row of an extract were two megabytes of tokens,
    and a second of work."""
    name = " ".join([particle] * 300)
    assert sum(map(len, heard(name))) < 5_000
    assert all(len(ways) < 12 for ways in units(name))
    assert Alike("tour")("de la de la de la de la de la tour")
    assert Alike("deladeladeladeladelatour")("de la de la de la de la de la tour")
