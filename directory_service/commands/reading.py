"""``search``, ``show``, ``resolve``, ``mailbox``: read the index as the faces do, with the staff's view."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from directory_service.commands.cards import card
from directory_service.commands.common import NO, as_json, directory, emit, lines, table, with_settings
from directory_service.errors import NotFound
from directory_service.model.publication import PURPOSES

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
        return dict(orjson.loads(index.organization(key, View.STAFF).json))
    return {**orjson.loads(hit.json), **({"resolved_from": former} if former else {})}


@click.command()
@click.argument("key", metavar="ID")
@as_json
@with_settings
def resolve(settings: Settings, key: str, machine: bool) -> None:
    """Donne l'identifiant en vigueur pour un numéro, même ancien."""
    import orjson

    from directory_service.index.query import View

    with directory(settings) as index:
        hit, former = index.practitioner(key, View.STAFF)
    person = orjson.loads(hit.json)
    found = {"id": person["id"], "rpps": person["rpps"], "adeli": person["adeli"], "resolved_from": former}
    if machine:
        emit(found)
    else:
        lines({"en vigueur": found["id"], "RPPS": found["rpps"], "ADELI": found["adeli"], "demandé par": former})


@click.command()
@click.argument("key", metavar="ID")
@click.option(
    "--purpose", default="", type=click.Choice(["", *PURPOSES]), metavar="USAGE", help=f"Usage : {', '.join(PURPOSES)}."
)
@click.option("--structure", default="", metavar="ID", help="La structure dans laquelle joindre le titulaire.")
@click.option("--service", default="", metavar="TEXTE", help="Le service à joindre.")
@as_json
@with_settings
def mailbox(settings: Settings, key: str, machine: bool, **asked: str) -> int:
    """Dit à quelle boîte écrire pour un usage, et pourquoi.

    Le code de retour est 0 quand une boîte est recommandée, 4 sinon : rien n'est deviné.
    """
    from directory_service.index.query import View
    from directory_service.trust.rightbox import Asked, organization_mailboxes, practitioner_mailboxes

    with directory(settings) as index:
        try:
            build, record = practitioner_mailboxes(index, key, Asked(**asked), View.STAFF)
        except NotFound:
            build, record = organization_mailboxes(index, key, Asked(**asked), View.STAFF)
    emit({"build": build, **record}) if machine else click.echo("\n".join(card(record)))
    return 0 if record["recommended"] else NO
