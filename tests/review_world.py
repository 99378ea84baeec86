"""Two records whose names and town alone are alike, and the staff's queue."""

from __future__ import annotations

import factories as f
from import_world import World

from directory_service.registry import decisions
from directory_service.registry.decisions import Decision
from directory_service.registry.engine import reading

RPPS, ADELI, BOX = f.rpps(1), f.adeli(1), "zoe@ville.mssante.fr"
ELSEWHERE = {"technical_id": "F" + f.finess(2), "finess": f.finess(2)}


def queue(world: World) -> list[Decision]:
    with reading(world.engine) as connection:
        return decisions.read_open(connection)


def probable(world: World) -> Decision:
    """Two records whose names and town alone are alike, one with a mailbox."""
    people = [f.activity(ADELI), f.activity(RPPS, **ELSEWHERE)]
    world.day(1, activity=people, mailboxes=[f.mailbox(BOX, ADELI)])
    (asked,) = queue(world)
    return asked


def conflicting(world: World) -> Decision:
    world.day(1, activity=[f.activity(ADELI), f.activity(RPPS), f.activity(f.rpps(2), family_name="AUTRE")])
    world.day(2, links=[(ADELI, f.rpps(2))])
    (asked,) = queue(world)
    return asked


def doubtful(world: World) -> Decision:
    box = f.mailbox(BOX, RPPS, family_name="TIERS", given_names="Paul")
    world.day(1, activity=[f.activity(RPPS)], mailboxes=[box, f.mailbox("sienne@ville.mssante.fr", RPPS)])
    (asked,) = queue(world)
    return asked
