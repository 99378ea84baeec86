"""A mailbox as of an instant is the record that would have been made then, of the bindings that there were."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st
from record_factories import make_binding, make_organization, make_practitioner

from directory_service.entries.dates import iso
from directory_service.entries.history import as_of, history, shown
from directory_service.entries.record import mailbox_record
from directory_service.errors import NotFound
from directory_service.model.mailboxes import Binding

START = datetime(2026, 1, 1, tzinfo=UTC)
PEOPLE = [make_practitioner(pk, number=f"{pk:011}") for pk in (1, 2)]
PLACES = [None, *(make_organization(pk, national_id=f"1{pk:09}") for pk in (1, 2))]


def day(number: int) -> datetime:
    return START + timedelta(days=number)


@st.composite
def bindings(draw: st.DrawFn) -> list[Binding]:
    found = []
    for pk in range(draw(st.integers(1, 5))):
        since, length = draw(st.integers(0, 6)), draw(st.integers(1, 5) | st.none())
        until = None if length is None else day(since + length)
        who, place = draw(st.sampled_from(PEOPLE)), draw(st.sampled_from(PLACES))
        found.append(make_binding(pk, practitioner=who, organization=place, since=day(since), until=until))
    return found


def told(record: dict[str, Any]) -> Any:
    holders = {(h["id"], h["until"]): (h["since"], {s["id"] for s in h["structures"]}) for h in record["holders"]}
    assert len(holders) == len(record["holders"])
    return record["status"], record["since"], record["until"], holders


@settings(deadline=None)
@given(bindings(), st.integers(-1, 12))
def test_as_of_is_the_record_of_that_day(held: list[Binding], at: int) -> None:
    record = orjson.loads(orjson.dumps(mailbox_record("a@b.fr", held)))
    then = [replace(b, until=b.until if b.until and b.until <= day(at) else None) for b in held if b.since <= day(at)]
    try:
        found = as_of(record, iso(day(at)) or "")
    except NotFound:
        assert not then
        return
    assert told(found) == told(mailbox_record("a@b.fr", then))
    assert "spans" not in shown(found)["holders"][0]


@given(bindings())
def test_the_history_is_every_binding_once_oldest_first(held: list[Binding]) -> None:
    items = history(orjson.loads(orjson.dumps(mailbox_record("a@b.fr", held))))
    assert [i["from"] for i in items] == sorted(iso(b.since) for b in held)
    assert sorted((i["holder"]["id"], i["from"], i["until"] or "") for i in items) == sorted(
        (b.holder_id, iso(b.since), iso(b.until) or "") for b in held
    )
