"""``log`` and ``audit``: the transparency log.  The work is in ``registry.log`` and ``registry.audit``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from directory_service.commands.common import (
    NO,
    Commands,
    Whole,
    as_json,
    emit,
    lines,
    progress,
    registry,
    table,
    with_settings,
    written_to,
)
from directory_service.commands.keys import keyring
from directory_service.errors import AnnuaireError, InvalidInput

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from directory_service.registry.audit import Audit, Finding, FormerHead
    from directory_service.registry.log import Appended
    from directory_service.settings import Settings
    from directory_service.trust.keys import Keyring

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group(cls=Commands)
def log() -> None:
    """Journal de transparence : ce qu'il advient de chaque lien entre une adresse et son titulaire."""


def keep_log(engine: Engine, settings: Settings) -> Appended:
    """Brings the log up to the registry, signed with the keys of this node."""
    from directory_service.registry.log import append_log
    from directory_service.trust.heads import signer

    return append_log(engine, signer(settings.keys_folder, settings.registry_url))


def keep_log_after(engine: Engine, settings: Settings) -> None:
    """The same after work that is done and committed: a failure, or Ctrl-C, is told, and left to the next time."""
    try:
        keep_log(engine, settings)
    except AnnuaireError as error:
        click.echo(f"attention, journal de transparence en retard : {error}", err=True)
    except KeyboardInterrupt:
        click.echo(_TOO_LATE, err=True)


_TOO_LATE = (
    "attention, interrompu trop tard : le registre est déjà écrit.  Seul le journal de transparence est en retard ; le "
    "service, le prochain import ou `annuaire log append` le rattrape."
)


@log.command("append")
@as_json
@with_settings
def append(settings: Settings, machine: bool) -> None:
    """Ajoute ce qui a changé depuis la dernière fois, et signe."""
    with registry(settings) as engine:
        done = keep_log(engine, settings)
    emit(asdict(done)) if machine else lines({"feuilles ajoutées": done.leaves, "feuilles": done.size})


@log.command("head")
@click.option("--size", metavar="N", type=Whole(1), help="La tête du journal de cette taille  [défaut : la dernière]")
@as_json
@with_settings
def head(settings: Settings, size: int | None, machine: bool) -> None:
    """Montre la dernière tête signée : à conserver ailleurs, pour `annuaire audit --head`."""
    from directory_service.registry.engine import reading
    from directory_service.registry.logread import read_head

    with registry(settings) as engine, reading(engine) as connection:
        found = read_head(connection, size)
    emit(asdict(found)) if machine else click.echo(found.jws)


@log.command("export")
@click.argument("file", metavar="FICHIER", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--hashes", is_flag=True, help="Les empreintes seules : aucune donnée personnelle.")
@as_json
@with_settings
def export(settings: Settings, file: Path, hashes: bool, machine: bool) -> None:
    """Écrit les feuilles de la dernière tête signée, une par ligne, et la tête dans FICHIER.head."""
    from directory_service.registry.audit import each_leaf
    from directory_service.registry.engine import reading
    from directory_service.registry.logread import read_head

    partial = file.with_name(file.name + ".partial")
    with registry(settings) as engine, reading(engine) as connection:
        found = read_head(connection)
        with written_to(file), partial.open("wb") as stream:
            for _, data, digest in each_leaf(connection, 0, found.size):
                stream.write((digest.hex().encode() if hashes else data) + b"\n")
    with written_to(file):
        partial.replace(file)
        file.with_name(file.name + ".head").write_text(found.jws + "\n", encoding="ascii")
    emit({"file": str(file), **asdict(found)}) if machine else lines(
        {"écrit": file, "tête": f"{file}.head", "feuilles": found.size}
    )


@click.command()
@click.option(
    "--head",
    "heads",
    metavar="FICHIER",
    type=_FILE,
    multiple=True,
    help="Une tête signée, conservée d'une fois précédente.",
)
@click.option(
    "--jwks",
    metavar="FICHIER",
    type=_FILE,
    help="Les clés publiques, telles que publiées  [défaut : celles de ce nœud]",
)
@click.option(
    "--file", metavar="FICHIER", type=_FILE, help="Un fichier de `annuaire log export`, à la place du registre."
)
@as_json
@with_settings
def audit(settings: Settings, heads: tuple[Path, ...], jwks: Path | None, file: Path | None, machine: bool) -> int:
    """Montre que rien n'a été récrit dans l'historique, ou ce qui l'a été.

    Recalcule le journal de transparence depuis ses événements, le compare aux têtes
    signées et aux liens du registre. Code 4 si quelque chose a été récrit.
    """
    keys = keyring(settings, jwks)
    found = _of_file(file, heads, keys) if file else _of_registry(settings, heads, keys, machine)
    if machine:
        emit({**asdict(found), "ok": not found.found})
    else:
        _tell(found)
    return NO if found.found else 0


def _former(path: Path, keys: Keyring) -> FormerHead:
    """A head as ``log head``, ``log export`` or ``/v1/log/head`` wrote it.  Raises InvalidInput unless it is ours."""
    from directory_service.registry.audit import FormerHead
    from directory_service.trust.heads import checker

    try:
        written = path.read_text(encoding="utf-8").strip()
        token = json.loads(written)["jws"] if written.startswith("{") else written
        said = json.loads(checker(keys)(str(token)))
        return FormerHead(int(said["size"]), str(said["root"]))
    except InvalidInput as error:
        raise InvalidInput(error.message, where=str(path)) from None
    except (ValueError, KeyError, TypeError):
        raise InvalidInput("une tête signée est attendue", where=str(path)) from None


def _of_registry(settings: Settings, heads: tuple[Path, ...], keys: Keyring, machine: bool) -> Audit:
    from directory_service.registry.audit import audit as look
    from directory_service.registry.engine import reading
    from directory_service.trust.heads import checker

    former = [_former(path, keys) for path in heads]
    with registry(settings) as engine, progress(quiet=machine) as show, reading(engine) as connection:
        return look(connection, checker(keys), former, show)


def _of_file(file: Path, heads: tuple[Path, ...], keys: Keyring) -> Audit:
    from directory_service.registry.audit import audit_leaves

    own = file.with_name(file.name + ".head")
    former = [_former(path, keys) for path in (*heads, *([own] if own.exists() else []))]
    if not former:
        raise click.UsageError("sans tête signée, il n'y a rien à vérifier : --head FICHIER")
    with file.open("rb") as stream:
        return audit_leaves((line.rstrip(b"\n") for line in stream), former)


def _tell(found: Audit) -> None:
    counted = {
        "feuilles": found.size,
        "racine": found.root,
        "têtes signées": found.heads,
        "liens": found.bindings or None,
    }
    lines({**counted, "changements pas encore inscrits au journal": found.pending or None})
    table(("Table", "Clé", "Feuille", "Adresse", "Quoi"), _rows(found.findings))
    if found.found:
        click.echo(f"Anomalies : {found.found} ; l'historique a été récrit.", err=True)
    else:
        click.echo("Rien n'a été récrit.", err=True)


def _rows(findings: list[Finding]) -> Iterator[tuple[Any, ...]]:
    return ((f.table, f.row, f.leaf, f.address, f.what) for f in findings)
