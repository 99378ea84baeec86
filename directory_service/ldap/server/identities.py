"""The operators as this face knows them: who a secret or a certificate speaks for, and whether it still does.

``trust`` decides; here its refusals become answers of LDAP, where suspended, unknown and wrong are one and the same,
and sessions end when what they were opened with no longer opens anything.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from directory_service.errors import Forbidden, RegistryUnavailable
from directory_service.index.directory import Directory
from directory_service.ldap.codes import STRONGER_AUTH_REQUIRED
from directory_service.registry.clock import now_text
from directory_service.trust.access import Secrets
from directory_service.trust.certificates import NO_REVOCATION, Certificates, Revocations

if TYPE_CHECKING:
    from directory_service.ldap.server.connection import Connection


class Proof(NamedTuple):
    """What a session was opened with: a certificate (DER), or the secret whose hash is ``mark``."""

    name: str
    certificate: bytes
    mark: str


class Operators:
    """The operators of the index, which the follower keeps up with the registry.  Thread-safe."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._secrets = Secrets(directory.operator)
        self._certificates = Certificates(directory)

    def check(self, name: str, secret: bytes) -> bool:
        """Suspended or unknown are the same answer."""
        try:
            self._secrets.check(name, _text(secret))
        except Forbidden:
            return False
        return True

    def remembered(self, name: str, secret: bytes) -> bool | None:
        """What ``check`` would find without computing anything."""
        return self._secrets.remembered(name, _text(secret))

    def name_of(self, certificate: bytes, revocations: Revocations = NO_REVOCATION) -> str:
        """The operator that a verified certificate speaks for, "" for none."""
        try:
            return self._certificates.operator_of(certificate, time.time(), revocations)
        except Forbidden:
            return ""

    def proof(self, name: str, certificate: bytes) -> Proof:
        """Of a session just opened.  While the secret before opens too, nobody says which of the two did: the session
        ends with the former, and is opened again."""
        found = None if certificate else self._directory.operator(name)
        return Proof(name, certificate, ("", *found.hashes(now_text()))[-1] if found else "")

    def stands(self, proof: Proof, revocations: Revocations) -> bool:
        """Would it open the same session now?  The certificate not expired, not revoked, still the operator's; the
        secret not replaced; the operator not suspended."""
        if proof.certificate:
            return self.name_of(proof.certificate, revocations) == proof.name
        found = self._directory.operator(proof.name)
        return found is not None and found.status == "active" and proof.mark in found.hashes(now_text())


def _text(secret: bytes) -> str:
    return secret.decode("utf-8", "surrogateescape")


def end_sessions(connections: Iterable[Connection], operators: Operators, revocations: Revocations) -> None:
    """Ends those whose proof no longer stands.  Operators have many connections and few proofs."""
    sessions: defaultdict[Proof, list[Connection]] = defaultdict(list)
    for connection in connections:
        if connection.proof is not None:
            sessions[connection.proof].append(connection)
    for proof, opened in sessions.items():
        try:
            stands = operators.stands(proof, revocations)
        except RegistryUnavailable:  # no index for a moment: nobody has taken anything back
            return
        for connection in () if stands else opened:
            connection.disconnect(STRONGER_AUTH_REQUIRED, "identité retirée ou expirée")
