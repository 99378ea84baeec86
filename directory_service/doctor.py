"""Is this installation in order?  Settings, registry, index, keys and certificates, ports; then the same questions put
to the running LDAP and HTTP faces, whose answers must agree.

Each check is a function from the settings to what it saw, and raises an error that says what is wrong.  Nothing is
written; what is compared is never printed, since it is people's data.
"""

from __future__ import annotations

import errno
import json
import resource
import socket
import sqlite3
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import quote

from directory_service.errors import AnnuaireError, RegistryUnavailable, damaged, why_unread
from directory_service.ldap.proxyheader import LOCAL
from directory_service.model.networks import asked_at
from directory_service.model.numbers import grouped
from directory_service.parts import SPARE_DESCRIPTORS
from directory_service.safekeeping import certificates_last, keys_are_private, lists_last, signer_is_named
from directory_service.settings import Settings

if TYPE_CHECKING:
    from ldap3 import Connection

    from directory_service.index.directory import Directory

_PATIENCE = 5  # seconds for one answer of a face
_PROBES = 5  # mailboxes asked about on both faces
_LIST = "mssante.whitelist"


@dataclass(frozen=True, slots=True)
class Check:
    """What was looked at, whether it is well, and what was seen (French)."""

    name: str
    ok: bool
    detail: str


def examine(settings: Settings) -> list[Check]:
    """Every check, in the order in which one depends on another; a failed one does not hide the next."""
    return [_run(name, check, settings) for name, check in _CHECKS]


def _run(name: str, check: Callable[[Settings], str], settings: Settings) -> Check:
    from ldap3.core.exceptions import LDAPException

    try:
        return Check(name, True, check(settings))
    except AnnuaireError as error:
        return Check(name, False, str(error))
    except sqlite3.Error as error:
        return Check(name, False, str(damaged(error) or type(error).__name__))
    except (OSError, LDAPException) as error:
        return Check(name, False, _reason(error))


def _reason(error: Exception) -> str:
    """Why a service did not answer: what it mostly is in plain words, what else there is in those of the library."""
    told = str(getattr(error, "reason", "") or getattr(error, "strerror", "") or error)
    if str(errno.ECONNREFUSED) in told or isinstance(error, ConnectionRefusedError):
        return "connexion refusée : le service est-il lancé (`annuaire serve`) ?"
    if isinstance(error, TimeoutError) or "timed out" in told:
        return f"pas de réponse en {_PATIENCE} s"
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename} : {why_unread(error)}"
    return f"{type(error).__name__} : {told}"


def _fail(message: str) -> NoReturn:
    raise RegistryUnavailable(message)


def _settings(settings: Settings) -> str:
    from directory_service.ldap.dn import normalise

    normalise(settings.ldap_suffix)
    if not settings.data.is_dir():
        _fail(f"le dossier de données {settings.data} n'existe pas : lancez `annuaire init`")
    wanted, (_, most) = settings.ldap_connections + SPARE_DESCRIPTORS, resource.getrlimit(resource.RLIMIT_NOFILE)
    if most < wanted:
        _fail(
            f"{grouped(most)} fichiers ouverts au plus pour {grouped(wanted)} voulus : augmentez LimitNOFILE, "
            "ou baissez ldap_connections"
        )
    return f"données dans {settings.data.absolute()}, suffixe {settings.ldap_suffix}"


def _registry(settings: Settings) -> str:
    from directory_service.registry.grants import require_grants
    from directory_service.registry.overview import counts

    with _read_registry(settings) as connection:
        require_grants(connection)
        found = counts(connection)
        people, boxes = grouped(found["practitioners"]), grouped(found["mailboxes"])
        return f"{connection.dialect.name}, {people} professionnels, {boxes} boîtes ouvertes"


