"""``review`` and ``quality``: the staff's queue, and how good the matching is.  The work is in ``importers.review``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from directory_service.commands.common import (
    NUMBER,
    Commands,
    Whole,
    as_json,
    draw,
    emit,
    lines,
    progress,
    registry,
    table,
    whoami,
    with_settings,
)

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from directory_service.registry.decisions import Decision
    from directory_service.settings import Settings
    from importers.review import By

KINDS = {"person": "même personne ?", "link": "table de correspondance", "mailbox": "titulaire de BAL"}
# What stands side by side: the subject of each question, and the person it would go to or stay with.
_SIDES = {
    "person": ("Serait absorbée", "Resterait"),
    "link": ("D'après le registre", "D'après la table"),
    "mailbox": ("La boîte dit", "Le titulaire"),
}
_NEARLY = 0.9995  # from here, one decimal would say 100,0 %
OUTCOMES = {
    "merge": "fusionnées par un import",
    "review": "à examiner",
    "apart": "laissées séparées",
    "accepted": "acceptée",
    "rejected": "rejetée",
    "later": "remise à plus tard",
    "split": "fusion défaite",
}


@click.group(cls=Commands)
def review() -> None:
    """File d'attente de l'équipe : rapprochements probables, contradictions, BAL douteuses."""


@review.command("list")
@click.option("--kind", type=click.Choice(list(KINDS)), help="Une seule sorte de question.")
@click.option("--limit", metavar="N", default=50, show_default=True, type=Whole(1), help="Nombre de questions.")
@as_json
@with_settings
def list_open(settings: Settings, kind: str | None, limit: int, machine: bool) -> None:
    """Liste ce qui attend une réponse, le plus probable d'abord."""
    from directory_service.registry import decisions
    from directory_service.registry.engine import reading

    with registry(settings) as engine, reading(engine) as connection:
        found = decisions.read_open(connection, kind=kind, limit=limit)
    if machine:
        emit({"decisions": [asdict(d) for d in found]})
        return
    rows = ((d.pk, KINDS[d.kind], OUTCOMES[d.outcome], d.one, d.other, sure(d.probability), d.reason) for d in found)
    table(("N°", "Question", "État", "De", "Vers", "Probabilité", "Motif"), rows,
          none="Aucune question n'attend de réponse.")  # fmt: skip


@review.command("show")
@click.argument("number", metavar="N", type=NUMBER)
@as_json
@with_settings
def show_decision(settings: Settings, number: int, machine: bool) -> None:
    """Montre les deux fiches côte à côte, le motif et le score."""
    from directory_service.registry import decisions, sheets
    from directory_service.registry.engine import reading
    from importers.reconcile.judge import said

    with registry(settings) as engine, reading(engine) as connection:
        decision = decisions.get(connection, number)
        one, other = sheets.read_sides(connection, decision)
    if machine:
        emit({**asdict(decision), "sides": [one, other]})
        return
    lines(
        {
            "question": KINDS[decision.kind],
            "état": f"{OUTCOMES[decision.outcome]}, par {decision.actor}, le {decision.at}, passage {decision.run}",
            "motif": decision.reason,
            "règle": f"{said_how} ({decision.how})" if (said_how := sheets.how_said(decision.how)) else decision.how,
            "score": ""
            if decision.score is None
            else f"{_decimal(decision.score, '.1f')} bits, {sure(decision.probability)}",
            "note": decision.note,
        }
    )
    if one == other:
        lines({"fiche unique": f"de {decision.one} et {decision.other}", **{f: " ; ".join(t) for f, t in one.items()}})
    else:
        _side_by_side(_SIDES[decision.kind], one, other)
    for weight in decision.weights:
        click.echo(f"  {said([weight])} ({_decimal(weight[2], '+.1f')} bits)")


def sure(probability: float | None) -> str:
    """How likely, for a reader: never 100,0 %, which is more than anybody knows."""
    if probability is None:
        return ""
    return "> 99,9 %" if probability >= _NEARLY else f"{_decimal(100 * probability, '.1f')} %"


def _decimal(number: float, form: str) -> str:
    return format(number, form).replace(".", ",")


def _side_by_side(heads: Sequence[str], one: Mapping[str, Sequence[str]], other: Mapping[str, Sequence[str]]) -> None:
    """On a terminal, what differs is in bold."""
    fields = list(dict.fromkeys([*other, *one]))  # the second is a person's, who has every field
    pairs = [(f, "\n".join(one.get(f, ())), "\n".join(other.get(f, ()))) for f in fields]
    if not sys.stdout.isatty():
        table(("", "", ""), ((f, a.replace("\n", " ; "), b.replace("\n", " ; ")) for f, a, b in pairs))
        return
    styles = ("" if a.casefold() == b.casefold() else "bold" for _, a, b in pairs)
    rows = ([(field, ""), (a, style), (b, style)] for (field, a, b), style in zip(pairs, styles, strict=True))
    draw(("", *heads), rows)


