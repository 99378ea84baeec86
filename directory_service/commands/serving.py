"""``serve`` and ``doctor``.  The work is in ``directory_service.serve`` and ``directory_service.doctor``."""

from __future__ import annotations

import os
import shlex
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import click

from directory_service.commands.common import (
    as_json,
    directory,
    emit,
    making_index,
    progress,
    registry,
    table,
    with_settings,
)
from directory_service.errors import InvalidInput, NotFound, RegistryUnavailable
from directory_service.model.networks import asked_at

if TYPE_CHECKING:
    from directory_service.settings import Settings

_PARTS = ("ldap", "http", "follow", "policy")


@click.command()
@click.argument("part", metavar="[PARTIE]", type=click.Choice(_PARTS), required=False)
@click.option("--host", metavar="ADRESSE", help="Adresse d'écoute  [ANNUAIRE_HOST, défaut : 127.0.0.1]")
@click.option("--ldap-port", metavar="PORT", type=int, help="Port LDAP  [ANNUAIRE_LDAP_PORT, défaut : 1389]")
@click.option("--ldaps-port", metavar="PORT", type=int, help="Port LDAP sur TLS  [ANNUAIRE_LDAPS_PORT, défaut : 1636]")
@click.option("--http-port", metavar="PORT", type=int, help="Port HTTP  [ANNUAIRE_HTTP_PORT, défaut : 8080]")
@click.option(
    "--https-port", metavar="PORT", type=int, help="Port HTTPS ; 0 : fermé  [ANNUAIRE_HTTPS_PORT, défaut : 0]"
)
@click.option(
    "--policy-port",
    metavar="PORT",
    type=int,
    help="Port du service de politique, pour Postfix ; 0 : fermé  [ANNUAIRE_POLICY_PORT, défaut : 0]",
)
@click.option(
    "--workers", metavar="N", type=int, help="Processus par service  [ANNUAIRE_WORKERS, défaut : un par cœur]"
)
@as_json
@click.pass_obj
def serve(load: Any, /, part: str | None, machine: bool, **chosen: Any) -> None:
    """Répond en LDAP et en HTTP, et suit le registre.

    Avec un argument, n'en lance qu'une partie : PARTIE est ldap, http, follow ou policy.
    """
    from directory_service.index.files import bring_in
    from directory_service.parts import read_https, read_policy, read_tls
    from directory_service.serve import Supervisor, parts_of, require_free

    settings = load(**chosen)
    parts = parts_of(part, settings)
    require_free(settings, parts)
    if "ldap" in parts:
        read_tls(settings)
    if "https" in parts:
        read_https(settings)
    if "policy" in parts:
        read_policy(settings)
    _prepare(settings, quiet=machine)
    if "policy" in parts:
        _require_operator(settings)
    threading.Thread(target=bring_in, args=(settings.index_folder,), daemon=True).start()
    # gunicorn has workers of its own, and one index has one follower.
    processes = [name for name in parts for _ in range(settings.processes if name == "ldap" else 1)]
    Supervisor(processes, settings).run(
        lambda: _announce(settings, parts, machine=machine), lambda text: click.echo(f"annuaire : {text}", err=True)
    )


def _prepare(settings: Settings, *, quiet: bool) -> None:
    """An index to answer from, built from the registry when there is none.  With an index, a registry that is down
    stops nobody from reading."""
    from directory_service.index.writer import build_index

    has_index = (settings.index_folder / "current").exists()
    try:
        with registry(settings) as engine, progress(quiet=quiet) as show, making_index(settings):
            if not has_index:
                build_index(
                    engine, settings.index_folder, settings.ldap_suffix, workers=settings.processes, progress=show
                )
    except RegistryUnavailable as error:
        if not has_index:
            raise
        click.echo(f"annuaire : {error} ; {_present(settings)}", err=True)


def _present(settings: Settings) -> str:
    """What clients get from the index as it is."""
    try:
        with directory(settings) as index:
            index.build()
    except (RegistryUnavailable, sqlite3.DatabaseError) as error:
        why = error if isinstance(error, RegistryUnavailable) else "l'index est illisible"
        return f"rien ne répond d'ici là : {why}"
    return "l'index présent continue de répondre"