@contextmanager
def _read_registry(settings: Settings) -> Iterator[Any]:
    """Raises RegistryUnavailable for one that has other tables, or none, for whichever check."""
    from directory_service.registry.engine import open_registry, reading, require_tables

    engine = open_registry(settings.registry_url)
    try:
        with reading(engine) as connection:
            require_tables(connection)
            yield connection
    finally:
        engine.dispose()


@contextmanager
def _index(settings: Settings) -> Iterator[Directory]:
    from directory_service.index.directory import Directory

    with closing(Directory(settings.index_folder, settings.ldap_suffix)) as index:
        yield index


def _index_opens(settings: Settings) -> str:
    with _index(settings) as index:
        build = index.build()
    return f"version {build.id}, construite le {build.built_at}"


def _index_is_sound(settings: Settings) -> str:
    """A part that nobody asks for may be damaged for long: the follower meets it when something there changes."""
    from directory_service.index.files import current_name
    from directory_service.index.soundness import look

    seen = look(settings.index_folder / current_name(settings.index_folder))
    if seen.whole == seen.tables:
        return "lu en entier"
    return f"lu en partie : {seen.whole} tables sur {seen.tables}, et {grouped(seen.pages)} pages au hasard"


def _index_is_fresh(settings: Settings) -> str:
    from directory_service.index.feed import parse_place
    from directory_service.index.follower import is_of
    from directory_service.registry.journal import last_seq

    with _index(settings) as index:
        stands = parse_place(index.build().cursor)
    with _read_registry(settings) as connection:
        written = last_seq(connection)
        ours = is_of(connection, stands, written)
    if not ours:
        _fail("l'index n'est pas de ce registre, qui a été changé ou restauré : lancez `annuaire index`")
    if written > stands.seq:
        _fail(f"changements du registre absents de l'index : {grouped(written - stands.seq)} ; lancez `annuaire index`")
    return f"à jour du journal ({written})"


def _data_is_young(settings: Settings) -> str:
    """LDAP goes on answering from old data, as ``/readyz`` does not: this is where an operator is told."""
    from directory_service.index.freshness import data_age

    with _index(settings) as index:
        hours = data_age(index.build()) / 3600
    most = settings.ready_age / 3600
    if most and hours > most:
        _fail(f"données reçues il y a {_hours(hours)}, {_hours(most)} au plus (réglage ready_age)")
    return f"données reçues il y a {_hours(hours)}"


def _hours(number: float) -> str:
    return f"{number:.1f} h".replace(".", ",")


def _sources_speak(settings: Settings) -> str:
    """A feed that stopped: its file is read again every day, so that the data were received an hour ago.  A source that
    is expected and was never read may be one that is not wanted here, or a name mistyped: it is told, and no fault."""
    from directory_service.index.freshness import silent_sources

    with _index(settings) as index:
        build = index.build()
    silent = [s for s in silent_sources(build, settings.source_rhythms, datetime.now(UTC)) if s.source != _LIST]
    if silent:
        _fail("source muette : " + " ; ".join(silence.as_text() for silence in silent))
    read = {str(source["name"]) for source in build.sources}
    never = [name for name, _ in settings.source_rhythms.hours if name not in read]
    expected = f" ; attendues, jamais lues : {', '.join(never)} (réglage source_rhythms)" if never else ""
    return "aucune source muette" + expected


def _white_list(settings: Settings) -> str:
    from directory_service.index.freshness import published_at, silent_sources

    with _index(settings) as index:
        build, known = index.build(), index.has_white_list()
    listed = next((s for s in build.sources if s["name"] == _LIST), None)
    if listed is None:
        return "domaines tenus à la main" if known else "aucune : tout domaine est tenu pour sûr"
    silent = silent_sources(build, settings.source_rhythms, datetime.now(UTC))
    if any(s.source == _LIST for s in silent):
        _fail(f"liste du {published_at(listed)}, trop ancienne pour son rythme (réglage source_rhythms)")
    return f"liste du {published_at(listed)}"


