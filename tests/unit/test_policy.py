"""Postfix's policy protocol and the rules behind it, without a socket."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import web_world as world
from hypothesis import given
from hypothesis import strategies as st
from record_factories import SUFFIX

from directory_service.errors import InvalidInput
from directory_service.index.directory import Directory
from directory_service.index.files import CURRENT
from directory_service.index.follower import Follower
from directory_service.index.writer import build_index
from directory_service.model.mailboxes import CertificateRule
from directory_service.policy.protocol import LONGEST_LINE, MOST_ATTRIBUTES, Requests, write_action
from directory_service.policy.rules import Policy, decide
from directory_service.registry import operators
from directory_service.registry.clock import format_instant
from directory_service.registry.engine import open_registry, writing
from directory_service.registry.runs import add_file, create_run, finish_run
from directory_service.registry.upgrading import upgrade

ZOE, CLOSED, HIDDEN = "zoe.d-essai@medecin.mssante.fr", "ancienne@medecin.mssante.fr", "cachee@medecin.mssante.fr"
THEIRS = "accueil@autre.mssante.fr"
PIN, SUSPENDED_PIN = "AB:" * 31 + "AB", "CD:" * 31 + "CD"


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Directory]:
    """The world of the HTTP face, and two more operators that are known by their key, one of them suspended."""
    folder = tmp_path_factory.mktemp("policy")
    found, _ = world.build_world(folder)
    engine = open_registry(f"sqlite:///{folder / 'registry.sqlite'}")
    with writing(engine) as connection:
        for name, domain, pin in (("voisin", "autre.mssante.fr", PIN), ("parti", "parti.mssante.fr", SUSPENDED_PIN)):
            operators.add_operator(connection, name, [domain], actor="test")
            rule = CertificateRule("pin", "", pin.replace(":", "").lower())
            operators.add_certificate(connection, name, rule, actor="test")
        operators.suspend(connection, "parti", actor="test")
    Follower(engine, folder / "index", SUFFIX).catch_up()
    engine.dispose()
    yield found
    found.close()


def ask(directory: Directory, policy: Policy | None = None, **attributes: str) -> str:
    return decide(directory, attributes, policy or Policy(world.OPERATOR)).action


def code(action: str) -> str:
    return " ".join(action.split()[:2]) if action[0].isdigit() else action.split()[0]


def test_the_domain_of_patients_is_a_setting(directory: Directory) -> None:
    policy = Policy(world.OPERATOR, patients="Citoyens.mssante.fr")
    assert code(ask(directory, policy, recipient="255081416802538@citoyens.mssante.fr")) == "DUNNO"
    assert code(ask(directory, policy, recipient="255081416802539@citoyens.mssante.fr")) == "550 5.1.1"
    assert code(ask(directory, policy, recipient="255081416802538@patient.mssante.fr")) == "550 5.7.1"


@pytest.mark.parametrize(
    ("recipient", "answer"),
    [
        (ZOE, "DUNNO"),
        (ZOE.upper(), "DUNNO"),
        ("personne@medecin.mssante.fr", "550 5.1.1"),
        (CLOSED, "550 5.2.1"),
        (HIDDEN, "DUNNO"),  # ours: mail must reach it
        ("marie.lefevre@medecin.mssante.fr", "DUNNO"),  # her box is open
        ("ailleurs@nulle-part.fr", "550 5.7.1"),
        (THEIRS, "DUNNO"),  # theirs, and unknown here: their operator decides
        ("Postmaster@medecin.mssante.fr", "DUNNO"),
        ("abuse@medecin.mssante.fr", "DUNNO"),
        ("", "DUNNO"),
        ("pas une adresse", "DUNNO"),
        (CLOSED + ".", "550 5.2.1"),  # each is that address to Postfix
        ("medecin.mssante.fr!ancienne", "550 5.2.1"),
        ("ancienne%medecin.mssante.fr.", "550 5.2.1"),
        ("medecin.mssante.fr!zoe.d-essai!ancienne", "550 5.1.1"),  # of the first, whatever stands behind it
        ("ancienne%nulle-part.fr@medecin.mssante.fr", "550 5.1.1"),
        ("pas une adresse@nulle-part.fr", "550 5.7.1"),
        ("pas une adresse@medecin.mssante.fr", "DUNNO"),
    ],
)
def test_the_recipient_is_open_and_of_the_trusted_space(directory: Directory, recipient: str, answer: str) -> None:
    assert code(ask(directory, recipient=recipient)) == answer


def test_for_another_operator_hidden_and_absent_boxes_are_one_answer(directory: Directory) -> None:
    other = Policy("voisin")
    answers = {ask(directory, other, recipient=a) for a in (HIDDEN, "personne@medecin.mssante.fr", ZOE)}
    assert answers == {"DUNNO"}
    assert code(ask(directory, other, recipient=CLOSED)) == "550 5.2.1"


def test_for_another_operator_hidden_boxes_that_are_closed_are_the_same_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hidden, held = "fermee@medecin.mssante.fr", (5, None, world.START, world.TURN)
    monkeypatch.setattr(world, "_BOXES", (*world._BOXES, (20, hidden, "PER", True, (held,))))
    engine = open_registry(f"sqlite:///{tmp_path / 'registry.sqlite'}")
    upgrade(engine)
    world.fill(engine)
    build_index(engine, tmp_path / "index", SUFFIX, workers=1)
    engine.dispose()
    with closing(Directory(tmp_path / "index", SUFFIX)) as found:
        asked = [ask(found, Policy(name), recipient=hidden) for name in (world.OPERATOR, "voisin")]
        assert ask(found, Policy("voisin"), sender=hidden) == "DUNNO"
    assert [code(answer) for answer in asked] == ["550 5.2.1", "DUNNO"]


def test_without_a_white_list_no_domain_is_outside(tmp_path: Path) -> None:
    found, _ = world.build_world(tmp_path, white_list=False)
    with closing(found):
        assert ask(found, recipient="pas une adresse@nulle-part.fr") == "DUNNO"
        assert ask(found, recipient="inconnue@nulle-part.fr") == "DUNNO"  # whose may it be? it may be unlisted
        assert ask(found, sender="inconnue@nulle-part.fr", recipient=ZOE) == "DUNNO"
        assert code(ask(found, recipient="255081416802539@patient.mssante.fr")) == "550 5.1.1"  # by rule


@pytest.mark.parametrize(
    ("sender", "client", "answer"),
    [
        ("", {}, "DUNNO"),  # a bounce
        (ZOE, {"sasl_username": "zoe"}, "DUNNO"),
        (ZOE, {"policy_context": "submission"}, "DUNNO"),
        (HIDDEN, {"sasl_username": "paul"}, "DUNNO"),
        (THEIRS, {"sasl_username": "zoe"}, "553 5.7.1"),
        (THEIRS, {}, "DUNNO"),  # another server: nothing says that it is not theirs
        (THEIRS, {"ccert_pubkey_fingerprint": PIN}, "DUNNO"),
        (ZOE, {"ccert_pubkey_fingerprint": PIN}, "553 5.7.1"),
        (ZOE, {}, "553 5.7.1"),  # ours, from outside
        (ZOE, {"policy_context": "mx"}, "553 5.7.1"),
        (ZOE + ".", {}, "553 5.7.1"),
        ("medecin.mssante.fr!zoe.d-essai", {}, "553 5.7.1"),
        ("zoe.d-essai%medecin.mssante.fr", {}, "553 5.7.1"),
        ("pas une adresse@nulle-part.fr", {}, "553 5.7.1"),
        ("zoe", {}, "553 5.7.1"),  # of whatever domain Postfix gives it
        ("zoe", {"sasl_username": "zoe"}, "DUNNO"),
        (ZOE + ".", {"sasl_username": "zoe"}, "DUNNO"),
        ("a@parti.mssante.fr", {"ccert_pubkey_fingerprint": SUSPENDED_PIN}, "553 5.7.1"),
        ("a@parti.mssante.fr", {}, "553 5.7.1"),
        ("ailleurs@nulle-part.fr", {}, "553 5.7.1"),
        (CLOSED, {"sasl_username": "zoe"}, "553 5.7.1"),
        ("personne@medecin.mssante.fr", {"sasl_username": "zoe"}, "553 5.7.1"),
        (THEIRS, {"ccert_pubkey_fingerprint": "12:34"}, "DUNNO"),  # of another digest: says nothing
    ],
)
def test_the_sender_is_of_the_operator_that_hands_it_over(
    directory: Directory, sender: str, client: dict[str, str], answer: str
) -> None:
    assert code(ask(directory, sender=sender, recipient=ZOE, **client)) == answer


@pytest.mark.parametrize(
    ("pin", "why"),
    [
        (PIN, "ne tient pas"),
        (PIN.replace(":", "").lower(), "ne tient pas"),
        (SUSPENDED_PIN, "suspendu"),
        ("12:34", "authentifiez-vous"),
    ],
)
def test_a_server_is_known_by_its_key(directory: Directory, pin: str, why: str) -> None:
    assert why in ask(directory, sender=ZOE, recipient=ZOE, ccert_pubkey_fingerprint=pin)


def test_a_refusal_says_why_and_names_nobody(directory: Directory) -> None:
    action = ask(directory, recipient=CLOSED)
    assert action == f"550 5.2.1 Cette boite est fermee depuis le {world.TURN[:10]}"
    assert action.isascii()


def test_the_sender_is_refused_before_the_recipient(directory: Directory) -> None:
    asked = {"sender": ZOE, "recipient": CLOSED}
    answers = [decide(directory, asked | client, Policy(world.OPERATOR)) for client in ({}, {"sasl_username": "zoe"})]
    assert [(answer.side, answer.outcome) for answer in answers] == [("sender", "reject"), ("recipient", "reject")]


def test_a_domain_that_another_holds_too_is_not_ours_alone(tmp_path: Path) -> None:
    """Its servers may send from there, and are known to nobody without their key."""
    found, _ = world.build_world(tmp_path)
    engine, shared = open_registry(f"sqlite:///{tmp_path / 'registry.sqlite'}"), "cardiologie@ch-essai.mssante.fr"
    with closing(found):
        assert "authentifiez-vous" in ask(found, sender=shared)
        with writing(engine) as connection:
            operators.add_operator(connection, "tiers", ["ch-essai.mssante.fr"], actor="test")
        Follower(engine, tmp_path / "index", SUFFIX).catch_up()
        engine.dispose()
        found.build()
        assert ask(found, sender=shared) == "DUNNO"


def test_nothing_is_refused_by_data_that_is_too_old(directory: Directory) -> None:
    old = Policy(world.OPERATOR, age=-1)  # data of this very second are older
    assert ask(directory, old, recipient=ZOE) == "DUNNO"
    action = ask(directory, old, recipient=CLOSED)
    assert action.startswith("DEFER_IF_PERMIT 4.3.0 ")


def test_data_of_yesterday_refuse_where_the_operator_says_so(tmp_path: Path) -> None:
    engine = open_registry(f"sqlite:///{tmp_path / 'registry.sqlite'}")
    upgrade(engine)
    world.fill(engine)
    with writing(engine) as connection:
        number = create_run(connection, actor="test", kind="import", as_of=world.START)
        add_file(connection, number, layout="mssante.mailboxes", name="x", sha256="", size=1, rows=1)
        yesterday = format_instant(datetime.now(UTC) - timedelta(days=1))
        finish_run(connection, number, status="done", counts={}, finished_at=yesterday)
    build_index(engine, tmp_path / "index", SUFFIX, workers=1)
    engine.dispose()
    with closing(Directory(tmp_path / "index", SUFFIX)) as found:
        answers = [ask(found, Policy(world.OPERATOR, age=age), recipient=CLOSED) for age in (0, 3600.0, 172_800.0)]
    assert [code(answer) for answer in answers] == ["550 5.2.1", "DEFER_IF_PERMIT", "550 5.2.1"]


@pytest.mark.parametrize(("unavailable", "answer"), [("pass", "DUNNO"), ("defer", "DEFER_IF_PERMIT")])
def test_an_index_that_cannot_be_read_refuses_nobody(tmp_path: Path, unavailable: str, answer: str) -> None:
    found, _ = world.build_world(tmp_path)
    with closing(found):
        file = (tmp_path / "index" / CURRENT).resolve()
        ask(found, recipient=ZOE)
        with file.open("r+b") as octets:  # behind the header
            octets.seek(100)
            octets.write(b"\xff" * (file.stat().st_size - 100))
        policy = Policy(world.OPERATOR, unavailable=unavailable)
        assert code(ask(found, policy, recipient=CLOSED)) == answer


@pytest.mark.parametrize(("unavailable", "answer"), [("pass", "DUNNO"), ("defer", "DEFER_IF_PERMIT")])
def test_without_an_index_mail_passes_or_waits_and_is_never_refused(
    tmp_path: Path, unavailable: str, answer: str
) -> None:
    directory = Directory(tmp_path, SUFFIX)
    policy = Policy(world.OPERATOR, unavailable=unavailable)
    assert code(ask(directory, policy, recipient=CLOSED, sender=THEIRS)) == answer


# --- the wire --------------------------------------------------------------------------------------------------------

_HEAD = b"request=smtpd_access_policy\n"
_VALUES = st.text(st.characters(blacklist_characters="\n", blacklist_categories=["Cs"]), max_size=40)
_NAMES = st.from_regex(r"[a-z][a-z_]{0,20}", fullmatch=True).filter(lambda name: name != "request")


@given(st.lists(st.dictionaries(_NAMES, _VALUES, max_size=6), max_size=4), st.data())
def test_requests_are_the_same_in_whatever_pieces_they_come(asked: list[dict[str, str]], data: st.DataObject) -> None:
    octets = b"".join(
        _HEAD + "".join(f"{name}={value}\n" for name, value in request.items()).encode() + b"\n" for request in asked
    )
    requests, found, at = Requests(), [], 0
    while at < len(octets):
        step = data.draw(st.integers(1, len(octets) - at))
        found += requests.feed(octets[at : at + step])
        at += step
    assert requests.idle
    assert found == [{"request": "smtpd_access_policy", **request} for request in asked]


@pytest.mark.parametrize(
    "octets",
    [
        b"\n",
        b"request=junk_protocol\n\n",
        b"sender=a@b.fr\n\n",
        _HEAD + b"no equals sign\n",
        _HEAD + b"sender=" + b"x" * LONGEST_LINE + b"\n",
        b"x" * (LONGEST_LINE + 1),
        b"".join(b"a%d=\n" % n for n in range(MOST_ATTRIBUTES + 1)),
        b"\x16\x03\x01\x00\xa5\x01\n",
    ],
)
def test_what_is_no_request_is_refused(octets: bytes) -> None:
    with pytest.raises(InvalidInput):
        list(Requests().feed(octets))


def test_the_longest_line_is_read() -> None:
    line = b"sender=" + b"x" * (LONGEST_LINE - 7)
    requests = Requests()
    assert not list(requests.feed(_HEAD + line))
    assert [found["sender"] for found in requests.feed(b"\n\n")] == ["x" * (LONGEST_LINE - 7)]


def test_a_request_has_begun_with_its_first_octet_and_ended_with_its_empty_line() -> None:
    requests, idle = Requests(), []
    for octets in (_HEAD[:3], _HEAD[3:], b"\n"):
        list(requests.feed(octets))
        idle.append(requests.idle)
    assert idle == [False, False, True]


def test_an_action_is_one_line_of_ascii() -> None:
    assert write_action("550 a\r\nb\u00e9  c") == b"action=550 a b? c\n\n"
