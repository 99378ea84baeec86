"""The homonym shield on what is about to be sent: each item of ``/v1/suggest`` or ``/v1/search`` with its grade and
what tells it apart.  ``model.homonyms`` decides; here records are read, and namesakes looked for that are not shown.

Hot path: for ten suggestions about 100 µs, half of it to ask for namesakes (docs/reference/performance.md).  Unlisted
mailboxes make nobody a homonym, for any view: they are never asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import orjson

from directory_service.entries.entry import BAL, first_id
from directory_service.index.bodies import Hit
from directory_service.index.query import Part
from directory_service.index.reader import Reader
from directory_service.model.confusable import mistaken
from directory_service.model.homonyms import Item, Mark, Shield, colliding, parse_mark, shields

SHIELD: Final = ("grade", "apart", "mistaken")  # what is added to an item
_MOST_OUTSIDE: Final = 8  # namesakes beyond the answer that are read: a body is ten times a key
_PLAIN: Final = b',"grade":"distinct","apart":null,"mistaken":[]}'
# By the index that sorts names: the text holds both word orders, squashed, the least first.
_NAMESAKES: Final = (
    "SELECT (SELECT group_concat(id) FROM (SELECT b.id FROM entry b INDEXED BY by_name WHERE b.name = a.name "  # noqa: S608
    f"AND b.id >= {first_id(BAL)} AND b.id < {first_id(BAL + 1)} AND b.id <> a.id LIMIT 3)) "
    "FROM json_each(?) j CROSS JOIN entry a ON a.id = j.value"
)


def shielded_suggestions(reader: Reader, hits: Sequence[Hit]) -> list[bytes]:
    """The items of ``/v1/suggest``, told apart from each other and from who else in the directory has their name."""
    marks = [parse_mark(hit.alike) for hit in hits]
    outside = _namesakes(reader, hits, marks)
    near = mistaken([(mark.address, mark.id) for mark in marks], [mark.eye for mark in marks])
    same = colliding([*marks, *[parse_mark(hit.alike) for hit in outside]])
    places = [n for n, mark in enumerate(marks) if n in same or (mark.address, mark.id) in near]
    found = [_PLAIN] * len(hits)
    if places:
        told = shields([_suggested(hits[n]) for n in places], [_suggested(hit) for hit in outside], near)
        for place, shield in zip(places, told, strict=True):
            found[place] = _said(shield)
    return [hit.json[:-1] + said for hit, said in zip(hits, found, strict=True)]


def shielded_people(hits: Sequence[Hit]) -> list[bytes]:
    """The items of ``/v1/search``, told apart from the others of the page."""
    found = told_apart([orjson.loads(hit.json) for hit in hits])
    return [hit.json[:-1] + _said(shield) for hit, shield in zip(hits, found, strict=True)]


def told_apart(people: Sequence[dict[str, Any]]) -> list[Shield]:
    """Of the JSON of people who are shown together, what each is told apart by."""
    return shields([_person(person) for person in people])


def _said(shield: Shield) -> bytes:
    grade, apart, mistaken = shield
    if grade == "distinct" and not mistaken:
        return _PLAIN
    near = [{"address": m.address, "by": m.how} for m in mistaken]
    return b"," + orjson.dumps({"grade": grade, "apart": apart or None, "mistaken": near})[1:]


def _suggested(hit: Hit) -> Item:
    said = orjson.loads(hit.json)
    person = said.get("person")
    address, place, town = (said["address"],), said["place"] or "", said["town"] or ""
    if person is None:
        structure = said["structure"]
        return Item(structure["id"], said["label"], ("", "", town, place), address)
    name = f"{person['family_name']} {person['given_names']}"
    facts = (_label(person["profession"]), _label(person["specialty"]), town, place)
    return Item(person["id"], name, facts, address)


def _person(said: dict[str, Any]) -> Item:
    """Her first activity that says so is where she is."""
    activities = said["activities"]
    town = next((a["address"]["city"] for a in activities if a["address"] and a["address"]["city"]), "")
    place = next((a["structure"]["name"] for a in activities if a["structure"] and a["structure"]["name"]), "")
    specialty = next((_label(s) for s in said["specialties"]), "")
    addresses = tuple(box["address"] for box in said["mailboxes"])
    name = f"{said['family_name']} {said['given_names']}"
    return Item(said["id"], name, (_label(said["profession"]), specialty, town, place), addresses)


def _label(coded: dict[str, Any] | None) -> str:
    return coded["label"] or coded["code"] or "" if coded else ""


def _namesakes(reader: Reader, hits: Sequence[Hit], marks: Sequence[Mark]) -> list[Hit]:
    """Holders who are not among the hits, and have the name of one of which no namesake is."""
    holders: dict[str, str | None] = {}  # None where several share the name
    for mark in marks:
        holders[mark.folded] = mark.id if holders.get(mark.folded, mark.id) == mark.id else None
    asked = [hit.id for hit, mark in zip(hits, marks, strict=True) if holders[mark.folded]]
    lists = reader.connection.execute(_NAMESAKES, (str(asked),)).fetchall() if asked else []
    shown = {hit.id for hit in hits}
    found = dict.fromkeys(int(pk) for (several,) in lists if several for pk in several.split(","))
    wanted = [pk for pk in found if pk not in shown][:_MOST_OUTSIDE]
    return reader.hits(wanted, Part.JSON) if wanted else []