def _log_is_signed_by_ours(settings: Settings) -> str:
    """Keys that were lost: of each key that signed heads of the transparency log, one head is checked.  Whether the log
    was rewritten is for `annuaire audit`, which reads all of it."""
    from directory_service.registry.logread import read_signed
    from directory_service.trust.keys import kid_of, kids_of

    with _read_registry(settings) as connection:
        signed = read_signed(connection)
    held = kids_of(settings.keys_folder)
    lost = [one for one in signed if kid_of(one.jws) not in held]
    if lost:
        heads, last = sum(one.heads for one in lost), max(one.until for one in lost)
        _fail(
            f"têtes du journal de transparence signées par une clé qui n'est plus dans {settings.keys_folder} : "
            f"{grouped(heads)}, la dernière du {last} ; remettez-y les clés sauvegardées, sans quoi `annuaire audit` "
            "les refuse"
        )
    return f"clés qui ont signé : {len(signed)}, toutes présentes" if signed else "aucune tête signée encore"


@contextmanager
def _ldap(settings: Settings) -> Iterator[Connection]:
    from ldap3 import ALL, Connection, Server
    from ldap3.core.exceptions import LDAPException

    server = Server(asked_at(settings.host), settings.ldap_port, get_info=ALL, connect_timeout=_PATIENCE)
    connection = Connection(server, receive_timeout=_PATIENCE)
    try:
        connection.open(read_server_info=False)
        _introduce(settings, connection.socket)
        if not connection.bind():
            _fail("authentification anonyme refusée")
        yield connection
    finally:
        with suppress(LDAPException):
            connection.unbind()


def _introduce(settings: Settings, link: socket.socket) -> None:
    """Where connections from our own address begin with a PROXY header: that of who speaks for itself."""
    if link.getsockname()[0] in settings.ldap.proxies:
        link.sendall(LOCAL)


def _ldap_answers(settings: Settings) -> str:
    with _ldap(settings) as connection:
        contexts = connection.server.info.naming_contexts
    if settings.ldap_suffix not in contexts:
        _fail(f"suffixe attendu {settings.ldap_suffix}, suffixe servi : {', '.join(contexts)}")
    return f"port {settings.ldap_port}, suffixe {settings.ldap_suffix}"


def _get(settings: Settings, path: str) -> dict[str, Any]:
    url = f"http://{settings.authority(settings.http_port)}{path}"
    # A proxy of the environment has no business between us and ourselves.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=_PATIENCE) as answer:
            return dict(json.load(answer))
    except urllib.error.HTTPError as error:
        with error:
            _fail(f"{path.split('/')[2]} répond {error.code}")


def _http_answers(settings: Settings) -> str:
    status = _get(settings, "/v1/status")
    with _index(settings) as index:
        ours = index.build().id
    if status["build"] != ours:
        _fail(f"version servie {status['build']}, version de l'index {ours} : redémarrez le service si l'écart dure")
    return f"port {settings.http_port}, version {status['build']}"


def _tls_answers(settings: Settings) -> str:
    """A handshake on each port of TLS that is open; whether the certificate is good is its client's question."""
    ldaps = {"LDAPS": settings.ldaps_port} if settings.ldap_tls_certificate else {}
    ports = ldaps | ({"HTTPS": settings.https_port} if settings.https_port else {})
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    for name, port in ports.items():
        try:
            with _reached(settings.host, port) as plain:
                if name == "LDAPS":
                    _introduce(settings, plain)
                context.wrap_socket(plain).close()
        except OSError as error:
            _fail(f"{name}, port {port} : {_reason(error)}")
    return ", ".join(f"{name} port {port}" for name, port in ports.items()) or "aucun port TLS ouvert"


