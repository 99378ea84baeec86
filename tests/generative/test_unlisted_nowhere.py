"""Liste rouge: of countries that differ in unlisted mailboxes alone, whatever is asked on any route, by whoever may not
see them, is answered alike: status, headers and octets.  What may differ is in docs/reference/unlisted.md."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from itertools import filterfalse, islice
from unittest import mock

import pytest
import unlisted_world as world
from unlisted_questions import ELSEWHERE, Question, Questions
from unlisted_world import DARK, NORTH, SOUTH, Countries, Country, countries
from werkzeug.test import TestResponse

from directory_service.entries.record import as_listed
from directory_service.index import filling, finder, render
from directory_service.index.query import View
from directory_service.index.schema import HIDDEN
from directory_service.matching import addresses, seeker
from directory_service.policy.rules import Policy, decide
from directory_service.web.portal.downloads import XLSX_TYPE
from directory_service.web.portal.sheets import read_file

NOW = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S")
BOX, CERTIFICATES = "/v1/mailboxes/<address:address>", "/v1/mailboxes/<address:address>/certificates"
# Where whoever holds the domain is told of its own, by name.
OWN = re.compile(r"/v1/verify(/batch)?|/v1/mailboxes/(batch|[^/]+/publication)")
OWN_WRITES = re.compile(r"/v1/mailboxes/.*")
HELD = ("entry", "body", "key", "mailbox", "hashed", "change", "mark", "word", "operator", "domain", "client",
        "certificate")  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Countries]:
    """With few letters that are rare, so that some are counted in so small a country, and with several batches of a
    build; and with searches that end when they have found, not when a machine that does other things has made them
    wait."""
    with (
        mock.patch.object(filling, "RARE", 3),
        mock.patch.object(render, "BATCH", 100),
        mock.patch.object(finder, "TIME", 60),
        mock.patch.object(seeker, "_TIME", 60),
        mock.patch.object(addresses, "_TIME", 60),
        closing(countries(tmp_path_factory.mktemp("unlisted"))) as made,
    ):
        yield made


# --- the index -------------------------------------------------------------------------------------------------------


def held(country: Country, *, built: bool = True) -> dict[str, list[tuple[object, ...]]]:
    """All rows of an index that answers to others than the staff may be made of."""
    kept = {"entry": "WHERE view < 2", "key": "WHERE view < 2 ORDER BY value, id",
            "body": "WHERE id IN (SELECT id FROM entry WHERE view < 2)"}  # fmt: skip
    with closing(sqlite3.connect(country.index)) as db:
        rows = {table: db.execute(f"SELECT * FROM {table} {kept.get(table, '')}").fetchall() for table in HELD}
        meta = db.execute("SELECT key, value FROM meta ORDER BY key").fetchall()
    rows["mailbox"] = [(row[0], as_listed(json.loads(row[1]))) for row in rows["mailbox"] if row[0][0] != HIDDEN]
    rows["meta"] = [row for row in meta if built or row[0] not in ("fours", "terms", "feed_floor")]
    return rows


@pytest.mark.parametrize("name", ["hidden", "other", "followed"])
def test_an_index_holds_the_same_for_others(made: Countries, name: str) -> None:
    """What is counted to know where to look first is counted without them, too, when it is counted: by a build."""
    built = name != "followed"
    one, other = held(made.absent, built=built), held(getattr(made, name), built=built)
    assert [table for table in one if one[table] != other[table]] == []
    assert json.loads(dict(made_meta(made.absent))["fours"])


def made_meta(country: Country) -> list[tuple[str, str]]:
    return [(str(key), str(value)) for key, value in held(country)["meta"]]


# --- HTTP ------------------------------------------------------------------------------------------------------------


def told(answer: TestResponse) -> tuple[int, list[tuple[str, str]], str]:
    """Ages and the instants of the answers themselves aside; of measures, those of the index."""
    text = answer.get_data().decode("latin-1")
    heads = sorted((name, value) for name, value in answer.headers if name not in ("Date", "Last-Modified"))
    if answer.mimetype == "text/plain" and "annuaire_index_up" in text:
        text = "\n".join(line for line in text.splitlines() if re.match(r"annuaire_(index|source)_(?!.*age)", line))
        heads = []
    text = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", lambda m: "now" if m[0] >= NOW else m[0], text)
    text = re.sub(r'("\w*age_seconds"):\d+', r"\1:0", text)
    if answer.mimetype == XLSX_TYPE:  # an archive with dates
        return answer.status_code, [], repr(read_file(answer.data))
    return answer.status_code, heads, text if answer.mimetype != "application/jose" else ""


def ask(country: Country, question: Question, secret: str = "") -> TestResponse:
    headers = {"Authorization": f"Bearer {secret}"} if secret else {}
    sent = {"data": question.body, "content_type": question.kind or None, "headers": headers | dict(question.headers)}
    return country.app.test_client().open(question.url, method=question.method, buffered=True, **sent)


def is_for_holders(question: Question) -> bool:
    path = question.url.partition("?")[0]
    return bool(OWN.fullmatch(path)) or (question.method != "GET" and bool(OWN_WRITES.fullmatch(path)))


@pytest.mark.parametrize(
    ("who", "name"), [("nobody", "hidden"), (SOUTH, "other"), (NORTH, "hidden"), ("program", "followed")]
)
def test_no_route_tells_what_is_unlisted(made: Countries, who: str, name: str) -> None:
    asked = Questions(made).all()
    if who == NORTH:  # who published them is told where they are named, and nowhere else
        asked = filterfalse(is_for_holders, asked)
    if who == "program":  # sees what nobody sees, by another door
        asked = islice(asked, 0, None, 4)
    secret, country = made.secrets[who], getattr(made, name)

    def differ(question: Question) -> bool:
        return told(ask(made.absent, question, secret)) != told(ask(country, question, secret))

    # A page of the portal tells the minute, which may pass between two answers, but not twice in a row.
    assert [question for question in asked if differ(question) and differ(question)] == []


def test_every_route_is_asked_what_it_answers(made: Countries) -> None:
    """Whatever is added to the application: what nobody understands, or is asked, tells nothing of what is hidden."""
    adapter = made.absent.app.url_map.bind("localhost")
    answered = set()
    for question in Questions(made).all():
        rule, _ = adapter.match(question.url.partition("?")[0], question.method, return_rule=True)
        if (rule.rule, question.method) not in answered and not question.url.startswith("/portail/"):
            code = ask(made.absent, question, made.secrets[SOUTH]).status_code
            if code < 400 or (question.method not in ("GET", "PROPFIND", "REPORT") and code == 403):
                answered.add((rule.rule, question.method))
    rules = {(rule.rule, method) for rule in made.absent.app.url_map.iter_rules() if rule.rule not in ELSEWHERE
             for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}}  # fmt: skip
    assert rules - answered <= UNANSWERED


# Files of the service; what has no answer for an operator that holds nothing of what is asked about.
UNANSWERED = {(rule, "GET") for rule in ("/static/<path:filename>", "/portail/<edition>/<name>", f"{BOX}/publication")}


def test_what_is_published_is_refused_alike(made: Countries) -> None:
    """To an operator who does not hold the domain a hidden mailbox and none are one: to publish, change, close, read it
    back, give it certificates, in a batch, or to ask who holds it."""
    hidden, absent = made.hidden.hidden[0], "personne.du.tout@discret.mssante.fr"
    assert hidden.endswith(DARK)
    for one in Questions(made).all():
        path = one.url.partition("?")[0]
        if hidden not in path.replace("%40", "@"):
            continue
        other = one._replace(url=one.url.replace(hidden.replace("@", "%40"), absent.replace("@", "%40")))
        answers = [ask(made.hidden, question, made.secrets[SOUTH]) for question in (one, other)]
        codes, bodies = (
            [a.status_code for a in answers],
            [a.get_data(as_text=True).replace("<wbr>", "") for a in answers],
        )
        assert codes[0] == codes[1], one
        assert bodies[0].replace(hidden, absent) == bodies[1], one


# --- the log, and the policy service ---------------------------------------------------------------------------------


def test_the_log_shows_their_hashes_and_nothing_else(made: Countries) -> None:
    """How many leaves are withheld is seen, and between which others; what the others say is the same."""
    shown = {}
    for who in ("nobody", SOUTH, NORTH):
        for name in ("absent", "hidden"):
            question = Question("GET", "/v1/log/entries?count=1000")
            items = json.loads(ask(getattr(made, name), question, made.secrets[who]).data)["items"]
            shown[who, name] = [json.loads(item["data"]) | {"nonce": ""} for item in items if "data" in item]
    assert shown["nobody", "absent"] == shown["nobody", "hidden"] == []
    assert shown[SOUTH, "absent"] == shown[SOUTH, "hidden"] != []
    assert {leaf["address"] for leaf in shown[NORTH, "hidden"]} > {leaf["address"] for leaf in shown[NORTH, "absent"]}


def test_another_operators_postfix_is_told_the_same(made: Countries) -> None:
    for address in (*made.unlisted, f"personne@{DARK}"):
        for side, other in (("sender", "recipient"), ("recipient", "sender")):
            request = {"request": "smtpd_access_policy", side: address, other: "x@sud.mssante.fr", "sasl_username": "x"}
            answers = {decide(country.directory, request, Policy(SOUTH)) for country in made[:4]}
            assert len(answers) == 1
    assert len({decide(made.hidden.directory, {"recipient": a}, Policy(NORTH)) for a in made.unlisted}) > 1


def test_the_world_is_what_it_should_be(made: Countries) -> None:
    """Its holder is told of each hidden mailbox where there is one."""
    publication = Question("GET", f"/v1/mailboxes/{made.hidden.hidden[0]}/publication")
    codes = [ask(country, publication, made.secrets[NORTH]).status_code for country in (made.hidden, made.absent)]
    assert codes == [200, 404]
    ended = [[h["until"] for h in country.directory.mailbox(made.passed[3], View.STAFF)["holders"] if not h["listed"]]
             for country in (made.hidden, made.other, made.absent)]  # fmt: skip
    assert [len(untils) for untils in ended] == [2, 2, 0]
    assert len(made.unlisted) > 50 and world.PEOPLE > 200
