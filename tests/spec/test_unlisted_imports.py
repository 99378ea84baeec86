"""Liste rouge: what imports, their rollbacks and the answers of the staff make of unlisted mailboxes is told to nobody
else, in no record of whoever holds one or held one."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import factories as f
import pytest
from import_world import World
from sqlalchemy import select

from directory_service.model.certificates import MailCertificate
from directory_service.model.feed import Changed
from directory_service.model.publication import parse_publication
from directory_service.registry import decisions, feed, operators
from directory_service.registry.certificates import add_certificates, get_box, read_published
from directory_service.registry.clock import format_instant
from directory_service.registry.engine import reading, writing
from directory_service.registry.journal import read_after
from directory_service.registry.publishing import Order, Publisher
from directory_service.registry.rollback import roll_back
from directory_service.registry.tables import practitioner
from importers.review import reject

OURS = "ville.mssante.fr"
BOX, OTHER = f"zoe@{OURS}", f"un@{OURS}"
ZOE, JEAN, ADELI = f.rpps(1), f.rpps(2), f.adeli(1)
DUPONT = {"family_name": "DUPONT", "given_names": "Jean"}
ELSEWHERE = {"technical_id": "F" + f.finess(2), "finess": f.finess(2)}
OF_JEAN = (f.mailbox(BOX, JEAN, **DUPONT), f.mailbox(OTHER, JEAN, **DUPONT))


@pytest.fixture
def here(world: World) -> World:
    with writing(world.engine) as connection:
        operators.add_operator(connection, "essai", [OURS], actor="tests")
    return world


def publish(here: World, day: int, number: str, *, unlisted: bool = True) -> None:
    body: dict[str, Any] = {"type": "PER", "holder": {"person": number}, "unlisted": unlisted}
    at = format_instant(datetime(2026, 11, day, tzinfo=UTC))
    with writing(here.engine) as connection:
        Publisher(connection, "essai", at).do(Order(BOX, parse_publication(body)))


def answer_no(here: World) -> None:
    """To the question about the mailbox."""
    with reading(here.engine) as connection:
        (asked,) = [d.pk for d in decisions.read_open(connection, kind="mailbox") if d.one == BOX]
    reject(here.engine, asked, actor="staff")


def told(here: World, since: int) -> list[str]:
    """What the feed tells of the changes after that number."""
    with reading(here.engine) as connection:
        found: list[Changed] = feed.changed(connection, read_after(connection, since, 1_000))
    return [change.key for change in found]


def given_back(here: World) -> None:
    """Unlisted and Zoé's; the extract, that gives it to Jean, has the word again."""
    here.day(1, activity=[f.activity(ZOE), f.activity(JEAN, **DUPONT)], mailboxes=OF_JEAN[1:])
    publish(here, 2, ZOE)
    here.day(20, mailboxes=OF_JEAN)
    answer_no(here)


@pytest.mark.parametrize("unlisted", [True, False])
def test_a_mailbox_that_was_held_unlisted_makes_nobody_one_person(here: World, unlisted: bool) -> None:
    """Who finds that two records have become one asks why; where it was listed, all could see why."""
    here.day(1, activity=[f.activity(ADELI), f.activity(ZOE, given_names="Zoé Marie", **ELSEWHERE)])
    publish(here, 2, ADELI, unlisted=unlisted)
    publish(here, 3, ZOE, unlisted=unlisted)
    publish(here, 4, ZOE, unlisted=False)  # how the former holder left is what counts
    here.day(5, activity=[f.activity(ADELI, mode_code="L"), f.activity(ZOE, given_names="Zoé Marie", **ELSEWHERE)])
    assert len(here.people()) == (2 if unlisted else 1)


def test_whom_the_staff_take_it_from_is_not_told_of(here: World) -> None:
    """The extract writes another name beside her number; the mailbox is unlisted before the answer."""
    here.day(1, activity=[f.activity(ZOE)], mailboxes=[f.mailbox(BOX, ZOE, family_name="AUTRE", given_names="Berthe")])
    publish(here, 2, ZOE)
    with reading(here.engine) as connection:
        changed, since = connection.execute(select(practitioner.c.changed_at)).scalar_one(), here.journal()[-1].seq
    answer_no(here)
    assert here.box(BOX)[0].practitioner is None and told(here, since) == []
    with reading(here.engine) as connection:
        assert connection.execute(select(practitioner.c.changed_at)).scalar_one() == changed


def test_a_rollback_of_an_import_that_moved_it_tells_of_neither(here: World) -> None:
    given_back(here)
    run = here.day(21, mailboxes=OF_JEAN[:1], accept="essai").run or 0
    assert here.holders(BOX) == ["8" + JEAN]
    since = here.journal()[-1].seq
    roll_back(here.engine, run, actor="staff")
    assert here.holders(BOX) == ["8" + ZOE]
    assert told(here, since) == [OTHER, "8" + JEAN]  # which that import had closed, of which he is told


def test_certificates_stay_hidden_with_whom_an_import_took_it_from(here: World) -> None:
    """They name her, and it is listed as his."""
    given_back(here)
    der, dates = b"de Zoe", ("2026-01-01T00:00:00Z", "2099-01-01T00:00:00Z")
    hers = MailCertificate(sha256(der).hexdigest(), der, "CN=Zoe", "CN=y", "1f", *dates, ("encryption",))
    with writing(here.engine) as connection:
        add_certificates(connection, get_box(connection, BOX), [hers], actor="essai", at="2026-11-20T08:00:00Z")
    here.day(21, mailboxes=OF_JEAN[:1], accept="essai")
    publish(here, 22, JEAN, unlisted=False)
    with reading(here.engine) as connection:
        assert list(read_published(connection, [BOX])) == []
