"""Three outcomes, and what keeps a likely pair from being merged without a person."""

from __future__ import annotations

from dataclasses import replace

import pytest

from importers.reconcile.candidate import Candidate
from importers.reconcile.judge import Judgement, Outcome, judge
from importers.reconciling import model

PRACTICE = ("60", "C12345678900011")
CROWDS = {PRACTICE[1]: 3}


def record(pk: int, national: str, **fields: object) -> Candidate:
    base = Candidate(
        pk, national[0] == "8", "MARPEAU", "Bernadette", "MME", frozenset([PRACTICE]), national_id=national,
        professions=frozenset(["60"]), places=frozenset(["83000"]), departments=frozenset(["83"]),
    )  # fmt: skip
    return replace(base, **fields)  # type: ignore[arg-type]


OLD = record(1, "0836084400", family_name="MARPAEU")  # mistyped: no rule applies
NEW = record(2, "810100000019")


def judged(*people: Candidate, refused: frozenset[tuple[str, str]] = frozenset(), **crowds: int) -> list[Judgement]:
    pairs = {(a.pk, r.pk) for a in people for r in people if not a.has_rpps and r.has_rpps}
    return judge(people, pairs, crowds or CROWDS, model(), refused)


def test_a_typing_error_in_one_small_practice_is_merged_with_its_score_and_weights() -> None:
    (found,) = judged(OLD, NEW)
    assert (found.pair, found.outcome, found.how) == ((1, 2), Outcome.MERGE, "model:1")
    assert found.score is not None and found.score > 10 and found.probability is not None
    assert ("family", "near") in [weight[:2] for weight in found.weights]
    assert "même petite structure" in found.reason


def test_a_rule_comes_first_and_has_no_score() -> None:
    (found,) = judged(record(1, OLD.national_id), NEW)
    assert (found.outcome, found.how, found.score) == (Outcome.MERGE, "rule:same_name_profession_structure", None)


def test_a_rule_does_not_bind_in_a_large_structure_where_names_recur() -> None:
    old, other = record(1, OLD.national_id), record(3, "810100000027", structures=frozenset())
    assert judged(old, NEW, **{PRACTICE[1]: 900})[0].outcome == Outcome.MERGE
    (found,) = judged(old, NEW, other, **{PRACTICE[1]: 900})
    assert found.outcome == Outcome.REVIEW and "homonyme" in found.reason


@pytest.mark.parametrize(
    ("difference", "outcome", "reason"),
    [
        ({"civility": "M"}, Outcome.REVIEW, "contradictoires"),
        ({"family_name": "BERNARD"}, Outcome.REVIEW, "nom de famille"),
        ({"given_names": "B"}, Outcome.REVIEW, "prénoms"),
        ({"given_names": "Bernadete"}, Outcome.REVIEW, "prénoms proches"),
        ({"structures": frozenset()}, Outcome.REVIEW, "les noms et le lieu"),
        ({"structures": frozenset(), "places": frozenset(["13001"]), "departments": frozenset(["13"])}, Outcome.APART,
         "les noms et le lieu"),
    ],
)  # fmt: skip
def test_what_is_not_merged(difference: dict[str, object], outcome: Outcome, reason: str) -> None:
    (found,) = judged(replace(OLD, **difference), NEW)  # type: ignore[arg-type]
    assert reason in found.reason
    assert found.outcome in {outcome, Outcome.APART}
    assert found.outcome != Outcome.MERGE


def test_two_people_share_what_one_alone_would_have() -> None:
    (alone,) = judged(OLD, NEW)
    (found,) = judged(OLD, NEW, record(3, "810100000027"))
    assert found.outcome == Outcome.REVIEW
    assert alone.probability is not None and found.probability is not None
    assert found.probability == pytest.approx(alone.probability / 2, rel=0.01)


def test_two_adeli_records_that_claim_one_person_wait_for_the_staff() -> None:
    found = judged(OLD, record(4, "0836084418", family_name="MARPEU"), NEW)
    assert [j.outcome for j in found] == [Outcome.REVIEW] * 2


def test_a_stranger_whose_best_she_is_claims_nobody() -> None:
    stranger = record(4, "0175000001", family_name="TIERS", given_names="Paul", civility="M", structures=frozenset(),
                      professions=frozenset(["70"]))  # fmt: skip
    found = {j.pair: j.outcome for j in judged(OLD, stranger, NEW)}
    assert found == {(1, 2): Outcome.MERGE, (4, 2): Outcome.APART}


def test_one_mailbox_makes_up_for_a_mistyped_given_name() -> None:
    held = frozenset(["bernadette@x.fr"])
    (found,) = judged(record(1, OLD.national_id, given_names="Bernadete", mailboxes=held), replace(NEW, mailboxes=held))
    assert (found.outcome, found.how) == (Outcome.MERGE, "model:1")


def test_what_a_person_refused_is_not_considered() -> None:
    assert judged(OLD, NEW, refused=frozenset([(OLD.national_id, NEW.national_id)])) == []
    assert judged(record(1, OLD.national_id), NEW, refused=frozenset([(OLD.national_id, NEW.national_id)])) == []
