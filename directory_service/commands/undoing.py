"""``rollback``: takes an import back.  The work itself is in ``registry.rollback``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from directory_service.commands.common import NUMBER, as_json, emit, progress, registry, whoami, with_settings

if TYPE_CHECKING:
    from directory_service.registry.rollback import Undone
    from directory_service.registry.runs import Run
    from directory_service.settings import Settings


@click.command()
@click.argument("number", metavar="N", type=NUMBER)
@click.option("--through", is_flag=True, help="Annule aussi tous les passages venus ensuite, du dernier au premier.")
@click.option("--dry-run", is_flag=True, help="Montre ce qui serait annulé, sans rien écrire.")
@click.option(
    "--wait", metavar="SECONDES", type=click.FloatRange(0), help="Attente de la fin d'un autre import  [import_wait]"
)
@as_json
@with_settings
def rollback(settings: Settings, number: int, wait: float | None, machine: bool, **choices: Any) -> None:
    """Annule un import ou une réponse : le registre redevient ce qu'il était avant.

    N est son numéro dans `annuaire runs`.
    """
    from directory_service.registry.lock import locked, told_by
    from directory_service.registry.rollback import roll_back

    actor, patience = whoami(), settings.import_wait if wait is None else wait
    with (
        registry(settings, asked=False) as engine,
        progress(quiet=machine) as show,
        locked(engine, work="rollback", actor=actor, wait=patience, tell=told_by(show)),
    ):
        done = roll_back(engine, number, actor=actor, progress=show, **choices)
    emit(asdict(done)) if machine else click.echo(_text(done))


def _text(done: Undone) -> str:
    from importers.report import ImportReport

    status = "rolled-back" if done.run else "dry-run"
    first, *rest = ImportReport(done.run, status, done.as_of, (), done.counts).as_text().splitlines()
    return "\n".join([first, *undone_lines(done.undone), *rest])


def undone_lines(undone: Iterable[Run]) -> Iterator[str]:
    """The runs that a rollback took back, each with its files."""
    from directory_service.registry.lock import WORKS

    for run in undone:
        yield f"  annule le passage {run.pk} ({WORKS.get(run.kind, run.kind)}), du {run.finished_at}, par {run.actor}"
        yield from (f"    {file.name}" for file in run.files)
