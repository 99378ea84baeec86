"""The table of what people say for professions, specialties, departments and structures is sound, row by row."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from directory_service.model import nomenclature, vocabulary
from directory_service.model.names import fold
from directory_service.model.vocabulary import System

FILE = Path(vocabulary.__file__).parent / "data/search_words.csv"
ROWS = list(csv.DictReader(FILE.read_text(encoding="utf-8").splitlines()))
LABELS = {System.PROFESSION: "profession", System.SPECIALTY: "expertise", System.MODE: "mode"}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['system']}:{row['words']}")
def test_each_row_is_folded_says_its_origin_and_means_something(row: dict[str, str]) -> None:
    assert row["words"] and fold(row["words"]) == row["words"] and row["origin"]
    assert row["system"] in list(System) and bool(row["meaning"]) == (row["system"] != System.SKIPPED)


def test_no_row_is_there_twice_and_all_are_in_order() -> None:
    keys = [(row["system"], row["words"]) for row in ROWS]
    assert keys == sorted(set(keys))


def test_every_code_is_of_the_nomenclature() -> None:
    for term in vocabulary.terms():
        if term.system in LABELS:
            assert set(term.codes) <= nomenclature.codes(LABELS[term.system]).keys(), term
        elif term.system is System.DEPARTMENT:
            assert set(term.codes) <= nomenclature.DEPARTMENTS.keys()


def test_every_profession_is_said_by_its_label() -> None:
    said = {(term.said, term.system): term.codes for term in vocabulary.terms()}
    for code, label in nomenclature.codes("profession").items():
        words = frozenset(fold(label).split()) - vocabulary.ARTICLES
        assert code in said[words, System.PROFESSION]


@pytest.mark.parametrize(
    ("word", "codes"),
    [
        ("kine", {"70"}),
        ("infirmiere", {"60"}),
        ("ide", {"60"}),
        ("dentiste", {"40"}),
        ("generaliste", {"SM26", "SM53", "SM54"}),
        ("ophtalmo", {"SM38", "SM85"}),
        ("gyneco", {"SM19", "SM20", "SM51", "SM52", "CEX24", "CEX22"}),
        ("orl", {"SM34", "SM39", "SM86"}),
        ("liberale", {"L"}),
        ("salaries", {"S"}),
    ],
)
def test_what_people_say_most(word: str, codes: set[str]) -> None:
    assert set().union(*(term.codes for term in vocabulary.single_words()[word] if term.whole)) == codes


def test_a_word_of_a_label_says_less_than_the_label() -> None:
    (term,) = vocabulary.single_words()["vasculaires"]
    assert not term.whole and "SM04" in term.codes


def test_codes_are_said_by_all_the_words_of_a_label_and_no_fewer() -> None:
    for code, label in nomenclature.codes("profession").items():
        assert code in vocabulary.codes_said(label, System.PROFESSION)
    for title in ("d'électroradiologie médicale", "en électroradiologie", "radio"):
        title = f"Manipulatrice {title}"
        assert vocabulary.codes_said(title, System.PROFESSION) == ("98",)
    assert vocabulary.codes_said("La Réunion", System.DEPARTMENT) == ("974",)
    assert vocabulary.codes_said("corse du sud", System.DEPARTMENT) == ("2A",)
    for text in ("vasculaires", "corse", "sud corse haute", ""):
        assert [vocabulary.codes_said(text, system) for system in System] == [()] * len(System)


def test_titles_and_articles_are_skipped() -> None:
    assert {"dr", "docteur", "de", "la"} <= vocabulary.skipped() and "dupont" not in vocabulary.skipped()
