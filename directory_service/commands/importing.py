"""``init``, ``sample``, ``import``, ``runs``, ``index``: from extracts to what is served.  The work itself is in
``registry``, ``importers`` and ``index``.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from contextlib import closing
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, cast

import click
from click.core import ParameterSource

from directory_service.commands.auditing import keep_log_after
from directory_service.commands.common import (
    NUMBER,
    Commands,
    Moment,
    Whole,
    as_json,
    directory,
    emit,
    in_utf8,
    lines,
    making_index,
    named_counts,
    progress,
    registry,
    table,
    whoami,
    with_settings,
    written_to,
)
from directory_service.commands.undoing import undone_lines

if TYPE_CHECKING:
    from directory_service.model.rhythms import Silence
    from directory_service.registry.runs import FoundLine, Run
    from directory_service.settings import Settings
    from importers.report import ImportReport


@click.command()
@as_json
@with_settings
def init(settings: Settings, machine: bool) -> None:
    """Crée le registre, ou le met à jour."""
    from directory_service.registry.engine import open_registry
    from directory_service.registry.upgrading import upgrade

    engine = open_registry(settings.registry_url)
    try:
        upgrade(engine)
        settings.data.mkdir(parents=True, exist_ok=True)  # of the index and the keys, wherever the registry is
        where = engine.url.render_as_string(hide_password=True)
    finally:
        engine.dispose()
    emit({"registry": where}) if machine else click.echo(f"Registre prêt : {where}")


@click.command()
@click.argument("folder", metavar="DOSSIER", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--people", metavar="N", default=5000, show_default=True, type=click.IntRange(1), help="Nombre de professionnels."
)
@click.option(
    "--seed",
    metavar="N",
    default=1,
    show_default=True,
    type=int,
    help="Graine du tirage : même graine, mêmes fichiers.",
)
@click.option(
    "--day",
    metavar="N",
    default=0,
    show_default=True,
    type=click.IntRange(0),
    help="Nombre de jours écoulés : les mêmes personnes, plus tard.",
)
@click.option(
    "--defects", default=0.0, show_default=True, type=click.FloatRange(0, 1), help="Part des lignes défectueuses."
)
@click.option(
    "--variants",
    default=0.0,
    show_default=True,
    type=click.FloatRange(0, 1),
    help="Part des fiches ADELI qui diffèrent du RPPS : nom, prénom, lieu, lien absent de la table.",
)
@as_json
def sample(folder: Path, machine: bool, **choices: Any) -> None:
    """Écrit des extractions fictives aux formats réels.

    Le fichier truth.csv dit qui est qui.
    """
    from importers.sample import write_sample

    with written_to(folder), progress(quiet=machine) as show:
        summary = write_sample(folder, progress=show, **choices)
    if machine:
        emit(asdict(summary))
        return
    table(("Fichier", "Lignes"), sorted(summary.rows.items()))
    what = "personne fictive" if summary.people < 2 else "personnes fictives"
    click.echo(f"{summary.people} {what}, jour {summary.day}, dans {summary.folder}", err=True)


@click.command("import")
@click.argument("paths", metavar="CHEMIN…", nargs=-1, required=True, type=click.Path(readable=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Montre ce qui changerait, sans rien écrire.")
@click.option("--accept", metavar="MOTIF", help="Accepte un effet au-delà des seuils, et dit pourquoi.")
@click.option(
    "--as-of", metavar="DATE", type=Moment(), help="Date d'effet des changements, en UTC : maintenant par défaut."
)
@click.option(
    "--wait", metavar="SECONDES", type=click.FloatRange(0), help="Attente de la fin d'un autre import  [import_wait]"
)
@as_json
@with_settings
def import_files(
    settings: Settings,
    paths: tuple[Path, ...],
    as_of: datetime | None,
    wait: float | None,
    machine: bool,
    **choices: Any,
) -> int:
    """Importe des extractions, et la liste blanche signée : fichiers, zips ou dossiers.

    Chaque fichier est reconnu à son contenu ; l'ordre est déduit.  Un import dont l'effet dépasse un seuil s'arrête
    avant d'écrire (code 6).
    """
    from directory_service.errors import CircuitBreaker
    from importers.load import run_import

    choices |= _of_every_import(settings) | ({} if wait is None else {"wait": wait})
    try:
        with registry(settings, asked=False) as engine, progress(quiet=machine) as show:
            report = run_import(engine, paths, actor=whoami(), as_of=as_of, progress=show, **choices)
            if report.status != "dry-run":
                start = perf_counter()
                keep_log_after(engine, settings)
                report = replace(report, seconds={**report.seconds, "log": round(perf_counter() - start, 2)})
    except CircuitBreaker as stop:
        told = {"error": stop.slug, "message": stop.message, "exit": stop.exit_code}
        _tell(cast("ImportReport", stop.report), machine, told)
        click.echo(f"annuaire : {stop}", err=True)
        return stop.exit_code
    except KeyboardInterrupt:
        click.echo("annuaire : import arrêté ; s'il n'est pas dans `annuaire runs`, rien n'a été écrit.", err=True)
        raise
    would_stop = report.status == "dry-run" and report.breaches and not report.accepted
    code = CircuitBreaker.exit_code if would_stop else 0
    _tell(report, machine, {})
    return code


def _of_every_import(settings: Settings) -> dict[str, Any]:
    """What ``run_import`` takes from the settings."""
    return {
        "thresholds": settings.thresholds,
        "rhythms": settings.source_rhythms,
        "anchors": Path(settings.trust_anchors) if settings.trust_anchors else None,
        "signer": settings.trust_signer,
        "lead": timedelta(days=settings.publication_lead),
        "patients": settings.patient_domain,
        "processes": settings.processes,
        "findings": settings.import_findings,
        "wait": settings.import_wait,
    }


def _tell(report: ImportReport, machine: bool, more: dict[str, object]) -> None:
    """The report on standard output, as text or JSON; silent sources on standard error."""
    emit({**report.as_dict(), **more}) if machine else click.echo(report.as_text())
    _warn_of(report.silent)


def _warn_of(silent: Iterable[Silence]) -> None:
    for silence in silent:
        click.echo(f"attention, source muette : {silence.as_text()}", err=True)


@click.group(cls=Commands, invoke_without_command=True)
@click.option("--limit", metavar="N", default=20, show_default=True, type=Whole(1), help="Nombre de passages.")
@as_json
@click.pass_context
def runs(ctx: click.Context, /, limit: int, machine: bool) -> None:
    """Liste les imports, les retours en arrière et les réponses, du plus récent au plus ancien."""
    if ctx.invoked_subcommand is not None:  # ``runs --json show 1`` is ``runs show 1 --json``
        given = {n: v for n, v in ctx.params.items() if ctx.get_parameter_source(n) is ParameterSource.COMMANDLINE}
        ctx.default_map = {ctx.invoked_subcommand: given}
        return
    from directory_service.model.rhythms import silences
    from directory_service.registry.engine import reading
    from directory_service.registry.lock import WORKS
    from directory_service.registry.overview import read_sources
    from directory_service.registry.runs import read_runs

    settings = ctx.obj()
    with registry(settings) as engine, reading(engine) as connection:
        found, dates = read_runs(connection, limit), {s.name: s.published for s in read_sources(connection)}
    silent = silences(dates, settings.source_rhythms, datetime.now(UTC))
    if machine:
        emit({"runs": [asdict(run) for run in found], "silent": [asdict(silence) for silence in silent]})
        return
    _warn_of(silent)
    columns = ("N°", "Terminé le", "Par", "Nature", "État", "Effet du", "Fichiers", "Rejets")
    table(
        columns,
        (
            (r.pk, r.finished_at, r.actor, WORKS.get(r.kind, r.kind), _state(r), r.as_of, len(r.files), _rejected(r))
            for r in found
        ),
        none="Aucun passage encore : voir `annuaire import`.",
    )


_STATES = {"done": "terminé", "unchanged": "rien n'a changé"}


def _state(run: Run) -> str:
    return f"annulé par {run.undone_by}" if run.undone_by else _STATES.get(run.status, run.status)


def _rejected(run: Run) -> int:
    return sum(file.rejected for file in run.files)


@runs.command("show")
@click.argument("number", metavar="N", type=NUMBER)
@click.option("--limit", metavar="N", default=100, show_default=True, type=Whole(0), help="Nombre de rejets montrés.")
@as_json
@with_settings
def show_run(settings: Settings, number: int, limit: int, machine: bool) -> None:
    """Montre un import : ses fichiers, son effet, les lignes rejetées."""
    from directory_service.registry.engine import reading
    from directory_service.registry.runs import get_run, read_rejections, read_undone

    with registry(settings) as engine, reading(engine) as connection:
        run, rejected = get_run(connection, number), read_rejections(connection, number, limit)
        undone = read_undone(connection, number)
    if machine:
        told = [asdict(line) for line in rejected]
        emit({**asdict(run), "undoes": [other.pk for other in undone], "rejections": told})
        return
    first, *rest = _report(run).as_text().splitlines()
    click.echo("\n".join([first, *undone_lines(undone), *rest]))
    if run.undone_by:
        click.echo(f"  annulé par le passage {run.undone_by}")
    table(("Fichier", "Ligne", "Colonne", "Motif"), ((r.file, r.line, r.column, r.message) for r in rejected))


def _report(run: Run) -> ImportReport:
    """The run as the import said it when it ended."""
    from importers.quality.rules import Effect, effect
    from importers.report import FileReport, ImportReport

    files = []
    for f in run.files:
        rejected = {rule: n for rule, n in f.findings.items() if effect(rule) == Effect.REJECT}
        told = {rule: n for rule, n in f.findings.items() if rule not in rejected}
        known = FileReport(f.name, f.layout, f.sha256, f.bytes, f.rows, f.rejected, told, reasons=rejected)
        files.append(replace(known, status="skipped") if f.skipped else known)
    status = {"rollback": "rolled-back", "review": "answered"}.get(run.kind, run.status)
    report = ImportReport(run.pk, status, run.as_of, tuple(files), run.counts)
    return replace(report, impact=run.impact, accepted=run.accepted)


_COLUMNS = ("fichier", "source", "ligne", "colonne", "règle", "gravité", "effet", "message", "valeur", "suggestion",
            "texte")  # fmt: skip


@runs.command("rejects")
@click.argument("number", metavar="N", type=NUMBER)
@click.option("--rule", metavar="RÈGLE", help="Les lignes d'une seule règle, par son code.")
@click.option("--csv", "as_csv", is_flag=True, help="Sortie CSV : une ligne par ligne de fichier et par règle.")
@as_json
@with_settings
def rejects(settings: Settings, number: int, rule: str | None, as_csv: bool, machine: bool) -> None:
    """Liste les lignes rejetées, réparées ou signalées d'un import.

    Les rejets y sont tous ; des autres règles, les premières lignes de chaque fichier
    (réglage import_findings). Le total de chaque règle est donné par « annuaire runs show ».
    """
    from directory_service.registry.engine import reading
    from directory_service.registry.runs import each_found

    if as_csv and machine:
        raise click.UsageError("donnez --csv ou --json, pas les deux")
    with registry(settings) as engine, reading(engine) as connection:
        if rule is not None:
            with closing(each_found(connection, number, rule)) as tripping:
                if next(tripping, None) is None:
                    _require_rule(rule)
        with closing(each_found(connection, number, rule)) as tripping:  # before the connection, if nobody listens
            found = (_found_row(line) for line in tripping)
            if machine:
                emit({"run": number, "lines": list(found)})
            elif as_csv:
                _write_csv(found)
            else:
                shown = ("fichier", "ligne", "colonne", "règle", "effet", "message", "valeur", "suggestion")
                rows = ([row[name] for name in shown] for row in found)
                table(shown, rows, none="Aucune ligne rejetée, réparée ni signalée.")


def _require_rule(code: str) -> None:
    """Raises InvalidInput for the code of no rule, naming those that are near: silence would tell that all is well."""
    from difflib import get_close_matches

    from directory_service.errors import InvalidInput
    from importers.quality.rules import RULES

    if code not in RULES:
        near = ", ".join(get_close_matches(code, RULES))
        why = "aucune règle ne porte ce code" + (f" ; peut-être {near}" if near else "")
        raise InvalidInput(why, where=f"--rule {code}")


def _found_row(line: FoundLine) -> dict[str, Any]:
    from importers.quality import rules

    message = line.message or rules.text(line.rule)
    effect = rules.Effect.REJECT.value if line.rejected else rules.effect(line.rule)
    values = (line.file, line.layout, line.line, line.column, line.rule, rules.severity(line.rule), effect, message,
              line.value, line.suggestion, line.raw)  # fmt: skip
    return dict(zip(_COLUMNS, values, strict=True))


def _write_csv(rows: Iterable[dict[str, Any]]) -> None:
    """RFC 4180, as ``export csv`` writes it."""
    import csv

    in_utf8()
    writer = csv.DictWriter(sys.stdout, _COLUMNS, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)


@click.command()
@click.option("--rebuild", is_flag=True, help="Reconstruit tout, même si l'index est à jour.")
@as_json
@with_settings
def index(settings: Settings, rebuild: bool, machine: bool) -> None:
    """Construit l'index, ou le met à jour d'après le journal."""
    from directory_service.index.follower import Follower
    from directory_service.index.writer import build_index

    folder, suffix = settings.index_folder, settings.ldap_suffix
    with registry(settings) as engine, progress(quiet=machine) as show, making_index(settings):
        if rebuild or not (folder / "current").exists():
            build_index(engine, folder, suffix, workers=settings.processes, progress=show)
        else:
            Follower(engine, folder, suffix, workers=settings.processes).catch_up()
    with directory(settings) as opened:
        build = opened.build()
    found = {"build": build.id, "built_at": build.built_at, "counts": build.counts}
    emit(found) if machine else lines(
        {"version": build.id, "construite le": build.built_at, **named_counts(build.counts)}
    )
