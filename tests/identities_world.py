"""A served town whose operators can be changed while it is served: who they are to the LDAP face."""

from __future__ import annotations

import itertools
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from certificates import Authority
from ldap_support import (
    Client,
    extended,
    search,
    served_both,
)
from ldap_town import build_town
from record_factories import SUFFIX
from sqlalchemy import Engine

from directory_service.index.directory import Directory
from directory_service.index.follower import Follower
from directory_service.ldap.limits import LdapSettings
from directory_service.ldap.server import Operators, Tls, TlsFiles
from directory_service.registry import operators
from directory_service.registry.engine import open_registry, writing
from directory_service.siblings import Siblings
from directory_service.trust.certificates import read_certificate

JEAN = "(mail=jean.dupont@medecin.mssante.fr)"
WHOAMI = "1.3.6.1.4.1.4203.1.11.3"
STRONGER_AUTH = 8
_COUNTER = itertools.count(1)


def dn(name: str) -> str:
    return f"cn={name},ou=operateurs,{SUFFIX}"


class World(NamedTuple):
    """A served town whose operators can be changed, its authority and its revocation list."""

    authority: Authority
    engine: Engine
    follower: Follower
    directory: Directory
    crl: Path
    plain: int
    ldaps: int

    def new_operator(self) -> str:
        name = f"op{next(_COUNTER)}"
        self.change(lambda c: operators.add_operator(c, name, actor="test"))
        return name

    def secret(self, name: str) -> str:
        made: list[str] = []
        self.change(lambda c: made.append(operators.set_secret(c, name, actor="test")))
        return made[0]

    def entitle(self, name: str, certificate: Path, method: str = "pin", value: str = "") -> None:
        rule = read_certificate(certificate.read_bytes()).rule(method, value)
        self.change(lambda c: operators.add_certificate(c, name, rule, actor="test"))

    def change(self, what: Callable[..., object]) -> None:
        """In the registry, and at once in the index."""
        with writing(self.engine) as connection:
            what(connection)
        self.follower.catch_up()

    def context(self, certificate: Path | None = None, version: ssl.TLSVersion | None = None) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.authority.path))
        if certificate:
            context.load_cert_chain(certificate)
        if version:
            context.minimum_version = context.maximum_version = version
        return context

    def client(self, certificate: Path | None = None) -> Client:
        return Client(self.ldaps, self.context(certificate))


@contextmanager
def serving_world(
    folder: Path, authority: Authority, siblings: Siblings | None = None, **limits: float
) -> Iterator[World]:
    directory, _ = build_town(folder, 5)
    engine = open_registry(f"sqlite:///{folder / 'registry.sqlite'}")
    crl = authority.revoke(path=folder / "crl.pem")
    tls = Tls(TlsFiles(str(authority.server()), "", str(authority.path), str(crl)))
    settings = LdapSettings(suffix=SUFFIX, certificate_check=0.05, **limits)
    with served_both(directory, settings, Operators(directory), tls, siblings) as (plain, ldaps):
        follower = Follower(engine, folder / "index", SUFFIX)
        yield World(authority, engine, follower, directory, crl, plain, ldaps)
    engine.dispose()
    directory.close()


def code(client: Client, data: bytes) -> int | None:
    return client.ask(data)[-1].code


def whoami(client: Client) -> str:
    [reply] = client.ask(extended(WHOAMI, 99))
    return reply.rest[2:].decode()


def is_refused(world: World, certificate: Path, version: ssl.TLSVersion | None = None) -> bool:
    """In TLS 1.3 a client learns it when it reads."""
    try:
        with Client(world.ldaps, world.context(certificate, version)) as client:
            return client.ask(search(JEAN)) == []
    except (ssl.SSLError, ConnectionError):
        return True
