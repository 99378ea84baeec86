"""``operator``: the messaging operators of the trusted space, changed by hand.  Rules are in the registry."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from directory_service.commands.common import (
    Commands,
    as_json,
    changing,
    emit,
    lines,
    registry,
    table,
    whoami,
    with_settings,
)
from directory_service.errors import NotFound
from directory_service.model.mailboxes import RIGHTS

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from directory_service.model.mailboxes import CertificateRule
    from directory_service.settings import Settings


_SHOWN = 5
_FOLLOWS = (
    "LDAP et HTTP le sauront quand l'index aura suivi : aussitôt où `annuaire serve` tourne ; ailleurs, lancez "
    "`annuaire index`."
)


@click.group(cls=Commands)
def operator() -> None:
    """Opérateurs de confiance, leurs domaines et leurs secrets.

    Un changement vaut pour LDAP et HTTP quand l'index a suivi : aussitôt où `annuaire serve` tourne ; ailleurs,
    lancez `annuaire index`.
    """


@operator.command("list")
@as_json
@with_settings
def list_operators(settings: Settings, machine: bool) -> None:
    """Liste les opérateurs et leurs domaines."""
    from directory_service.registry.engine import reading
    from directory_service.registry.trusted import read_operators

    with registry(settings) as engine, reading(engine) as connection:
        found = read_operators(connection)
    if machine:
        told = [
            {
                "name": o.name,
                "label": o.label,
                "status": o.status,
                "since": o.since,
                "source": o.source,
                "has_secret": bool(o.secret_hash),
                "domains": o.domains,
                "certificates": [rule._asdict() for rule in o.certificates],
                "rights": o.rights,
            }
            for o in found
        ]
        emit({"operators": told})
        return
    rows = (
        (
            o.name,
            o.label,
            _STATES.get(o.status, o.status),
            "oui" if o.secret_hash else "non",
            _few(o.domains),
            [_rule(r) for r in o.certificates],
            _rights_said(o.rights),
        )
        for o in found
    )
    table(("Nom", "Organisme", "État", "Secret", "Domaines", "Certificats", "Droits"), rows, none="Aucun opérateur.")


def _few(domains: tuple[str, ...]) -> str:
    """A thousand domains are no column of a table: ``operator show`` has them all."""
    more = f"… ({len(domains)} en tout)" if len(domains) > _SHOWN else ""
    return ", ".join(domains[:_SHOWN]) + more


def _rule(rule: CertificateRule) -> str:
    return f"{rule.method} {rule.value}" + (f" (émis par {rule.issuer})" if rule.issuer else "")


@operator.command("show")
@click.argument("name", metavar="NOM")
@as_json
@with_settings
def show(settings: Settings, name: str, machine: bool) -> None:
    """Montre un opérateur : domaines avec leurs dates, certificats, contacts, suspensions."""
    from directory_service.entries.operators import operator_record
    from directory_service.registry.engine import reading
    from directory_service.registry.trusted import get_operator

    with registry(settings) as engine, reading(engine) as connection, _named(connection, name):
        found = get_operator(connection, name)
    told = operator_record(found)
    certificates = [rule._asdict() for rule in found.certificates]
    if machine:
        emit({**told, "has_secret": bool(found.secret_hash), "certificates": certificates})
        return
    lines(
        {
            "nom": f"{found.name} ({found.label})" if found.label else found.name,
            "état": f"{_STATES.get(found.status, found.status)} depuis le {found.since}",
            "origine": _SOURCES[found.source],
            "structure": found.identity,
            "secret": "oui" if found.secret_hash else "non",
            "droits": _rights_said(found.rights),
            "certificats des listes blanches": " ; ".join(found.subjects),
            "certificats clients": " ; ".join(map(_rule, found.certificates)),
            "responsable": found.responsible,
            "assistance": found.support,
            "suspensions": [f"du {s.since} au {s.until or '…'}" for s in found.suspensions],
        }
    )
    rows = ((s.name, s.since, s.until, _SOURCES[s.source], s.responsible, s.support) for s in found.stretches)
    table(("Domaine", "Depuis", "Jusqu'au", "Origine", "Responsable", "Assistance"), rows)


_SOURCES = {"manual": "à la main", "whitelist": "liste blanche"}
_STATES = {"active": "en activité", "suspended": "suspendu", "withdrawn": "retiré"}
_RIGHTS = {"publish": "publication", "unlisted": "liste rouge"}


def _rights_said(rights: Sequence[str]) -> list[str]:
    """With the words that ``operator right`` takes."""
    return [f"{right} ({_RIGHTS[right]})" if right in _RIGHTS else right for right in rights]


@operator.command("add")
@click.argument("name", metavar="NOM")
@click.option(
    "--domain", "domains", metavar="DOMAINE", multiple=True, help="Domaine de l'opérateur ; plusieurs fois si besoin."
)
@as_json
@with_settings
def add(settings: Settings, name: str, domains: tuple[str, ...], machine: bool) -> None:
    """Ajoute un opérateur, qui n'a pas encore de secret."""
    from directory_service.registry.operators import add_operator

    with changing(settings) as connection:
        add_operator(connection, name, domains, actor=whoami())
        _warn_of_others(connection, name, domains)
    _done(machine, f"Opérateur {name} ajouté.", name=name, domains=domains)


