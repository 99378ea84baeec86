"""``search``, ``show``, ``resolve``, ``mailbox``: read the index as the faces do, with the staff's view."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from directory_service.commands.cards import card
from directory_service.commands.common import NO, as_json, directory, emit, lines, table, with_settings
from directory_service.errors import InvalidInput, NotFound
from directory_service.model.publication import PURPOSES
from directory_service.model.rightbox import REASONS
from directory_service.trust.domains import untrusted

if TYPE_CHECKING:
    from directory_service.index.directory import Directory, Page
    from directory_service.settings import Settings


T = TypeVar("T")
_FACET_TITLES: Final = {
    "profession": "Profession",
    "specialty": "Savoir-faire",
    "department": "Département",
    "type": "Type de boîte",
}
_FIELDS: Final = {
    "family_name": "nom",
    "given_names": "prénom",
    "name": "nom ou prénom",
    "profession": "profession",
    "specialty": "savoir-faire",
    "mode": "mode d'exercice",
    "city": "commune",
    "postcode": "code postal",
    "department": "département",
    "structure": "structure",
    "mailbox": "adresse",
    "identifier": "numéro",
    "other": "autre",
}
_LIKE: Final = {
    "exact": "tel quel",
    "prefix": "début",
    "nickname": "diminutif",
    "initial": "initiale",
    "sound": "même son",
    "typo": "faute de frappe",
    "inside": "à l'intérieur",
}
_SHOWN_VALUES: Final = 10  # of a facet, on a terminal


@click.command()
@click.argument("text", metavar="TEXTE…", nargs=-1, required=True)
@click.option(
    "--limit", metavar="N", default=20, show_default=True, type=click.IntRange(1, 1000), help="Nombre de réponses."
)
@click.option("--cursor", metavar="MARQUE", help="Page suivante : la marque de la page précédente.")
@click.option("--exact", is_flag=True, help="Les mots tels quels : ni débuts de mots, ni sons, ni fautes de frappe.")
@click.option("--near", metavar="LIEU", help="Le plus près d'abord : code postal, département ou numéro de structure.")
@click.option(
    "--sort", type=click.Choice(("relevance", "name", "city")), default="relevance", show_default=True,
    help="Ordre des réponses : pertinence, nom ou commune.",
)  # fmt: skip
@click.option("--facets", is_flag=True, help="Compte les réponses par profession, savoir-faire, département et type.")
@click.option("--explain", is_flag=True, help="Dit en quoi chaque réponse convient.")
@as_json
@with_settings
def search(
    settings: Settings, text: tuple[str, ...], limit: int, cursor: str | None, exact: bool, near: str | None, sort: str,
    facets: bool, explain: bool, machine: bool,
) -> None:  # fmt: skip
    """Cherche une personne par nom, lieu, spécialité, structure, numéro, adresse… dans n'importe quel ordre."""
    import orjson

    from directory_service.index.criteria import LONGEST_BOX
    from directory_service.index.directory import Criteria, Wishes
    from directory_service.index.onebox.facets import FACETS
    from directory_service.index.query import View

    typed = " ".join(text).strip()
    if not 0 < len(typed) <= LONGEST_BOX:  # browsing everybody is not searching; the export is there for that
        raise InvalidInput(f"un texte de 1 à {LONGEST_BOX} caractères est attendu, {len(typed)} vus", where="TEXTE")
    wishes = Wishes(FACETS if facets else (), exact, explain, sort, near or "")
    with directory(settings) as index:
        page = index.find(Criteria(q=typed), View.STAFF, limit, cursor, wishes)
    people = [orjson.loads(hit.json) for hit in page.hits]
    if machine:
        items = [{**person, "match": why} for person, why in zip(people, page.why, strict=True)] if explain else people
        counted = {"facets": page.facets, "facets_exact": page.facets_exact} if facets else {}
        told = {"total": page.total, "total_exact": page.total_exact, "relaxed": page.relaxed, "next": page.next}
        emit({"build": page.build, **told, "items": items, **counted})
    else:
        _show(people, page, typed if sort != "city" else "")


def _show(people: list[dict[str, Any]], page: Page, asked: str) -> None:
    """``asked``: what the town that is shown of each is chosen by."""
    columns = ["Identifiant", "Nom", "Prénoms", "Profession", "Commune", "Adresse"]
    rows = [_row(person, asked) for person in people]
    if page.why:
        columns.append("Pourquoi")
        rows = [(*row, _reasons(why)) for row, why in zip(rows, page.why, strict=True)]
    table(columns, rows, none="Aucun résultat.")
    if page.relaxed:
        click.echo("Aucun résultat exact : voici les plus proches.", err=True)
    for name, values in (page.facets or {}).items():
        click.echo("")
        shown = values[:_SHOWN_VALUES]
        least = "" if page.facets_exact else "≥ "
        twice = {label for label, times in Counter(v["label"] for v in values).items() if times > 1}
        labels = (f"{v['label']} ({v['value']})" if v["label"] in twice else v["label"] for v in shown)
        table((_FACET_TITLES[name], "Nombre"), zip(labels, (f"{least}{v['count']}" for v in shown), strict=True))
    if page.next:
        click.echo(f"Suite : --cursor {page.next}", err=True)


