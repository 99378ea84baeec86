"""``verify``: one verdict, or those of a file of questions, with the staff's view.  ``trust`` judges."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from directory_service.commands.cards import card
from directory_service.commands.common import NO, as_json, directory, emit, with_settings
from directory_service.errors import InvalidInput

if TYPE_CHECKING:
    from directory_service.index.directory import Directory
    from directory_service.settings import Settings
    from directory_service.web.asking import Asker


@click.command()
@click.argument("address", metavar="ADRESSE", required=False)
@click.option("--person", metavar="ID_OU_NOM", help="La personne à qui l'adresse devrait appartenir.")
@click.option("--at", metavar="INSTANT", help="Instant passé, au format 2026-11-24T08:30:00Z.")
@click.option("--sender", is_flag=True, help="Un opérateur peut-il émettre au nom de l'adresse ? (avec --operator)")
@click.option("--operator", metavar="NOM", help="L'opérateur qui émettrait.")
@click.option("--receipt", is_flag=True, help="Joint un reçu signé.")
@click.option("--private", is_flag=True, help="Joint un reçu signé sans adresse ni nom, et les sels pour les prouver.")
@click.option(
    "--batch", metavar="FICHIER", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
    help="Questions au format de POST /v1/verify, une par ligne ; - pour l'entrée standard.",
)  # fmt: skip
@as_json
@with_settings
def verify(
    settings: Settings, address: str | None, batch: Path | None, receipt: bool, private: bool, sender: bool,
    machine: bool, **asked: str | None,
) -> int:  # fmt: skip
    """Dit si une adresse est ouverte, et à qui.

    Le code de retour est 0 quand elle est vérifiée (avec --batch : quand toutes le sont), 4 sinon.
    """
    if (address is None) == (batch is None):
        raise click.UsageError("une adresse est attendue, ou bien --batch")
    if batch and (receipt or private or sender or any(asked.values())):
        raise click.UsageError("--batch ne se combine qu'avec --json : chaque ligne du fichier dit ce qu'elle demande")
    if not batch and sender != bool(asked["operator"]):
        raise click.UsageError("--sender et --operator vont ensemble")
    with directory(settings) as index:
        asker = _asker(settings, index)
        if batch:
            with click.open_file(str(batch), "rb") as file:
                return _batch(asker, file)
        question: dict[str, object] = {
            "address": _utf8("address", address or ""),
            **{n: _utf8(n, v) for n, v in asked.items() if v is not None},
        }
        question |= {"as": "sender"} if sender else {}
        question |= {"receipt": "private" if private else True} if receipt or private else {}
        verdict, record = asker.judge(json.dumps(question, ensure_ascii=False).encode())
    emit(record) if machine else click.echo("\n".join(card(record)))
    return verdict.exit_code


def _utf8(name: str, value: str) -> str:
    """A command line is octets: those that are no text come as lone surrogates."""
    if not value.isprintable() and any("\ud800" <= c <= "\udfff" for c in value):
        raise InvalidInput("le texte n'est pas de l'UTF-8", where=f"paramètre {name}")
    return value


def _asker(settings: Settings, index: Directory) -> Asker:
    from directory_service.index.query import View
    from directory_service.trust.access import Caller
    from directory_service.trust.keys import Keys
    from directory_service.trust.receipts import Receipts
    from directory_service.web.asking import Asker

    receipts = Receipts(Keys(settings.keys_folder, registry=settings.registry_url), settings.issuer)
    return Asker(index, Caller(View.STAFF), settings.patient_domain, receipts)


def _batch(asker: Asker, file: IO[bytes]) -> int:
    """Lines of JSON in, lines of JSON out, some at a time."""
    output, every = sys.stdout.buffer, True
    for answers in asker.answers(file.read().splitlines()):
        output.write(answers)
        every = every and answers.count(b'{"verdict":"verified"') == answers.count(b"\n")
    output.flush()
    return 0 if every else NO