def _warn_of_others(connection: Connection, name: str, domains: Sequence[str]) -> None:
    """Of domains that others hold too, which a slip of the hand gives away: each of them may then send for all."""
    from directory_service.registry.trusted import read_operators

    holders = [o for o in read_operators(connection) if o.name != name] if domains else []
    for domain in domains:
        names = [o.name for o in holders if domain.lower() in o.domains]
        if names:
            click.echo(f"attention, {domain} est aussi tenu par {', '.join(names)}.", err=True)


@contextmanager
def _of(settings: Settings, name: str) -> Iterator[Connection]:
    """One transaction that changes an operator."""
    with changing(settings) as connection, _named(connection, name):
        yield connection


@contextmanager
def _named(connection: Connection, name: str) -> Iterator[None]:
    """A name that nobody has is told, with those that are near."""
    from directory_service.registry.trusted import read_operators

    try:
        yield
    except NotFound as error:
        near = get_close_matches(name, [o.name for o in read_operators(connection)])
        known = f"peut-être {', '.join(near)}" if near else "`annuaire operator list` les donne"
        raise NotFound(f"{error.message} ; {known}", where=name) from None


@operator.command("domain")
@click.argument("name", metavar="NOM")
@click.argument("domain_name", metavar="DOMAINE")
@click.option("--remove", is_flag=True, help="L'opérateur ne tient plus ce domaine.")
@as_json
@with_settings
def domain(settings: Settings, name: str, domain_name: str, remove: bool, machine: bool) -> None:
    """Ajoute ou retire un domaine."""
    from directory_service.registry import operators

    change: Callable[..., bool] = operators.remove_domain if remove else operators.add_domain
    with _of(settings, name) as connection:
        changed = change(connection, name, domain_name, actor=whoami())
        _warn_of_others(connection, name, () if remove else (domain_name,))
    _done(machine, "Domaine retiré." if remove else "Domaine ajouté.", changed, name=name, domain=domain_name)


@operator.command("certificate")
@click.argument("name", metavar="NOM")
@click.argument("file", metavar="FICHIER.pem", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--pin", "how", flag_value="pin", default="pin", help="Par sa clé publique, quel que soit l'émetteur (défaut)."
)
@click.option(
    "--subject", "how", flag_value="subject", help="Par son émetteur et son sujet : vaut aussi après renouvellement."
)
@click.option("--san", metavar="NOM", help="Par son émetteur et un autre nom : dns:…, email:… ou uri:…")
@click.option("--remove", is_flag=True, help="Ce certificat ne désigne plus l'opérateur.")
@as_json
@with_settings
def certificate(
    settings: Settings, name: str, file: Path, how: str, san: str | None, remove: bool, machine: bool
) -> None:
    """Associe un certificat client à l'opérateur, qui peut alors s'authentifier par SASL EXTERNAL."""
    from directory_service.registry import operators
    from directory_service.trust.certificates import SAN, read_certificate

    found = read_certificate(file.read_bytes())
    rule = found.rule(SAN, san) if san else found.rule(how)
    change: Callable[..., bool] = operators.remove_certificate if remove else operators.add_certificate
    with _of(settings, name) as connection:
        changed = change(connection, name, rule, actor=whoami())
    text = f"Certificat {'retiré' if remove else 'ajouté'} : {_rule(rule)}"
    _done(machine, text, changed, name=name, certificate=rule._asdict())


@operator.command("secret")
@click.argument("name", metavar="NOM")
@as_json
@with_settings
def secret(settings: Settings, name: str, machine: bool) -> None:
    """Donne un nouveau secret, montré une seule fois."""
    from directory_service.registry.operators import set_secret

    with _of(settings, name) as connection:
        made = set_secret(connection, name, actor=whoami())
    if machine:
        emit({"name": name, "secret": made})
    else:
        click.echo(made)
        click.echo(_FOLLOWS, err=True)


