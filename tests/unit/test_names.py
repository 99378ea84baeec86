"""Texts made comparable, those too that nobody writes."""

from __future__ import annotations

import time
import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from directory_service.entries.rules import narrower
from directory_service.entries.wire import comparable
from directory_service.index.query import Extensible
from directory_service.model.confusable import looks
from directory_service.model.names import fold, fold_any, normalized, squash, words

SECONDS = 5.0
# Marks in an order that sorting has to change; the last is none by its class, but what it is made of is.
MARKS = ["\u0301\u0316", "\u0345\u0323\u0300", "\u0f73"]


def by_rule(text: str) -> object:
    holds = narrower(Extensible("cn", text.encode(), "caseIgnoreMatch"))
    return holds and holds(b"e")


@pytest.mark.parametrize("made", [fold_any, comparable, looks, by_rule])
@pytest.mark.parametrize("marks", MARKS)
def test_a_letter_of_a_hundred_thousand_marks_is_no_work(made: Callable[[str], object], marks: str) -> None:
    began = time.process_time()
    made("e" + marks * 100_000)
    assert time.process_time() - began < SECONDS


@given(st.text(max_size=40), st.sampled_from(("NFKC", "NFKD")))
def test_texts_of_ordinary_letters_are_what_unicode_says(text: str, form: str) -> None:
    """However long they are; a letter of thirty marks is ordinary here."""
    whole = (text[:30] + "e\u0301 ") * 20 + text
    assert normalized(form, whole) == unicodedata.normalize(form, whole)  # type: ignore[arg-type]


def test_a_name_with_more_marks_than_any_is_found_by_its_letters() -> None:
    assert fold_any("Zoe" + "\u0301" * 1000) == "zoe"


@pytest.mark.parametrize("made", [fold_any, squash, words])
def test_few_characters_that_are_many_letters_are_not_remembered(made: Callable[[str], object]) -> None:
    """U+FDFA is eighteen: a hundred thousand names of 256 of them took a gigabyte."""
    made("Zoé")
    known = fold.cache_info().currsize
    made("\ufdfa" * 200)
    made("a" * 5000)
    assert fold.cache_info().currsize == known
