"""``search``, ``show``, ``resolve``: read the index as the faces do, with the staff's view."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from directory_service.commands.cards import card
from directory_service.commands.common import as_json, directory, emit, lines, table, with_settings
from directory_service.errors import NotFound

if TYPE_CHECKING:
    from directory_service.index.directory import Directory
    from directory_service.settings import Settings


@click.command()
@click.argument("text", nargs=-1, required=True)
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 1000), help="Nombre de réponses.")
@as_json
@with_settings
def search(settings: Settings, text: tuple[str, ...], limit: int, machine: bool) -> None:
    """Cherche une personne par nom, lieu, spécialité…"""
    from directory_service.index.directory import Criteria
    from directory_service.index.query import View

    with directory(settings) as index:
        page = index.find(Criteria(q=" ".join(text)), View.STAFF, limit, None)
    import orjson

    people = [orjson.loads(hit.json) for hit in page.hits]
    if machine:
        emit({"build": page.build, "total": page.total, "items": people})
    else:
        table(("Identifiant", "Nom", "Prénoms", "Profession", "Commune", "Adresse"), map(_row, people))


def _row(person: dict[str, Any]) -> tuple[object, ...]:
    towns = (activity["address"].get("city") for activity in person["activities"])
    return (
        person["id"],
        person["family_name"],
        person["given_names"],
        (person["profession"] or {}).get("label"),
        next((t for t in towns if t), ""),
        [box["address"] for box in person["mailboxes"]],
    )


@click.command()
@click.argument("key", metavar="ID_OU_ADRESSE")
@as_json
@with_settings
def show(settings: Settings, key: str, machine: bool) -> None:
    """Montre une personne, une structure ou une adresse."""
    with directory(settings) as index:
        record = _record(index, key)
    emit(record) if machine else click.echo("\n".join(card(record)))


def _record(index: Directory, key: str) -> dict[str, Any]:
    import orjson

    from directory_service.entries.history import shown
    from directory_service.index.query import View

    if "@" in key:
        return shown(index.mailbox(key, View.STAFF))
    try:
        hit, former = index.practitioner(key, View.STAFF)
    except NotFound:
        try:
            return dict(orjson.loads(index.organization(key, View.STAFF).json))
        except NotFound as error:
            near = (*index.near_persons(key, View.STAFF), *index.near_structures(key, View.STAFF))
            raise _suggesting(error, near) from None
    return {**orjson.loads(hit.json), **({"resolved_from": former} if former else {})}


def _suggesting(error: NotFound, near: tuple[str, ...]) -> NotFound:
    """A false number, told with those that it was probably meant for."""
    if not near:
        return error
    return NotFound(f"{error.message} ; numéro probable : {', '.join(near)}", suggestions=near)


@click.command()
@click.argument("key", metavar="ID")
@as_json
@with_settings
def resolve(settings: Settings, key: str, machine: bool) -> None:
    """Donne l'identifiant en vigueur pour un numéro, même ancien."""
    import orjson

    from directory_service.index.query import View

    with directory(settings) as index:
        try:
            hit, former = index.practitioner(key, View.STAFF)
        except NotFound as error:
            raise _suggesting(error, index.near_persons(key, View.STAFF)) from None
    person = orjson.loads(hit.json)
    found = {"id": person["id"], "rpps": person["rpps"], "adeli": person["adeli"], "resolved_from": former}
    if machine:
        emit(found)
    else:
        lines({"en vigueur": found["id"], "RPPS": found["rpps"], "ADELI": found["adeli"], "demandé par": former})