@operator.command("contact")
@click.argument("name", metavar="NOM")
@click.option("--responsible", metavar="TEXTE", help="Responsable : nom, adresse, téléphone ; vide pour le supprimer.")
@click.option("--support", metavar="TEXTE", help="Assistance : de la même forme.")
@as_json
@with_settings
def contact(settings: Settings, name: str, responsible: str | None, support: str | None, machine: bool) -> None:
    """Donne les contacts d'un opérateur ; ceux de la liste blanche restent avec ses domaines."""
    from directory_service.registry import operators

    if responsible is None and support is None:
        raise click.UsageError("donnez --responsible, --support ou les deux")
    with _of(settings, name) as connection:
        given = {"responsible": responsible, "support": support}
        changed = operators.set_contacts(connection, name, actor=whoami(), **given)
    _done(machine, "Contacts enregistrés.", changed, name=name)


@operator.command("subject")
@click.argument("name", metavar="NOM")
@click.argument("subject", metavar="DN")
@click.option("--remove", is_flag=True, help="Ce nom ne désigne plus l'opérateur.")
@as_json
@with_settings
def subject(settings: Settings, name: str, subject: str, remove: bool, machine: bool) -> None:
    """Dit sous quel nom de certificat (DN) les listes blanches désignent l'opérateur.

    À donner avant l'import d'une liste, pour qu'elle ne crée pas un second opérateur. N'authentifie personne :
    voir « annuaire operator certificate ».
    """
    from directory_service.registry import operators

    change: Callable[..., bool] = operators.remove_subject if remove else operators.add_subject
    with _of(settings, name) as connection:
        changed = change(connection, name, subject, actor=whoami())
    _done(machine, f"Nom de certificat {'retiré' if remove else 'ajouté'}.", changed, name=name, subject=subject)


@operator.command("resume")
@click.argument("name", metavar="NOM")
@as_json
@with_settings
def resume(settings: Settings, name: str, machine: bool) -> None:
    """Lève une suspension ; la période suspendue reste hors de l'espace de confiance."""
    from directory_service.registry import operators

    with _of(settings, name) as connection:
        changed = operators.resume(connection, name, actor=whoami())
    _done(machine, f"Suspension de l'opérateur {name} levée.", changed, name=name)


def _rights(command: Callable[..., Any]) -> Callable[..., Any]:
    """``+unlisted`` and ``-unlisted`` for each right: None where neither was written."""
    for right, text in reversed(tuple(RIGHTS.items())):
        command = click.option(f"+{right}/-{right}", right, default=None, help=text)(command)
    return command


@operator.command("right", context_settings={"ignore_unknown_options": True})  # else +other would be told as +o
@click.argument("name", metavar="NOM")
@click.argument("others", metavar="+DROIT|-DROIT…", nargs=-1)
@_rights
@as_json
@with_settings
def right(settings: Settings, name: str, others: tuple[str, ...], machine: bool, **asked: bool | None) -> None:
    """Donne (+droit) ou retire (-droit) un droit."""
    from directory_service.registry.operators import get_operator, set_right

    wanted = {word: given for word, given in asked.items() if given is not None}
    if others or not wanted:
        known = " ou ".join(f"+{r} / -{r}" for r in RIGHTS)
        raise click.UsageError(f"{f'droit inconnu : {others[0]} ; ' if others else ''}donnez un droit : {known}")
    with _of(settings, name) as connection:
        changed = [set_right(connection, name, *each, actor=whoami()) for each in wanted.items()]
        held = get_operator(connection, name).rights
    _done(
        machine, f"Droits de {name} : {', '.join(_rights_said(held)) or 'aucun'}.", any(changed), name=name, rights=held
    )


@operator.command("suspend")
@click.argument("name", metavar="NOM")
@as_json
@with_settings
def suspend(settings: Settings, name: str, machine: bool) -> None:
    """Suspend un opérateur : ses domaines sortent aussitôt de l'espace de confiance ; ses boîtes restent."""
    from directory_service.registry import operators

    with _of(settings, name) as connection:
        changed = operators.suspend(connection, name, actor=whoami())
    _done(machine, f"Opérateur {name} suspendu.", changed, name=name)


def _done(machine: bool, text: str, changed: bool = True, **told: object) -> None:
    if machine:
        emit({**told, "changed": changed})
    else:
        click.echo(text if changed else "Rien à changer.")
        if changed:
            click.echo(_FOLLOWS, err=True)
