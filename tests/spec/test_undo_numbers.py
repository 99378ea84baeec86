"""Numbers of rows that SQLite gives anew: a run is taken back to the last row all the same."""

from __future__ import annotations

import factories as f
from import_world import World
from undo_world import contents

from directory_service.registry.rollback import roll_back

ONE = f.rpps(1)
NO_SKILL = {"expertise_type_code": "", "expertise_code": "", "expertise": ""}


def test_a_row_that_got_a_number_below_one_that_the_run_deleted(world: World) -> None:
    """The first skill is gone since the day before; with the last one gone too, SQLite counts from the beginning."""
    person = [f.activity(ONE, **NO_SKILL)]
    both = [f.expertise(ONE, expertise_code=code) for code in ("SM54", "SM04")]
    world.day(1, activity=person, expertise=both)
    world.day(2, activity=person, expertise=both[1:])
    before = contents(world.engine)
    run = world.day(3, activity=person, expertise=both[:1], accept="essai").run
    assert run
    roll_back(world.engine, run, actor="tests")
    assert contents(world.engine) == before