def _policy_answers(settings: Settings) -> str:
    """A question about nobody, to which the answer is to go on."""
    if not settings.policy_port:
        return "fermé (réglage policy_port)"
    with _index(settings) as index:
        asking = index.operator(settings.policy_operator)
    if asking is None:
        _fail(f"aucun opérateur ne s'appelle {settings.policy_operator} : tout le courrier passe (policy_operator)")
    if asking.status != "active" or not asking.domains:
        why = "n'est pas en activité" if asking.status != "active" else "ne tient aucun domaine"
        _fail(f"l'opérateur {settings.policy_operator} {why} (réglage policy_operator)")
    with _reached(settings.policy_host, settings.policy_port) as link:
        link.sendall(b"request=smtpd_access_policy\n\n")
        answer = link.recv(512)
    if not answer.startswith(b"action="):
        _fail("le port ne répond pas comme un service de politique")
    return f"port {settings.policy_port}, opérateur {settings.policy_operator}"


def _reached(host: str, port: int) -> socket.socket:
    return socket.create_connection((asked_at(host), port), timeout=_PATIENCE)


def _faces_agree(settings: Settings) -> str:
    """For some mailboxes: the holders by LDAP and by HTTP.  Where LDAP is closed to strangers, that it is."""
    with _index(settings) as index, _ldap(settings) as connection:
        if not settings.ldap_allow_anonymous:
            return _refuses_strangers(settings, connection)
        probes = list(islice(_addresses(index, settings), _PROBES))
        for address in probes:
            _compare(settings, connection, address)
    return f"adresses demandées aux deux services : {len(probes)}" if probes else "annuaire vide"


def _refuses_strangers(settings: Settings, connection: Connection) -> str:
    from ldap3.core.results import RESULT_INSUFFICIENT_ACCESS_RIGHTS

    connection.search(f"ou=bal,{settings.ldap_suffix}", "(mail=*)", size_limit=1)
    if connection.result["result"] != RESULT_INSUFFICIENT_ACCESS_RIGHTS:
        _fail("LDAP répond aux anonymes malgré le réglage ldap_allow_anonymous : redémarrez le service")
    return "LDAP est fermé aux anonymes (réglage ldap_allow_anonymous) : rien à comparer"


def _addresses(index: Directory, settings: Settings) -> Iterator[str]:
    from directory_service.index.query import Present, Query, Scope, View
    from directory_service.ldap.dn import normalise

    base = normalise(f"ou=bal,{settings.ldap_suffix}")
    hits = index.search(Query(base, Scope.ONE, Present("mail"), limit=_PROBES), View.ANONYMOUS).hits
    return (json.loads(hit.json)["address"] for hit in hits)


def _compare(settings: Settings, connection: Connection, address: str) -> None:
    from ldap3 import LEVEL
    from ldap3.utils.conv import escape_filter_chars

    base = f"ou=bal,{settings.ldap_suffix}"
    connection.search(base, f"(mail={escape_filter_chars(address)})", LEVEL, attributes=["uid", "mail"])
    by_ldap = {value for entry in connection.entries for value in entry.uid.values}
    by_http = {holder["id"] for holder in _get(settings, f"/v1/mailboxes/{quote(address)}")["holders"]}
    if not by_http <= by_ldap:
        _fail("LDAP et HTTP ne donnent pas les mêmes titulaires d'une adresse")


_CHECKS: tuple[tuple[str, Callable[[Settings], str]], ...] = (
    ("réglages", _settings),
    ("registre", _registry),
    ("index", _index_opens),
    ("intégrité de l'index", _index_is_sound),
    ("fraîcheur", _index_is_fresh),
    ("âge des données", _data_is_young),
    ("sources", _sources_speak),
    ("liste blanche", _white_list),
    ("signataire", signer_is_named),
    ("clés", keys_are_private),
    ("journal signé", _log_is_signed_by_ours),
    ("certificats", certificates_last),
    ("révocation", lists_last),
    ("service LDAP", _ldap_answers),
    ("service HTTP", _http_answers),
    ("ports TLS", _tls_answers),
    ("service de politique", _policy_answers),
    ("mêmes réponses", _faces_agree),
)
