"""``keys``: the keys that sign receipts, tree heads and exports; and receipts checked offline.  ``trust.keys`` and
``trust.receipts`` do the work."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from directory_service.commands.common import NO, Commands, Moment, as_json, emit, lines, table, with_settings
from directory_service.errors import InvalidInput

if TYPE_CHECKING:
    from directory_service.settings import Settings
    from directory_service.trust.keys import Keyring

_LONGEST_NAME = 256  # of a file, one more


@click.group(cls=Commands)
def keys() -> None:
    """Clés qui signent les reçus, et vérification des reçus."""


def keyring(settings: Settings, jwks: Path | None = None) -> Keyring:
    """The keys of a JWKS, which only verify, or those of this node."""
    from directory_service.registry.clock import now_text
    from directory_service.trust.keys import Keyring

    if jwks:
        return Keyring.of_jwks(jwks.read_bytes())
    return Keyring.open(settings.keys_folder, now=now_text(), registry=settings.registry_url)


@keys.command("list")
@click.option("--jwks", is_flag=True, help="Les clés publiques, comme /.well-known/jwks.json.")
@as_json
@with_settings
def list_keys(settings: Settings, jwks: bool, machine: bool) -> None:
    """Liste les clés, la plus récente en premier."""
    ring = keyring(settings)
    if jwks:
        emit(ring.jwks())
        return
    told = [
        {"kid": key.kid, "since": key.created, "signs": key.kid == ring.current.kid, "file": key.file}
        for key in reversed(ring.keys)
    ]
    if machine:
        emit({"keys": told})
    else:
        rows = ((key["kid"], key["since"], "signe" if key["signs"] else "vérifie", key["file"]) for key in told)
        table(("Clé", "Depuis", "Usage", "Fichier"), rows)


@keys.command("rotate")
@click.option(
    "--from",
    "begin",
    metavar="INSTANT",
    type=Moment(),
    help="Instant à partir duquel la clé signe  [défaut : maintenant]",
)
@as_json
@with_settings
def rotate(settings: Settings, begin: datetime | None, machine: bool) -> None:
    """Crée une clé, qui signe désormais ; les anciennes vérifient toujours.

    Où les clés qui ont signé le journal de transparence sont absentes, c'est la seule commande qui en crée une.
    """
    from directory_service.registry.clock import format_instant
    from directory_service.trust.keys import add_key, keys_are_away

    now = format_instant(datetime.now(UTC))
    away = keys_are_away(settings.keys_folder, settings.registry_url)
    held = () if away else keyring(settings).keys  # makes the first one, where there is none
    start = format_instant(begin) if begin else now
    if away and start > now:
        raise InvalidInput("aucune clé ne signerait d'ici là : créez-en d'abord une sans cette option", where="--from")
    if begin and any(start < key.created <= now for key in held):
        raise InvalidInput("une clé plus récente signe déjà : cette clé ne signerait jamais", where="--from")
    kid = add_key(settings.keys_folder, now=start)
    if machine:
        emit({"kid": kid, "since": start})
    else:
        click.echo(f"Clé {kid} créée : elle signe à partir de {start}.")


@keys.command("check")
@click.argument("receipt", metavar="REÇU")
@click.option(
    "--jwks", metavar="FICHIER", type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Clés publiques, de /.well-known/jwks.json  [défaut : celles du dossier]",
)  # fmt: skip
@click.option("--address", nargs=2, metavar="ADRESSE SEL", help="Le reçu privé porte-t-il sur cette adresse ?")
@click.option("--person", nargs=2, metavar="ID SEL", help="Porte-t-il sur cet identifiant ?")
@click.option("--name", nargs=2, metavar="NOM SEL", help="Porte-t-il sur ce nom ?")
@as_json
@with_settings
def check(settings: Settings, receipt: str, jwks: Path | None, machine: bool, **shown: tuple[str, str] | None) -> int:
    """Vérifie un reçu, hors ligne.

    REÇU est son texte, un fichier qui le contient, ou - pour l'entrée standard. Le code de retour est 0 quand la
    signature est juste, 4 sinon.
    """
    from directory_service.trust.receipts import Checked

    ring, text = keyring(settings, jwks), _text(receipt)
    try:
        found = Checked.of(text, ring)
    except InvalidInput as error:
        emit({"valid": False, "message": error.message}) if machine else click.echo(error.message)
        return NO
    proved = {field: found.shows(field, *given) for field, given in shown.items() if given}
    if machine:
        emit({"valid": True, "claims": found.claims, **({"shows": proved} if proved else {})})
    else:
        _tell(found.claims, proved)
    return 0 if all(proved.values()) else NO


def _text(receipt: str) -> str:
    """A receipt has two dots and is longer than any name of a file.  A name that was mistyped must not pass for a
    signature that does not hold.  Raises InvalidInput."""
    if receipt == "-":
        return sys.stdin.buffer.read().decode("utf-8", "replace")
    if len(receipt) >= _LONGEST_NAME:
        return receipt
    path = Path(receipt)
    if not path.is_file():
        raise InvalidInput("ni un reçu, ni le nom d'un fichier", where="REÇU")
    return path.read_text(encoding="utf-8", errors="replace")


_ASKED = {"address": "adresse", "person": "personne", "name": "nom", "as": "en tant que", "operator": "opérateur"}
_ROLES = {"recipient": "destinataire", "sender": "expéditeur"}


def _tell(claims: Mapping[str, Any], proved: dict[str, bool]) -> None:
    """Codes are in brackets: they are what was signed."""
    from directory_service.commands.cards import verdict_said
    from directory_service.trust.verdicts import REASONS

    verdict, reasons, asked = str(claims.get("verdict", "")), claims.get("reasons", ()), claims.get("asked", {})
    click.echo("Signature valide.")
    lines({
        "verdict": f"{verdict_said(verdict, reasons)} ({verdict})",
        **{_ASKED.get(name, name): f"{_ROLES[value]} ({value})" if value in _ROLES else value
           for name, value in asked.items()},
        "état au": claims.get("at"),
        "délivré par": claims.get("iss"),
        "version de l'index": claims.get("build"),
        **{f"porte sur ce champ {_ASKED.get(field, field)}": "oui" if found else "non"
           for field, found in proved.items()},
    })  # fmt: skip
    for code in reasons:  # the dates that their texts speak of are in no receipt
        click.echo(f"  {REASONS[code].format(date='…')} ({code})" if code in REASONS else f"  {code}")