def _answer(name: str, told: str, help_: str) -> click.Command:
    """``accept``, ``reject`` and ``later`` are one command with three meanings."""

    @click.argument("number", metavar="N", type=NUMBER)
    @click.option("--note", default="", metavar="MOTIF", help="Motif, conservé avec la décision.")
    @as_json
    @with_settings
    def answer(settings: Settings, number: int, note: str, machine: bool) -> None:
        from importers import review as acts

        act: Callable[..., Decision] = getattr(acts, name)
        _act(settings, lambda engine, by: act(engine, number, **by), note, told, machine)

    return review.command(name, help=help_)(answer)


# What an answer means, by kind of question; of a published mailbox the rule says it (docs/reference/publication.md).
_MEANT = {
    ("person", "accepted"): "{0.one} et {0.other} sont une seule personne",
    ("person", "rejected"): "{0.one} et {0.other} sont deux personnes",
    ("link", "accepted"): "le numéro {0.one} est à {0.other}",
    ("link", "rejected"): "le numéro {0.one} n'est pas à {0.other}",
    ("mailbox", "accepted"): "{0.one} est à {0.other}",
    ("mailbox", "rejected"): "{0.one} n'est pas à {0.other}",
}


def _meant(done: Decision) -> str:
    said = "" if done.how.startswith("rule:published_") else _MEANT.get((done.kind, done.outcome), "")
    return f" : {said.format(done)}" if said else ""


accept = _answer(
    "accept",
    "Décision {0.pk} acceptée{1}.",
    "Accepte : les deux fiches sont fusionnées, ou la table l'emporte, ou le titulaire est confirmé.",
)
reject = _answer(
    "reject",
    "Décision {0.pk} rejetée{1} ; la réponse est retenue.",
    "Rejette définitivement ; une BAL est retirée à qui n'en est pas titulaire.",
)
later = _answer("later", "Décision {0.pk} remise à plus tard.", "Remet à plus tard, en fin de liste.")


@review.command("split")
@click.argument("what", metavar="N|NUMÉRO")
@click.option("--note", default="", metavar="MOTIF", help="Motif, conservé avec la décision.")
@as_json
@with_settings
def split(settings: Settings, what: str, note: str, machine: bool) -> None:
    """Défait une fusion, nommée par sa décision ou par le numéro ADELI absorbé."""
    from importers import review as acts

    told = "Fusion défaite : {0.one} et {0.other} sont deux personnes."
    _act(settings, lambda engine, by: acts.split(engine, what, **by), note, told, machine)


def _act(settings: Settings, act: Callable[[Engine, By], Decision], note: str, told: str, machine: bool) -> None:
    from directory_service.registry.lock import told_by

    with registry(settings, asked=False) as engine, progress(quiet=machine) as show:
        by: By = {"actor": whoami(), "note": note, "wait": settings.import_wait, "tell": told_by(show)}
        done = act(engine, by)
    emit(asdict(done)) if machine else click.echo(told.format(done, _meant(done)))


@click.command()
@as_json
@with_settings
def quality(settings: Settings, machine: bool) -> None:
    """Qualité du rapprochement : mesures livrées, décisions de ce registre."""
    from directory_service.model.quality import figures
    from directory_service.registry import decisions
    from directory_service.registry.engine import reading

    with registry(settings) as engine, reading(engine) as connection:
        counts = decisions.counts(connection)
    if machine:
        emit({"matching": figures(), "decisions": counts})
        return
    _tell(figures())
    for kind, outcomes in counts.items():
        lines({KINDS[kind]: [f"{OUTCOMES[o]} : {n}" for o, n in outcomes.items()]})


def _tell(found: Mapping[str, Any]) -> None:
    click.echo(f"Mesuré le {found['measured']} par `{found['command']}`")
    columns = ("Mesure", "Paires", "Précision", "Rappel", "F1", "Fausses fusions", "Rappel avec examen")
    table(columns, (_measure(m) for m in found["measures"]))


# As ``bench.quality`` names what it measured, in the words of ``annuaire sample --help``.
_WORDS = {"variants": "variantes", "defects": "défauts", "link table apart": "sans la table", "without": "sans"}


def _named(measure: str) -> str:
    for english, french in _WORDS.items():
        measure = measure.replace(english, french)
    return measure.replace("%", " %")


def _measure(measure: Mapping[str, Any]) -> Sequence[object]:
    shares = (_decimal(measure[name], ".4f") for name in ("precision", "recall", "f1"))
    asked = measure.get("recall_with_review")
    return (
        _named(measure["name"]),
        measure["pairs"],
        *shares,
        measure["false"],
        "" if asked is None else _decimal(asked, ".4f"),
    )