def _reasons(why: dict[str, Any]) -> list[str]:
    """``dupont : nom, tel quel``; ``--json`` has the codes of docs/reference/search.md."""
    return [f"{w['word']} : {_FIELDS[w['field']]}, {_LIKE[w['match']]}" for w in why["words"]]


def _row(person: dict[str, Any], asked: str) -> tuple[object, ...]:
    from directory_service.matching.whereabouts import place_meant, places

    where = places(person)
    shown = [place_meant(where, asked) or where[0], *where] if where else []
    towns = ((place[0]["address"] or {}).get("city") for place in shown)
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
        boxes = [record["address"]] if "holders" in record and record.get("status") == "open" else []
        warned = bool(untrusted(index, boxes))
    emit(record) if machine else click.echo("\n".join(card(record)))
    if warned and not machine:
        click.echo(f"attention, {REASONS['domain_untrusted']}", err=True)


def _record(index: Directory, key: str) -> dict[str, Any]:
    import orjson

    from directory_service.entries.history import shown
    from directory_service.index.query import View

    if "@" in key:
        with suppress(NotFound):  # ``10`` and an address is the number of whoever is in no registry
            return shown(index.mailbox(key, View.STAFF))

    def person() -> dict[str, Any]:
        hit, former = index.practitioner(key, View.STAFF)
        return {**orjson.loads(hit.json), **({"resolved_from": former} if former else {})}

    addresses = index.held_under(key, View.STAFF)
    if addresses or "@" in key:
        return shown(index.mailbox((addresses or [key])[0], View.STAFF))
    return _either(index, key, person, lambda: dict(orjson.loads(index.organization(key, View.STAFF).json)))


def _either(index: Directory, key: str, person: Callable[[], T], structure: Callable[[], T]) -> T:
    """What is asked of whoever, or whatever, has this number.  Raises NotFound with the probable numbers."""
    from directory_service.index.query import View

    for ask in (person, structure):
        with suppress(NotFound):
            return ask()
    near = (*index.near_persons(key, View.STAFF), *index.near_structures(key, View.STAFF))
    raise _suggesting(NotFound("aucun professionnel ni aucune structure ne porte ce numéro"), near)


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
        if addresses := index.held_under(key, View.STAFF):
            _tell_held(key, addresses, machine=machine)
            return
        try:
            hit, former = index.practitioner(key, View.STAFF)
        except NotFound as error:
            raise _suggesting(error, index.near_persons(key, View.STAFF)) from None
    person = orjson.loads(hit.json)
    found = {"id": person["id"], "rpps": person["rpps"], "adeli": person["adeli"], "resolved_from": former}
    if machine:
        emit(found)
    else:
        lines(
            {"en vigueur": found["id"], "RPPS": found["rpps"], "ADELI": found["adeli"], "ancien numéro demandé": former}
        )


def _tell_held(key: str, addresses: list[str], *, machine: bool) -> None:
    """Of a number that only mailboxes know: it is the one in force, and these are its mailboxes."""
    from directory_service.model.identifiers import parse_person_id

    person = parse_person_id(key)
    assert person  # mailboxes were found by it
    rpps, adeli = (person.value if person.scheme == scheme else None for scheme in "80")
    if machine:
        found = {"id": person.national, "rpps": rpps, "adeli": [adeli] if adeli else [], "resolved_from": None}
        emit({**found, "mailboxes": addresses})
    else:
        lines(
            {
                "en vigueur": person.national,
                "RPPS": rpps,
                "ADELI": adeli,
                "boîtes d'un titulaire absent du registre": addresses,
            }
        )


@click.command(epilog="\b\nUsages :\n" + "\n".join(f"  {word:<15} {said}" for word, said in PURPOSES.items()))
@click.argument("key", metavar="ID")
@click.option("--purpose", type=click.Choice(list(PURPOSES)), metavar="USAGE", help="Un des usages qui suivent.")
@click.option("--structure", default="", metavar="ID", help="La structure dans laquelle joindre le titulaire.")
@click.option("--service", default="", metavar="TEXTE", help="Le service à joindre.")
@as_json
@with_settings
def mailbox(settings: Settings, key: str, machine: bool, **asked: str | None) -> int:
    """Dit à quelle boîte écrire pour un usage, et pourquoi.

    Le code de retour est 0 quand une boîte est recommandée, 4 sinon : rien n'est deviné ; 2 quand la
    structure est inconnue.
    """
    from directory_service.index.query import View
    from directory_service.trust.rightbox import Asked, organization_mailboxes, practitioner_mailboxes

    if "@" in key and not key.startswith("10"):  # the number of whoever is in no registry
        why = "un numéro est attendu, de professionnel ou de structure ; pour une adresse : annuaire show ADRESSE"
        raise InvalidInput(why, where="ID")
    wanted = Asked(**{name: value or "" for name, value in asked.items()})
    with directory(settings) as index:
        build, record = _either(
            index,
            key,
            lambda: practitioner_mailboxes(index, key, wanted, View.STAFF),
            lambda: organization_mailboxes(index, key, wanted, View.STAFF),
        )
    emit({"build": build, **record}) if machine else click.echo("\n".join(card(record)))
    return 0 if record["recommended"] else NO
