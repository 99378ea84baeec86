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
