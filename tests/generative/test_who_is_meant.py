"""What holds of any description, any scores and any two addresses."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from directory_service.matching import describe
from directory_service.matching.description import FIELDS, LONGEST
from directory_service.matching.judging import confidences
from directory_service.model.confusable import How, looks, meant_for, rewritten

SCORES = st.lists(st.floats(-30, 30), max_size=30)
LOCALS = st.from_regex(r"[a-z]{3,8}([.\-_][a-z]{3,8})?", fullmatch=True)


@given(st.dictionaries(st.sampled_from(FIELDS), st.text(max_size=LONGEST)))
def test_any_fields_are_read(said: dict[str, str]) -> None:
    found = describe(said)
    assert all(len(getattr(found, name)) <= 2 * LONGEST for name in FIELDS)
    assert "\n" not in found.text


@given(SCORES, st.booleans())
def test_confidences_are_shares_in_the_order_of_the_scores(scores: list[float], more: bool) -> None:
    found = confidences(scores, more=more)
    assert len(found) == len(scores)
    assert sum(found) <= 100 and all(0 <= c <= 99 for c in found)
    by_score = [c for _, c in sorted(zip(scores, found, strict=True), key=lambda pair: pair[0])]
    assert by_score == sorted(by_score)


@given(SCORES.filter(bool), st.booleans())
def test_another_who_fits_as_well_takes_a_share(scores: list[float], more: bool) -> None:
    before, best = confidences(scores, more=more), max(scores)
    after = confidences([*scores, best], more=more)
    assert max(after) <= max(before)
    assert max(after) <= 50


@given(LOCALS, LOCALS)
def test_look_alikes_are_mutual_and_never_oneself(one: str, other: str) -> None:
    a, b = f"{one}@medecin.mssante.fr", f"{other}@medecin.mssante.fr"
    assert meant_for(a, a) is None
    assert meant_for(a, b) == meant_for(b, a)


@given(LOCALS, st.integers(0, 30), st.sampled_from("abcdefgh"))
def test_one_wrong_letter_is_noticed(local: str, at: int, letter: str) -> None:
    at %= len(local)
    wrong = local[:at] + letter + local[at + 1 :]
    if len(local) >= 5 and wrong != local:
        assert meant_for(f"{wrong}@a.fr", f"{local}@a.fr") is not None


@given(LOCALS)
def test_rewritten_addresses_are_look_alikes(local: str) -> None:
    address = f"{local}@medecin.mssante.fr"
    assert all(meant_for(w, address) in (How.REORDERED, How.CHARACTERS) for w in rewritten(address))


@given(LOCALS)
def test_signs_of_other_alphabets_have_the_same_looks(local: str) -> None:
    drawn = local.translate(str.maketrans("aeopc", "аеорс"))  # Cyrillic
    assert looks(drawn.upper()) == looks(drawn) == looks(local)
