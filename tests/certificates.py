"""Authorities, certificates and revocation lists for the tests, made when they run: nothing of the kind is kept.

ECDSA keys, since they take no time to make.
"""

from __future__ import annotations

import ipaddress
import itertools
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_COUNTER = itertools.count(1)
DAY = timedelta(days=1)
_USES = (
    "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
    "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
)  # fmt: skip
Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


def make_key(kind: str = "ecdsa") -> Key:
    return ec.generate_private_key(ec.SECP256R1()) if kind == "ecdsa" else rsa.generate_private_key(65537, 2048)


def name_of(text: str) -> x509.Name:
    return x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Essai"), x509.NameAttribute(NameOID.COMMON_NAME, text)]
    )


def text_of(*certificates: x509.Certificate) -> bytes:
    return b"".join(c.public_bytes(serialization.Encoding.PEM) for c in certificates)


def pem(key: Key) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


class Authority:
    """One that issues certificates into ``folder`` and revokes them."""

    def __init__(self, folder: Path, name: str = "Autorite") -> None:
        self.folder, self.name, self.key = folder, name_of(name), make_key()
        self.certificate = self._signed(self.name, self.key, DAY, usage=None, names=())
        self.revoked: list[int] = []
        self.path = self._written(f"{name}.pem", self.certificate)

    def below(self, name: str) -> Authority:
        """An intermediate of this one."""
        made = Authority(self.folder, name)
        made.certificate = self._signed(made.name, made.key, DAY, usage=None, names=())
        made.path = made._written(f"{name}.pem", made.certificate)
        return made

    def mail(
        self, address: str, *, names: Sequence[str] | None = None, subject: x509.Name | None = None,
        key: Key | None = None, uses: Sequence[str] | None = ("digital_signature", "key_encipherment"),
        usage: x509.ObjectIdentifier = ExtendedKeyUsageOID.EMAIL_PROTECTION, lasts: timedelta = DAY,
        since: timedelta = -DAY,
    ) -> x509.Certificate:  # fmt: skip
        """An S/MIME certificate of this address; ``uses`` None has no keyUsage."""
        names = (f"email:{address}",) if names is None else names
        of = name_of("Boite") if subject is None else subject
        return self._signed(of, key or make_key(), lasts, usage, names, since, uses=uses)

    def _signed(
        self, subject: x509.Name, key: Key, lasts: timedelta, usage: x509.ObjectIdentifier | None, names: Sequence[str],
        since: timedelta = -DAY, uses: Sequence[str] | None = None,
    ) -> x509.Certificate:  # fmt: skip
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + since)
            .not_valid_after(now + lasts)
            .add_extension(x509.BasicConstraints(ca=usage is None, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
        )
        if usage is not None:
            builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        else:
            uses = ("key_cert_sign", "crl_sign")
        if uses is not None:
            builder = builder.add_extension(x509.KeyUsage(**{use: use in uses for use in _USES}), critical=True)
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName([_name(n) for n in names]), critical=False)
        return builder.sign(self.key, hashes.SHA256())

    def _written(self, name: str, *certificates: x509.Certificate, key: Key | None = None) -> Path:
        path = self.folder / name
        parts = [c.public_bytes(serialization.Encoding.PEM) for c in certificates]
        path.write_bytes(b"".join([*parts, pem(key) if key else b""]))
        return path

    def server(self, kind: str = "ecdsa", name: str = "localhost") -> Path:
        """Certificate and key of a server on loopback, in one file."""
        key = make_key(kind)
        names = ("dns:localhost", "ip:127.0.0.1")
        made = self._signed(name_of(name), key, DAY, ExtendedKeyUsageOID.SERVER_AUTH, names)
        return self._written(f"server-{next(_COUNTER)}.pem", made, key=key)

    def client(
        self, name: str = "passerelle", *, names: Sequence[str] = ("dns:passerelle.example",), lasts: timedelta = DAY,
        since: timedelta = -DAY, key: Key | None = None, usage: x509.ObjectIdentifier = ExtendedKeyUsageOID.CLIENT_AUTH,
    ) -> Path:  # fmt: skip
        """The same of a client."""
        key = key or make_key()
        made = self._signed(name_of(name), key, lasts, usage, names, since)
        return self._written(f"client-{next(_COUNTER)}.pem", made, key=key)

    def revoke(self, *certificates: Path | x509.Certificate, path: Path | None = None, until: timedelta = DAY) -> Path:
        """A list of all that were revoked, these too."""
        self.revoked += [
            (x509.load_pem_x509_certificate(c.read_bytes()) if isinstance(c, Path) else c).serial_number
            for c in certificates
        ]
        now = datetime.now(UTC)
        builder = x509.CertificateRevocationListBuilder().issuer_name(self.name)
        builder = builder.last_update(now - 2 * DAY).next_update(now + until)
        for serial in self.revoked:
            entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(now - DAY).build()
            builder = builder.add_revoked_certificate(entry)
        path = path or self.folder / f"crl-{next(_COUNTER)}.pem"
        path.write_bytes(builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        return path


def _name(text: str) -> x509.GeneralName:
    kind, _, value = text.partition(":")
    if kind == "ip":
        return x509.IPAddress(ipaddress.ip_address(value))
    return {"dns": x509.DNSName, "email": x509.RFC822Name, "uri": x509.UniformResourceIdentifier}[kind](value)
