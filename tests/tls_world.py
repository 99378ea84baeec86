"""A served town behind TLS: ldaps, and StartTLS on the plain port."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from certificates import Authority
from ldap_support import (
    Client,
    Serving,
    served_both,
)
from ldap_town import Gate
from record_factories import SUFFIX

from directory_service.ldap.limits import LdapSettings
from directory_service.ldap.server import Operators, Tls, TlsFiles

JEAN = "(mail=jean.dupont@medecin.mssante.fr)"
SLOW = "(cn=*martin*)"
WHOAMI = "1.3.6.1.4.1.4203.1.11.3"
OPERATOR = f"cn=essai,ou=operateurs,{SUFFIX}"


class Secure(NamedTuple):
    """A running server: the plain port, that of ldaps, and what its clients trust."""

    plain: int
    ldaps: int
    authority: Authority
    secret: str

    def context(self, version: ssl.TLSVersion | None = None) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.authority.path))
        if version:
            context.minimum_version = context.maximum_version = version
        return context


@contextmanager
def secured(
    serving: Serving, authority: Authority, settings: LdapSettings | None = None, files: TlsFiles | None = None,
    directory: Gate | None = None,
) -> Iterator[Secure]:  # fmt: skip
    tls = Tls(files or TlsFiles(str(authority.server())))
    check = Operators(serving.directory)
    with served_both(directory or serving.directory, settings, check, tls) as (plain, ldaps):
        yield Secure(plain, ldaps, authority, serving.secret)


def codes(client: Client, data: bytes, finals: int = 1) -> list[int | None]:
    return [reply.code for reply in client.ask(data, finals) if reply.tag != 0x64]
