"""The verdicts of contract.md §4, each on the real directory of ``web_world``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import web_world as world

from directory_service.errors import InvalidInput
from directory_service.index.directory import Directory
from directory_service.index.query import View
from directory_service.index.writer import build_index
from directory_service.registry.clock import CLOCK_SKEW, parse_instant
from directory_service.registry.engine import open_registry, writing
from directory_service.registry.operators import add_operator, suspend
from directory_service.registry.runs import add_file, create_run, finish_run
from directory_service.trust.access import Caller
from directory_service.trust.domains import untrusted
from directory_service.trust.verdicts import REASONS, Verdict
from directory_service.trust.verify import Question, ask, verify

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
LONG_S = "\N{LATIN SMALL LETTER LONG S}"
HIDDEN, UNREGISTERED = "cachee@medecin.mssante.fr", "inconnue@medecin.mssante.fr"


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
    (f" {ZOE_BOX}\n", None, None, None, "verified", "address_open"),
    ("a" * 64 + "@medecin.mssante.fr", None, None, None, "unknown_address", "address_unknown"),
    (SHARED, None, None, None, "verified", "several_holders"),
    (HOSPITAL_BOX, None, None, None, "verified", "address_open"),
    (UNREGISTERED, None, None, None, "verified", "holder_unregistered"),
    ("nobody@medecin.mssante.fr", None, None, None, "unknown_address", "address_unknown"),
    # signs that case folding makes the letters of another address of
    (ZOE_BOX.replace("essai", f"e{LONG_S}sai"), None, None, None, "unknown_address", "address_unknown"),
    (ZOE_BOX.replace("mssante", f"m{LONG_S}sante"), None, None, None, "untrusted_domain", "domain_untrusted"),
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
    (ZOE_BOX, "732829320 00074", None, None, "unknown_person", "identifier_unknown"),
    (ZOE_BOX, "732829320 00075", None, None, "unknown_person", "identifier_malformed"),
    (ZOE_BOX, "?", None, None, "unknown_person", "identifier_malformed"),
    (SHARED, world.JEAN_BIS, None, None, "verified", "identifier_matches"),
    # by name
    (ZOE_BOX, None, "Dr Zoé d’Essai", None, "verified", "name_matches"),
    (ZOE_BOX, "dessai zoe", None, None, "verified", "name_matches"),
    (ZOE_BOX, "dessai zoe", "Jean Dupont", None, "unknown_person", "identifier_malformed"),
    (ZOE_BOX, None, "Z. D'Essai", None, "verified", "initials_match"),
    (ZOE_BOX, None, "D ESSAI", None, "verified", "surname_only"),
    (ZOE_BOX, None, "Jean Dupont", None, "mismatch", "other_name"),
    (ZOE_BOX, None, "Zoé Essai", None, "verified", "name_matches"),
    (ZOE_BOX, None, "Anne D'Essai", None, "mismatch", "given_name_differs"),
    (ZOE_BOX, None, "Zoé Martin", None, "mismatch", "surname_differs"),
    (ZOE_BOX, None, "Zoé D'Esai", None, "mismatch", "one_letter_differs"),
    (HOSPITAL_BOX, None, "centre hospitalier d'esai", None, "mismatch", "one_letter_differs"),
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
    ("marie.lefevre@medecin.mssante.fr", None, None, world.TURN, "inactive", "holder_inactive"),
    (ZOE_BOX, None, None, world.START, "verified", "address_open"),
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


def test_before_its_first_holder_an_address_opens_with_that_one(directory: Directory) -> None:
    answer = verify(directory, MOVED, at=parse_instant(world.BEFORE), view=View.ANONYMOUS)
    assert any("05/01/2026" in r.text for r in answer.reasons)


def test_whoever_is_not_the_holder_is_told_who_is(directory: Directory) -> None:
    answer = verify(directory, ZOE_BOX, person=world.JEAN, view=View.ANONYMOUS)
    assert answer.holder and answer.holder.id == world.ZOE


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
    then = verify(without_white_list, ZOE_BOX, at=parse_instant(world.BETWEEN), view=View.ANONYMOUS)
    assert "no_white_list" in codes(then)


def test_without_a_white_list_no_domain_is_outside(without_white_list: Directory, directory: Directory) -> None:
    asked = ["ailleurs@nulle-part.fr", ZOE_BOX, JEAN_BOX]
    assert [untrusted(found, asked) for found in (directory, without_white_list)] == [{asked[0]}, frozenset()]


@pytest.mark.parametrize("address", ["", "x", "a@b", "a b@c.fr", "@c.fr", "a@@c.fr", "a@c.fr\n@x.fr", "a@.fr", "a@c.",
                                     "a" * 65 + "@c.fr"])  # fmt: skip
def test_what_is_not_an_address_is_refused(directory: Directory, address: str) -> None:
    with pytest.raises(InvalidInput):
        verify(directory, address, view=View.ANONYMOUS)


def test_an_instant_to_come_is_refused(directory: Directory) -> None:
    with pytest.raises(InvalidInput):
        verify(directory, ZOE_BOX, at=datetime.now(UTC) + CLOCK_SKEW + timedelta(minutes=1), view=View.ANONYMOUS)
    soon = datetime.now(UTC) + timedelta(seconds=30)
    found = verify(directory, ZOE_BOX, at=soon, view=View.ANONYMOUS)
    assert found.verdict == "verified" and parse_instant(found.at) < soon - timedelta(
        seconds=9
    )  # a clock that is fast: judged as of now


# -- who sees unlisted mailboxes --------------------------------------------------------------------------------------

ENTITLED = Caller(View.OPERATOR, "hopital", frozenset({"publish", "unlisted"}))
OTHER = Caller(View.OPERATOR, "hopital", frozenset({"publish"}))
OWNER = Caller(View.OPERATOR, world.OPERATOR, frozenset({"publish"}))
ANYBODY = Caller(View.ANONYMOUS)


@pytest.mark.parametrize(
    ("caller", "expected"),
    [(ENTITLED, "verified"), (OWNER, "verified"), (OTHER, "unknown_address"), (ANYBODY, "unknown_address"),
     (Caller(View.ANONYMOUS, "", frozenset({"unlisted"})), "unknown_address")],
)  # fmt: skip
def test_an_unlisted_mailbox_verifies_for_whoever_is_entitled_to_it(
    directory: Directory, caller: Caller, expected: str
) -> None:
    assert ask(directory, Question(HIDDEN, person=world.PAUL), caller).verdict == expected


def test_near_misses_are_told_of_what_the_caller_may_see_only(directory: Directory) -> None:
    question = Question(HIDDEN, name="Paul Martn")
    assert "one_letter_differs" in codes(ask(directory, question, ENTITLED))
    assert codes(ask(directory, question, OTHER)) == {"domain_trusted", "address_unknown"}


# -- the sender side --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def operators(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Directory]:
    """Three operators: that of the world, one with a domain of its own that it shares, and a suspended one."""
    folder = tmp_path_factory.mktemp("operators")
    world.build_world(folder)[0].close()
    engine = open_registry(f"sqlite:///{folder / 'registry.sqlite'}")
    with writing(engine) as connection:
        add_operator(connection, "hopital", ["ch-essai.mssante.fr", "patient.mssante.fr"], actor="test")
        add_operator(connection, "arrete", ["medecin.mssante.fr"], actor="test")
        add_operator(connection, "presse", ["presse.mssante.fr"], actor="test", at="2099-01-01T00:00:00Z")
        suspend(connection, "arrete", actor="test")
        number = create_run(connection, actor="tests", kind="import", as_of=world.TURN)
        add_file(connection, number, layout="mssante.mailboxes", name="x", sha256="", size=1, rows=1,
                 published=world.TURN)  # fmt: skip
        finish_run(connection, number, status="done", counts={})
    build_index(engine, folder / "index", world.SUFFIX, workers=1)
    engine.dispose()
    found = Directory(folder / "index", world.SUFFIX)
    yield found
    found.close()


@pytest.mark.parametrize(
    ("address", "sender", "expected", "why"),
    [
        (ZOE_BOX, world.OPERATOR, "verified", "operator_holds_domain"),
        (HOSPITAL_BOX, "hopital", "verified", "operator_holds_domain"),  # a domain may stand under several
        (HOSPITAL_BOX, world.OPERATOR, "verified", "holder_active"),
        (ZOE_BOX, "hopital", "mismatch", "other_operator"),
        ("nobody@medecin.mssante.fr", "hopital", "mismatch", "other_operator"),
        (ZOE_BOX, "arrete", "mismatch", "operator_unknown"),
        (ZOE_BOX, "personne", "mismatch", "operator_unknown"),
        ("nobody@medecin.mssante.fr", world.OPERATOR, "unknown_address", "address_unknown"),
        (CLOSED_BOX, world.OPERATOR, "closed", "address_closed"),
        ("marie.lefevre@medecin.mssante.fr", world.OPERATOR, "inactive", "holder_inactive"),
        ("ailleurs@nulle-part.fr", world.OPERATOR, "untrusted_domain", "domain_untrusted"),
        ("255081416802538@patient.mssante.fr", "hopital", "verified", "patient_rule"),
        ("255081416802538@patient.mssante.fr", world.OPERATOR, "mismatch", "other_operator"),
    ],
)
def test_may_this_operator_send_as_this_address(
    operators: Directory, address: str, sender: str, expected: str, why: str
) -> None:
    verdict = ask(operators, Question(address, sender=sender), ANYBODY)
    assert verdict.verdict == expected
    assert verdict.operator == (sender if expected in ("verified", "closed", "inactive") else verdict.operator)
    assert why in codes(verdict)


def test_of_a_domain_that_several_hold_no_operator_is_told(operators: Directory) -> None:
    told = [
        verify(operators, a, view=View.ANONYMOUS).operator for a in (ZOE_BOX, HOSPITAL_BOX, "x@ch-essai.mssante.fr")
    ]
    assert told == [world.OPERATOR, "", ""]


def test_an_operator_that_holds_no_domain_may_send_while_there_is_no_white_list(tmp_path: Path) -> None:
    world.build_world(tmp_path, white_list=False)[0].close()
    engine = open_registry(f"sqlite:///{tmp_path / 'registry.sqlite'}")
    with writing(engine) as connection:
        add_operator(connection, "essai", actor="test")
    build_index(engine, tmp_path / "index", world.SUFFIX, workers=1)
    engine.dispose()
    with closing(Directory(tmp_path / "index", world.SUFFIX)) as found:
        for address in (ZOE_BOX, PATIENT):
            told = [ask(found, Question(address, sender=name), ANYBODY).verdict for name in ("essai", "personne")]
            assert told == ["verified", "mismatch"]


def test_nobody_sends_as_a_patient_whose_domain_no_operator_holds(directory: Directory) -> None:
    verdict = ask(directory, Question(PATIENT, sender=world.OPERATOR), ANYBODY)
    assert verdict.verdict == "untrusted_domain" and codes(verdict) == {"domain_untrusted"}


def test_trust_of_today_does_not_ask_the_clock(operators: Directory) -> None:
    """Whoever wrote may be ahead of it."""
    for at in (None, datetime.now(UTC) - timedelta(seconds=1)):
        assert verify(operators, "x@presse.mssante.fr", at=at, view=View.ANONYMOUS).verdict == "unknown_address"


def test_an_answer_says_who_says_so_and_when_it_last_did(operators: Directory) -> None:
    told = [verify(operators, a, view=View.ANONYMOUS).as_dict()["freshness"] for a in (ZOE_BOX, "x@medecin.mssante.fr")]
    assert told == [{"source": "mssante.mailboxes", "seen": world.TURN}] * 2


def test_trust_is_the_white_list_s_to_say(operators: Directory) -> None:
    asked = Question("ailleurs@nulle-part.fr"), Question(ZOE_BOX, sender="hopital")
    told = [ask(operators, question, ANYBODY).as_dict()["freshness"] for question in asked]
    assert told == [{"source": "mssante.whitelist", "seen": None}] * 2


# -- patients ---------------------------------------------------------------------------------------------------------

PATIENT = "255081416802538@patient.mssante.fr"


@pytest.mark.parametrize(
    ("address", "person", "name", "expected", "why"),
    [
        (PATIENT, "", "", "verified", "patient_rule"),
        ("199012A00100103@Patient.MSSante.fr", "", "", "verified", "patient_rule"),
        ("255081416802539@patient.mssante.fr", "", "", "unknown_address", "patient_number"),
        ("marie.dupont@patient.mssante.fr", "", "", "unknown_address", "patient_number"),
        (PATIENT, "2 55 08 14 168 025 38", "", "verified", "identifier_matches"),
        ("199012A00100103@patient.mssante.fr", "1 99 01 2a 001 001 03", "", "verified", "identifier_matches"),
        (PATIENT, "269054958815780", "", "mismatch", "other_holder"),
        (PATIENT, "Marie Dupont", "", "unknown_person", "patient_unnamed"),
        (PATIENT, "", "Marie Dupont", "unknown_person", "patient_unnamed"),
        (PATIENT, world.ZOE, "", "unknown_person", "patient_unnamed"),
    ],
)
def test_patients_are_verified_by_rule_and_never_named(
    directory: Directory, address: str, person: str, name: str, expected: str, why: str
) -> None:
    verdict = ask(directory, Question(address, person, name), ANYBODY)
    assert verdict.verdict == expected and why in codes(verdict)
    assert "identifier_matches" not in codes(verdict) or person
    assert verdict.holder is None and verdict.freshness and verdict.freshness.source == "rule"


def test_no_registry_is_asked_of_a_patient(directory: Directory) -> None:
    with directory.held():
        statements: list[str] = []
        connection = directory._fresh().connection
        connection.set_trace_callback(statements.append)
        ask(directory, Question(PATIENT), ANYBODY)
        connection.set_trace_callback(None)
    assert statements == []


def test_the_domain_of_patients_is_a_setting(directory: Directory) -> None:
    assert ask(directory, Question(PATIENT), ANYBODY, patient_domain="").verdict == "untrusted_domain"
    elsewhere = ask(directory, Question("255081416802538@essai.fr"), ANYBODY, patient_domain="essai.fr")
    assert elsewhere.verdict == "verified"
