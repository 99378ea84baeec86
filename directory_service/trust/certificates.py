"""Client certificates: what one says of itself, which operator it speaks for, and until when.

A certificate names an operator by an explicit table only (``operator_certificate`` of the registry, carried to the
nodes by the index): its issuer and subject, its issuer and one of its other names, or its key.  That the chain leads
to a configured authority is verified by the face's TLS before; nothing here verifies a signature.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from directory_service.errors import Forbidden, InvalidInput
from directory_service.model.mailboxes import CertificateRule
from directory_service.trust.access import BadCredentials

if TYPE_CHECKING:
    from directory_service.index.directory import Directory

PIN, SUBJECT, SAN = "pin", "subject", "san"
_NAMES: Final = (("dns", x509.DNSName), ("email", x509.RFC822Name), ("uri", x509.UniformResourceIdentifier))
PEM: Final = b"-----BEGIN "
_MOST_NAMES: Final = 64  # other names looked at: each is a look-up


class Certificate(NamedTuple):
    """What counts of a certificate.  ``rules``: every rule that it meets; instants are POSIX seconds."""

    rules: tuple[CertificateRule, ...]
    issuer: str
    serial: int
    begins: float
    ends: float

    def rule(self, method: str, value: str = "") -> CertificateRule:
        """The rule of this method (and value, among several names).  Raises InvalidInput when there is none."""
        for found in self.rules:
            if found.method == method and (not value or found.value == value):
                return found
        held = ", ".join(r.value for r in self.rules if r.method == method) or "aucun"
        raise InvalidInput(f"ce certificat n'a pas ce nom ; noms de cette sorte : {held}")


def is_pem(data: bytes) -> bool:
    """And not DER, one of whose names may spell a PEM of somebody else's: a sequence of more than 127 octets (X.690
    8.1.3.5), which no text begins with."""
    return PEM in data and not (data[:1] == b"\x30" and data[1:2] >= b"\x80")


@lru_cache(maxsize=1024)
def read_certificate(data: bytes) -> Certificate:
    """The certificate in these octets, DER or the first of a PEM file.  Raises InvalidInput."""
    try:
        found = x509.load_pem_x509_certificate(data) if is_pem(data) else x509.load_der_x509_certificate(data)
        issuer = found.issuer.rfc4514_string()
        return Certificate(
            tuple(_rules(found, issuer)), issuer, found.serial_number, found.not_valid_before_utc.timestamp(),
            found.not_valid_after_utc.timestamp(),
        )  # fmt: skip
    except Exception:  # of the parser, whose kinds are many; nothing else runs here
        raise InvalidInput("certificat illisible : ni DER, ni PEM") from None


def _rules(found: x509.Certificate, issuer: str) -> Iterator[CertificateRule]:
    key = found.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    yield CertificateRule(PIN, "", hashlib.sha256(key).hexdigest())
    if subject := found.subject.rfc4514_string():
        yield CertificateRule(SUBJECT, issuer, subject)
    try:
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return
    held = [f"{kind}:{_folded(name)}" for kind, of in _NAMES for name in names.get_values_for_type(of)]
    yield from (CertificateRule(SAN, issuer, name) for name in held[:_MOST_NAMES])


def _folded(name: str) -> str:
    """Domain names do not distinguish case; the local part of an address, and the path of a URI, do."""
    local, at, domain = name.rpartition("@")
    return name if "/" in name else f"{local}{at}{domain.lower()}"


def read_lists(pem: bytes) -> list[x509.CertificateRevocationList]:
    """The revocation lists of a PEM file, one after the other; cryptography reads one.  Raises what its parser does."""
    return [x509.load_pem_x509_crl(PEM + part) for part in pem.split(PEM)[1:]]


class Revocations:
    """The certificates that the lists (PEM, one or several) say are revoked."""

    def __init__(self, pem: bytes | None = None) -> None:
        """None: nothing is revoked.  Raises InvalidInput, also for a file without any list: one that was cut short must
        not let in again who was revoked."""
        self._held: dict[str, set[int]] = {}
        if pem is None:
            return
        try:
            lists = read_lists(pem)
            for crl in lists:
                serials = self._held.setdefault(crl.issuer.rfc4514_string(), set())
                serials.update(revoked.serial_number for revoked in crl)
        except Exception:
            lists = []
        if not lists:
            raise InvalidInput("liste de révocation illisible : du PEM est attendu")

    def __contains__(self, certificate: Certificate) -> bool:
        return certificate.serial in self._held.get(certificate.issuer, ())


NO_REVOCATION: Final = Revocations()


class Certificates:
    """The certificates of the operators of one directory.  Thread-safe."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    def operator_of(self, der: bytes, now: float, revocations: Revocations = NO_REVOCATION) -> str:
        """The name of the operator that this certificate speaks for.  Expiry and revocation are looked at here too: a
        session may be resumed, or last, beyond them.  Raises BadCredentials, or Forbidden for a suspended operator."""
        try:
            certificate = read_certificate(der)
        except InvalidInput:
            raise BadCredentials("authentification refusée") from None
        if not certificate.begins <= now < certificate.ends or certificate in revocations:
            raise BadCredentials("authentification refusée")
        found = self._directory.operators_by_certificate(certificate.rules)
        if len(found) != 1:  # two operators by two rules of one certificate: it names neither
            raise BadCredentials("authentification refusée")
        if found[0].status != "active":
            raise Forbidden("opérateur suspendu")
        return found[0].name