def _require_operator(settings: Settings) -> None:
    """A name that nobody has holds no domain, and every message would pass.  One that was added a moment ago is in the
    registry only.  Raises InvalidInput."""
    from directory_service.registry.trusted import read_operators

    name = settings.policy_operator
    with directory(settings) as index:
        if index.operator(name):
            return
    with suppress(RegistryUnavailable), registry(settings) as engine, engine.connect() as connection:
        if name in {operator.name for operator in read_operators(connection)}:
            return
    raise InvalidInput(
        "aucun opérateur ne porte ce nom, et tout le courrier passerait : voir `annuaire operator list`",
        where="réglage policy_operator",
    )


def _announce(settings: Settings, parts: Sequence[str], *, machine: bool) -> None:
    from directory_service.serve import ports, tell_systemd
    from directory_service.settings import authority

    listened, in_journal = ports(settings, parts), tell_systemd(os.environ)
    if machine:
        emit({"serving": {p.scheme: f"{p.scheme}://{authority(p.host, p.number)}" for p in listened}})
        return
    if in_journal:  # where the examples would leave somebody's name
        click.echo(" ".join(["Prêt.", *(f"{p.scheme}://{authority(p.host, p.number)}" for p in listened)]))
        return
    served = {p.scheme: f"{p.scheme}://{authority(asked_at(p.host), p.number)}" for p in listened}
    examples = list(_examples(settings, served))
    click.echo("\nPrêt. À coller dans un autre terminal :\n" if examples else "\nPrêt.")
    for line in examples:
        click.echo(f"  {line}")
    if settings.portal and "http" in served:
        click.echo(f"\nDans un navigateur : {served['http']}/")
    click.echo("\nCtrl-C arrête.")


def _examples(settings: Settings, served: Mapping[str, str]) -> Iterator[str]:
    """Lines that give results, since they ask for somebody who is there."""
    found = _somebody(settings)
    if found is None:
        yield (
            f"curl -s {shlex.quote(served['http'] + '/v1/status')}"
            if "http" in served
            else "annuaire import EXTRACTIONS"
        )
        return
    address, name = found
    base = shlex.quote(f"ou=bal,{settings.ldap_suffix}")
    if "ldap" in served:
        wide = shlex.quote(f"(|(cn=*{name}*)(mail=*{name}*)(givenName=*{name}*)(sn=*{name}*))")
        yield f"ldapsearch -x -LLL -H {shlex.quote(served['ldap'])} -b {base} {wide} cn mail"
        yield f"ldapsearch -x -LLL -H {shlex.quote(served['ldap'])} -b {base} {shlex.quote(f'(mail={address})')}"
    if "http" in served:
        yield f"curl -s {shlex.quote(served['http'] + '/v1/suggest?q=' + quote(name))}"
        yield f"curl -s {shlex.quote(served['http'] + '/v1/mailboxes/' + quote(address, safe='@'))}"


def _somebody(settings: Settings) -> tuple[str, str] | None:
    """An address of the directory, and the surname of its holder, letters and digits only; None when it is empty, or
    when the index is of another suffix or version, or damaged: the follower replaces it, and faces say so meanwhile."""
    from directory_service.entries.wire import decode_attributes
    from directory_service.index.query import Equal, Query, Scope, View
    from directory_service.ldap.dn import normalise
    from directory_service.model.names import words

    query = Query(normalise(f"ou=bal,{settings.ldap_suffix}"), Scope.ONE, Equal("asMailboxType", b"PER"), limit=1)
    try:
        with directory(settings) as index:
            hits = index.search(query, View.ANONYMOUS).hits
    except (NotFound, RegistryUnavailable, sqlite3.DatabaseError):
        return None
    if not hits:
        return None
    found = decode_attributes(hits[0].ber)
    return found["mail"][0].decode(), max(words(found["sn"][0].decode()), key=len)


@click.command()
@as_json
@with_settings
def doctor(settings: Settings, machine: bool) -> int:
    """Vérifie l'installation et compare les réponses.

    Réglages, registre, index, clés, certificats, ports ; puis les mêmes questions aux services LDAP et HTTP.
    """
    from dataclasses import asdict

    from directory_service.doctor import examine

    checks = examine(settings)
    if machine:
        emit({"ok": all(c.ok for c in checks), "checks": [asdict(c) for c in checks]})
    else:
        table(("Vérification", "", "Constat"), ((c.name, "oui" if c.ok else "NON", c.detail) for c in checks))
    return 0 if all(c.ok for c in checks) else RegistryUnavailable.exit_code
