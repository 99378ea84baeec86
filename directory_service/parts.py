"""The parts of ``annuaire serve``: what each is made of, by the settings.  Each runs until it is told to stop.

What they do is in ``ldap.server``, ``web.server``, ``policy.server`` and ``following``; how many there are, and that
they go on, is for ``serve``.
"""

from __future__ import annotations

import resource
import signal
import time
from contextlib import closing
from typing import TYPE_CHECKING

from directory_service import runfolder
from directory_service.errors import InvalidInput

if TYPE_CHECKING:
    from directory_service.policy.rules import Policy
    from directory_service.settings import Settings
    from directory_service.tls import Tls

SPARE_DESCRIPTORS = 256  # of a worker, besides its connections: index files, threads, logs


class Stop:
    """Set by SIGTERM or SIGINT.  Not a ``threading.Event``, whose lock the interrupted code may hold."""

    def __init__(self) -> None:
        self._set = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._mark)

    def _mark(self, *_: object) -> None:
        self._set = True

    def is_set(self) -> bool:
        return self._set

    def wait(self, timeout: float | None = None) -> bool:
        """At most that many seconds; true when asked to stop."""
        deadline = time.monotonic() + (float("inf") if timeout is None else timeout)
        while not self._set and (left := deadline - time.monotonic()) > 0:
            time.sleep(min(left, 0.1))
        return self._set


def _ldap(settings: Settings) -> None:
    from directory_service.accesslog import AccessLog
    from directory_service.index.directory import Directory
    from directory_service.ldap.server import Operators, serve
    from directory_service.siblings import Siblings

    _allow_descriptors(settings.ldap_connections + SPARE_DESCRIPTORS)
    log = AccessLog(settings.access_log, settings.access_log_address) if settings.access_log else None
    where, ldaps = ((settings.host, port) for port in (settings.ldap_port, settings.ldaps_port))
    directory = Directory(settings.index_folder, settings.ldap_suffix, candidates=settings.ldap_candidates)
    with closing(directory):
        operators, tls = Operators(directory), read_tls(settings)
        serve(settings.ldap, where, directory, Stop(), operators=operators, tls=tls, ldaps=ldaps if tls else None,
              log=log, counts=runfolder.harvest_file(settings.run_folder),
              siblings=Siblings.among(settings.run_folder, "ldap", *where))  # fmt: skip


def _allow_descriptors(wanted: int) -> None:
    """As many as connections may need, or as we may have: shells give 1024, systemd what the unit says."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard), hard))


def read_tls(settings: Settings) -> Tls | None:
    """Certificates and authorities, where there are any.  Raises InvalidInput for files that cannot be used."""
    from directory_service.tls import Tls, TlsFiles

    names = ("certificate", "key", "client_ca", "crl")
    files = TlsFiles(*(getattr(settings, f"ldap_tls_{name}") for name in names))
    if not files.certificate and (files.key or files.client_ca or files.crl):
        raise InvalidInput("les autres réglages TLS n'ont pas d'effet sans lui", where="réglage ldap_tls_certificate")
    return Tls(files) if files.certificate else None


def _http(settings: Settings) -> None:
    from directory_service.web.server import run_http

    run_http(settings)


def _https(settings: Settings) -> None:
    from directory_service.web.server import run_http

    run_http(settings, read_https(settings))


def read_https(settings: Settings) -> Tls:
    """What the HTTPS port shows and accepts.  Raises InvalidInput for files that cannot be used."""
    from directory_service.tls import Tls
    from directory_service.web.clients import tls_files

    files = tls_files(settings)
    if not settings.http_tls_certificate and (settings.http_tls_key or settings.http_tls_client_ca):
        raise InvalidInput("les autres réglages TLS n'ont pas d'effet sans lui", where="réglage http_tls_certificate")
    if not files.certificate:
        raise InvalidInput("sans certificat, pas de HTTPS (http_tls_certificate)", where="réglage https_port")
    return Tls(files)


def _policy(settings: Settings) -> None:
    from directory_service.index.directory import Directory
    from directory_service.policy.server import serve

    with closing(Directory(settings.index_folder, settings.ldap_suffix)) as directory:
        serve(settings.policy_host, settings.policy_port, directory, read_policy(settings), Stop())


def read_policy(settings: Settings) -> Policy:
    """Whose Postfix asks, and what it is told when in doubt.  Raises InvalidInput where nobody is named."""
    from directory_service.policy.rules import Policy

    if not settings.policy_port:
        raise InvalidInput("le service de politique demande un port", where="réglage policy_port")
    if not settings.policy_operator:
        raise InvalidInput("le nom de l'opérateur qui l'interroge est attendu", where="réglage policy_operator")
    return Policy(settings.policy_operator, settings.policy_age, settings.policy_unavailable, settings.patient_domain)


def _follow(settings: Settings) -> None:
    from directory_service.following import follow

    follow(settings, Stop())


PARTS = {"ldap": _ldap, "http": _http, "https": _https, "policy": _policy, "follow": _follow}
