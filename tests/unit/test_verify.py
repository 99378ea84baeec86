"""The verdicts of contract.md §4, each on the real directory of ``web_world``."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import web_world as world

from directory_service.errors import InvalidInput
from directory_service.index.directory import Directory
from directory_service.index.query import View
from directory_service.registry.clock import parse_instant
from directory_service.trust.verdicts import REASONS, Verdict
from directory_service.trust.verify import verify

ZOE_BOX, JEAN_BOX, SHARED = (
    "zoe.d-essai@medecin.mssante.fr",
    "jean.dupont@medecin.mssante.fr",
    "partage@cabinet.mssante.fr",
)
CLOSED_BOX, MOVED, HOSPITAL_BOX = (
    "ancienne@medecin.mssante.fr",
    "reprise@cabinet.mssante.fr",
    "cardiologie@ch-essai.mssante.fr",
)
HIDDEN, UNREGISTERED = "cachee@medecin.mssante.fr", "inconnue@medecin.mssante.fr"


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Directory]:
    found, _ = world.build_world(tmp_path_factory.mktemp("world"))
    yield found
    found.close()


@pytest.fixture(scope="module")
def without_white_list(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Directory]:
    found, _ = world.build_world(tmp_path_factory.mktemp("open"), white_list=False)
    yield found
    found.close()


def codes(verdict: Verdict) -> set[str]:
    return {r.code for r in verdict.reasons}


def spaced(national_id: str) -> str:
    number = national_id[1:]
    return f"{number[:2]} {number[2:5]} {number[5:8]} {number[8:]}"


# address, person, name, instant, verdict, one reason that must be there
CASES = [
    # the address alone
    (ZOE_BOX, None, None, None, "verified", "holder_active"),
    (ZOE_BOX.upper(), None, None, None, "verified", "address_open"),
    (SHARED, None, None, None, "verified", "several_holders"),
    (HOSPITAL_BOX, None, None, None, "verified", "address_open"),
    (UNREGISTERED, None, None, None, "verified", "holder_unregistered"),
    ("nobody@medecin.mssante.fr", None, None, None, "unknown_address", "address_unknown"),
    (CLOSED_BOX, None, None, None, "closed", "address_closed"),
    ("marie.lefevre@medecin.mssante.fr", None, None, None, "inactive", "holder_inactive"),
    ("ailleurs@nulle-part.fr", None, None, None, "untrusted_domain", "domain_untrusted"),
    ("nobody@nulle-part.fr", None, None, None, "untrusted_domain", "domain_untrusted"),
    # by identifier, as people type it
    (ZOE_BOX, world.ZOE, None, None, "verified", "identifier_matches"),
    (ZOE_BOX, world.ZOE[1:], None, None, "verified", "identifier_matches"),
    (ZOE_BOX, spaced(world.ZOE), None, None, "verified", "identifier_matches"),
    (ZOE_BOX, world.ZOE_ADELI, None, None, "verified", "former_identifier"),
    (ZOE_BOX, "0" + world.ZOE_ADELI, None, None, "verified", "former_identifier"),
    (HOSPITAL_BOX, world.HOSPITAL_FINESS, None, None, "verified", "identifier_matches"),
    (HOSPITAL_BOX, "266 900 000 00017", None, None, "verified", "identifier_matches"),
    (ZOE_BOX, world.JEAN, None, None, "mismatch", "other_holder"),
    (HOSPITAL_BOX, world.ZOE, None, None, "mismatch", "other_holder"),
    (ZOE_BOX, "8" + world.rpps(999), None, None, "unknown_person", "identifier_unknown"),
    (ZOE_BOX, "12345678901", None, None, "unknown_person", "identifier_malformed"),
    (SHARED, world.JEAN_BIS, None, None, "verified", "identifier_matches"),
    # by name
    (ZOE_BOX, None, "Dr Zoé d’Essai", None, "verified", "name_matches"),
    (ZOE_BOX, "dessai zoe", None, None, "verified", "name_matches"),
    (ZOE_BOX, None, "Z. D'Essai", None, "verified", "initials_match"),
    (ZOE_BOX, None, "D ESSAI", None, "verified", "surname_only"),
    (ZOE_BOX, None, "Jean Dupont", None, "mismatch", "other_name"),
    (SHARED, None, "Jean Dupont", None, "ambiguous", "shared_name"),
    (UNREGISTERED, None, "Berthe Nouvelle", None, "verified", "holder_unregistered"),
    (HOSPITAL_BOX, None, "centre hospitalier d'essai", None, "verified", "name_matches"),
    ("marie.lefevre@medecin.mssante.fr", None, "Lefevre Marie", None, "inactive", "holder_inactive"),
    # both
    (ZOE_BOX, world.ZOE, "Zoé D'Essai", None, "verified", "name_matches"),
    (ZOE_BOX, world.ZOE, "Jean Dupont", None, "mismatch", "other_name"),
    # what changed hands, or ended
    (MOVED, world.ZOE, None, None, "verified", "identifier_matches"),
    (MOVED, world.JEAN, None, None, "closed", "former_holder"),
    (MOVED, world.PAUL, None, None, "mismatch", "other_holder"),
    (CLOSED_BOX, world.ZOE, None, None, "closed", "former_holder"),
    (CLOSED_BOX, world.JEAN, None, None, "mismatch", "address_closed"),
    # at a past instant
    (MOVED, world.JEAN, None, world.BETWEEN, "verified", "domain_trusted"),
    (MOVED, world.ZOE, None, world.BETWEEN, "mismatch", "other_holder"),
    (MOVED, world.ZOE, None, world.AFTER, "verified", "identifier_matches"),
    (CLOSED_BOX, None, None, world.BETWEEN, "verified", "address_open"),
    (CLOSED_BOX, None, None, world.TURN, "closed", "address_closed"),
    ("marie.lefevre@medecin.mssante.fr", None, None, world.BETWEEN, "verified", "holder_active"),
    (ZOE_BOX, None, None, world.BEFORE, "unknown_address", "not_yet_open"),
    (ZOE_BOX, None, None, world.BEFORE, "unknown_address", "no_white_list_then"),
]


@pytest.mark.parametrize(("address", "person", "name", "at", "expected", "why"), CASES)
def test_verdict(
    directory: Directory, address: str, person: str | None, name: str | None, at: str | None, expected: str, why: str
) -> None:
    instant = parse_instant(at) if at else None
    verdict = verify(directory, address, person=person, name=name, at=instant, view=View.ANONYMOUS)
    assert verdict.verdict == expected
    assert why in codes(verdict)
    assert codes(verdict) <= REASONS.keys()
    assert verdict.build == directory.build().id
    assert verdict.exit_code == (0 if expected == "verified" else 4)


def test_a_verified_answer_names_the_holder_and_since_when(directory: Directory) -> None:
    answer = verify(directory, ZOE_BOX, person=world.ZOE_ADELI, view=View.ANONYMOUS).as_dict()
    assert answer["holder"]["id"] == world.ZOE
    assert "D'ESSAI" in answer["holder"]["label"]
    assert answer["since"] == world.START
    assert answer["operator"] == world.OPERATOR
    assert "until" not in answer and "receipt" not in answer


def test_the_end_is_dated(directory: Directory) -> None:
    for address in (CLOSED_BOX, "marie.lefevre@medecin.mssante.fr"):
        answer = verify(directory, address, view=View.ANONYMOUS)
        assert answer.until == world.TURN
        assert any("01/06/2026" in r.text for r in answer.reasons)


def test_several_holders_are_not_chosen_from(directory: Directory) -> None:
    assert verify(directory, SHARED, view=View.ANONYMOUS).holder is None
    assert verify(directory, SHARED, name="Jean Dupont", view=View.ANONYMOUS).holder is None


def test_hidden_and_absent_are_the_same_answer(directory: Directory) -> None:
    for question in ({}, {"person": world.PAUL}, {"name": "Paul Martin"}):
        hidden = verify(directory, HIDDEN, **question, view=View.ANONYMOUS).as_dict()
        absent = verify(directory, "absente@medecin.mssante.fr", **question, view=View.ANONYMOUS).as_dict()
        assert {**hidden, "address": "", "at": ""} == {**absent, "address": "", "at": ""}


def test_staff_sees_an_unlisted_mailbox(directory: Directory) -> None:
    assert verify(directory, HIDDEN, person=world.PAUL, view=View.STAFF).verdict == "verified"


def test_without_a_white_list_every_domain_is_trusted_and_this_is_said(without_white_list: Directory) -> None:
    verdict = verify(without_white_list, "ailleurs@nulle-part.fr", view=View.ANONYMOUS)
    assert verdict.verdict == "verified"
    assert "no_white_list" in codes(verdict)


@pytest.mark.parametrize("address", ["", "x", "a@b", "a b@c.fr", "@c.fr", "a@@c.fr", "a@c.fr\n@x.fr", "a@.fr", "a@c."])
def test_what_is_not_an_address_is_refused(directory: Directory, address: str) -> None:
    with pytest.raises(InvalidInput):
        verify(directory, address, view=View.ANONYMOUS)


def test_an_instant_to_come_is_refused(directory: Directory) -> None:
    with pytest.raises(InvalidInput):
        verify(directory, ZOE_BOX, at=datetime.now(UTC) + timedelta(days=1), view=View.ANONYMOUS)
    soon = datetime.now(UTC) + timedelta(seconds=30)
    assert verify(directory, ZOE_BOX, at=soon, view=View.ANONYMOUS).verdict == "verified"
