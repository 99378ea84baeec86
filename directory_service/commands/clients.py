"""``client``: programs that have a key of the API.  Rules are in the registry."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from directory_service.commands.common import Commands, as_json, changing, emit, registry, table, whoami, with_settings

if TYPE_CHECKING:
    from directory_service.settings import Settings


@click.group(cls=Commands)
def client() -> None:
    """Clés d'API des logiciels : des limites plus hautes, mais aucun droit de plus."""


@client.command("list")
@as_json
@with_settings
def list_clients(settings: Settings, machine: bool) -> None:
    """Liste les clients de l'API, révoqués compris."""
    from directory_service.registry.clients import read_clients
    from directory_service.registry.engine import reading

    with registry(settings) as engine, reading(engine) as connection:
        found = read_clients(connection)
    if machine:
        told = [{"name": c.name, "contact": c.contact, "created": c.created, "revoked": c.revoked or None}
                for c in found]  # fmt: skip
        emit({"clients": told})
    else:
        rows = ((c.name, c.contact, c.created, c.revoked) for c in found)
        table(("Nom", "Contact", "Depuis", "Révoqué"), rows, none="Aucun client.")


@client.command("add")
@click.argument("name", metavar="NOM")
@click.option("--contact", metavar="TEXTE", default="", help="Qui prévenir : éditeur, adresse, téléphone.")
@as_json
@with_settings
def add(settings: Settings, name: str, contact: str, machine: bool) -> None:
    """Ajoute un client et montre sa clé, une seule fois."""
    from directory_service.registry.clients import add_client

    with changing(settings) as connection:
        key = add_client(connection, name, contact, actor=whoami())
    _told(machine, name, key)


@client.command("renew")
@click.argument("name", metavar="NOM")
@as_json
@with_settings
def renew(settings: Settings, name: str, machine: bool) -> None:
    """Donne une nouvelle clé, montrée une seule fois ; l'ancienne n'ouvre plus rien."""
    from directory_service.registry.clients import renew_client

    with changing(settings) as connection:
        key = renew_client(connection, name, actor=whoami())
    _told(machine, name, key)


@client.command("revoke")
@click.argument("name", metavar="NOM")
@as_json
@with_settings
def revoke(settings: Settings, name: str, machine: bool) -> None:
    """Révoque la clé d'un client : ses requêtes sont refusées (401)."""
    from directory_service.registry.clients import revoke_client

    with changing(settings) as connection:
        changed = revoke_client(connection, name, actor=whoami())
    if machine:
        emit({"name": name, "changed": changed})
    else:
        click.echo(f"Clé de {name} révoquée." if changed else "Rien à changer.")


def _told(machine: bool, name: str, key: str) -> None:
    emit({"name": name, "key": key}) if machine else click.echo(key)
