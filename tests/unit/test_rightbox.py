"""To which box does one write?  The table of rules, and what Hypothesis holds of any choice."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from directory_service.model.mailboxes import MailboxType
from directory_service.model.publication import PURPOSES
from directory_service.model.rightbox import DECIDERS, REASONS, TYPES, Box, Choice, Fit, Need, choose

PER, ORG, APP, CAB = MailboxType.PERSONAL, MailboxType.ORGANIZATIONAL, MailboxType.APPLICATION, MailboxType.OFFICE
REPORT = Need("report")


def box(address: str = "a@a.fr", kind: MailboxType = PER, **facts: object) -> Box:
    return replace(Box(address, kind), **facts)  # type: ignore[arg-type]


def chosen(need: Need, *boxes: Box) -> Choice:
    return choose(boxes, need)


def test_every_purpose_has_its_order_of_types() -> None:
    assert TYPES.keys() == PURPOSES.keys()
    assert all(set().union(*order) == set(MailboxType) for order in TYPES.values())


def test_the_only_box_is_the_one() -> None:
    found = chosen(REPORT, box())
    assert (found.recommended, found.ambiguous, found.boxes[0].fit) == ("a@a.fr", False, Fit.YES)


def test_nobody_is_no_ambiguity() -> None:
    assert chosen(REPORT) == Choice((), None, ambiguous=False, would_decide=())


@pytest.mark.parametrize(
    ("purpose", "better", "worse"),
    [("report", PER, CAB), ("prescription", PER, ORG), ("administrative", CAB, PER), ("administrative", ORG, APP)],
)
def test_types_for_a_purpose(purpose: str, better: MailboxType, worse: MailboxType) -> None:
    assert chosen(Need(purpose), box("b@a.fr", better), box("a@a.fr", worse)).recommended == "b@a.fr"


@pytest.mark.parametrize(
    ("need", "facts", "against"),
    [
        (Need("report", structure="1A"), {"structures": ("1A",)}, {"structures": ("1B",), "purposes": ("report",)}),
        (Need("report", structure="1A"), {}, {"structures": ("1B",), "preferred": True}),
        (Need("report", service="cardio"), {"service": "Cardiologie"}, {"service": "Urologie", "preferred": True}),
        (REPORT, {"purposes": ("report",)}, {"preferred": True}),
        (REPORT, {}, {"purposes": ("urgent",), "preferred": True}),
        (REPORT, {"preferred": True}, {"rank": 2}),
        (REPORT, {"rank": 2}, {"rank": 3}),
        (REPORT, {"rank": 9}, {}),
        (REPORT, {"activity": True}, {"activity": False, "preferred": True, "purposes": ("report",)}),
        (REPORT, {}, {"operator_left": True, "preferred": True}),
        (REPORT, {"trusted": True}, {"trusted": False, "preferred": True, "purposes": ("report",)}),
        (REPORT, {}, {"paperless": False}),
        (REPORT, {"type": ORG, "purposes": ("report",)}, {"type": PER}),
    ],
)
def test_the_one_fact_before_the_other(need: Need, facts: dict[str, object], against: dict[str, object]) -> None:
    found = chosen(need, box("z@a.fr", **facts), box("a@a.fr", **against))
    assert found.recommended == "z@a.fr"


@pytest.mark.parametrize("purpose", ["administrative", "appointment", "telemedicine", "urgent"])
def test_software_that_is_said_to_read_for_people_is_in_no_doubt(purpose: str) -> None:
    found = chosen(Need(purpose), box(kind=APP))
    assert found.ambiguous and "read_by_software" in found.boxes[0].reasons
    found = chosen(Need(purpose), box(kind=APP, purposes=(purpose,)))
    assert found.recommended == "a@a.fr" and found.boxes[0].reasons == ("purpose_published", "type_app")


@pytest.mark.parametrize(
    ("need", "first", "second"),
    [
        (Need("report", structure="1A"), {"structures": ("1A", "1B")}, {"structures": ("1A",)}),
        (Need("report", service="cardio"), {"service": "Cardiologie"}, {"service": "Cardio"}),
        (REPORT, {"purposes": ("report", "urgent")}, {"purposes": ("report",)}),
    ],
)
def test_what_was_said_decides_no_more(need: Need, first: dict[str, object], second: dict[str, object]) -> None:
    assert chosen(need, box("a@a.fr", **first), box("b@a.fr", **second)).would_decide == ("preferred",)


def test_purposes_that_differ_would_decide() -> None:
    boxes = box("a@a.fr", purposes=("report",)), box("b@a.fr", purposes=("urgent",))
    assert chosen(Need(), *boxes).would_decide == ("purpose", "preferred")
    same = box("a@a.fr", purposes=("report", "urgent")), box("b@a.fr", purposes=("urgent", "report"))
    assert chosen(Need(), *same).would_decide == ("preferred",)


@pytest.mark.parametrize("service", ["-", " … "])
def test_signs_alone_name_no_service(service: str) -> None:
    found = chosen(Need(service=service), box(service="Cardiologie"))
    assert found == chosen(Need(), box(service="Cardiologie"))


def test_two_like_boxes_are_ambiguous_and_the_structure_would_decide() -> None:
    found = chosen(REPORT, box("a@a.fr", structures=("1A",)), box("b@a.fr", structures=("1B",)))
    assert (found.recommended, found.ambiguous, found.would_decide) == (None, True, ("structure", "preferred"))
    assert chosen(replace(REPORT, structure="1B"), *[j.box for j in found.boxes]).recommended == "b@a.fr"


def test_without_a_purpose_the_purpose_would_decide() -> None:
    assert chosen(Need(), box("a@a.fr", PER), box("b@a.fr", CAB)).would_decide == ("purpose", "preferred")


@pytest.mark.parametrize("weak", [{"certificate": True}, {"paperless": True}, {"address": "0@a.fr"}])
def test_what_does_not_bear_on_the_choice_only_orders(weak: dict[str, object]) -> None:
    found = chosen(REPORT, box("b@a.fr"), replace(box("c@a.fr"), **weak))
    assert found.recommended is None and found.ambiguous
    assert found.boxes[0].box.address != "b@a.fr"


@pytest.mark.parametrize(
    ("need", "facts", "settled"),
    [
        (REPORT, {"activity": False}, "holder"),
        (REPORT, {"operator_left": True}, "holder"),
        (REPORT, {"purposes": ("urgent",)}, "purpose"),
        (Need("urgent"), {}, "purpose"),
        (Need("administrative"), {"type": APP}, "purpose"),
        (Need("report", structure="1A"), {"structures": ("1B",)}, "structure"),
        (Need("report", service="x"), {"service": "y"}, "service"),
    ],
)
def test_a_single_box_in_doubt_is_not_recommended(need: Need, facts: dict[str, object], settled: str) -> None:
    found = chosen(need, box(**facts))
    assert (found.recommended, found.ambiguous, found.would_decide) == (None, True, (settled,))


@pytest.mark.parametrize("facts", [{"active": False}, {"trusted": False}])
def test_what_must_not_be_written_to_is_neither_recommended_nor_ambiguous(facts: dict[str, object]) -> None:
    found = chosen(REPORT, box(**facts))
    assert (found.recommended, found.ambiguous, found.boxes[0].fit) == (None, False, Fit.NO)


BOXES = st.builds(
    Box,
    st.sampled_from([f"{c}@a.fr" for c in "abcdef"]),
    st.sampled_from(MailboxType),
    structures=st.sampled_from([(), ("1A",), ("1B",), ("1A", "1B")]),
    service=st.sampled_from(["", "Cardiologie", "Urologie"]),
    purposes=st.sampled_from([(), ("report",), ("urgent", "administrative")]),
    preferred=st.booleans(),
    rank=st.none() | st.integers(1, 3),
    paperless=st.none() | st.booleans(),
    trusted=st.none() | st.booleans(),
    operator_left=st.booleans(),
    activity=st.none() | st.booleans(),
    certificate=st.booleans(),
)
NEEDS = st.builds(
    Need, st.sampled_from(["", *PURPOSES]), st.sampled_from(["", "1A"]), st.sampled_from(["", "cardiologie"])
)
SOME = st.lists(BOXES, max_size=5, unique_by=lambda b: b.address)


@given(SOME, NEEDS, st.randoms())
def test_the_order_in_which_boxes_come_is_nothing(boxes: list[Box], need: Need, random: object) -> None:
    shuffled = list(boxes)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert choose(boxes, need) == choose(shuffled, need)


@given(SOME, NEEDS)
def test_a_recommendation_is_fit_first_and_the_only_one(boxes: list[Box], need: Need) -> None:
    found = choose(boxes, need)
    assert {j.box for j in found.boxes} == set(boxes)
    assert not (found.recommended and found.ambiguous)
    if found.recommended:
        first, *others = found.boxes
        assert (first.box.address, first.fit) == (found.recommended, Fit.YES)
        assert all(first.decisive < other.decisive for other in others)
    else:
        assert found.ambiguous == any(j.fit is not Fit.NO for j in found.boxes)
    assert bool(found.would_decide) == found.ambiguous
    assert set(found.would_decide) <= DECIDERS.keys()
    assert {code for j in found.boxes for code in j.reasons} <= REASONS.keys()


@given(SOME, NEEDS, BOXES)
def test_a_box_that_must_not_be_written_to_changes_no_choice(boxes: list[Box], need: Need, more: Box) -> None:
    away = replace(more, address="x@a.fr", trusted=False)
    before, after = choose(boxes, need), choose([*boxes, away], need)
    assert (before.recommended, before.ambiguous, before.would_decide) == (
        after.recommended, after.ambiguous, after.would_decide,
    )  # fmt: skip


@given(SOME, NEEDS)
def test_a_twin_of_what_is_recommended_makes_it_ambiguous(boxes: list[Box], need: Need) -> None:
    found = choose(boxes, need)
    if found.recommended:
        twin = replace(found.boxes[0].box, address="x@a.fr", certificate=True, paperless=found.boxes[0].box.paperless)
        assert choose([*boxes, twin], need).ambiguous
